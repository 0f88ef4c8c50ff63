/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the chunks of a log (see log-index.h).
 *
 * The headers are walked once, without reading payloads.  Where a header should
 * be and is not, the file is searched for the next one whose checksum is right;
 * the sequence numbers then tell how many chunks were lost.  Invariant: every
 * chunk in the index lies within the file, and their sequence numbers rise.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include "log-index.h"

#define SEARCH_BLOCK (64u << 10)

struct LogIndex {
    int fd;
    uint64_t size;
    GArray *places;     /* of LogPlace */
    ZSTD_DCtx *zstd;
    LogBuf stored;
    LogBuf raw;
};

/* ---- the file ----------------------------------------------------------- */

/* Reads exactly @len bytes. */
static bool read_at(LogIndex *x, uint64_t offset, void *out, size_t len)
{
    uint8_t *p = out;

    while (len) {
        ssize_t got = pread(x->fd, p, len, offset);

        if (got <= 0) {
            if (got < 0 && errno == EINTR) {
                continue;
            }
            return false;
        }
        p += got;
        offset += got;
        len -= got;
    }
    return true;
}

static bool io_error(GError **error, const char *what, const char *name)
{
    g_set_error(error, MTRACE_LOG_ERROR, MTRACE_LOG_ERROR_IO,
                "cannot %s %s: %s", what, name, g_strerror(errno));
    return false;
}

static bool write_all(int fd, const uint8_t *p, size_t len)
{
    while (len) {
        ssize_t put = write(fd, p, len);

        if (put < 0 && errno != EINTR) {
            return false;
        }
        if (put > 0) {
            p += put;
            len -= put;
        }
    }
    return true;
}

/*
 * Copies what cannot seek to a nameless file.  Stops at once when the beginning
 * is not that of a log, since the rest might have no end.
 */
static bool copy_stream(int from, int to, const char *name, GError **error)
{
    g_autofree uint8_t *block = g_malloc(SEARCH_BLOCK);
    const size_t magic = strlen(MTRACE_LOG_MAGIC);
    size_t fill = 0;
    bool known = false;
    ssize_t got;

    while ((got = read(from, block + fill, SEARCH_BLOCK - fill))) {
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return io_error(error, "read", name);
        }
        fill += got;
        if (!known && fill >= magic) {
            known = true;
            if (memcmp(block, MTRACE_LOG_MAGIC, magic)) {
                break;
            }
        }
        if (known) {
            if (!write_all(to, block, fill)) {
                return io_error(error, "make a temporary copy of", name);
            }
            fill = 0;
        }
    }
    return write_all(to, block, fill)
           || io_error(error, "make a temporary copy of", name);
}

static bool spool(LogIndex *x, const char *name, GError **error)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("mtrace-XXXXXX", &path, NULL);
    bool ok;

    if (fd < 0) {
        return io_error(error, "make a temporary copy of", name);
    }
    unlink(path);
    ok = copy_stream(x->fd, fd, name, error);
    close(x->fd);
    x->fd = fd;
    return ok;
}

static bool open_file(LogIndex *x, const char *path, const char *name,
                      GError **error)
{
    struct stat st;

    if (!strcmp(path, "-")) {
        x->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    } else {
        x->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (x->fd < 0 || fstat(x->fd, &st)) {
        return io_error(error, "open", name);
    }
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return io_error(error, "read", name);
    }
    if (!S_ISREG(st.st_mode)) {
        if (!spool(x, name, error)) {
            return false;
        }
        if (fstat(x->fd, &st)) {
            return io_error(error, "read", name);
        }
    }
    x->size = st.st_size;
    return true;
}

/* ---- headers ------------------------------------------------------------ */

static bool format_error(GError **error, const char *format, const char *name)
{
    g_autofree char *text = NULL;

    text = g_strconcat(name, format, NULL);
    g_set_error_literal(error, MTRACE_LOG_ERROR, MTRACE_LOG_ERROR_FORMAT,
                        text);
    return false;
}

static bool check_file_header(LogIndex *x, const char *name, GError **error)
{
    uint8_t h[LOG_FILE_HEADER_SIZE];
    size_t have = MIN(x->size, sizeof(h));
    unsigned major, minor;

    if (!x->size) {
        return format_error(error, " is empty", name);
    }
    if (!read_at(x, 0, h, have)) {
        return io_error(error, "read", name);
    }
    if (memcmp(h, MTRACE_LOG_MAGIC, MIN(have, strlen(MTRACE_LOG_MAGIC)))) {
        return format_error(error, " is not an mtrace log", name);
    }
    if (have < sizeof(h)) {
        return format_error(error, " was cut short inside its header", name);
    }
    major = log_load16(h + 8);
    minor = log_load16(h + 10);
    if (major != MTRACE_LOG_VERSION_MAJOR) {
        g_set_error(error, MTRACE_LOG_ERROR, MTRACE_LOG_ERROR_VERSION,
                    "%s is a log of format version %u.%u, and this program "
                    "reads version %u.%u", name, major, minor,
                    MTRACE_LOG_VERSION_MAJOR, MTRACE_LOG_VERSION_MINOR);
        return false;
    }
    return true;
}

void log_damage_at(MtraceLogDamage *damage, uint64_t offset)
{
    if (!damage->first_bad_offset || offset < damage->first_bad_offset) {
        damage->first_bad_offset = offset;
    }
}

