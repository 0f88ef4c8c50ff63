/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cache-line state: which vCPUs hold each 64-byte line of guest RAM.
 *
 * Each line has one 64-bit word per group of 63 vCPUs, at an address that is a
 * linear function of the line's *host* address, so that generated code finds
 * it without a table.  In the word of a group:
 *
 *   bit i, i < 63   set: vCPU 63 * group + i does not hold the line
 *   bit 63          set: no vCPU of another group holds it
 *
 * So an untouched, zero word means "held by all", which is the state on
 * entering a mode: reset is giving the memory back.  A line held by c alone
 * has, in c's group, the word "all ones but c": generated code tests loads
 * with one mask and stores with one comparison, whatever the number of vCPUs.
 *
 * A change takes a lock, one of some thousand by the line's address; the ticket
 * that orders the record is drawn inside, so that the records of one line are
 * in the order of its changes.
 */
#ifndef MTRACE_LINE_STATE_H
#define MTRACE_LINE_STATE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "mtrace/cpu.h"

/* vCPUs of one group, and the most vCPUs altogether. */
#define MTRACE_GROUP_CPUS 63
#define MTRACE_MAX_CPUS 256

typedef struct MtraceLines MtraceLines;

/**
 * mtrace_lines_new - line state for a machine
 * @n_cpus: 1 to MTRACE_MAX_CPUS
 * @order: the counter that tickets are drawn from; outlives the result
 */
MtraceLines *mtrace_lines_new(unsigned n_cpus, uint64_t *order);
void mtrace_lines_free(MtraceLines *lines);

/**
 * mtrace_lines_add - memory to keep the state of
 * @host: where it is mapped in this process
 * @len: bytes
 * @error: the address space or the memory is not to be had (errno)
 *
 * All its lines are held by all.
 */
bool mtrace_lines_add(MtraceLines *lines, const void *host, size_t len,
                      GError **error);

/* Every line is held by all again.  No vCPU may be executing. */
void mtrace_lines_reset(MtraceLines *lines);

/**
 * mtrace_lines_setup_cpu - constants that generated code uses for a vCPU
 * @cpu: @shadow, @load_mask and @store_value are set
 */
void mtrace_lines_setup_cpu(const MtraceLines *lines, unsigned index,
                            MtraceCPU *cpu);

/**
 * mtrace_line_access - an access by a vCPU to a line
 * @cpu: the vCPU's constants, from mtrace_lines_setup_cpu() for @index
 * @host: any address in the line, in memory that has been added
 * @ticket: set when the result is true
 *
 * Returns: true when the access is one to record: a load of a line that the
 * vCPU did not hold, or a store to one that it did not hold alone.
 */
bool mtrace_line_access(MtraceLines *lines, const MtraceCPU *cpu,
                        uintptr_t host, unsigned index, bool store,
                        uint64_t *ticket);

#endif /* MTRACE_LINE_STATE_H */
