/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Varints and columns: the lowest layer of the log format (docs/log-format.md,
 * "Conventions" and "Columns").  Reading never goes past a cursor's end.
 */
#ifndef MTRACE_LOG_CODEC_H
#define MTRACE_LOG_CODEC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "record-types.h"

/* Most bytes of a varint. */
#define LOG_VARINT_MAX 10

/* ---- writing ------------------------------------------------------------ */

/* Bytes that grow; @data may be NULL while @cap is 0. */
typedef struct LogBuf {
    uint8_t *data;
    size_t len;
    size_t cap;
} LogBuf;

/* Makes room for @more bytes behind @len. */
void log_buf_reserve(LogBuf *b, size_t more);
void log_buf_append(LogBuf *b, const void *data, size_t len);
void log_buf_put_varint(LogBuf *b, uint64_t v);
/* Frees the bytes, not @b. */
void log_buf_clear(LogBuf *b);

static inline uint8_t *log_varint_store(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = v | 0x80;
        v >>= 7;
    }
    *p++ = v;
    return p;
}

static inline uint64_t log_zigzag(uint64_t d)
{
    return (d << 1) ^ -(d >> 63);
}

static inline uint64_t log_unzigzag(uint64_t z)
{
    return (z >> 1) ^ -(z & 1);
}

/**
 * log_column_put - append a column of integers, header and data
 * @scratch: overwritten
 * @codec: the encoding that suits the field; CONST or BYTES are taken instead
 *         when all values are equal or, for VARINT, below 256
 */
void log_column_put(LogBuf *out, LogBuf *scratch, MtraceCodec codec,
                    const uint64_t *values, size_t n);

/**
 * log_column_put_raw - append a column whose data is encoded already
 */
void log_column_put_raw(LogBuf *out, MtraceCodec codec, size_t n,
                        const void *data, size_t len);

/* ---- reading ------------------------------------------------------------ */

typedef struct LogCursor {
    const uint8_t *p;
    const uint8_t *end;
} LogCursor;

/* Reads one varint; false when it is cut short or exceeds 64 bits. */
bool log_get_varint(LogCursor *c, uint64_t *v);

/* Moves over @len bytes; NULL when there are not so many, else their start. */
const uint8_t *log_get_bytes(LogCursor *c, uint64_t len);

/* A column as it lies in the payload. */
typedef struct LogColumn {
    unsigned codec;
    uint64_t n;
    const uint8_t *data;
    size_t len;
} LogColumn;

/* Reads a column's header and moves behind its data; false when cut short. */
bool log_column_get(LogCursor *c, LogColumn *column);

/**
 * log_column_decode - decode a column of integers
 * @out: room for @n values
 * @n: how many values it must have
 *
 * Returns: false when the column is not well-formed or has another count.
 */
bool log_column_decode(const LogColumn *column, uint64_t *out, size_t n);

#endif /* MTRACE_LOG_CODEC_H */
