/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log library: writes and reads mtrace logs, and prints their records.
 *
 * Writing: a producer (one vCPU, or the host) owns a stream, and appends
 * records to it with no lock.  Full buffers go to the writer's own thread,
 * which turns them into columns, compresses, checksums and writes them.  When
 * that thread falls behind, producers wait; nothing is ever dropped.
 *
 * Reading: chunks of all streams are merged, so that records come out in the
 * global order.  A log that was cut short or damaged is read as far as its
 * chunks are whole; mtrace_log_reader_damage() then says what is missing.
 */
#ifndef MTRACE_LOG_H
#define MTRACE_LOG_H

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include "mtrace/format.h"

G_BEGIN_DECLS

#define MTRACE_LOG_ERROR (mtrace_log_error_quark())
GQuark mtrace_log_error_quark(void);

typedef enum MtraceLogError {
    MTRACE_LOG_ERROR_IO,       /* the operating system refused */
    MTRACE_LOG_ERROR_FORMAT,   /* not an mtrace log, or no whole chunk in it */
    MTRACE_LOG_ERROR_VERSION,  /* a log of a version this library cannot read */
} MtraceLogError;

/* ---- writer ------------------------------------------------------------ */

typedef struct MtraceLogWriter MtraceLogWriter;

/**
 * struct MtraceLogStream - where one producer appends records
 * @cursor: first free byte of the current buffer; NULL before the first append
 * @limit: end of the current buffer
 *
 * Only @cursor and @limit are public, for the inline append below.  Exactly
 * one thread may append to a stream at a time, in rising MtraceRecord.order.
 */
typedef struct MtraceLogStream {
    uint8_t *cursor;
    uint8_t *limit;
} MtraceLogStream;

/**
 * mtrace_log_writer_new - start a log and its writer thread
 * @fd: open for writing; the writer owns it from here on, also on error
 * @name: what to call the file in error messages
 * @error: why the header could not be written
 *
 * The thread blocks all signals.  It does not survive fork(): a program that
 * becomes a daemon calls this afterwards.
 *
 * Returns: the writer, closed and freed with mtrace_log_writer_close(); NULL on
 * error.
 */
MtraceLogWriter *mtrace_log_writer_new(int fd, const char *name,
                                       GError **error);

/**
 * mtrace_log_writer_set_meta - describe the session
 * @key: name, without '=' or newline
 * @value: text; newlines and backslashes are escaped by the library
 *
 * Any thread.  Written as a META chunk before the next chunk: what is set before
 * the first record is appended comes before all records.  Of two values for a key
 * the later one counts.
 */
void mtrace_log_writer_set_meta(MtraceLogWriter *w, const char *key,
                                const char *value);

/* One named part of an image; the name is one of those in log-format.md. */
typedef struct MtraceLogSection {
    const char *name;
    const void *data;
    size_t len;
} MtraceLogSection;

/**
 * mtrace_log_writer_add_image - embed the symbols of a guest program
 * @sections: "name", "path", "build-id", "symbols" (text as in /proc/kallsyms),
 *            "btf" (the raw .BTF section), …; copied
 * @n: number of sections
 *
 * Any thread; compressed and written by the calling thread's time only for the
 * copy.
 */
void mtrace_log_writer_add_image(MtraceLogWriter *w,
                                 const MtraceLogSection *sections, unsigned n);

/**
 * mtrace_log_writer_stream - the stream of a producer
 * @cpu: vCPU index or MTRACE_CPU_NONE; the stream number on disk
 *
 * Any thread.  Returns: the stream, owned by the writer, the same one each
 * time for the same @cpu.
 */
MtraceLogStream *mtrace_log_writer_stream(MtraceLogWriter *w, uint16_t cpu);

/* Slow half of mtrace_log_append(): hands the full buffer on, gets a new one. */
void mtrace_log_stream_grow(MtraceLogStream *s, size_t need);

/**
 * mtrace_log_append - append one record
 * @record: any record structure; its header's size tells how much is copied
 *
 * Waits when all buffers are still with the writer thread.
 */
static inline void mtrace_log_append(MtraceLogStream *s,
                                     const MtraceRecord *record)
{
    if (G_UNLIKELY((size_t)(s->limit - s->cursor) < record->size)) {
        mtrace_log_stream_grow(s, record->size);
    }
    memcpy(s->cursor, record, record->size);
    s->cursor += record->size;
}

/**
 * mtrace_log_writer_flush - hand every stream's buffer to the writer thread
 *
 * No producer may append meanwhile.  Returns when the chunks are on their way
 * to the file; the file then holds all records up to here.
 */
void mtrace_log_writer_flush(MtraceLogWriter *w);

/**
 * mtrace_log_writer_error - has writing failed?
 *
 * Any thread.  After the first write error the writer takes and discards
 * buffers, so that the guest can finish; the END chunk is not written.
 * Returns: NULL, or the error, owned by the writer.
 */
