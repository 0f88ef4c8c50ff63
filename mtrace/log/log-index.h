/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log file opened for reading: where its chunks are, and their payloads.
 */
#ifndef MTRACE_LOG_INDEX_H
#define MTRACE_LOG_INDEX_H

#include "log-chunk.h"
#include "log-codec.h"
#include "mtrace/log.h"

/* A chunk whose header is right and whose payload lies within the file. */
typedef struct LogPlace {
    LogChunk chunk;
    uint64_t offset;    /* of the header in the file */
} LogPlace;

typedef struct LogIndex LogIndex;

/**
 * log_index_open - open a file and find its chunks
 * @path: "-" for standard input
 * @damage: lost_bytes, bad_chunks and first_bad_offset are counted up
 * @error: as mtrace_log_reader_open()
 */
LogIndex *log_index_open(const char *path, MtraceLogDamage *damage,
                         GError **error);
void log_index_free(LogIndex *x);

/* Bytes of the file. */
uint64_t log_index_size(const LogIndex *x);

/* The chunks in the order of the file. */
size_t log_index_n_chunks(const LogIndex *x);
const LogPlace *log_index_chunk(const LogIndex *x, size_t i);

/**
 * log_index_payload - read a chunk's payload
 * @len: bytes of it
 *
 * Returns: the payload, checked and uncompressed, owned by @x and valid until
 * the next call; NULL when it is damaged.
 */
const uint8_t *log_index_payload(LogIndex *x, const LogPlace *place,
                                 size_t *len);

/* Notes that something is wrong at @offset of the file. */
void log_damage_at(MtraceLogDamage *damage, uint64_t offset);

#endif /* MTRACE_LOG_INDEX_H */
