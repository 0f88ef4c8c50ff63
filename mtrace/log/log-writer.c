/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a log: streams, the pool of buffers, and the writer's thread.
 *
 * A buffer is owned by one stream while records are appended to it, then by the
 * queue, then by the thread, then by the pool.  The pool may have POOL_BASE
 * buffers and POOL_PER_STREAM more for each stream; a stream that needs one when
 * none is free waits.  The thread never waits for a stream, so every wait ends.
 * Buffers are written in the order in which they were handed over, hence the
 * chunks of one stream are in rising order on disk.
 *
 * After a write error the thread discards what it is handed, and counts it.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include <zstd.h>
#include "log-chunk.h"
#include "log-output.h"
#include "log-records.h"

#define BUFFER_SIZE (512u << 10)
#define POOL_BASE 16
#define POOL_PER_STREAM 2
#define ZSTD_LEVEL 1
/* Payloads below this are stored: nothing to gain. */
#define MIN_COMPRESSED 64

typedef struct Buffer {
    uint64_t *data;     /* BUFFER_SIZE bytes of records */
    size_t len;
    uint16_t cpu;
} Buffer;

typedef struct Stream {
    MtraceLogStream pub;    /* first: the recorder sees only this */
    MtraceLogWriter *w;
    Buffer *buffer;         /* that pub points into, or NULL */
    uint16_t cpu;
} Stream;

/* What the thread is asked to do next: one of the two. */
typedef struct Job {
    Buffer *records;
    GByteArray *image;
} Job;

struct MtraceLogWriter {
    GThread *thread;

    GMutex lock;            /* guards what follows, up to the blank line */
    GCond wakeup;           /* the thread: there is a job, or @closing */
    GCond progress;         /* others: a buffer is free, or the queue is done */
    GQueue jobs;            /* of Job */
    GQueue free_buffers;    /* of Buffer */
    GPtrArray *streams;     /* of Stream, in rising order of cpu */
    unsigned n_buffers;
    unsigned max_buffers;
    bool busy;              /* the thread is at work on a job */
    bool closing;
    GString *meta;          /* set, and not written yet */
    GError *error;          /* first one; never changes again */

    /* The thread's own, until it has been joined. */
    LogOutput *output;
    LogEncoder *encoder;
    ZSTD_CCtx *zstd;
    LogBuf raw;
    LogBuf stored;
    uint64_t sequence;
    uint64_t written;
    uint64_t lost;
    uint64_t per_type[MTRACE_RECORD_TYPE_LIMIT];
};

/* ---- the thread --------------------------------------------------------- */

static void keep_error(MtraceLogWriter *w, GError *error)
{
    g_mutex_lock(&w->lock);
    if (w->error) {
        g_error_free(error);
    } else {
        w->error = error;
    }
    g_mutex_unlock(&w->lock);
}

static bool compress(MtraceLogWriter *w, const void *raw, size_t len)
{
    size_t bound = ZSTD_compressBound(len);
    size_t got;

    w->stored.len = 0;
    log_buf_reserve(&w->stored, bound);
    got = ZSTD_compressCCtx(w->zstd, w->stored.data, bound, raw, len,
                            ZSTD_LEVEL);
    w->stored.len = ZSTD_isError(got) ? 0 : got;
    return w->stored.len && w->stored.len < len;
}

/* Writes a chunk; @chunk has kind, stream and what is known about records. */
static bool put_chunk(MtraceLogWriter *w, LogChunk *chunk, const void *raw,
                      size_t len)
{
    uint8_t header[MTRACE_CHUNK_HEADER_SIZE];
    const void *payload = raw;
    GError *error = NULL;

    if (w->error) {
        return false;
    }
    chunk->raw_size = len;
    chunk->stored_size = len;
    if (len >= MIN_COMPRESSED && compress(w, raw, len)) {
        chunk->flags = LOG_CHUNK_ZSTD;
        chunk->stored_size = w->stored.len;
        payload = w->stored.data;
    }
    chunk->sequence = w->sequence;
    chunk->payload_crc = log_crc(payload, chunk->stored_size);
    log_chunk_pack(chunk, header);
    if (!log_output_write(w->output, header, sizeof(header), payload,
                          chunk->stored_size, &error)) {
        keep_error(w, error);
        return false;
    }
    w->sequence++;
    return true;
}