const GError *mtrace_log_writer_error(MtraceLogWriter *w);

typedef struct MtraceLogTotals {
    uint64_t records; /* appended and written */
    uint64_t lost;    /* appended, but discarded after a write error */
    uint64_t bytes;   /* of the file */
} MtraceLogTotals;

/**
 * mtrace_log_writer_close - write what is left and the END chunk; free @w
 * @totals: filled in when not NULL
 * @error: the first error of the whole session
 *
 * No producer may append meanwhile.  Returns: true when the log is complete.
 */
bool mtrace_log_writer_close(MtraceLogWriter *w, MtraceLogTotals *totals,
                             GError **error);

/* ---- reader ------------------------------------------------------------ */

typedef struct MtraceLogReader MtraceLogReader;

/**
 * mtrace_log_reader_open - open a log and find its chunks
 * @path: file name, or "-" for standard input (spooled to a temporary file
 *        when it cannot seek)
 * @error: MTRACE_LOG_ERROR; each is one sentence that names @path
 */
MtraceLogReader *mtrace_log_reader_open(const char *path, GError **error);
void mtrace_log_reader_free(MtraceLogReader *r);

/**
 * mtrace_log_reader_next - the next record in the global order
 *
 * Returns: the record, owned by the reader and valid until the next call; NULL
 * at the end.  Damaged chunks are passed over and accounted for.
 */
const MtraceRecord *mtrace_log_reader_next(MtraceLogReader *r);

/* Value of a META key, or NULL.  Owned by the reader. */
const char *mtrace_log_reader_meta(MtraceLogReader *r, const char *key);

/* META keys in the order of the file, NULL-terminated; owned by the reader. */
const char *const *mtrace_log_reader_meta_keys(MtraceLogReader *r);

/* Number of images in the log. */
unsigned mtrace_log_reader_n_images(MtraceLogReader *r);

/**
 * mtrace_log_reader_image - a part of an image
 * @i: below mtrace_log_reader_n_images()
 * @section: its name
 * @len: bytes of it
 *
 * Returns: the bytes, owned by the reader (followed by a NUL that @len does
 * not count), or NULL when there is no such section.
 */
const void *mtrace_log_reader_image(MtraceLogReader *r, unsigned i,
                                    const char *section, size_t *len);

/**
 * struct MtraceLogDamage - what a log lacks
 * @truncated: no END chunk: the recorder was killed, or the file was cut
 * @bad_chunks: chunks whose checksum or contents are wrong
 * @lost_bytes: bytes of the file that belong to no whole chunk
 * @first_bad_offset: where in the file the first damage is
 * @unknown_records: records of types that this library does not know, skipped
 * @missing_records: records that the END chunk counts and that were not found
 *
 * Complete once mtrace_log_reader_next() has returned NULL.
 */
typedef struct MtraceLogDamage {
    bool truncated;
    uint64_t bad_chunks;
    uint64_t lost_bytes;
    uint64_t first_bad_offset;
    uint64_t unknown_records;
    uint64_t missing_records;
} MtraceLogDamage;

const MtraceLogDamage *mtrace_log_reader_damage(MtraceLogReader *r);

/**
 * mtrace_log_reader_damage_text - one sentence about the damage
 *
 * Returns: a new string, or NULL when the log is whole.
 */
char *mtrace_log_reader_damage_text(MtraceLogReader *r);

/* Share of the log that has been read, 0.0 to 1.0. */
double mtrace_log_reader_progress(MtraceLogReader *r);

/* ---- record types, and printing ---------------------------------------- */

/* Name of a record type ("access"), or NULL when it is unknown. */
const char *mtrace_record_type_name(unsigned type);

/* Type of that name, or 0. */
unsigned mtrace_record_type_from_name(const char *name);

/* Bytes of the C structure of a type; 0 when it is unknown. */
size_t mtrace_record_type_size(unsigned type);

/**
 * mtrace_record_init - fill in a record's header
 *
 * Zeroes the structure, then sets type, size and cpu.
 */
static inline void mtrace_record_init(void *record, unsigned type, size_t size,
                                      uint16_t cpu)
{
    MtraceRecord *h = record;

    memset(record, 0, size);
    h->type = type;
    h->size = size;
    h->cpu = cpu;
}

/**
 * mtrace_record_print - one line of text for a record, without the newline
 * @out: appended to
 *
 * "ORDER cpu=N insns=N accesses=N TYPE field=value …": the same fields always
 * in the same order; addresses in hexadecimal, enumerations by name, strings
 * quoted, and every byte that is not printable ASCII escaped.  MTRACE_CPU_NONE
 * prints as cpu=none.
 */
void mtrace_record_print(GString *out, const MtraceRecord *record);

G_END_DECLS

#endif /* MTRACE_LOG_H */
