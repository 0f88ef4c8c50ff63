/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding of guest calls.  Entries are made of bytes at the offsets of the
 * guest ABI, as a guest of long ago makes them, not of the header's structures;
 * what is decoded must be the values that went in, and nothing else.
 */
#include <glib.h>
#include <string.h>
#include "mtrace/recorder.h"

#define CPU 0x1234
#define STR 64
#define U64_A 0x1122334455667788
#define U64_B 0x99aabbccddeeff01
#define U64_C 0xfedcba9876543210

/* Bytes of the entry of each type; 0: guests may not send it. */
static const size_t sizes[] = {
    0, 124, 0, 108, 54, 46, 44, 109, 108, 32, 51, 34, 89, 89, 105, 25,
};

/* ---- making entries, and decoding them ---------------------------------- */

typedef struct Entry {
    unsigned type;
    uint8_t bytes[128];
    MtraceAnyRecord record; /* what became of it */
    bool cut;
} Entry;

/* Bytes that no entry of this test cares about are not zero. */
static Entry entry_new(unsigned type)
{
    Entry e = { .type = type };

    memset(e.bytes, 0xee, sizeof(e.bytes));
    return e;
}

static void put(Entry *e, unsigned offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        e->bytes[offset + i] = value >> (8 * i);
    }
}

static void put_str(Entry *e, unsigned offset, const char *s)
{
    memset(e->bytes + offset, 0, STR);
    memcpy(e->bytes + offset, s, MIN(strlen(s), STR));
}

/*
 * Decodes from memory that is as long as the entry, into records that held
 * something else; every byte of a record that is accepted must be set.
 */
static const char *decode(Entry *e)
{
    size_t size = mtrace_entry_size(e->type);
    g_autofree uint8_t *exact = g_memdup2(e->bytes, size);
    MtraceAnyRecord again;
    const char *why, *why_again;
    bool cut_again = true;

    memset(&e->record, 0x55, sizeof(e->record));
    memset(&again, 0xaa, sizeof(again));
    e->cut = false;
    why = mtrace_entry_decode(e->type, exact, CPU, &e->record, &e->cut);
    why_again = mtrace_entry_decode(e->type, exact, CPU, &again, &cut_again);
    g_assert_true(why == why_again);
    if (!why) {
        g_assert_cmpint(e->cut, ==, cut_again);
        g_assert_cmpuint(e->record.h.type, ==, e->type);
        g_assert_cmpuint(e->record.h.cpu, ==, CPU);
        g_assert_cmpuint(e->record.h.size, >=, sizeof(MtraceRecord));
        g_assert_cmpuint(e->record.h.size, <=, sizeof(MtraceAnyRecord));
        g_assert_cmpuint(e->record.h.size % 8, ==, 0);
        g_assert_cmpmem(&e->record, e->record.h.size, &again,
                        again.h.size);
    }
    g_assert_cmpmem(exact, size, e->bytes, size);
    return why;
}

static void accept(Entry *e)
{
    g_assert_cmpstr(decode(e), ==, NULL);
}

/* ---- each type ---------------------------------------------------------- */

static void test_sizes(void)
{
    for (unsigned type = 0; type < 300; type++) {
        size_t want = type < G_N_ELEMENTS(sizes) ? sizes[type] : 0;

        g_assert_cmpuint(mtrace_entry_size(type), ==, want);
        g_assert_cmpuint(mtrace_entry_size(type | 1ull << 32), ==, 0);
        g_assert_cmpuint(mtrace_entry_size(-1ull - type), ==, 0);
    }
}

static Entry label(void)
{
    Entry e = entry_new(1);

    put(&e, 32, 4, 2);
    put_str(&e, 36, "dentry");
    put(&e, 100, 8, U64_A);
    put(&e, 108, 8, 4096);
    put(&e, 116, 8, U64_C);
    return e;
}

static void test_label(void)
{
    Entry e = label();
    const MtraceRecordLabel *r = &e.record.label;

    accept(&e);
    g_assert_cmpuint(r->label_type, ==, 2);
    g_assert_cmpstr(r->str, ==, "dentry");
    g_assert_cmphex(r->guest_addr, ==, U64_A);
    g_assert_cmphex(r->paddr, ==, UINT64_MAX);
    g_assert_cmpuint(r->bytes, ==, 4096);
    g_assert_cmpuint(r->offset, ==, 0);
    g_assert_cmphex(r->pc, ==, U64_C);

    put(&e, 108, 8, 0);
    accept(&e);
    g_assert_cmpuint(r->bytes, ==, 0);
}

