/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow half of access tracking: generated code found, or could not rule
 * out, that an access moves a line.  Here each line of the access is looked at
 * once more, its state changed, and the move recorded.
 *
 * Invariant: a vCPU's records are appended in the order of their tickets.  So
 * whatever else an access makes known (registers) is appended before its
 * ticket is drawn.
 */
#include "recorder.h"

/* Marks this vCPU as appending.  Returns false when the session is closed. */
static bool enter(MtraceVCPU *v)
{
    __atomic_store_n(&v->busy, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&v->session->closed, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&v->busy, 0, __ATOMIC_SEQ_CST);
        return false;
    }
    return true;
}

static void leave(MtraceVCPU *v)
{
    __atomic_store_n(&v->busy, 0, __ATOMIC_RELEASE);
}

static void append_now(MtraceVCPU *v, MtraceRecord *record)
{
    record->order = __atomic_fetch_add(&v->session->order, 1, __ATOMIC_RELAXED);
    mtrace_log_append(v->stream, record);
}

bool mtrace_append(MtraceVCPU *v, MtraceRecord *record)
{
    if (!enter(v)) {
        return false;
    }
    if (record->insns == 0) {
        record->insns = v->inline_state->insns;
        record->accesses = v->inline_state->accesses;
    }
    append_now(v, record);
    leave(v);
    return true;
}

static void note_register(MtraceVCPU *v, const MtraceSite *site,
                          MtraceRegister reg, uint64_t value, uint64_t *last)
{
    MtraceRecordRegister r;

    if (value == *last || value == 0) {
        return;
    }
    *last = value;
    mtrace_record_init(&r, MTRACE_RECORD_REGISTER, sizeof(r), v->index);
    r.h.insns = site->insns;
    r.h.accesses = v->inline_state->accesses;
    r.reg = reg;
    r.value = value;
    append_now(v, &r.h);
}

static void note_registers(MtraceVCPU *v, const MtraceSite *site)
{
    note_register(v, site, MTRACE_REGISTER_KERNEL_GS_BASE,
                  site->kernel_gs_base, &v->kernel_gs_base);
    note_register(v, site, MTRACE_REGISTER_LSTAR, site->lstar, &v->lstar);
}

static void record_move(MtraceVCPU *v, const MtraceTouch *t,
                        const MtraceSite *site, unsigned done, unsigned bytes,
                        bool store, uint64_t ticket)
{
    MtraceRecordAccess r = {
        .h = {
            .type = MTRACE_RECORD_ACCESS,
            .cpu = v->index,
            .size = sizeof(r),
            .order = ticket,
            .insns = site->insns,
            .accesses = v->inline_state->accesses,
        },
        .pc = site->pc,
        .vaddr = t->vaddr + done,
        .paddr = t->paddr + done,
        .kind = store ? MTRACE_ACCESS_STORE : MTRACE_ACCESS_LOAD,
        .size = t->whole,
        .bytes = bytes,
        .origin = t->origin,
        .flags = MTRACE_ACCESS_MOVED,
        .cpl = site->cpl,
    };

    if (t->origin == MTRACE_ORIGIN_INLINE && !site->inline_code) {
        r.origin = MTRACE_ORIGIN_HELPER;
    }
    if (site->locked) {
        r.flags |= MTRACE_ACCESS_LOCKED;
    }
    if (bytes != t->whole) {
        r.flags |= MTRACE_ACCESS_SPLIT;
    }
    v->counts[store ? MTRACE_COUNT_STORES_MOVED : MTRACE_COUNT_LOADS_MOVED]++;
    mtrace_log_append(v->stream, &r.h);
}

void mtrace_touch(MtraceVCPU *v, const MtraceTouch *t, bool store,
                  uintptr_t ra)
{
    MtraceLines *lines = v->session->lines;
    MtraceSite site;
    bool know_site = false;
    unsigned bytes;

    for (unsigned done = 0; done < t->size; done += bytes) {
        uintptr_t host = t->host + done;
        uint64_t ticket;

        bytes = MIN(t->size - done,
                    MTRACE_LINE_SIZE - (host & (MTRACE_LINE_SIZE - 1)));
        if (G_LIKELY(!mtrace_line_moves(v->inline_state, host, store))) {
            continue;
        }
        /* Reads guest code, for which it may wait: not between enter, leave. */
        if (!know_site) {
            mtrace_site(v->cpu, ra, &site);
            know_site = true;
        }
        if (!enter(v)) {
            return;
        }
        note_registers(v, &site);
        if (mtrace_line_access(lines, v->inline_state, host, v->index, store,
                               &ticket)) {
            record_move(v, t, &site, done, bytes, store, ticket);
        }
        leave(v);
    }
}
