/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's own state: one session, and one MtraceVCPU per vCPU.
 *
 * Nothing here knows QEMU; session.c and the hooks connect the two.
 */
#ifndef MTRACE_RECORDER_H
#define MTRACE_RECORDER_H

#include <glib.h>
#include "mtrace/hooks.h"
#include "mtrace/log.h"
#include "line-state.h"

/* What the command line asked for; see the table in command-line.c. */
typedef struct MtraceOptions {
    char *file;
    MtraceMode mode; /* from the start; DISABLE: wait for the guest */
    bool all;
    bool locked;
    bool calls;
    uint64_t sample;
    uint64_t quantum;
} MtraceOptions;

/* Accesses that are counted apart, per vCPU. */
typedef enum MtraceCount {
    MTRACE_COUNT_DEVICE,    /* to a device's registers, not to RAM */
    MTRACE_COUNT_DELIVERY,  /* interrupt and exception delivery */
    MTRACE_COUNT_ATOMIC,    /* loads and stores of atomic helpers */
    MTRACE_COUNT_DIRECT,    /* through host pointers */
    MTRACE_COUNT_SLOW,      /* through the softmmu slow path */
    MTRACE_COUNT_RECOMPILE, /* device accesses executed twice */
    MTRACE_COUNT_LOADS_MOVED,
    MTRACE_COUNT_STORES_MOVED,
    MTRACE_COUNT_CALLS,     /* guest calls accepted */
    MTRACE_COUNT_REFUSED,   /* guest calls refused */
    MTRACE_COUNT_MAX
} MtraceCount;

typedef struct MtraceSession MtraceSession;

/* Entries of a vCPU's cache of sites. */
#define MTRACE_SITE_CACHE 16384

/* Where generated code makes an access, found by its host return address. */
typedef struct MtraceSiteEntry {
    uintptr_t ra;
    uint64_t pc;
    unsigned flush;      /* generation of the code buffer */
    uint16_t insns_left; /* of the block, from this instruction on */
    bool locked;
    bool inline_code;
} MtraceSiteEntry;

/**
 * struct MtraceVCPU - one vCPU's side of the recorder
 * @busy: its thread is appending; closing the session waits for it
 *
 * Used by the vCPU's thread alone, but for @busy.
 */
struct MtraceVCPU {
    MtraceSession *session;
    CPUState *cpu;
    MtraceCPU *inline_state;
    MtraceLogStream *stream;
    uint16_t index;
    int busy;
    uint64_t kernel_gs_base;
    uint64_t lstar;
    uint64_t counts[MTRACE_COUNT_MAX];
    MtraceSiteEntry *sites; /* MTRACE_SITE_CACHE of them */
};

struct MtraceSession {
    MtraceOptions options;
    MtraceMode mode;        /* in force */
    MtraceLines *lines;
    MtraceLogWriter *writer;
    MtraceVCPU *vcpus[MTRACE_MAX_CPUS];
    unsigned n_cpus;
    GHashTable *refused;    /* guest calls reported: pc and reason */
    GMutex refused_lock;
    int closed;             /* nothing may be appended any more */
    /* Next ticket; written by every vCPU, so alone in its cache line. */
    uint64_t order __attribute__((aligned(64)));
} __attribute__((aligned(64)));

/* ---- access.c ----------------------------------------------------------- */

/**
 * struct MtraceTouch - an access, or the part of it that is in one page
 * @host: host address of the first byte
 * @vaddr: guest-virtual address
 * @paddr: guest-physical address
 * @size: bytes of this part
 * @whole: bytes of the access
 * @origin: MtraceOrigin; INLINE stands for "inline or helper, ask the site"
 */
typedef struct MtraceTouch {
    uintptr_t host;
    uint64_t vaddr;
    uint64_t paddr;
    unsigned size;
    unsigned whole;
    MtraceOrigin origin;
} MtraceTouch;

/**
 * mtrace_touch - apply an access to the line state, and record what moved
 * @ra: as for mtrace_site()
 */
void mtrace_touch(MtraceVCPU *v, const MtraceTouch *touch, bool store,
                  uintptr_t ra);

/**
 * mtrace_append - append a record at the end of the global order
 * @record: fills in order; insns and accesses too when insns is 0
 *
 * Returns: false when the session is closed.
 */
bool mtrace_append(MtraceVCPU *v, MtraceRecord *record);

/* ---- guest-call.c ------------------------------------------------------- */

/**
 * mtrace_entry_size - bytes that an entry of a type has
 *
 * Returns: 0 for a type that guests may not send.
 */
size_t mtrace_entry_size(uint64_t type);

/**
 * mtrace_entry_decode - turn a guest's entry into a record
 * @type: its type
 * @entry: mtrace_entry_size(@type) bytes
 * @cpu: vCPU that sent it
 * @record: made anew; a string that is not terminated is cut
 * @cut: set when that was so
 *
 * Returns: NULL, or what is wrong with it, a literal.
 */
const char *mtrace_entry_decode(uint64_t type, const uint8_t *entry,
                                uint16_t cpu, MtraceAnyRecord *record,
                                bool *cut);

/* ---- command-line.c ---------------------------------------------------------- */

extern MtraceOptions mtrace_options;

/* Refuses combinations that make no sense, and what cannot be done yet. */
void mtrace_check_options(void);

/**
 * mtrace_mode_from_name - a mode by its name on the command line
 *
 * Returns: -1 when there is none.
 */
int mtrace_mode_from_name(const char *name);

/* Why a mode cannot be recorded by this version, or NULL when it can. */
const char *mtrace_mode_missing(MtraceMode mode);

#endif /* MTRACE_RECORDER_H */
