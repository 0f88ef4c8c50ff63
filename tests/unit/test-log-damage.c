/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logs that are not whole: cut anywhere, changed anywhere, with parts missing or
 * in the way.  What is read must be right, and what is missing must be reported.
 */
#include <glib/gstdio.h>
#include <unistd.h>
#include "../../mtrace/log/log-chunk.h"
#include "log-fixture.h"

#define N_STREAMS 3
#define PER_CHUNK 8
#define N_CHUNKS 6 /* of records */
#define N_RECORDS (N_CHUNKS * PER_CHUNK)

/* A small log: META, IMAGE, six RECORDS chunks of three streams, END. */
static GByteArray *small_log(void)
{
    static const MtraceLogSection sections[] = {
        { "name", "guest", 5 }, { "symbols", "00 T start\n", 11 },
    };
    FixtureFile f = fixture_file(NULL, 0);
    MtraceLogWriter *w = fixture_writer(&f);
    g_autoptr(GRand) rand = g_rand_new_with_seed(4);
    GByteArray *bytes;

    mtrace_log_writer_set_meta(w, "arch", "x86_64");
    mtrace_log_writer_add_image(w, sections, 2);
    for (unsigned i = 0; i < N_RECORDS; i++) {
        unsigned row = i % PER_CHUNK < 5 ? 1 : i % mtrace_n_record_infos;
        uint16_t stream = i / PER_CHUNK % N_STREAMS;
        MtraceAnyRecord r;

        fixture_record(rand, mtrace_record_infos[row].type, FIXTURE_PLAUSIBLE,
                       i, &r);
        r.h.cpu = stream;
        mtrace_log_append(mtrace_log_writer_stream(w, stream), &r.h);
        if (i % PER_CHUNK == PER_CHUNK - 1) {
            mtrace_log_writer_flush(w);
        }
    }
    g_assert_true(mtrace_log_writer_close(w, NULL, NULL));
    bytes = fixture_bytes(&f);
    fixture_file_free(&f);
    return bytes;
}

static FixtureLog *read_bytes(const void *data, size_t len)
{
    FixtureFile f = fixture_file(data, len);
    FixtureLog *log = fixture_read(f.path);

    fixture_file_free(&f);
    return log;
}

/* Offset of the n-th chunk; the file's size for the one behind the last. */
static size_t chunk_at(const GByteArray *log, unsigned n)
{
    size_t at = LOG_FILE_HEADER_SIZE;
    LogChunk chunk;

    while (n--) {
        g_assert_true(log_chunk_unpack(&chunk, log->data + at));
        at += MTRACE_CHUNK_HEADER_SIZE + chunk.stored_size;
    }
    return at;
}

/* Records that are a part of the whole log's, in its order. */
static void assert_part(const FixtureLog *whole, const FixtureLog *part)
{
    guint k = 0;

    for (guint i = 0; i < part->records->len; i++) {
        while (k < whole->records->len
               && fixture_at(whole, k)->order != fixture_at(part, i)->order) {
            k++;
        }
        g_assert_cmpuint(k, <, whole->records->len);
        fixture_assert_same(fixture_at(whole, k), fixture_at(part, i));
    }
}

static void test_cut_anywhere(void)
{
    g_autoptr(GByteArray) bytes = small_log();
    g_autoptr(FixtureLog) whole = read_bytes(bytes->data, bytes->len);
    unsigned chunks = 0;

    g_assert_null(whole->damage_text);
    g_assert_cmpuint(whole->records->len, ==, N_RECORDS);
    g_assert_cmpuint(chunk_at(bytes, N_CHUNKS + 3), ==, bytes->len);
    for (size_t cut = 0; cut < bytes->len; cut++) {
        g_autoptr(FixtureLog) log = read_bytes(bytes->data, cut);

        while (chunk_at(bytes, chunks + 1) <= cut) {
            chunks++;
        }
        if (!chunks) {
            g_assert_error(log->error, MTRACE_LOG_ERROR,
                           MTRACE_LOG_ERROR_FORMAT);
            continue;
        }
        g_assert_no_error(log->error);
        g_assert_nonnull(log->damage_text);
        g_assert_true(log->damage.truncated);
        g_assert_cmpuint(log->damage.lost_bytes, ==,
                         cut - chunk_at(bytes, chunks));
        g_assert_cmpuint(log->damage.first_bad_offset, ==,
                         chunk_at(bytes, chunks));
        /* All whole chunks, and nothing else. */
        g_assert_cmpuint(log->records->len, ==,
                         PER_CHUNK * (chunks < 2 ? 0 : chunks - 2));
        assert_part(whole, log);
        for (guint i = 0; i < log->records->len; i++) {
            fixture_assert_same(fixture_at(whole, i), fixture_at(log, i));
        }
    }
}