/* Up to the end of the address space, and not around it. */
static void test_label_end(void)
{
    Entry e = label();

    put(&e, 100, 8, -4096ull);
    put(&e, 108, 8, 4095);
    accept(&e);
    put(&e, 108, 8, 4097);
    g_assert_nonnull(decode(&e));
    put(&e, 108, 8, -1ull);
    g_assert_nonnull(decode(&e));
    put(&e, 100, 8, 0);
    accept(&e);
    put(&e, 100, 8, 1);
    g_assert_nonnull(decode(&e));
}

static void test_host(void)
{
    Entry e = entry_new(3);
    const MtraceRecordHost *r = &e.record.host;

    put(&e, 24, 4, 1);
    put(&e, 36, 4, 1);
    put_str(&e, 40, "a recording");
    accept(&e);
    g_assert_cmpuint(r->host_type, ==, 1);
    g_assert_cmpuint(r->value, ==, 1);
    g_assert_cmpstr(r->str, ==, "a recording");
    for (unsigned type = 2; type <= 5; type++) {
        put(&e, 24, 4, type);
        put(&e, 36, 8, type == 3 ? -1ull : U64_B);
        accept(&e);
        g_assert_cmpuint(r->host_type, ==, type);
        g_assert_cmphex(r->value, ==, type == 3 ? -1ull : U64_B);
        g_assert_cmpstr(r->str, ==, "");
    }
}

static void test_fcall(void)
{
    Entry e = entry_new(4);
    const MtraceRecordFcall *r = &e.record.fcall;

    put(&e, 24, 8, U64_A);
    put(&e, 32, 8, U64_B);
    put(&e, 40, 8, U64_C);
    put(&e, 48, 2, 0xfedc);
    put(&e, 50, 4, 4);
    accept(&e);
    g_assert_cmphex(r->tid, ==, U64_A);
    g_assert_cmphex(r->pc, ==, U64_B);
    g_assert_cmphex(r->tag, ==, U64_C);
    g_assert_cmphex(r->depth, ==, 0xfedc);
    g_assert_cmpuint(r->state, ==, 4);
}

static void test_segment(void)
{
    Entry e = entry_new(5);
    const MtraceRecordSegment *r = &e.record.segment;

    put(&e, 24, 8, U64_A);
    put(&e, 32, 8, U64_B);
    put(&e, 40, 2, 0xabcd);
    put(&e, 42, 4, 4);
    accept(&e);
    g_assert_cmphex(r->base, ==, U64_A);
    g_assert_cmphex(r->end, ==, U64_B);
    g_assert_cmphex(r->segment_cpu, ==, 0xabcd);
    g_assert_cmpuint(r->object_type, ==, 4);
    put(&e, 32, 8, U64_A);
    accept(&e);
    put(&e, 32, 8, U64_A - 1);
    g_assert_nonnull(decode(&e));
}

static void test_call(void)
{
    Entry e = entry_new(6);
    const MtraceRecordCall *r = &e.record.call;

    put(&e, 24, 8, U64_A);
    put(&e, 32, 8, U64_B);
    put(&e, 40, 4, -2u);
    accept(&e);
    g_assert_cmphex(r->target_pc, ==, U64_A);
    g_assert_cmphex(r->return_pc, ==, U64_B);
    g_assert_cmpint(r->ret, ==, -2);
}

static void test_lock(void)
{
    Entry e = entry_new(7);
    const MtraceRecordLock *r = &e.record.lock;

    put(&e, 24, 8, U64_A);
    put(&e, 32, 8, U64_B);
    put_str(&e, 40, "inode->i_lock");
    put(&e, 104, 4, 3);
    put(&e, 108, 1, 1);
    accept(&e);
    g_assert_cmphex(r->pc, ==, U64_A);
    g_assert_cmphex(r->lock, ==, U64_B);
    g_assert_cmpstr(r->str, ==, "inode->i_lock");
    g_assert_cmpuint(r->op, ==, 3);
    g_assert_cmpuint(r->read, ==, 1);
}

static void test_task(void)
{
    Entry e = entry_new(8);
    const MtraceRecordTask *r = &e.record.task;

    put(&e, 24, 8, U64_A);
    put(&e, 32, 8, U64_B);
    put(&e, 40, 4, 2);
    put_str(&e, 44, "init");
    accept(&e);
    g_assert_cmphex(r->tid, ==, U64_A);
    g_assert_cmphex(r->tgid, ==, U64_B);
    g_assert_cmpuint(r->task_type, ==, 2);
    g_assert_cmpstr(r->str, ==, "init");
}

static void test_sched(void)
{
    Entry e = entry_new(9);

    put(&e, 24, 8, U64_A);
    accept(&e);
    g_assert_cmphex(e.record.sched.tid, ==, U64_A);
}

