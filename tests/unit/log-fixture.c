/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the log library share (see log-fixture.h).
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include "log-fixture.h"

static uint64_t random64(GRand *rand)
{
    return (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
}

static uint64_t random_value(GRand *rand, FixtureKind kind)
{
    switch (kind) {
    case FIXTURE_WILD:
        return random64(rand) >> g_rand_int_range(rand, 0, 64);
    case FIXTURE_EDGES:
        switch (g_rand_int_range(rand, 0, 4)) {
        case 0:
            return 0;
        case 1:
            return UINT64_MAX;
        case 2:
            return 1ull << g_rand_int_range(rand, 0, 64);
        default:
            return (1ull << g_rand_int_range(rand, 0, 64)) - 1;
        }
    default:
        return g_rand_int_range(rand, 0, 3);
    }
}

static void random_string(GRand *rand, FixtureKind kind, char *out)
{
    size_t len = g_rand_int_range(rand, 0, MTRACE_STR_MAX + 1);

    if (kind == FIXTURE_EDGES) {
        len = g_rand_boolean(rand) ? 0 : MTRACE_STR_MAX;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = g_rand_int_range(rand, 1, 256);
    }
}

static void set_field(GRand *rand, FixtureKind kind, const MtraceField *f,
                      uint8_t *record)
{
    uint8_t *p = record + f->offset;
    uint64_t v = random_value(rand, kind);

    if (f->codec == MTRACE_CODEC_STRING) {
        random_string(rand, kind, (char *)p);
    } else {
        memcpy(p, &v, f->width);
    }
}

/* Addresses of a kind that a guest would use: few pages, in two mappings. */
static void plausible_access(GRand *rand, MtraceRecordAccess *a)
{
    uint64_t frame = g_rand_int_range(rand, 0, 20);
    uint64_t offset = g_rand_int_range(rand, 0, 4096);

    a->pc = 0xffffffff81000000ull + 16 * g_rand_int_range(rand, 0, 50);
    a->paddr = (0x12300 + frame) << 12 | offset;
    a->vaddr = frame & 1 ? 0xffff888000000000ull + a->paddr
                         : 0x7f0000001000ull + (frame << 20) + offset;
    a->size = a->bytes = 1 << g_rand_int_range(rand, 0, 4);
}

void fixture_record(GRand *rand, unsigned type, FixtureKind kind,
                    uint64_t order, MtraceAnyRecord *out)
{
    const MtraceRecordInfo *info = mtrace_record_info(type);

    g_assert_nonnull(info);
    mtrace_record_init(out, type, info->size, 0);
    for (unsigned i = 0; i < MTRACE_N_COMMON_FIELDS; i++) {
        set_field(rand, kind, &mtrace_common_fields[i], (uint8_t *)out);
    }
    for (unsigned i = 0; i < info->n_fields; i++) {
        set_field(rand, kind, &info->fields[i], (uint8_t *)out);
    }
    if (type == MTRACE_RECORD_ACCESS && kind == FIXTURE_PLAUSIBLE) {
        plausible_access(rand, &out->access);
    }
    out->h.order = order;
}

FixtureFile fixture_file(const void *data, size_t len)
{
    FixtureFile f = { .fd = memfd_create("log", 0) };

    g_assert_cmpint(f.fd, >=, 0);
    g_snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
    if (len) {
        g_assert_cmpint(pwrite(f.fd, data, len, 0), ==, len);
    }
    return f;
}

void fixture_file_free(FixtureFile *f)
{
    close(f->fd);
}

MtraceLogWriter *fixture_writer(const FixtureFile *f)
{
    g_autoptr(GError) error = NULL;
    MtraceLogWriter *w = mtrace_log_writer_new(dup(f->fd), "test.out", &error);

    g_assert_no_error(error);
    g_assert_nonnull(w);
    return w;
}

GByteArray *fixture_bytes(const FixtureFile *f)
{
    GByteArray *bytes = g_byte_array_new();
    struct stat st;

    g_assert_cmpint(fstat(f->fd, &st), ==, 0);
    g_byte_array_set_size(bytes, st.st_size);
    g_assert_cmpint(pread(f->fd, bytes->data, bytes->len, 0), ==, bytes->len);
    return bytes;
}

static char *session_text(MtraceLogReader *r)
{
    static const char *const sections[] = { "name", "symbols", "btf" };
    GString *text = g_string_new(NULL);
    const char *const *key = mtrace_log_reader_meta_keys(r);

    for (; *key; key++) {
        g_string_append_printf(text, "%s=%s\n", *key,
                               mtrace_log_reader_meta(r, *key));
    }
    for (unsigned i = 0; i < mtrace_log_reader_n_images(r); i++) {
        for (unsigned k = 0; k < G_N_ELEMENTS(sections); k++) {
            size_t len = 0;
            const char *s = mtrace_log_reader_image(r, i, sections[k], &len);

            g_string_append_printf(text, "%u.%s=%s %zu\n", i, sections[k],
                                   s ? s : "(none)", len);
        }
    }
    return g_string_free(text, FALSE);
}

FixtureLog *fixture_read(const char *path)
{
    FixtureLog *log = g_new0(FixtureLog, 1);
    MtraceLogReader *r = mtrace_log_reader_open(path, &log->error);
    const MtraceRecord *record;

    log->records = g_ptr_array_new_with_free_func(g_free);
    g_assert_true((r == NULL) == (log->error != NULL));
    if (!r) {
        return log;
    }
    log->session = session_text(r);
    while ((record = mtrace_log_reader_next(r))) {
        double progress = mtrace_log_reader_progress(r);

        g_assert_cmpfloat(progress, >=, 0);
        g_assert_cmpfloat(progress, <=, 1);
        g_assert_cmpuint(record->size, ==,
                         mtrace_record_type_size(record->type));
        g_ptr_array_add(log->records, g_memdup2(record, record->size));
    }
    g_assert_null(mtrace_log_reader_next(r));
    log->damage = *mtrace_log_reader_damage(r);
    log->damage_text = mtrace_log_reader_damage_text(r);
    mtrace_log_reader_free(r);
    return log;
}

void fixture_log_free(FixtureLog *log)
{
    g_clear_error(&log->error);
    g_ptr_array_unref(log->records);
    g_free(log->session);
    g_free(log->damage_text);
    g_free(log);
}

bool fixture_same(const MtraceRecord *a, const MtraceRecord *b)
{
    return a->size == b->size && !memcmp(a, b, a->size);
}

void fixture_assert_same(const MtraceRecord *a, const MtraceRecord *b)
{
    if (!fixture_same(a, b)) {
        g_autoptr(GString) text = g_string_new("wanted: ");

        mtrace_record_print(text, a);
        g_string_append(text, "\n#   got: ");
        mtrace_record_print(text, b);
        g_test_message("%s", text->str);
        g_test_fail();
        g_assert_true(fixture_same(a, b));
    }
}
