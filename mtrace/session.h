/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session, as the files of the recorder that do know QEMU see it. */
#ifndef MTRACE_SESSION_H
#define MTRACE_SESSION_H

#include "recorder.h"

/* The one session of this process; NULL when mtrace is not enabled. */
MtraceSession *mtrace_session(void);

/* The recorder of a vCPU; NULL when mtrace is not enabled. */
MtraceVCPU *mtrace_vcpu(CPUState *cpu);

/**
 * mtrace_session_set_mode - start, stop or change recording
 * @cpu: the vCPU that asks for it; it leaves generated code first
 * @record: the host record to log, with mode and name; copied
 *
 * Takes effect on all vCPUs before @cpu executes another instruction.
 */
void mtrace_session_set_mode(CPUState *cpu, const MtraceRecordHost *record);

/* A guest call's registers. */
typedef struct MtraceCall {
    uint64_t entry; /* guest-virtual address */
    uint64_t type;
    uint64_t len;
} MtraceCall;

/**
 * mtrace_refuse - report a guest call that is not, or not fully, carried out
 * @site: where the guest made it
 * @why: a literal
 *
 * Counted each time; logged and reported once for each place and reason.
 */
void mtrace_refuse(MtraceVCPU *v, const MtraceSite *site,
                   const MtraceCall *call, const char *why);

#endif /* MTRACE_SESSION_H */