static void put_text(MtraceLogWriter *w, MtraceChunkKind kind,
                     const GString *text)
{
    LogChunk chunk = { .kind = kind, .stream = MTRACE_CPU_NONE };

    put_chunk(w, &chunk, text->str, text->len);
}

static void put_meta(MtraceLogWriter *w)
{
    GString *meta;

    g_mutex_lock(&w->lock);
    meta = g_steal_pointer(&w->meta);
    g_mutex_unlock(&w->lock);
    if (meta) {
        put_text(w, MTRACE_CHUNK_META, meta);
        g_string_free(meta, TRUE);
    }
}

static void put_records(MtraceLogWriter *w, const Buffer *b)
{
    LogChunk chunk = { .kind = MTRACE_CHUNK_RECORDS, .stream = b->cpu };
    LogEncoded info;

    if (w->error) {
        w->lost += log_count_records((uint8_t *)b->data, b->len);
        return;
    }
    log_encode_records(w->encoder, (uint8_t *)b->data, b->len, &w->raw, &info);
    chunk.n_records = info.n_records;
    chunk.first_order = info.first_order;
    chunk.last_order = info.last_order;
    if (!put_chunk(w, &chunk, w->raw.data, w->raw.len)) {
        w->lost += info.n_records;
        return;
    }
    w->written += info.n_records;
    for (unsigned t = 0; t < MTRACE_RECORD_TYPE_LIMIT; t++) {
        w->per_type[t] += info.per_type[t];
    }
}

static void put_image(MtraceLogWriter *w, GByteArray *image)
{
    LogChunk chunk = {
        .kind = MTRACE_CHUNK_IMAGE, .stream = MTRACE_CPU_NONE,
    };

    put_chunk(w, &chunk, image->data, image->len);
    g_byte_array_unref(image);
}

static void put_end(MtraceLogWriter *w)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "records=%" G_GUINT64_FORMAT "\n", w->written);
    for (unsigned t = 0; t < MTRACE_RECORD_TYPE_LIMIT; t++) {
        if (w->per_type[t]) {
            g_string_append_printf(text, "records.%s=%" G_GUINT64_FORMAT "\n",
                                   mtrace_record_type_name(t), w->per_type[t]);
        }
    }
    put_text(w, MTRACE_CHUNK_END, text);
}

static void run_job(MtraceLogWriter *w, Job *job)
{
    put_meta(w);
    if (job->image) {
        put_image(w, job->image);
    }
    if (job->records) {
        put_records(w, job->records);
        job->records->len = 0;
    }
}

/* The next job, or NULL when the log is to be closed and nothing is left. */
static Job *take_job(MtraceLogWriter *w)
{
    Job *job;

    g_mutex_lock(&w->lock);
    while (g_queue_is_empty(&w->jobs) && !w->closing) {
        g_cond_wait(&w->wakeup, &w->lock);
    }
    job = g_queue_pop_head(&w->jobs);
    w->busy = job != NULL;
    g_mutex_unlock(&w->lock);
    return job;
}

static void finish_job(MtraceLogWriter *w, Job *job)
{
    g_mutex_lock(&w->lock);
    if (job->records) {
        g_queue_push_head(&w->free_buffers, job->records);
    }
    w->busy = false;
    g_cond_broadcast(&w->progress);
    g_mutex_unlock(&w->lock);
    g_free(job);
}

static gpointer writer_thread(gpointer opaque)
{
    MtraceLogWriter *w = opaque;
    Job *job;

    while ((job = take_job(w))) {
        run_job(w, job);
        finish_job(w, job);
    }
    put_meta(w);
    put_end(w);
    return NULL;
}

