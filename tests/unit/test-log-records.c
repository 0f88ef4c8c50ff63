/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records to columns and back: codecs, the table of record types, a round trip of
 * every type, what a reader must pass over, and the printed form.
 */
#include <stdlib.h>
#include "../../mtrace/log/log-records.h"
#include "log-fixture.h"

static const FixtureKind kinds[] = {
    FIXTURE_WILD, FIXTURE_EDGES, FIXTURE_PLAUSIBLE,
};

/* ---- columns ------------------------------------------------------------ */

static void check_column(MtraceCodec codec, const uint64_t *values, size_t n)
{
    g_autofree uint64_t *got = g_new0(uint64_t, n + 1);
    LogBuf out = { 0 }, scratch = { 0 };
    LogColumn column;
    LogCursor c;

    log_column_put(&out, &scratch, codec, values, n);
    log_buf_reserve(&out, 1);
    out.data[out.len] = 0;
    c = (LogCursor){ out.data, out.data + out.len };
    g_assert_true(log_column_get(&c, &column));
    g_assert_true(c.p == c.end);
    g_assert_true(log_column_decode(&column, got, n));
    if (n) {
        g_assert_cmpmem(values, 8 * n, got, 8 * n);
    }
    /* Neither another count, nor data cut short, nor data left over. */
    g_assert_false(log_column_decode(&column, got, n + 1));
    column.len++;
    g_assert_false(log_column_decode(&column, got, n));
    if (column.len > 1) {
        column.len -= 2;
        g_assert_false(log_column_decode(&column, got, n));
    }
    for (size_t cut = 0; cut < out.len; cut++) {
        c = (LogCursor){ out.data, out.data + cut };
        g_assert_false(log_column_get(&c, &column));
    }
    log_buf_clear(&out);
    log_buf_clear(&scratch);
}

static void test_columns(void)
{
    static const MtraceCodec codecs[] = {
        MTRACE_CODEC_VARINT, MTRACE_CODEC_DELTA, MTRACE_CODEC_RISING,
    };
    uint64_t edges[3 * 64], same[100], bytes[100];

    for (unsigned bit = 0; bit < 64; bit++) {
        edges[3 * bit] = 1ull << bit;
        edges[3 * bit + 1] = (1ull << bit) - 1;
        edges[3 * bit + 2] = -(1ull << bit);
    }
    for (unsigned i = 0; i < 100; i++) {
        same[i] = UINT64_MAX;
        bytes[i] = i * 37 & 255;
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(codecs); k++) {
        check_column(codecs[k], edges, G_N_ELEMENTS(edges));
        check_column(codecs[k], same, G_N_ELEMENTS(same));
        check_column(codecs[k], bytes, G_N_ELEMENTS(bytes));
        check_column(codecs[k], edges, 1);
        check_column(codecs[k], edges, 0);
    }
}

static bool varint_ok(const char *bytes, size_t len, uint64_t *v)
{
    LogCursor c = { (const uint8_t *)bytes, (const uint8_t *)bytes + len };

    return log_get_varint(&c, v);
}