static bool same_logs(const FixtureLog *a, const FixtureLog *b)
{
    if (a->records->len != b->records->len
        || strcmp(a->session, b->session)) {
        return false;
    }
    for (guint i = 0; i < a->records->len; i++) {
        if (!fixture_same(fixture_at(a, i), fixture_at(b, i))) {
            return false;
        }
    }
    return true;
}

/* Whatever byte is wrong, it is noticed, or makes no difference. */
static void test_change_anywhere(void)
{
    static const uint8_t changes[] = { 0x01, 0x80, 0xff };
    g_autoptr(GByteArray) bytes = small_log();
    g_autoptr(FixtureLog) whole = read_bytes(bytes->data, bytes->len);

    for (size_t at = 0; at < 3 * bytes->len; at++) {
        g_autoptr(FixtureLog) log = NULL;
        uint8_t change = changes[at % 3];

        bytes->data[at / 3] ^= change;
        log = read_bytes(bytes->data, bytes->len);
        bytes->data[at / 3] ^= change;
        if (log->error) {
            g_assert_cmpuint(at / 3, <, LOG_FILE_HEADER_SIZE);
            continue;
        }
        assert_part(whole, log);
        if (at / 3 >= LOG_FILE_HEADER_SIZE) {
            g_assert_nonnull(log->damage_text);
            g_assert_cmpuint(log->damage.bad_chunks, <=, 1);
            g_assert_cmpuint(log->records->len, >=, N_RECORDS - PER_CHUNK);
        } else {
            g_assert_true(same_logs(whole, log));
        }
    }
}

/* ---- parts missing or in the way ---------------------------------------- */

static GByteArray *cut_out(const GByteArray *bytes, size_t from, size_t to)
{
    GByteArray *out = g_byte_array_new();

    g_byte_array_append(out, bytes->data, from);
    g_byte_array_append(out, bytes->data + to, bytes->len - to);
    return out;
}

static void test_missing_chunk(void)
{
    g_autoptr(GByteArray) bytes = small_log();
    size_t from = chunk_at(bytes, 4), to = chunk_at(bytes, 6);
    g_autoptr(GByteArray) less = cut_out(bytes, from, to);
    g_autoptr(FixtureLog) log = read_bytes(less->data, less->len);

    g_assert_cmpuint(log->records->len, ==, N_RECORDS - 2 * PER_CHUNK);
    g_assert_cmpuint(log->damage.bad_chunks, ==, 2);
    g_assert_cmpuint(log->damage.missing_records, ==, 2 * PER_CHUNK);
    g_assert_cmpuint(log->damage.first_bad_offset, ==, from);
    g_assert_false(log->damage.truncated);
    g_assert_cmpuint(log->damage.lost_bytes, ==, 0);
}

/* So much garbage between two chunks, some of it like a chunk. */
static void check_garbage(const GByteArray *bytes, size_t size)
{
    g_autoptr(GByteArray) more = g_byte_array_new();
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    g_autoptr(FixtureLog) log = NULL;
    size_t at = chunk_at(bytes, 3);

    g_byte_array_append(more, bytes->data, at);
    for (size_t i = 0; i < size; i += 4) {
        uint32_t noise = g_rand_int(rand);

        g_byte_array_append(more, i % 1000 ? (uint8_t *)&noise
                                           : (uint8_t *)"MTCK",
                            MIN(4, size - i));
    }
    g_byte_array_append(more, bytes->data + at, bytes->len - at);
    log = read_bytes(more->data, more->len);
    g_assert_cmpuint(log->records->len, ==, N_RECORDS);
    g_assert_cmpuint(log->damage.lost_bytes, ==, size);
    g_assert_cmpuint(log->damage.first_bad_offset, ==, at);
    g_assert_cmpuint(log->damage.bad_chunks, ==, 0);
}

/* The next chunk is found, wherever in a block of the search it lies. */
static void test_garbage(void)
{
    g_autoptr(GByteArray) bytes = small_log();

    check_garbage(bytes, 1);
    check_garbage(bytes, 200000);
    for (size_t size = 65536 - 70; size < 65536 + 6; size++) {
        check_garbage(bytes, size);
    }
}

/* Something behind the end: a byte, or the same log again. */
static void test_trailing(void)
{
    g_autoptr(GByteArray) bytes = small_log();
    g_autoptr(FixtureLog) one = NULL, twice = NULL;
    size_t len = bytes->len;

    g_byte_array_append(bytes, (uint8_t *)"\n", 1);
    one = read_bytes(bytes->data, bytes->len);
    g_assert_cmpuint(one->records->len, ==, N_RECORDS);
    g_assert_cmpuint(one->damage.lost_bytes, ==, 1);
    g_byte_array_set_size(bytes, 2 * len);
    memcpy(bytes->data + len, bytes->data, len);
    twice = read_bytes(bytes->data, bytes->len);
    g_assert_cmpuint(twice->records->len, ==, N_RECORDS);
    g_assert_cmpuint(twice->damage.lost_bytes, ==, len);
}

