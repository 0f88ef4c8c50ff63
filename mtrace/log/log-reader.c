/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a log: describes the session, then merges the streams.
 *
 * Each stream is a list of chunks, of which at most one is decoded.  Streams
 * wait in a binary heap by the order of the next record they have; that of a
 * chunk not decoded yet is in its header, so that a chunk is decoded only when
 * its turn has come.  A chunk that turns out to be damaged is accounted for and
 * its stream goes on with the next one.
 */
#include "log-index.h"
#include "log-records.h"
#include "log-session.h"

typedef struct Stream {
    uint16_t id;
    GArray *chunks;         /* of size_t: places in the index */
    guint next_chunk;       /* the first one not decoded */
    LogDecoded decoded;
    const uint8_t *at;      /* next record in @decoded */
    const uint8_t *end;
    uint64_t order;         /* of the next record; the heap's key */
} Stream;

struct MtraceLogReader {
    LogIndex *index;
    LogSession session;
    LogDecoder *decoder;
    MtraceLogDamage damage;
    GPtrArray *streams;     /* of Stream; all */
    GPtrArray *heap;        /* of Stream; those with something left */
    bool pending;           /* the heap's first record has been handed out */
    bool finished;
    uint64_t n_records;     /* handed out or unknown */
    uint64_t bytes_total;   /* of the RECORDS chunks */
    uint64_t bytes_done;
};

/* ---- heap of streams ---------------------------------------------------- */

static inline bool stream_before(const Stream *a, const Stream *b)
{
    return a->order < b->order || (a->order == b->order && a->id < b->id);
}

static void sift_down(MtraceLogReader *r, guint i)
{
    Stream **heap = (Stream **)r->heap->pdata;
    guint n = r->heap->len;
    Stream *s = heap[i];

    for (guint child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && stream_before(heap[child + 1], heap[child])) {
            child++;
        }
        if (!stream_before(heap[child], s)) {
            break;
        }
        heap[i] = heap[child];
    }
    heap[i] = s;
}

/* ---- streams ------------------------------------------------------------ */

static const LogPlace *stream_place(MtraceLogReader *r, const Stream *s,
                                    guint i)
{
    return log_index_chunk(r->index, g_array_index(s->chunks, size_t, i));
}

static uint64_t place_bytes(const LogPlace *place)
{
    return MTRACE_CHUNK_HEADER_SIZE + (uint64_t)place->chunk.stored_size;
}

/* Sets the stream's order to what comes next; false when nothing does. */
static bool stream_peek(MtraceLogReader *r, Stream *s)
{
    if (s->at < s->end) {
        s->order = ((const MtraceRecord *)s->at)->order;
        return true;
    }
    if (s->next_chunk < s->chunks->len) {
        s->order = stream_place(r, s, s->next_chunk)->chunk.first_order;
        return true;
    }
    return false;
}

static bool decode_chunk(MtraceLogReader *r, Stream *s, const LogPlace *place)
{
    const LogChunk *chunk = &place->chunk;
    size_t len;
    const uint8_t *raw = log_index_payload(r->index, place, &len);

    return raw
           && log_decode_records(r->decoder, raw, len, chunk->n_records,
                                 &s->decoded)
           && s->decoded.first_order == chunk->first_order
           && s->decoded.last_order == chunk->last_order;
}

/* Decodes the stream's next chunk, or accounts for it. */
static void stream_load(MtraceLogReader *r, Stream *s)
{
    const LogPlace *place = stream_place(r, s, s->next_chunk++);

    r->bytes_done += place_bytes(place);
    s->at = s->end = NULL;
    if (decode_chunk(r, s, place)) {
        s->at = s->decoded.data;
        s->end = s->at + s->decoded.len;
        r->n_records += s->decoded.n_unknown;
        r->damage.unknown_records += s->decoded.n_unknown;
    } else {
        r->damage.bad_chunks++;
        r->damage.lost_bytes += place_bytes(place);
        log_damage_at(&r->damage, place->offset);
    }
}

/* Puts the heap's first stream where it belongs now, or takes it out. */
static void settle_first(MtraceLogReader *r)
{
    Stream *s = g_ptr_array_index(r->heap, 0);

    if (!stream_peek(r, s)) {
        log_decoded_clear(&s->decoded);
        s->at = s->end = NULL;
        g_ptr_array_remove_index_fast(r->heap, 0);
    }
    if (r->heap->len) {
        sift_down(r, 0);
    }
}

static void stream_free(gpointer opaque)
{
    Stream *s = opaque;

    g_array_unref(s->chunks);
    log_decoded_clear(&s->decoded);
    g_free(s);
}

/* ---- opening ------------------------------------------------------------ */

static void add_records(MtraceLogReader *r, GHashTable *by_id, size_t i)
{
    const LogPlace *place = log_index_chunk(r->index, i);
    gpointer key = GUINT_TO_POINTER((guint)place->chunk.stream);
    Stream *s = g_hash_table_lookup(by_id, key);

    if (!s) {
        s = g_new0(Stream, 1);
        s->id = place->chunk.stream;
        s->chunks = g_array_new(FALSE, FALSE, sizeof(size_t));
        g_ptr_array_add(r->streams, s);
        g_hash_table_insert(by_id, key, s);
    }
    g_array_append_val(s->chunks, i);
    r->bytes_total += place_bytes(place);
}

static void add_session_chunk(MtraceLogReader *r, const LogPlace *place)
{
    size_t len;
    const uint8_t *raw = log_index_payload(r->index, place, &len);

    if (!raw || !log_session_add(&r->session, place->chunk.kind, raw, len)) {
        r->damage.bad_chunks++;
        r->damage.lost_bytes += place_bytes(place);
        log_damage_at(&r->damage, place->offset);
    }
}