static void test_varints(void)
{
    uint64_t v;

    g_assert_true(varint_ok("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, &v));
    g_assert_cmpuint(v, ==, UINT64_MAX);
    g_assert_true(varint_ok("\x80\x00", 2, &v));
    g_assert_cmpuint(v, ==, 0);
    g_assert_false(varint_ok("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10,
                             &v));
    g_assert_false(varint_ok("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11,
                             &v));
    g_assert_false(varint_ok("\x80", 1, &v));
    g_assert_false(varint_ok("", 0, &v));
}

/* ---- the table ---------------------------------------------------------- */

static int by_offset(const void *a, const void *b)
{
    return ((const MtraceField *)a)->offset - ((const MtraceField *)b)->offset;
}

/* Fields cover the structure, but for some padding, and do not overlap. */
static void check_row(const MtraceRecordInfo *info)
{
    g_autofree MtraceField *f = g_memdup2(info->fields,
                                          info->n_fields * sizeof(*f));
    size_t at = sizeof(MtraceRecord), covered = at;

    qsort(f, info->n_fields, sizeof(*f), by_offset);
    for (unsigned i = 0; i < info->n_fields; i++) {
        g_assert_cmpuint(f[i].offset, >=, at);
        g_assert_cmpuint((f[i].codec == MTRACE_CODEC_STRING), ==,
                         (f[i].style == MTRACE_STYLE_STRING));
        if (f[i].codec == MTRACE_CODEC_STRING) {
            g_assert_cmpuint(f[i].width, >, MTRACE_STR_MAX);
        } else {
            g_assert_true(f[i].width == 1 || f[i].width == 2
                          || f[i].width == 4 || f[i].width == 8);
            g_assert_cmpuint(f[i].offset % f[i].width, ==, 0);
        }
        at = f[i].offset + f[i].width;
        covered += f[i].width;
    }
    g_assert_cmpuint(at, <=, info->size);
    g_assert_cmpuint(info->size - covered, <, 8);
    g_assert_cmpuint(info->size % 8, ==, 0);
    g_assert_cmpuint(info->size, <=, sizeof(MtraceAnyRecord));
}

static void test_table(void)
{
    unsigned last = 0;

    for (unsigned i = 0; i < mtrace_n_record_infos; i++) {
        const MtraceRecordInfo *info = &mtrace_record_infos[i];

        g_assert_cmpuint(info->type, >, last);
        g_assert_cmpuint(info->type, <, MTRACE_RECORD_TYPE_LIMIT);
        last = info->type;
        check_row(info);
        g_assert_cmpstr(mtrace_record_type_name(info->type), ==, info->name);
        g_assert_cmpuint(mtrace_record_type_from_name(info->name), ==,
                         info->type);
    }
    g_assert_cmpuint(mtrace_n_record_infos, ==, 20);
    g_assert_null(mtrace_record_type_name(63));
    g_assert_cmpuint(mtrace_record_type_from_name("nonesuch"), ==, 0);
    g_assert_cmpuint(mtrace_record_type_size(0), ==, 0);
}

/* ---- round trips -------------------------------------------------------- */

/* Encodes the records, decodes them, and wants the same bytes. */
static void check_round_trip(GByteArray *records, uint32_t n)
{
    LogEncoder *e = log_encoder_new();
    LogDecoder *d = log_decoder_new();
    LogDecoded got = { 0 };
    LogEncoded info;
    LogBuf raw = { 0 };

    log_encode_records(e, records->data, records->len, &raw, &info);
    g_assert_cmpuint(info.n_records, ==, n);
    g_assert_true(log_decode_records(d, raw.data, raw.len, n, &got));
    g_assert_cmpuint(got.n_records, ==, n);
    g_assert_cmpuint(got.n_unknown, ==, 0);
    g_assert_cmpuint(got.first_order, ==, info.first_order);
    g_assert_cmpuint(got.last_order, ==, info.last_order);
    for (size_t at = 0; at < MIN(got.len, records->len); ) {
        const MtraceRecord *r = (MtraceRecord *)(records->data + at);

        fixture_assert_same(r, (MtraceRecord *)(got.data + at));
        at += r->size;
    }
    g_assert_cmpuint(got.len, ==, records->len);
    /* One record more or less is not what the payload says. */
    g_assert_false(log_decode_records(d, raw.data, raw.len, n + 1, &got));
    g_assert_cmpuint(got.n_records, ==, 0);
    log_buf_clear(&raw);
    log_decoded_clear(&got);
    log_encoder_free(e);
    log_decoder_free(d);
}

static void test_type(gconstpointer opaque)
{
    const MtraceRecordInfo *info = opaque;
    g_autoptr(GRand) rand = g_rand_new_with_seed(info->type);

    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        for (uint32_t n = 1; n < 3000; n = n * 3 + 1) {
            g_autoptr(GByteArray) records = g_byte_array_new();
            MtraceAnyRecord r;

            for (uint32_t i = 0; i < n; i++) {
                fixture_record(rand, info->type, kinds[k], i * i, &r);
                g_byte_array_append(records, (uint8_t *)&r, r.h.size);
            }
            check_round_trip(records, n);
        }
    }
}

static void test_mixed(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);

    for (unsigned round = 0; round < 200; round++) {
        g_autoptr(GByteArray) records = g_byte_array_new();
        uint32_t n = g_rand_int_range(rand, 1, 400);
        MtraceAnyRecord r;

        for (uint32_t i = 0; i < n; i++) {
            unsigned row = g_rand_int_range(rand, 0, mtrace_n_record_infos);

            fixture_record(rand, mtrace_record_infos[row].type,
                           kinds[g_rand_int_range(rand, 0, 3)], i, &r);
            g_byte_array_append(records, (uint8_t *)&r, r.h.size);
        }
        check_round_trip(records, n);
    }
}