/* Signals go to the program's own threads; SIGPIPE becomes EPIPE. */
static GThread *start_thread(MtraceLogWriter *w, GError **error)
{
    sigset_t all, before;
    GThread *thread;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread = g_thread_try_new("mtrace-log", writer_thread, w, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return thread;
}

/* ---- streams ------------------------------------------------------------ */

static void push_job(MtraceLogWriter *w, Buffer *records, GByteArray *image)
{
    Job *job = g_new(Job, 1);

    *job = (Job){ .records = records, .image = image };
    g_queue_push_tail(&w->jobs, job);
    g_cond_signal(&w->wakeup);
}

/* Hands the stream's buffer to the thread.  Called with the lock held. */
static void stream_release(Stream *s)
{
    Buffer *b = s->buffer;

    if (b) {
        b->len = s->pub.cursor - (uint8_t *)b->data;
        b->cpu = s->cpu;
        if (b->len) {
            push_job(s->w, b, NULL);
        } else {
            g_queue_push_head(&s->w->free_buffers, b);
        }
        s->buffer = NULL;
        s->pub.cursor = s->pub.limit = NULL;
    }
}

/* A free buffer, waited for if need be.  Called with the lock held. */
static Buffer *take_buffer(MtraceLogWriter *w)
{
    Buffer *b;

    while (g_queue_is_empty(&w->free_buffers)
           && w->n_buffers >= w->max_buffers) {
        g_cond_wait(&w->progress, &w->lock);
    }
    b = g_queue_pop_head(&w->free_buffers);
    if (!b) {
        b = g_new0(Buffer, 1);
        b->data = g_malloc(BUFFER_SIZE);
        w->n_buffers++;
    }
    return b;
}

void mtrace_log_stream_grow(MtraceLogStream *pub, size_t need)
{
    Stream *s = (Stream *)pub;
    MtraceLogWriter *w = s->w;

    g_assert(need >= sizeof(MtraceRecord) && need <= BUFFER_SIZE);
    g_mutex_lock(&w->lock);
    stream_release(s);
    s->buffer = take_buffer(w);
    g_mutex_unlock(&w->lock);
    pub->cursor = (uint8_t *)s->buffer->data;
    pub->limit = pub->cursor + BUFFER_SIZE;
}

MtraceLogStream *mtrace_log_writer_stream(MtraceLogWriter *w, uint16_t cpu)
{
    Stream *s = NULL;
    unsigned at;

    g_mutex_lock(&w->lock);
    for (at = 0; at < w->streams->len; at++) {
        s = g_ptr_array_index(w->streams, at);
        if (s->cpu >= cpu) {
            break;
        }
    }
    if (at == w->streams->len || s->cpu != cpu) {
        s = g_new0(Stream, 1);
        s->w = w;
        s->cpu = cpu;
        g_ptr_array_insert(w->streams, at, s);
        w->max_buffers += POOL_PER_STREAM;
    }
    g_mutex_unlock(&w->lock);
    return &s->pub;
}

/* ---- the session -------------------------------------------------------- */

MtraceLogWriter *mtrace_log_writer_new(int fd, const char *name,
                                       GError **error)
{
    MtraceLogWriter *w;
    uint8_t header[LOG_FILE_HEADER_SIZE];
    LogOutput *output = log_output_new(fd, name);

    log_file_header_pack(header);
    if (!log_output_write(output, header, sizeof(header), NULL, 0, error)) {
        log_output_free(output, NULL);
        return NULL;
    }
    w = g_new0(MtraceLogWriter, 1);
    w->output = output;
    w->encoder = log_encoder_new();
    w->zstd = ZSTD_createCCtx();
    w->streams = g_ptr_array_new_with_free_func(g_free);
    w->max_buffers = POOL_BASE;
    g_queue_init(&w->jobs);
    g_queue_init(&w->free_buffers);
    g_mutex_init(&w->lock);
    g_cond_init(&w->wakeup);
    g_cond_init(&w->progress);
    w->thread = start_thread(w, error);
    if (!w->thread) {
        w->closing = true;
        mtrace_log_writer_close(w, NULL, NULL);
        return NULL;
    }
    return w;
}

void mtrace_log_writer_set_meta(MtraceLogWriter *w, const char *key,
                                const char *value)
{
    g_assert(!strpbrk(key, "=\n"));
    g_mutex_lock(&w->lock);
    if (!w->meta) {
        w->meta = g_string_new(NULL);
    }
    g_string_append_printf(w->meta, "%s=", key);
    for (const char *p = value; *p; p++) {
        if (*p == '\n' || *p == '\\') {
            g_string_append(w->meta, *p == '\n' ? "\\n" : "\\\\");
        } else {
            g_string_append_c(w->meta, *p);
        }
    }
    g_string_append_c(w->meta, '\n');
    g_mutex_unlock(&w->lock);
}

static void append_counted(GByteArray *out, const void *data, size_t len)
{
    uint8_t varint[LOG_VARINT_MAX];

    g_byte_array_append(out, varint, log_varint_store(varint, len) - varint);
    if (len) {
        g_byte_array_append(out, data, len);
    }
}

void mtrace_log_writer_add_image(MtraceLogWriter *w,
                                 const MtraceLogSection *sections, unsigned n)
{
    GByteArray *image = g_byte_array_new();

    for (unsigned i = 0; i < n; i++) {
        size_t name_len = strlen(sections[i].name);

        /* A section that no reader would accept is left out. */
        if (sections[i].len < MTRACE_CHUNK_MAX_RAW
            && image->len + sections[i].len + name_len + 2 * LOG_VARINT_MAX
               <= MTRACE_CHUNK_MAX_RAW) {
            append_counted(image, sections[i].name, name_len);
            append_counted(image, sections[i].data, sections[i].len);
        }
    }
    g_mutex_lock(&w->lock);
    push_job(w, NULL, image);
    g_mutex_unlock(&w->lock);
}

static void release_streams(MtraceLogWriter *w)
{
    for (unsigned i = 0; i < w->streams->len; i++) {
        stream_release(g_ptr_array_index(w->streams, i));
    }
}

void mtrace_log_writer_flush(MtraceLogWriter *w)
{
    g_mutex_lock(&w->lock);
    release_streams(w);
    while (w->busy || !g_queue_is_empty(&w->jobs)) {
        g_cond_wait(&w->progress, &w->lock);
    }
    g_mutex_unlock(&w->lock);
}

const GError *mtrace_log_writer_error(MtraceLogWriter *w)
{
    const GError *error;

    g_mutex_lock(&w->lock);
    error = w->error;
    g_mutex_unlock(&w->lock);
    return error;
}

static void writer_free(MtraceLogWriter *w)
{
    Buffer *b;

    while ((b = g_queue_pop_head(&w->free_buffers))) {
        g_free(b->data);
        g_free(b);
    }
    g_ptr_array_unref(w->streams);
    log_encoder_free(w->encoder);
    ZSTD_freeCCtx(w->zstd);
    log_buf_clear(&w->raw);
    log_buf_clear(&w->stored);
    g_mutex_clear(&w->lock);
    g_cond_clear(&w->wakeup);
    g_cond_clear(&w->progress);
    if (w->meta) {
        g_string_free(w->meta, TRUE);
    }
    g_free(w);
}

bool mtrace_log_writer_close(MtraceLogWriter *w, MtraceLogTotals *totals,
                             GError **error)
{
    GError *first;
    uint64_t bytes;

    g_mutex_lock(&w->lock);
    release_streams(w);
    w->closing = true;
    g_cond_signal(&w->wakeup);
    g_mutex_unlock(&w->lock);
    if (w->thread) {
        g_thread_join(w->thread);
    }
    first = g_steal_pointer(&w->error);
    bytes = log_output_free(w->output, first ? NULL : &first);
    if (totals) {
        *totals = (MtraceLogTotals){
            .records = w->written, .lost = w->lost, .bytes = bytes,
        };
    }
    writer_free(w);
    if (first) {
        g_propagate_error(error, first);
        return false;
    }
    return true;
}
