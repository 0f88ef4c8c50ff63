/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Headers of the file and of its chunks (docs/log-format.md, "The file" and
 * "Chunks").
 */
#include <string.h>
#include <zlib.h>
#include "log-chunk.h"

static void store(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        p[i] = v >> (8 * i);
    }
}

uint32_t log_crc(const void *data, size_t len)
{
    return crc32_z(0, data, len);
}

void log_file_header_pack(uint8_t out[LOG_FILE_HEADER_SIZE])
{
    memcpy(out, MTRACE_LOG_MAGIC, 8);
    store(out + 8, MTRACE_LOG_VERSION_MAJOR, 2);
    store(out + 10, MTRACE_LOG_VERSION_MINOR, 2);
    store(out + 12, 0, 4);
}

void log_chunk_pack(const LogChunk *chunk,
                    uint8_t out[MTRACE_CHUNK_HEADER_SIZE])
{
    memcpy(out, MTRACE_CHUNK_MAGIC, 4);
    store(out + 4, chunk->kind, 2);
    store(out + 6, chunk->stream, 2);
    store(out + 8, chunk->raw_size, 4);
    store(out + 12, chunk->stored_size, 4);
    store(out + 16, chunk->n_records, 4);
    store(out + 20, chunk->flags, 4);
    store(out + 24, chunk->sequence, 8);
    store(out + 32, chunk->first_order, 8);
    store(out + 40, chunk->last_order, 8);
    store(out + 48, chunk->payload_crc, 4);
    store(out + 52, 0, 8);
    store(out + 60, log_crc(out, 60), 4);
}

bool log_chunk_unpack(LogChunk *chunk,
                      const uint8_t in[MTRACE_CHUNK_HEADER_SIZE])
{
    if (memcmp(in, MTRACE_CHUNK_MAGIC, 4) || log_load32(in + 60) != log_crc(in, 60)) {
        return false;
    }
    *chunk = (LogChunk){
        .kind = log_load16(in + 4),
        .stream = log_load16(in + 6),
        .raw_size = log_load32(in + 8),
        .stored_size = log_load32(in + 12),
        .n_records = log_load32(in + 16),
        .flags = log_load32(in + 20),
        .sequence = log_load64(in + 24),
        .first_order = log_load64(in + 32),
        .last_order = log_load64(in + 40),
        .payload_crc = log_load32(in + 48),
    };
    return chunk->raw_size <= MTRACE_CHUNK_MAX_RAW
           && chunk->stored_size <= LOG_CHUNK_MAX_STORED
           && chunk->n_records <= MTRACE_CHUNK_MAX_RECORDS;
}