/* ---- what a newer writer may add ---------------------------------------- */

static void put_values(LogBuf *out, MtraceCodec codec, size_t n, ...)
{
    g_autofree uint64_t *values = g_new0(uint64_t, n + 1);
    LogBuf scratch = { 0 };
    va_list ap;

    va_start(ap, n);
    for (size_t i = 0; i < n; i++) {
        values[i] = va_arg(ap, int);
    }
    va_end(ap);
    log_column_put(out, &scratch, codec, values, n);
    log_buf_clear(&scratch);
}

static void put_numbers(LogBuf *out, size_t n, ...)
{
    va_list ap;

    va_start(ap, n);
    while (n--) {
        log_buf_put_varint(out, va_arg(ap, int));
    }
    va_end(ap);
}

/* Four records: sched, unknown type 100, sched, appdata. */
static void put_head(LogBuf *out)
{
    put_numbers(out, 2, 4, 6);
    put_values(out, MTRACE_CODEC_VARINT, 4, 9, 100, 9, 11);
    put_values(out, MTRACE_CODEC_RISING, 4, 5, 6, 7, 8);
    put_values(out, MTRACE_CODEC_VARINT, 4, 0, 1, 2, 3);
    put_values(out, MTRACE_CODEC_RISING, 4, 50, 60, 70, 80);
    put_values(out, MTRACE_CODEC_RISING, 4, 500, 600, 700, 800);
    log_column_put_raw(out, 77, 4, "new", 3); /* a column to come */
}

static bool decode(const LogBuf *raw, LogDecoded *got)
{
    LogDecoder *d = log_decoder_new();
    bool ok = log_decode_records(d, raw->data, raw->len, 4, got);

    log_decoder_free(d);
    return ok;
}

static void test_additions(void)
{
    LogBuf raw = { 0 };
    LogDecoded got = { 0 };
    const MtraceRecordSched *s;

    put_head(&raw);
    put_numbers(&raw, 3, 100, 1, 2); /* an unknown type */
    log_column_put_raw(&raw, 200, 1, "?", 1);
    log_column_put_raw(&raw, 201, 1, "", 0);
    put_numbers(&raw, 3, 9, 2, 2); /* sched, and a column more */
    put_values(&raw, MTRACE_CODEC_DELTA, 2, 1000, 2000);
    log_column_put_raw(&raw, 99, 2, "xyz", 3);
    /* appdata has no section at all: its fields are zero. */
    g_assert_true(decode(&raw, &got));
    g_assert_cmpuint(got.n_records, ==, 3);
    g_assert_cmpuint(got.n_unknown, ==, 1);
    s = (MtraceRecordSched *)got.data;
    g_assert_cmpuint(s[0].tid, ==, 1000);
    g_assert_cmpuint(s[1].tid, ==, 2000);
    g_assert_cmpuint(s[1].h.order, ==, 7);
    g_assert_cmpuint(s[1].h.insns, ==, 70);
    g_assert_cmpuint(s[2].h.type, ==, MTRACE_RECORD_APPDATA);
    g_assert_cmpuint(s[2].h.cpu, ==, 3);
    g_assert_cmpuint(s[2].tid, ==, 0);
    log_buf_clear(&raw);
    log_decoded_clear(&got);
}

