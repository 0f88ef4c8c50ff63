/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer, seen through the reader: chunks, streams, order, flushing, what the
 * operating system may refuse, and several producers at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log-fixture.h"

/* Fails the test unless the log is whole; then wants @n records. */
static void assert_whole(const FixtureLog *log, guint n)
{
    g_assert_no_error(log->error);
    g_assert_cmpstr(log->damage_text, ==, NULL);
    g_assert_cmpuint(log->records->len, ==, n);
}

static void append_access(MtraceLogStream *s, uint16_t cpu, uint64_t order)
{
    MtraceRecordAccess a;

    mtrace_record_init(&a, MTRACE_RECORD_ACCESS, sizeof(a), cpu);
    a.h.order = order;
    a.pc = 0xffffffff81000000 + order % 1000;
    a.vaddr = a.paddr = 0x1000 + order * 8;
    a.kind = MTRACE_ACCESS_LOAD;
    a.size = a.bytes = 8;
    mtrace_log_append(s, &a.h);
}

/* Random records of all types, far more than one buffer holds. */
static void test_boundaries(void)
{
    FixtureFile f = fixture_file(NULL, 0);
    MtraceLogWriter *w = fixture_writer(&f);
    MtraceLogStream *s = mtrace_log_writer_stream(w, 5);
    g_autoptr(GPtrArray) wanted = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GRand) rand = g_rand_new_with_seed(2);
    g_autoptr(FixtureLog) log = NULL;
    MtraceLogTotals totals;
    GError *error = NULL;

    for (uint64_t i = 0; i < 40000; i++) {
        unsigned row = g_rand_int_range(rand, 0, mtrace_n_record_infos);
        MtraceAnyRecord r;

        fixture_record(rand, mtrace_record_infos[row].type, FIXTURE_WILD,
                       i * 3, &r);
        mtrace_log_append(s, &r.h);
        g_ptr_array_add(wanted, g_memdup2(&r, r.h.size));
    }
    g_assert_true(mtrace_log_writer_close(w, &totals, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(totals.records, ==, 40000);
    g_assert_cmpuint(totals.lost, ==, 0);
    g_assert_cmpuint(totals.bytes, ==, lseek(f.fd, 0, SEEK_END));
    log = fixture_read(f.path);
    assert_whole(log, 40000);
    for (guint i = 0; i < 40000; i++) {
        fixture_assert_same(g_ptr_array_index(wanted, i), fixture_at(log, i));
    }
    fixture_file_free(&f);
}

/* Records of 40 streams in a random order come out in the global order. */
static void test_merge(void)
{
    FixtureFile f = fixture_file(NULL, 0);
    MtraceLogWriter *w = fixture_writer(&f);
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    g_autofree uint16_t *cpu_of = g_new(uint16_t, 300000);
    g_autoptr(FixtureLog) log = NULL;

    for (uint64_t i = 0; i < 300000; i++) {
        uint16_t cpu = g_rand_int_range(rand, 0, 40);

        cpu = cpu == 39 ? MTRACE_CPU_NONE : cpu < 20 ? cpu / 10 : cpu;
        cpu_of[i] = cpu;
        append_access(mtrace_log_writer_stream(w, cpu), cpu, i);
    }
    g_assert_true(mtrace_log_writer_close(w, NULL, NULL));
    log = fixture_read(f.path);
    assert_whole(log, 300000);
    for (guint i = 0; i < 300000; i++) {
        g_assert_cmpuint(fixture_at(log, i)->order, ==, i);
        g_assert_cmpuint(fixture_at(log, i)->cpu, ==, cpu_of[i]);
    }
    fixture_file_free(&f);
}

/* Of equal orders the lower stream's comes first, host and devices last. */
static void test_ties(void)
{
    static const uint16_t cpus[] = { 2, 0, MTRACE_CPU_NONE, 1 };
    static const uint16_t wanted[] = { 0, 1, 2, MTRACE_CPU_NONE };
    FixtureFile f = fixture_file(NULL, 0);
    MtraceLogWriter *w = fixture_writer(&f);
    g_autoptr(FixtureLog) log = NULL;

    for (unsigned i = 0; i < 12; i++) {
        append_access(mtrace_log_writer_stream(w, cpus[i % 4]), cpus[i % 4],
                      i / 4);
        mtrace_log_writer_flush(w);
    }
    g_assert_true(mtrace_log_writer_close(w, NULL, NULL));
    log = fixture_read(f.path);
    assert_whole(log, 12);
    for (unsigned i = 0; i < 12; i++) {
        g_assert_cmpuint(fixture_at(log, i)->cpu, ==, wanted[i % 4]);
    }
    fixture_file_free(&f);
}

/* META and images, with everything that needs escaping. */
static void test_session(void)
{
    static const MtraceLogSection sections[] = {
        { "name", "vmlinux", 7 }, { "symbols", "0 T a\n", 6 },
        { "btf", "\0\1\2", 3 }, { "empty", "", 0 },
    };
    FixtureFile f = fixture_file(NULL, 0);
    MtraceLogWriter *w = fixture_writer(&f);
    g_autofree char *large = g_malloc(3000000);
    const MtraceLogSection second = { "symbols", large, 3000000 };
    GError *error = NULL;
    MtraceLogReader *r;
    const void *data;
    size_t len;

    memset(large, 'x', 3000000);
    mtrace_log_writer_set_meta(w, "command", "qemu \\ a\nb=c\\n");
    mtrace_log_writer_set_meta(w, "empty", "");
    mtrace_log_writer_set_meta(w, "again", "1");
    mtrace_log_writer_add_image(w, sections, G_N_ELEMENTS(sections));
    mtrace_log_writer_flush(w);
    mtrace_log_writer_set_meta(w, "again", "2");
    append_access(mtrace_log_writer_stream(w, 0), 0, 1);
    mtrace_log_writer_add_image(w, &second, 1);
    g_assert_true(mtrace_log_writer_close(w, NULL, NULL));

    r = mtrace_log_reader_open(f.path, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(mtrace_log_reader_meta(r, "command"), ==,
                    "qemu \\ a\nb=c\\n");
    g_assert_cmpstr(mtrace_log_reader_meta(r, "empty"), ==, "");
    g_assert_cmpstr(mtrace_log_reader_meta(r, "again"), ==, "2");
    g_assert_null(mtrace_log_reader_meta(r, "nonesuch"));
    g_assert_cmpuint(g_strv_length((char **)mtrace_log_reader_meta_keys(r)),
                     ==, 3);
    g_assert_cmpuint(mtrace_log_reader_n_images(r), ==, 2);
    for (unsigned i = 0; i < G_N_ELEMENTS(sections); i++) {
        data = mtrace_log_reader_image(r, 0, sections[i].name, &len);
        g_assert_cmpmem(data, len, sections[i].data, sections[i].len);
        g_assert_cmpint(((const char *)data)[len], ==, 0);
    }
    data = mtrace_log_reader_image(r, 1, "symbols", &len);
    g_assert_cmpmem(data, len, large, 3000000);
    g_assert_null(mtrace_log_reader_image(r, 1, "name", &len));
    g_assert_null(mtrace_log_reader_image(r, 2, "symbols", &len));
    g_assert_nonnull(mtrace_log_reader_next(r));
    g_assert_null(mtrace_log_reader_next(r));
    g_assert_null(mtrace_log_reader_damage_text(r));
    mtrace_log_reader_free(r);
    fixture_file_free(&f);
}

/* After a flush the file holds all records, though it has no END yet. */
static void test_flush(void)
{
    FixtureFile f = fixture_file(NULL, 0);
    MtraceLogWriter *w = fixture_writer(&f);

    for (uint64_t i = 0; i < 10; i++) {
        g_autoptr(FixtureLog) log = NULL;

        append_access(mtrace_log_writer_stream(w, i % 3), i % 3, i);
        mtrace_log_writer_flush(w);
        mtrace_log_writer_flush(w);
        log = fixture_read(f.path);
        g_assert_cmpuint(log->records->len, ==, i + 1);
        g_assert_true(log->damage.truncated);
        g_assert_cmpuint(log->damage.lost_bytes, ==, 0);
    }
    g_assert_true(mtrace_log_writer_close(w, NULL, NULL));
    fixture_file_free(&f);
}

/* No record at all is a log, too. */
static void test_no_records(void)
{
    FixtureFile f = fixture_file(NULL, 0);
    MtraceLogWriter *w = fixture_writer(&f);
    g_autoptr(FixtureLog) log = NULL;

    mtrace_log_writer_stream(w, 1);
    mtrace_log_writer_set_meta(w, "key", "value");
    g_assert_true(mtrace_log_writer_close(w, NULL, NULL));
    log = fixture_read(f.path);
    assert_whole(log, 0);
    g_assert_cmpstr(log->session, ==, "key=value\n");
    fixture_file_free(&f);
}

/* ---- what the operating system may refuse ------------------------------- */

/* Appends until the writer reports an error; returns how many. */
static uint64_t append_until_error(MtraceLogWriter *w)
{
    MtraceLogStream *s = mtrace_log_writer_stream(w, 0);
    uint64_t n = 0;

    while (!mtrace_log_writer_error(w)) {
        for (unsigned i = 0; i < 1000; i++) {
            append_access(s, 0, n++);
        }
        g_assert_cmpuint(n, <, 500000000);
    }
    /* The producer goes on, as the guest does. */
    for (unsigned i = 0; i < 50000; i++) {
        append_access(s, 0, n++);
    }
    return n;
}

static void test_full_device(void)
{
    GError *error = NULL;
    int fd = open("/dev/full", O_WRONLY);

    g_assert_cmpint(fd, >=, 0);
    g_assert_null(mtrace_log_writer_new(fd, "full.out", &error));
    g_assert_error(error, MTRACE_LOG_ERROR, MTRACE_LOG_ERROR_IO);
    g_assert_cmpstr(error->message, ==,
                    "cannot write full.out: No space left on device");
    /* It owned the descriptor. */
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, -1);
    g_clear_error(&error);
}

/* A file that may not grow: the log ends behind its last whole chunk. */
static void test_size_limit(void)
{
    const struct rlimit small = { 300000, RLIM_INFINITY };
    struct rlimit before;
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("log-XXXXXX", &path, NULL);
    MtraceLogWriter *w = mtrace_log_writer_new(dup(fd), "limited.out", NULL);
    g_autoptr(FixtureLog) log = NULL;
    MtraceLogTotals totals;
    GError *error = NULL;
    uint64_t n;

    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    n = append_until_error(w);
    g_assert_false(mtrace_log_writer_close(w, &totals, &error));
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    g_assert_error(error, MTRACE_LOG_ERROR, MTRACE_LOG_ERROR_IO);
    g_assert_cmpstr(error->message, ==,
                    "cannot write limited.out: File too large");
    g_clear_error(&error);
    g_assert_cmpuint(totals.records, >, 0);
    g_assert_cmpuint(totals.lost, >, 0);
    g_assert_cmpuint(totals.records + totals.lost, ==, n);
    g_assert_cmpuint(totals.bytes, ==, lseek(fd, 0, SEEK_END));
    log = fixture_read(path);
    g_assert_cmpuint(log->records->len, ==, totals.records);
    g_assert_true(log->damage.truncated);
    g_assert_cmpuint(log->damage.bad_chunks, ==, 0);
    g_assert_cmpuint(log->damage.lost_bytes, ==, 0);
    close(fd);
    g_unlink(path);
}

static void test_closed_pipe(void)
{
    int fds[2];
    MtraceLogWriter *w;
    MtraceLogTotals totals;
    GError *error = NULL;
    uint64_t n;

    g_assert_cmpint(pipe(fds), ==, 0);
    w = mtrace_log_writer_new(fds[1], "pipe", &error);
    g_assert_no_error(error);
    close(fds[0]);
    n = append_until_error(w);
    g_assert_false(mtrace_log_writer_close(w, &totals, &error));
    g_assert_cmpstr(error->message, ==, "cannot write pipe: Broken pipe");
    g_assert_cmpuint(totals.records, ==, 0);
    g_assert_cmpuint(totals.lost, ==, n);
    g_clear_error(&error);
}

static gpointer slow_reader(gpointer opaque)
{
    int *fds = opaque;
    uint8_t bytes[1000];
    ssize_t got;

    for (unsigned i = 0; (got = read(fds[0], bytes, sizeof(bytes))) > 0; i++) {
        if (i % 50 == 0) {
            g_usleep(1000);
        }
        g_assert_cmpint(write(fds[1], bytes, got), ==, got);
    }
    return NULL;
}

/* A pipe that is read slowly, whose write end does not block. */
static void test_slow_pipe(void)
{
    FixtureFile f = fixture_file(NULL, 0);
    int fds[2], job[2];
    MtraceLogWriter *w;
    GThread *reader;
    g_autoptr(FixtureLog) log = NULL;
    g_autoptr(GRand) rand = g_rand_new_with_seed(9);
    MtraceAnyRecord r;

    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_cmpint(fcntl(fds[1], F_SETFL, O_NONBLOCK), ==, 0);
    job[0] = fds[0];
    job[1] = f.fd;
    reader = g_thread_new("reader", slow_reader, job);
    w = mtrace_log_writer_new(fds[1], "pipe", NULL);
    for (uint64_t i = 0; i < 60000; i++) {
        fixture_record(rand, MTRACE_RECORD_ACCESS, FIXTURE_WILD, i, &r);
        mtrace_log_append(mtrace_log_writer_stream(w, i & 3), &r.h);
    }
    g_assert_true(mtrace_log_writer_close(w, NULL, NULL));
    g_thread_join(reader);
    close(fds[0]);
    log = fixture_read(f.path);
    assert_whole(log, 60000);
    fixture_file_free(&f);
}

/* A FIFO is read like a file; so is standard input, as "-". */
static void test_fifo_input(void)
{
    FixtureFile f = fixture_file(NULL, 0);
    int fds[2];
    char path[32];
    g_autoptr(FixtureLog) log = NULL;
    MtraceLogWriter *w;

    g_assert_cmpint(pipe(fds), ==, 0);
    w = mtrace_log_writer_new(fds[1], "pipe", NULL);
    append_access(mtrace_log_writer_stream(w, 0), 0, 7);
    g_assert_true(mtrace_log_writer_close(w, NULL, NULL));
    g_snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
    log = fixture_read(path);
    assert_whole(log, 1);
    close(fds[0]);
    fixture_file_free(&f);
}

/* ---- several producers -------------------------------------------------- */

#define PRODUCERS 4
#define PER_PRODUCER 200000

typedef struct Producer {
    MtraceLogWriter *w;
    uint16_t cpu;
    uint64_t *order;    /* shared, atomic */
} Producer;

static gpointer produce(gpointer opaque)
{
    Producer *p = opaque;
    MtraceLogStream *s = mtrace_log_writer_stream(p->w, p->cpu);

    for (unsigned i = 0; i < PER_PRODUCER; i++) {
        append_access(s, p->cpu,
                      __atomic_fetch_add(p->order, 1, __ATOMIC_RELAXED));
        if (i % 50000 == 0) {
            MtraceLogSection section = { "name", "x", 1 };

            mtrace_log_writer_add_image(p->w, &section, 1);
        }
    }
    return NULL;
}

static void test_producers(void)
{
    FixtureFile f = fixture_file(NULL, 0);
    MtraceLogWriter *w = fixture_writer(&f);
    Producer producers[PRODUCERS];
    GThread *threads[PRODUCERS];
    guint seen[PRODUCERS] = { 0 };
    g_autoptr(FixtureLog) log = NULL;
    uint64_t order = 0;

    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (Producer){ w, i, &order };
        threads[i] = g_thread_new("producer", produce, &producers[i]);
    }
    for (unsigned i = 0; i < PRODUCERS; i++) {
        g_thread_join(threads[i]);
    }
    g_assert_true(mtrace_log_writer_close(w, NULL, NULL));
    log = fixture_read(f.path);
    assert_whole(log, PRODUCERS * PER_PRODUCER);
    for (guint i = 0; i < log->records->len; i++) {
        g_assert_cmpuint(fixture_at(log, i)->order, ==, i);
        seen[fixture_at(log, i)->cpu]++;
    }
    for (unsigned i = 0; i < PRODUCERS; i++) {
        g_assert_cmpuint(seen[i], ==, PER_PRODUCER);
    }
    fixture_file_free(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log-writer/boundaries", test_boundaries);
    g_test_add_func("/log-writer/merge", test_merge);
    g_test_add_func("/log-writer/ties", test_ties);
    g_test_add_func("/log-writer/session", test_session);
    g_test_add_func("/log-writer/flush", test_flush);
    g_test_add_func("/log-writer/no-records", test_no_records);
    g_test_add_func("/log-writer/full-device", test_full_device);
    g_test_add_func("/log-writer/size-limit", test_size_limit);
    g_test_add_func("/log-writer/closed-pipe", test_closed_pipe);
    g_test_add_func("/log-writer/slow-pipe", test_slow_pipe);
    g_test_add_func("/log-writer/fifo-input", test_fifo_input);
    g_test_add_func("/log-writer/producers", test_producers);
    return g_test_run();
}
