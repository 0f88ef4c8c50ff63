/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reader learns from the META, IMAGE and END chunks.
 */
#ifndef MTRACE_LOG_SESSION_H
#define MTRACE_LOG_SESSION_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "mtrace/format.h"

/**
 * struct LogSession - the description of a session
 * @meta: key to value, both strings
 * @meta_keys: its keys in the order of the file, then NULL
 * @images: of GHashTable: section name to GBytes, with a NUL behind the data
 * @ended: there was an END chunk
 * @end_records: records that it counts
 * @bytes: of all of the above, for the bound
 */
typedef struct LogSession {
    GHashTable *meta;
    GPtrArray *meta_keys;
    GPtrArray *images;
    bool ended;
    uint64_t end_records;
    uint64_t bytes;
} LogSession;

void log_session_init(LogSession *s);
/* Frees what is in it. */
void log_session_clear(LogSession *s);

/**
 * log_session_add - take in a META, IMAGE or END chunk
 *
 * Returns: false when it is malformed, or all together are too large.
 */
bool log_session_add(LogSession *s, MtraceChunkKind kind, const uint8_t *raw,
                     size_t len);

#endif /* MTRACE_LOG_SESSION_H */