/* Each of these sections behind put_head() makes the payload malformed. */
static void test_malformed(void)
{
    for (unsigned which = 0; which < 7; which++) {
        LogBuf raw = { 0 };
        LogDecoded got = { 0 };

        put_head(&raw);
        put_numbers(&raw, 3, 9, which == 0 ? 3 : 2, 1);
        if (which == 1) {
            log_column_put_raw(&raw, 77, 2, "xyz", 3); /* unknown codec */
        } else {
            put_values(&raw, MTRACE_CODEC_DELTA, which == 2 ? 3 : 2, 7, 8, 9);
        }
        if (which == 3) { /* a second section of the same type */
            put_numbers(&raw, 3, 9, 2, 0);
        } else if (which == 4) { /* too large for its field */
            put_numbers(&raw, 3, 11, 1, 2);
            put_values(&raw, MTRACE_CODEC_VARINT, 1, 1);
            put_values(&raw, MTRACE_CODEC_VARINT, 1, 65536);
        } else if (which == 5) { /* left over */
            put_numbers(&raw, 1, 11);
        } else if (which == 6) { /* types that are not there */
            put_numbers(&raw, 3, 2, 1, 0);
        }
        if (decode(&raw, &got)) {
            g_test_message("case %u was accepted", which);
            g_test_fail();
        }
        log_buf_clear(&raw);
        log_decoded_clear(&got);
    }
}

/* Accesses whose dictionary indexes are outside, or that lack dictionaries. */
static void test_dictionaries(void)
{
    for (unsigned which = 0; which < 4; which++) {
        LogBuf raw = { 0 };
        LogDecoded got = { 0 };
        LogDecoder *d = log_decoder_new();
        bool ok;

        put_numbers(&raw, 2, 2, 5);
        put_values(&raw, MTRACE_CODEC_VARINT, 2, 2, 2);
        for (unsigned i = 0; i < 4; i++) {
            put_values(&raw, MTRACE_CODEC_VARINT, 2, 1, 2);
        }
        put_numbers(&raw, 3, 2, 2, which == 3 ? 0 : LOG_ACCESS_N_COLUMNS);
        for (unsigned i = 0; which < 3 && i < LOG_ACCESS_SITE; i++) {
            put_values(&raw, MTRACE_CODEC_VARINT, 1, 5);
        }
        for (unsigned i = LOG_ACCESS_SITE; which < 3
             && i < LOG_ACCESS_N_COLUMNS; i++) {
            put_values(&raw, MTRACE_CODEC_VARINT, 2, 0,
                       which == i - LOG_ACCESS_SITE);
        }
        ok = log_decode_records(d, raw.data, raw.len, 2, &got);
        g_assert_cmpint(ok, ==, which >= 2);
        if (which == 2) {
            const MtraceRecordAccess *a = (MtraceRecordAccess *)got.data;

            g_assert_cmphex(a[0].vaddr, ==, 0x5000);
            g_assert_cmphex(a[1].vaddr, ==, 0x5040);
            g_assert_cmphex(a[1].paddr, ==, 0xa045);
            g_assert_cmphex(a[1].pc, ==, 5);
            g_assert_cmpuint(a[1].cpl, ==, 5);
        }
        log_buf_clear(&raw);
        log_decoded_clear(&got);
        log_decoder_free(d);
    }
}

/* ---- printing ----------------------------------------------------------- */

static void expect_print(const void *record, const char *wanted)
{
    g_autoptr(GString) text = g_string_new(NULL);

    mtrace_record_print(text, record);
    g_assert_cmpstr(text->str, ==, wanted);
}