/* A chunk behind END is not read, though its number fits. */
static void test_after_end(void)
{
    g_autoptr(GByteArray) bytes = small_log();
    size_t from = chunk_at(bytes, 3), len = chunk_at(bytes, 4) - from;
    g_autofree uint8_t *copy = g_memdup2(bytes->data + from, len);
    g_autoptr(FixtureLog) log = NULL;
    LogChunk chunk;

    g_assert_true(log_chunk_unpack(&chunk, copy));
    chunk.sequence = N_CHUNKS + 3;
    log_chunk_pack(&chunk, copy);
    g_byte_array_append(bytes, copy, len);
    log = read_bytes(bytes->data, bytes->len);
    g_assert_cmpuint(log->records->len, ==, N_RECORDS);
    g_assert_cmpuint(log->damage.lost_bytes, ==, len);
}

/* The same chunk twice in a row counts once. */
static void test_repeated(void)
{
    g_autoptr(GByteArray) bytes = small_log();
    g_autoptr(GByteArray) more = g_byte_array_new();
    size_t from = chunk_at(bytes, 3), to = chunk_at(bytes, 4);
    g_autoptr(FixtureLog) log = NULL;

    g_byte_array_append(more, bytes->data, to);
    g_byte_array_append(more, bytes->data + from, bytes->len - from);
    log = read_bytes(more->data, more->len);
    g_assert_cmpuint(log->records->len, ==, N_RECORDS);
    g_assert_cmpuint(log->damage.bad_chunks, ==, 1);
    g_assert_cmpuint(log->damage.lost_bytes, ==, to - from);
    g_assert_cmpstr(log->damage_text, !=, NULL);
}

/* ---- not a log at all --------------------------------------------------- */

static void expect_error(const char *path, int code, const char *message)
{
    g_autoptr(FixtureLog) log = fixture_read(path);
    g_autofree char *wanted = g_strconcat(path, message, NULL);

    g_assert_error(log->error, MTRACE_LOG_ERROR, code);
    if (*message == ' ') {
        g_assert_cmpstr(log->error->message, ==, wanted);
    } else {
        g_assert_cmpstr(log->error->message, ==, message);
    }
}

static void expect_format_error(const char *bytes, size_t len, int code,
                                const char *message)
{
    FixtureFile f = fixture_file(bytes, len);

    expect_error(f.path, code, message);
    fixture_file_free(&f);
}

#define HEADER(major, minor) MTRACE_LOG_MAGIC major "\0" minor "\0\0\0\0\0"

static void test_not_logs(void)
{
    expect_format_error("", 0, MTRACE_LOG_ERROR_FORMAT, " is empty");
    expect_format_error("hello, this is text", 19, MTRACE_LOG_ERROR_FORMAT,
                        " is not an mtrace log");
    expect_format_error("\x8aMTRAX", 6, MTRACE_LOG_ERROR_FORMAT,
                        " is not an mtrace log");
    expect_format_error(MTRACE_LOG_MAGIC, 8, MTRACE_LOG_ERROR_FORMAT,
                        " was cut short inside its header");
    expect_format_error(HEADER("\1", "\0"), 16, MTRACE_LOG_ERROR_FORMAT,
                        " holds no whole chunk: it was cut short or damaged "
                        "right after its header");
    expect_format_error(HEADER("\2", "\3"), 16, MTRACE_LOG_ERROR_VERSION,
                        " is a log of format version 2.3, and this program "
                        "reads version 1.0");
    expect_error("/nonexistent/log", MTRACE_LOG_ERROR_IO,
                 "cannot open /nonexistent/log: No such file or directory");
    expect_error("/", MTRACE_LOG_ERROR_IO, "cannot read /: Is a directory");
}

/* A stream that is no log is not read to its end, which may never come. */
static void test_endless(void)
{
    expect_error("/dev/zero", MTRACE_LOG_ERROR_FORMAT, " is not an mtrace log");
    expect_error("/dev/null", MTRACE_LOG_ERROR_FORMAT, " is empty");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log-damage/cut-anywhere", test_cut_anywhere);
    g_test_add_func("/log-damage/change-anywhere", test_change_anywhere);
    g_test_add_func("/log-damage/missing-chunk", test_missing_chunk);
    g_test_add_func("/log-damage/garbage", test_garbage);
    g_test_add_func("/log-damage/trailing", test_trailing);
    g_test_add_func("/log-damage/after-end", test_after_end);
    g_test_add_func("/log-damage/repeated", test_repeated);
    g_test_add_func("/log-damage/not-logs", test_not_logs);
    g_test_add_func("/log-damage/endless", test_endless);
    return g_test_run();
}
