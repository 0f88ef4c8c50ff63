/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What generated code sees of the recorder: one small structure per vCPU, at a
 * constant offset from the emulator's env register.
 */
#ifndef MTRACE_CPU_H
#define MTRACE_CPU_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Blocks translated with this compile flag track line state.  A block exists in
 * both variants, so that starting and stopping costs no retranslation.
 */
#define CF_MTRACE 0x00080000

/* log2 of the bytes of a cache line. */
#define MTRACE_LINE_BITS 6
#define MTRACE_LINE_SIZE (1u << MTRACE_LINE_BITS)

struct MtraceVCPU;

/**
 * struct MtraceCPU - part of every CPUState
 * @shadow: where this vCPU's line words begin, divided by their size; the word
 *          of a host address is at (@shadow + (address >> MTRACE_LINE_BITS)) * 8
 * @load_mask: bits of a line's word that say "this vCPU does not hold it"
 * @store_value: the word of a line that only this vCPU holds
 * @insns: instructions retired; a block adds its length when it is entered,
 *         and what it did not execute is taken off when it is left early
 * @accesses: guest-RAM data accesses made while recording
 * @recorder: this vCPU's recorder while recording, else NULL
 *
 * Written by the vCPU's own thread, or by others while it is not executing.
 */
typedef struct MtraceCPU {
    uint64_t shadow;
    uint64_t load_mask;
    uint64_t store_value;
    uint64_t insns;
    uint64_t accesses;
    struct MtraceVCPU *recorder;
} MtraceCPU;

/**
 * mtrace_line_moves - would an access by this vCPU move the line?
 * @host: host address of any byte of the line, in guest RAM
 *
 * The same test that generated code makes; see mtrace/line-state.h.
 */
static inline bool mtrace_line_moves(const MtraceCPU *cpu, uintptr_t host,
                                     bool store)
{
    uintptr_t at = (cpu->shadow + (host >> MTRACE_LINE_BITS)) * 8;
    uint64_t word = __atomic_load_n((uint64_t *)at, __ATOMIC_RELAXED);

    return store ? word != cpu->store_value : (word & cpu->load_mask) != 0;
}

#endif /* MTRACE_CPU_H */
