/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hooks: every call that QEMU makes into the recorder, and the few that the
 * recorder makes back.  Patches in QEMU's files call these, and nothing else.
 */
#ifndef MTRACE_HOOKS_H
#define MTRACE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mtrace/cpu.h"

typedef struct CPUState CPUState;
typedef struct MtraceVCPU MtraceVCPU;

/* ---- session (mtrace/session.c, mtrace/command-line.c) ----------------------- */

/* True once -mtrace-enable has been seen.  Constant after option parsing. */
extern bool mtrace_enabled;

/**
 * mtrace_option - take a command-line option
 * @name: without the dash, "mtrace-file"
 * @arg: its argument, or NULL
 *
 * Returns: false when it is none of ours.  A bad argument is reported, and
 * ends QEMU with status 1.
 */
bool mtrace_option(const char *name, const char *arg);

/**
 * mtrace_prepare - check the options together and open the log
 *
 * Called when all options are known and before QEMU changes its directory or
 * goes to the background.  Reports and exits with status 1 when something is
 * wrong.
 */
void mtrace_prepare(void);

/* A vCPU is about to be realized; its cpu_index is known. */
void mtrace_cpu_realize(CPUState *cpu);

/* ---- memory accesses (accel/tcg/mtrace-cputlb.c.inc) -------------------- */

/**
 * mtrace_direct_access - an access through a host pointer
 * @host: where the first byte is in host memory
 * @vaddr: guest-virtual address
 * @size: bytes, in one page
 * @mmu_idx: of the access
 * @ra: host return address into generated code, or 0
 */
void mtrace_direct_access(CPUState *cpu, const void *host, uint64_t vaddr,
                          unsigned size, bool store, int mmu_idx,
                          uintptr_t ra);

/* ---- instructions ------------------------------------------------------- */

/* A block is left with this many of its instructions not executed. */
#define mtrace_insns_rewind(cpu, n) ((cpu)->neg.mtrace.insns -= (n))

/* An access to a device is about to be executed a second time. */
void mtrace_io_recompile(CPUState *cpu);

/* ---- between accelerator and target (accel/tcg/mtrace-translate-all.c.inc) */

/**
 * mtrace_unwind - which instruction does a host return address belong to?
 * @ra: return address into generated code
 * @data: the instruction's start parameters
 *
 * Returns: instructions of its block from this one on, or -1.
 */
int mtrace_unwind(uintptr_t ra, uint64_t *data);

/* Changes whenever host addresses of generated code get a new meaning. */
unsigned mtrace_code_generation(void);

/* ---- from the recorder to the target (target/i386/tcg/mtrace-x86.c) ------ */

/**
 * struct MtraceSite - the instruction that makes an access
 * @pc: linear address
 * @insns: instructions this vCPU retired before it
 * @kernel_gs_base: GS base, 0 when it is not a kernel's
 * @lstar: 64-bit system-call entry point
 * @cpl: privilege level
 * @locked: LOCK prefix, or XCHG with memory
 * @inline_code: @ra is not the return address of a helper's call
 */
typedef struct MtraceSite {
    uint64_t pc;
    uint64_t insns;
    uint64_t kernel_gs_base;
    uint64_t lstar;
    uint8_t cpl;
    bool locked;
    bool inline_code;
} MtraceSite;

/**
 * mtrace_site - which instruction is this vCPU executing?
 * @cpu: the vCPU of the calling thread
 * @ra: host return address into generated code, or 0 between instructions
 *
 * Does not change the vCPU's state.
 */
void mtrace_site(CPUState *cpu, uintptr_t ra, MtraceSite *site);

#endif /* MTRACE_HOOKS_H */