static void test_machine(void)
{
    Entry e = entry_new(10);
    const MtraceRecordMachine *r = &e.record.machine;

    put(&e, 24, 2, 0x0102);
    put(&e, 26, 8, U64_A);
    put(&e, 34, 8, U64_B);
    put(&e, 42, 8, U64_C);
    put(&e, 50, 1, 3);
    accept(&e);
    g_assert_cmphex(r->num_cpus, ==, 0x0102);
    g_assert_cmphex(r->num_ram, ==, U64_A);
    g_assert_cmphex(r->quantum, ==, U64_B);
    g_assert_cmphex(r->sample, ==, U64_C);
    g_assert_cmphex(r->flags, ==, 3);
}

static void test_appdata(void)
{
    Entry e = entry_new(11);

    put(&e, 24, 2, 0xfffe);
    put(&e, 26, 8, U64_B);
    accept(&e);
    g_assert_cmphex(e.record.appdata.appdata_type, ==, 0xfffe);
    g_assert_cmphex(e.record.appdata.value, ==, U64_B);
}

/* Types 12, 13: a byte whose bit 0 counts, then a name. */
static void test_scope(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        Entry scope = entry_new(12);
        Entry variable = entry_new(13);

        put(&scope, 24, 1, byte);
        put_str(&scope, 25, "sys_open");
        accept(&scope);
        g_assert_cmpuint(scope.record.ascope.exit, ==, byte & 1);
        g_assert_cmpstr(scope.record.ascope.name, ==, "sys_open");
        put(&variable, 24, 1, byte);
        put_str(&variable, 25, "file.count");
        accept(&variable);
        g_assert_cmpuint(variable.record.avar.write, ==, byte & 1);
        g_assert_cmpstr(variable.record.avar.name, ==, "file.count");
    }
}

static void test_gc(void)
{
    Entry e = entry_new(14);
    const MtraceRecordGc *r = &e.record.gc;

    put(&e, 24, 8, U64_A);
    put(&e, 32, 8, U64_B);
    put_str(&e, 40, "dirns");
    for (unsigned byte = 0; byte < 256; byte++) {
        put(&e, 104, 1, byte);
        accept(&e);
        g_assert_cmphex(r->base, ==, U64_A);
        g_assert_cmphex(r->nbytes, ==, U64_B);
        g_assert_cmpstr(r->name, ==, "dirns");
        g_assert_cmpuint(r->scheduled, ==, byte & 1);
    }
}

static void test_gcepoch(void)
{
    Entry e = entry_new(15);

    for (unsigned byte = 0; byte < 256; byte++) {
        put(&e, 24, 1, byte);
        accept(&e);
        g_assert_cmpuint(e.record.gcepoch.begin, ==, byte & 1);
    }
}

/* ---- enumerations ------------------------------------------------------- */

/* Where an enumeration is, and its values: FIRST to LAST. */
typedef struct Enumeration {
    const char *name;
    unsigned type;
    unsigned offset;
    uint32_t first;
    uint32_t last;
} Enumeration;

static const Enumeration enumerations[] = {
    { "label_type", 1, 32, 1, 4 },
    { "host_type", 3, 24, 1, 5 },
    { "mode", 3, 36, 0, 3 },
    { "state", 4, 50, 1, 5 },
    { "op", 7, 104, 1, 3 },
    { "task_type", 8, 40, 1, 3 },
};

/* An entry that is good, whatever its type. */
static Entry good_entry(unsigned type)
{
    Entry e = entry_new(type);

    memset(e.bytes, 0, sizeof(e.bytes));
    for (unsigned i = 0; i < G_N_ELEMENTS(enumerations); i++) {
        if (enumerations[i].type == type) {
            put(&e, enumerations[i].offset, 4, 1);
        }
    }
    return e;
}

static void test_enumerations(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(enumerations); i++) {
        const Enumeration *n = &enumerations[i];
        const uint32_t bad[] = {
            n->first - 1, n->last + 1, 256 + n->first, 65536 + n->first,
            0x80000000 | n->first, INT32_MAX, UINT32_MAX,
        };
        Entry e = good_entry(n->type);

        for (uint32_t value = n->first; value <= n->last; value++) {
            put(&e, n->offset, 4, value);
            accept(&e);
        }
        for (unsigned j = 0; j < G_N_ELEMENTS(bad); j++) {
            const char *why;

            put(&e, n->offset, 4, bad[j]);
            why = decode(&e);
            g_assert_nonnull(why);
            /* The reason names the field, and fits into its record. */
            g_assert_nonnull(strstr(why, n->name));
            g_assert_cmpuint(strlen(why), <=, MTRACE_STR_MAX);
        }
    }
}

/* ---- strings ------------------------------------------------------------ */

typedef struct Text {
    unsigned type;
    unsigned offset;
    size_t in_record;
} Text;