static void sort_chunks(MtraceLogReader *r)
{
    g_autoptr(GHashTable) by_id = g_hash_table_new(NULL, NULL);

    for (size_t i = 0; i < log_index_n_chunks(r->index); i++) {
        const LogPlace *place = log_index_chunk(r->index, i);

        switch (place->chunk.kind) {
        case MTRACE_CHUNK_RECORDS:
            add_records(r, by_id, i);
            break;
        case MTRACE_CHUNK_META:
        case MTRACE_CHUNK_IMAGE:
        case MTRACE_CHUNK_END:
            add_session_chunk(r, place);
            break;
        default:
            break;
        }
    }
}

static void make_heap(MtraceLogReader *r)
{
    for (guint i = 0; i < r->streams->len; i++) {
        Stream *s = g_ptr_array_index(r->streams, i);

        stream_peek(r, s);
        g_ptr_array_add(r->heap, s);
    }
    for (guint i = r->heap->len / 2; i-- > 0; ) {
        sift_down(r, i);
    }
}

MtraceLogReader *mtrace_log_reader_open(const char *path, GError **error)
{
    MtraceLogReader *r = g_new0(MtraceLogReader, 1);

    r->index = log_index_open(path, &r->damage, error);
    if (!r->index) {
        g_free(r);
        return NULL;
    }
    log_session_init(&r->session);
    r->decoder = log_decoder_new();
    r->streams = g_ptr_array_new_with_free_func(stream_free);
    r->heap = g_ptr_array_new();
    sort_chunks(r);
    make_heap(r);
    if (!r->session.ended) {
        r->damage.truncated = true;
        log_damage_at(&r->damage, log_index_size(r->index));
    }
    return r;
}

void mtrace_log_reader_free(MtraceLogReader *r)
{
    if (r) {
        g_ptr_array_unref(r->heap);
        g_ptr_array_unref(r->streams);
        log_decoder_free(r->decoder);
        log_session_clear(&r->session);
        log_index_free(r->index);
        g_free(r);
    }
}

/* ---- reading ------------------------------------------------------------ */

static void finish(MtraceLogReader *r)
{
    if (!r->finished && r->session.ended
        && r->session.end_records > r->n_records) {
        r->damage.missing_records = r->session.end_records - r->n_records;
        log_damage_at(&r->damage, log_index_size(r->index));
    }
    r->finished = true;
}

const MtraceRecord *mtrace_log_reader_next(MtraceLogReader *r)
{
    if (r->pending) {
        Stream *s = g_ptr_array_index(r->heap, 0);

        s->at += ((const MtraceRecord *)s->at)->size;
        r->pending = false;
        settle_first(r);
    }
    while (r->heap->len) {
        Stream *s = g_ptr_array_index(r->heap, 0);

        if (s->at < s->end) {
            r->pending = true;
            r->n_records++;
            return (const MtraceRecord *)s->at;
        }
        stream_load(r, s);
        settle_first(r);
    }
    finish(r);
    return NULL;
}

const char *mtrace_log_reader_meta(MtraceLogReader *r, const char *key)
{
    return g_hash_table_lookup(r->session.meta, key);
}

const char *const *mtrace_log_reader_meta_keys(MtraceLogReader *r)
{
    return (const char *const *)r->session.meta_keys->pdata;
}

unsigned mtrace_log_reader_n_images(MtraceLogReader *r)
{
    return r->session.images->len;
}

const void *mtrace_log_reader_image(MtraceLogReader *r, unsigned i,
                                    const char *section, size_t *len)
{
    GBytes *bytes;

    if (i >= r->session.images->len) {
        return NULL;
    }
    bytes = g_hash_table_lookup(g_ptr_array_index(r->session.images, i),
                                section);
    if (!bytes) {
        return NULL;
    }
    *len = g_bytes_get_size(bytes) - 1;
    return g_bytes_get_data(bytes, NULL);
}

const MtraceLogDamage *mtrace_log_reader_damage(MtraceLogReader *r)
{
    return &r->damage;
}

/* Appends a part of the sentence. */
static void G_GNUC_PRINTF(2, 3) say(GString *text, const char *format, ...)
{
    va_list ap;

    if (text->len) {
        g_string_append(text, "; ");
    }
    va_start(ap, format);
    g_string_append_vprintf(text, format, ap);
    va_end(ap);
}

#define U64 "%" G_GUINT64_FORMAT
#define PLURAL(n) ((n) == 1 ? "" : "s")

char *mtrace_log_reader_damage_text(MtraceLogReader *r)
{
    const MtraceLogDamage *d = &r->damage;
    GString *text = g_string_new(NULL);

    if (d->truncated) {
        say(text, "the log was cut short (it has no END chunk)");
    }
    if (d->bad_chunks) {
        say(text, U64 " chunk%s damaged or missing", d->bad_chunks,
            PLURAL(d->bad_chunks));
    }
    if (d->lost_bytes) {
        say(text, U64 " byte%s could not be read", d->lost_bytes,
            PLURAL(d->lost_bytes));
    }
    if (d->missing_records) {
        say(text, U64 " record%s missing", d->missing_records,
            PLURAL(d->missing_records));
    }
    if (text->len) {
        g_string_append_printf(text, "; the first damage is at byte " U64,
                               d->first_bad_offset);
    }
    if (d->unknown_records) {
        say(text, U64 " record%s of unknown types skipped",
            d->unknown_records, PLURAL(d->unknown_records));
    }
    return g_string_free(text, text->len == 0);
}

double mtrace_log_reader_progress(MtraceLogReader *r)
{
    if (r->finished || !r->bytes_total) {
        return 1.0;
    }
    return (double)r->bytes_done / r->bytes_total;
}