static void test_print(void)
{
    MtraceAnyRecord r;

    mtrace_record_init(&r, MTRACE_RECORD_ACCESS, sizeof(r.access), 3);
    r.h.order = 12;
    r.h.insns = 34;
    r.h.accesses = 56;
    r.access.kind = MTRACE_ACCESS_STORE;
    r.access.pc = 0xffffffff81234567;
    r.access.vaddr = 0xffff888001234568;
    r.access.paddr = 0x1234568;
    r.access.size = 8;
    r.access.bytes = 4;
    r.access.origin = MTRACE_ORIGIN_ATOMIC;
    r.access.flags = MTRACE_ACCESS_MOVED | MTRACE_ACCESS_SPLIT | 0x40;
    expect_print(&r, "12 cpu=3 insns=34 accesses=56 access kind=store "
                 "pc=0xffffffff81234567 vaddr=0xffff888001234568 "
                 "paddr=0x1234568 size=8 bytes=4 origin=atomic "
                 "flags=moved|split|0x40 cpl=0");

    mtrace_record_init(&r, MTRACE_RECORD_CALL, sizeof(r.call), MTRACE_CPU_NONE);
    r.call.target_pc = 0x10;
    r.call.ret = INT64_MIN;
    expect_print(&r, "0 cpu=none insns=0 accesses=0 call target_pc=0x10 "
                 "return_pc=0x0 ret=-9223372036854775808");

    mtrace_record_init(&r, MTRACE_RECORD_TASK, sizeof(r.task), 0);
    r.task.task_type = 77;
    strcpy(r.task.str, "a\"\\\n\x1b[31m<\xc3\xa9");
    expect_print(&r, "0 cpu=0 insns=0 accesses=0 task tid=0 tgid=0 "
                 "task_type=77 str=\"a\\\"\\\\\\x0a\\x1b[31m<\\xc3\\xa9\"");

    mtrace_record_init(&r, MTRACE_RECORD_MACHINE, sizeof(r.machine), 0);
    expect_print(&r, "0 cpu=0 insns=0 accesses=0 machine num_ram=0 quantum=0 "
                 "sample=0 num_cpus=0 flags=0x0");

    mtrace_record_init(&r, 63, sizeof(r.h), 0);
    expect_print(&r, "0 cpu=0 insns=0 accesses=0 type-63");
}

/* The names that enumerations print as, with the guest ABI's numbers. */
static void test_names(void)
{
    static const struct {
        const char *type, *field, *names;
    } wanted[] = {
        { "access", "kind", "0 load store iw 4" },
        { "access", "origin",
          "inline helper atomic direct delivery walker dma 7" },
        { "label", "label_type", "0 heap block static percpu 5" },
        { "host", "host_type", "0 access_all_cpu call_clear_cpu call_set_cpu "
          "disable_count_cpu enable_count_cpu 6" },
        { "fcall", "state", "0 start done done_value resume pause 6" },
        { "lock", "op", "0 acquire acquired release 4" },
        { "task", "task_type", "0 init update exit 4" },
        { "register", "reg", "0 kernel_gs_base lstar 3" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
        const MtraceRecordInfo *info = mtrace_record_info(
            mtrace_record_type_from_name(wanted[i].type));
        g_auto(GStrv) names = g_strsplit(wanted[i].names, " ", -1);

        for (unsigned k = 0; k < info->n_fields; k++) {
            const MtraceField *f = &info->fields[k];

            for (unsigned v = 0; !strcmp(f->name, wanted[i].field)
                 && names[v]; v++) {
                g_autoptr(GString) text = g_string_new(NULL);
                g_autofree char *part = g_strdup_printf(
                    " %s=%s ", f->name, names[v]);
                MtraceAnyRecord r;

                mtrace_record_init(&r, info->type, info->size, 0);
                ((uint8_t *)&r)[f->offset] = v;
                mtrace_record_print(text, &r.h);
                g_string_append_c(text, ' ');
                g_assert_nonnull(strstr(text->str, part));
            }
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/columns", test_columns);
    g_test_add_func("/log/varints", test_varints);
    g_test_add_func("/log/table", test_table);
    for (unsigned i = 0; i < mtrace_n_record_infos; i++) {
        g_autofree char *path = g_strconcat(
            "/log/round-trip/", mtrace_record_infos[i].name, NULL);

        g_test_add_data_func(path, &mtrace_record_infos[i], test_type);
    }
    g_test_add_func("/log/round-trip/mixed", test_mixed);
    g_test_add_func("/log/additions", test_additions);
    g_test_add_func("/log/malformed", test_malformed);
    g_test_add_func("/log/dictionaries", test_dictionaries);
    g_test_add_func("/log/print", test_print);
    g_test_add_func("/log/names", test_names);
    return g_test_run();
}
