/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The payload of RECORDS chunks: record structures to columns, and back
 * (docs/log-format.md, "RECORDS: the payload").  No state crosses chunks; the
 * encoder and decoder objects only keep memory for the next chunk.
 */
#ifndef MTRACE_LOG_RECORDS_H
#define MTRACE_LOG_RECORDS_H

#include "log-codec.h"
#include "mtrace/log.h"

/* Most bytes of the records of one chunk as C structures. */
#define LOG_MAX_DECODED (16u << 20)

/* ---- encoding ----------------------------------------------------------- */

typedef struct LogEncoder LogEncoder;

LogEncoder *log_encoder_new(void);
void log_encoder_free(LogEncoder *e);

/* What one buffer of records contained. */
typedef struct LogEncoded {
    uint32_t n_records;
    uint64_t first_order;
    uint64_t last_order;
    uint32_t per_type[MTRACE_RECORD_TYPE_LIMIT];
} LogEncoded;

/* Number of records in a buffer. */
uint32_t log_count_records(const uint8_t *records, size_t len);

/**
 * log_encode_records - turn records into a payload
 * @records: record structures one behind the other, 8-byte aligned; their
 *           types and sizes are those of the table (asserted)
 * @len: bytes of them, at most LOG_MAX_DECODED
 * @out: emptied, then filled with the payload
 * @info: what was encoded
 */
void log_encode_records(LogEncoder *e, const uint8_t *records, size_t len,
                        LogBuf *out, LogEncoded *info);

/* ---- decoding ----------------------------------------------------------- */

typedef struct LogDecoder LogDecoder;

LogDecoder *log_decoder_new(void);
void log_decoder_free(LogDecoder *d);

/**
 * struct LogDecoded - the records of a chunk
 * @data: record structures one behind the other
 * @len: bytes of them
 * @cap: bytes of the allocation, used again for the next chunk
 * @n_records: records in @data
 * @n_unknown: records of unknown types, which are not in @data
 * @first_order, @last_order: of all of them, known or not
 */
typedef struct LogDecoded {
    uint8_t *data;
    size_t len;
    size_t cap;
    uint32_t n_records;
    uint32_t n_unknown;
    uint64_t first_order;
    uint64_t last_order;
} LogDecoded;

/**
 * log_decode_records - turn a payload into records
 * @raw: the payload, uncompressed
 * @n_records: records it should have, at most MTRACE_CHUNK_MAX_RECORDS
 * @out: zeroed before the first use; overwritten
 *
 * Returns: false when the payload is malformed, or needs too much memory; @out
 * then has no records.
 */
bool log_decode_records(LogDecoder *d, const uint8_t *raw, size_t len,
                        uint32_t n_records, LogDecoded *out);

/* Frees the records, not @out. */
void log_decoded_clear(LogDecoded *out);

/* ---- between the record layer and access records (log-access.c) --------- */

/* Columns of an access section on disk. */
enum {
    LOG_ACCESS_SITE_PC,
    LOG_ACCESS_SITE_KIND,
    LOG_ACCESS_SITE_SIZE,
    LOG_ACCESS_SITE_BYTES,
    LOG_ACCESS_SITE_ORIGIN,
    LOG_ACCESS_SITE_FLAGS,
    LOG_ACCESS_SITE_CPL,
    LOG_ACCESS_PAGE_VIRTUAL,
    LOG_ACCESS_PAGE_SHIFT,
    LOG_ACCESS_PAGE_TWIST,
    LOG_ACCESS_SITE,
    LOG_ACCESS_PAGE,
    LOG_ACCESS_LINE,
    LOG_ACCESS_BYTE,
    LOG_ACCESS_N_COLUMNS
};

typedef struct LogAccessEncoder LogAccessEncoder;
LogAccessEncoder *log_access_encoder_new(void);
void log_access_encoder_free(LogAccessEncoder *a);

/* Appends the LOG_ACCESS_N_COLUMNS columns of the records at @offsets. */
void log_access_encode(LogAccessEncoder *a, const uint8_t *records,
                       const uint32_t *offsets, size_t n, LogBuf *out);

typedef struct LogAccessDecoder LogAccessDecoder;
LogAccessDecoder *log_access_decoder_new(void);
void log_access_decoder_free(LogAccessDecoder *a);

/**
 * log_access_decode - fill in the access records of a chunk
 * @columns: those present
 * @data, @offsets: where the records are; their bodies are zero
 *
 * Returns: false when a column is malformed.
 */
bool log_access_decode(LogAccessDecoder *a, const LogColumn *columns,
                       size_t n_columns, uint8_t *data,
                       const uint32_t *offsets, size_t n);

#endif /* MTRACE_LOG_RECORDS_H */
