/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file descriptor that a log is written to.  After a failed write a regular
 * file ends behind the last write that succeeded as a whole.
 */
#ifndef MTRACE_LOG_OUTPUT_H
#define MTRACE_LOG_OUTPUT_H

#include "mtrace/log.h"

typedef struct LogOutput LogOutput;

/* Takes @fd over; @name is for messages. */
LogOutput *log_output_new(int fd, const char *name);

/**
 * log_output_write - write two pieces, completely or not at all
 *
 * Waits as long as a pipe's reader does not read.  Returns: false with
 * MTRACE_LOG_ERROR_IO; nothing may be written after that.
 */
bool log_output_write(LogOutput *o, const void *head, size_t head_len,
                      const void *body, size_t body_len, GError **error);

/**
 * log_output_free - close the descriptor
 * @error: why closing failed (some file systems report lost writes here)
 *
 * Returns: bytes of the file.
 */
uint64_t log_output_free(LogOutput *o, GError **error);

#endif /* MTRACE_LOG_OUTPUT_H */
