/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Headers of the file and of its chunks, packed and unpacked byte by byte, so
 * that neither alignment nor the host's byte order matters.
 */
#ifndef MTRACE_LOG_CHUNK_H
#define MTRACE_LOG_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mtrace/format.h"

#define LOG_FILE_HEADER_SIZE 16
/* The payload is one zstd frame. */
#define LOG_CHUNK_ZSTD 1u
/* Most payload bytes of a chunk in the file: a frame may exceed its contents. */
#define LOG_CHUNK_MAX_STORED (MTRACE_CHUNK_MAX_RAW + (1u << 20))

/* A chunk header; field meanings are those of docs/log-format.md. */
typedef struct LogChunk {
    uint16_t kind;
    uint16_t stream;
    uint32_t raw_size;
    uint32_t stored_size;
    uint32_t n_records;
    uint32_t flags;
    uint64_t sequence;
    uint64_t first_order;
    uint64_t last_order;
    uint32_t payload_crc;
} LogChunk;

void log_file_header_pack(uint8_t out[LOG_FILE_HEADER_SIZE]);

/* Packs a header; computes and stores its checksum. */
void log_chunk_pack(const LogChunk *chunk,
                    uint8_t out[MTRACE_CHUNK_HEADER_SIZE]);

/**
 * log_chunk_unpack - check and unpack a chunk header
 *
 * Returns: false when magic or checksum are wrong, or a size is out of bounds.
 */
bool log_chunk_unpack(LogChunk *chunk,
                      const uint8_t in[MTRACE_CHUNK_HEADER_SIZE]);

/* crc32 of @len bytes, as zlib computes it. */
uint32_t log_crc(const void *data, size_t len);

static inline uint16_t log_load16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

static inline uint32_t log_load32(const uint8_t *p)
{
    return log_load16(p) | (uint32_t)log_load16(p + 2) << 16;
}

static inline uint64_t log_load64(const uint8_t *p)
{
    return log_load32(p) | (uint64_t)log_load32(p + 4) << 32;
}

#endif /* MTRACE_LOG_CHUNK_H */