static bool header_at(LogIndex *x, uint64_t at, LogChunk *chunk)
{
    uint8_t h[MTRACE_CHUNK_HEADER_SIZE];

    return x->size - at >= sizeof(h) && read_at(x, at, h, sizeof(h))
           && log_chunk_unpack(chunk, h);
}

/* Place of the next valid header from @at on, or the size of the file. */
static uint64_t find_header(LogIndex *x, uint64_t at)
{
    g_autofree uint8_t *block = g_malloc(SEARCH_BLOCK);
    const size_t header = MTRACE_CHUNK_HEADER_SIZE;
    LogChunk chunk;

    while (at < x->size && x->size - at >= header) {
        size_t have = MIN(SEARCH_BLOCK, x->size - at);
        const uint8_t *p = block, *last = block + have - header;

        if (!read_at(x, at, block, have)) {
            break;
        }
        while (p <= last
               && (p = memchr(p, MTRACE_CHUNK_MAGIC[0], last - p + 1))) {
            if (log_chunk_unpack(&chunk, p)) {
                return at + (p - block);
            }
            p++;
        }
        at += have - header + 1;
    }
    return x->size;
}

static void lose_bytes(MtraceLogDamage *damage, uint64_t from, uint64_t to)
{
    if (to > from) {
        damage->lost_bytes += to - from;
        log_damage_at(damage, from);
    }
}

/* Enters a chunk, unless its sequence number is not above the one before. */
static void enter_chunk(LogIndex *x, const LogChunk *chunk, uint64_t at,
                        uint64_t end, uint64_t *expected,
                        MtraceLogDamage *damage)
{
    LogPlace place = { *chunk, at };

    if (chunk->sequence < *expected) {
        damage->bad_chunks++;
        lose_bytes(damage, at, end);
        return;
    }
    if (chunk->sequence > *expected) {
        damage->bad_chunks += chunk->sequence - *expected;
        log_damage_at(damage, at);
    }
    *expected = chunk->sequence + 1;
    g_array_append_val(x->places, place);
}

static void scan(LogIndex *x, MtraceLogDamage *damage)
{
    uint64_t at = LOG_FILE_HEADER_SIZE, expected = 0;
    LogChunk chunk;

    while (at < x->size) {
        uint64_t next;

        if (!header_at(x, at, &chunk)) {
            next = find_header(x, at + 1);
            lose_bytes(damage, at, next);
            at = next;
            continue;
        }
        next = at + MTRACE_CHUNK_HEADER_SIZE + chunk.stored_size;
        if (next > x->size) {
            break;
        }
        enter_chunk(x, &chunk, at, next, &expected, damage);
        at = next;
        if (chunk.kind == MTRACE_CHUNK_END) {
            break;
        }
    }
    lose_bytes(damage, at, x->size);
}

/* ---- interface ---------------------------------------------------------- */

LogIndex *log_index_open(const char *path, MtraceLogDamage *damage,
                         GError **error)
{
    const char *name = strcmp(path, "-") ? path : "standard input";
    LogIndex *x = g_new0(LogIndex, 1);

    x->fd = -1;
    x->places = g_array_new(FALSE, FALSE, sizeof(LogPlace));
    x->zstd = ZSTD_createDCtx();
    if (open_file(x, path, name, error) && check_file_header(x, name, error)) {
        scan(x, damage);
        if (x->places->len) {
            return x;
        }
        format_error(error, " holds no whole chunk: it was cut short or "
                     "damaged right after its header", name);
    }
    log_index_free(x);
    return NULL;
}

void log_index_free(LogIndex *x)
{
    if (x) {
        if (x->fd >= 0) {
            close(x->fd);
        }
        g_array_unref(x->places);
        ZSTD_freeDCtx(x->zstd);
        log_buf_clear(&x->stored);
        log_buf_clear(&x->raw);
        g_free(x);
    }
}

uint64_t log_index_size(const LogIndex *x)
{
    return x->size;
}

size_t log_index_n_chunks(const LogIndex *x)
{
    return x->places->len;
}

const LogPlace *log_index_chunk(const LogIndex *x, size_t i)
{
    return &g_array_index(x->places, LogPlace, i);
}

const uint8_t *log_index_payload(LogIndex *x, const LogPlace *place,
                                 size_t *len)
{
    const LogChunk *chunk = &place->chunk;
    size_t got;

    x->stored.len = x->raw.len = 0;
    log_buf_reserve(&x->stored, MAX(chunk->stored_size, 1));
    if ((chunk->flags & ~LOG_CHUNK_ZSTD)
        || !read_at(x, place->offset + MTRACE_CHUNK_HEADER_SIZE,
                    x->stored.data, chunk->stored_size)
        || log_crc(x->stored.data, chunk->stored_size) != chunk->payload_crc) {
        return NULL;
    }
    *len = chunk->raw_size;
    if (!(chunk->flags & LOG_CHUNK_ZSTD)) {
        return chunk->raw_size == chunk->stored_size ? x->stored.data : NULL;
    }
    log_buf_reserve(&x->raw, MAX(chunk->raw_size, 1));
    got = ZSTD_decompressDCtx(x->zstd, x->raw.data, chunk->raw_size,
                              x->stored.data, chunk->stored_size);
    return got == chunk->raw_size ? x->raw.data : NULL;
}