static const Text texts[] = {
    { 1, 36, G_STRUCT_OFFSET(MtraceRecordLabel, str) },
    { 3, 40, G_STRUCT_OFFSET(MtraceRecordHost, str) },
    { 7, 40, G_STRUCT_OFFSET(MtraceRecordLock, str) },
    { 8, 44, G_STRUCT_OFFSET(MtraceRecordTask, str) },
    { 12, 25, G_STRUCT_OFFSET(MtraceRecordAscope, name) },
    { 13, 25, G_STRUCT_OFFSET(MtraceRecordAvar, name) },
    { 14, 40, G_STRUCT_OFFSET(MtraceRecordGc, name) },
};

/* Every length: what is behind the NUL stays out, and 64 bytes are "cut". */
static void test_strings(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        const Text *t = &texts[i];
        Entry e = good_entry(t->type);
        const char *got = (char *)&e.record + t->in_record;

        for (unsigned len = 0; len <= STR; len++) {
            memset(e.bytes + t->offset, 0xff, STR);
            memset(e.bytes + t->offset, 'a' + len % 26, len);
            if (len < STR) {
                e.bytes[t->offset + len] = 0;
            }
            accept(&e);
            g_assert_cmpuint(strlen(got), ==, len);
            g_assert_cmpmem(got, len, e.bytes + t->offset, len);
            g_assert_cmpint(e.cut, ==, len == STR);
            for (unsigned at = t->in_record + len; at < e.record.h.size;
                 at++) {
                g_assert_cmpuint(((uint8_t *)&e.record)[at], ==, 0);
            }
        }
    }
}

/* ---- anything ----------------------------------------------------------- */

static uint32_t get32(const Entry *e, unsigned offset)
{
    uint32_t value;

    memcpy(&value, e->bytes + offset, sizeof(value));
    return value;
}

/* An accepted entry's enumerations are in range, its strings terminated. */
static void check_accepted(const Entry *e)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(enumerations); i++) {
        const Enumeration *n = &enumerations[i];

        /* A host entry has a mode only when it sets one. */
        if (n->type == e->type &&
            (n->type != 3 || n->offset == 24 || get32(e, 24) == 1)) {
            uint32_t value = get32(e, n->offset);

            g_assert_cmpuint(value, >=, n->first);
            g_assert_cmpuint(value, <=, n->last);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (texts[i].type == e->type) {
            const char *s = (char *)&e->record + texts[i].in_record;

            g_assert_nonnull(memchr(s, 0, MTRACE_STR_MAX + 1));
        }
    }
}

/* Random bytes, in which enumerations are small more often than not. */
static void test_fuzz(void)
{
    enum { ENTRIES = 1000000 };
    unsigned accepted = 0;
    g_autoptr(GRand) rand = g_rand_new_with_seed(g_test_rand_int());

    for (unsigned i = 0; i < ENTRIES; i++) {
        Entry e = { .type = 1 + g_rand_int(rand) % 15 };

        if (!mtrace_entry_size(e.type)) {
            continue;
        }
        for (unsigned at = 0; at < sizeof(e.bytes); at += 4) {
            uint32_t r = g_rand_int(rand);

            memcpy(e.bytes + at, &r, 4);
        }
        for (unsigned n = 0; n < G_N_ELEMENTS(enumerations); n++) {
            if (enumerations[n].type == e.type && e.bytes[127] & 3) {
                put(&e, enumerations[n].offset, 4, g_rand_int(rand) % 7);
            }
        }
        if (!decode(&e)) {
            check_accepted(&e);
            accepted++;
        }
    }
    g_test_message("%u of %d entries accepted", accepted, ENTRIES);
    g_assert_cmpuint(accepted, >, ENTRIES / 10);
    g_assert_cmpuint(accepted, <, ENTRIES);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guest-call/sizes", test_sizes);
    g_test_add_func("/guest-call/label", test_label);
    g_test_add_func("/guest-call/label-end", test_label_end);
    g_test_add_func("/guest-call/host", test_host);
    g_test_add_func("/guest-call/fcall", test_fcall);
    g_test_add_func("/guest-call/segment", test_segment);
    g_test_add_func("/guest-call/call", test_call);
    g_test_add_func("/guest-call/lock", test_lock);
    g_test_add_func("/guest-call/task", test_task);
    g_test_add_func("/guest-call/sched", test_sched);
    g_test_add_func("/guest-call/machine", test_machine);
    g_test_add_func("/guest-call/appdata", test_appdata);
    g_test_add_func("/guest-call/scope", test_scope);
    g_test_add_func("/guest-call/gc", test_gc);
    g_test_add_func("/guest-call/gcepoch", test_gcepoch);
    g_test_add_func("/guest-call/enumerations", test_enumerations);
    g_test_add_func("/guest-call/strings", test_strings);
    g_test_add_func("/guest-call/fuzz", test_fuzz);
    return g_test_run();
}
