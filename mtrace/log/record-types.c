/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of record types (see record-types.h).  A new type is a structure in
 * mtrace/format.h, a list of fields and a row here, and a line in
 * docs/log-format.md; a new field goes to the end of its list.
 */
#include <glib.h>
#include "record-types.h"
#include "mtrace/log.h"

#define NAMES(array) .names = (array), .n_names = G_N_ELEMENTS(array)
#define MEMBER(S, f) .name = #f, .offset = offsetof(S, f), \
    .width = sizeof(((S *)NULL)->f)
#define DECIMAL(S, f) \
    { MEMBER(S, f), .codec = MTRACE_CODEC_VARINT, .style = MTRACE_STYLE_DECIMAL }
#define SIGNED(S, f) \
    { MEMBER(S, f), .codec = MTRACE_CODEC_DELTA, .style = MTRACE_STYLE_SIGNED }
#define ADDRESS(S, f) \
    { MEMBER(S, f), .codec = MTRACE_CODEC_DELTA, .style = MTRACE_STYLE_HEX }
#define RISING(S, f) \
    { MEMBER(S, f), .codec = MTRACE_CODEC_RISING, .style = MTRACE_STYLE_DECIMAL }
#define ENUM(S, f, array) \
    { MEMBER(S, f), .codec = MTRACE_CODEC_VARINT, .style = MTRACE_STYLE_ENUM, \
      NAMES(array) }
#define FLAGS(S, f, array) \
    { MEMBER(S, f), .codec = MTRACE_CODEC_VARINT, .style = MTRACE_STYLE_FLAGS, \
      NAMES(array) }
#define STRING(S, f) \
    { MEMBER(S, f), .codec = MTRACE_CODEC_STRING, .style = MTRACE_STYLE_STRING }

static const char *const access_kinds[] = { NULL, "load", "store", "iw" };
static const char *const access_flags[] = { "moved", "locked", "split" };
static const char *const origins[] = {
    "inline", "helper", "atomic", "direct", "delivery", "walker", "dma",
};
static const char *const label_types[] = {
    NULL, "heap", "block", "static", "percpu",
};
static const char *const host_types[] = {
    NULL, "access_all_cpu", "call_clear_cpu", "call_set_cpu",
    "disable_count_cpu", "enable_count_cpu",
};
static const char *const fcall_states[] = {
    NULL, "start", "done", "done_value", "resume", "pause",
};
static const char *const lock_ops[] = { NULL, "acquire", "acquired", "release" };
static const char *const task_types[] = { NULL, "init", "update", "exit" };
static const char *const machine_flags[] = { "locked", "calls" };
static const char *const registers[] = { NULL, "kernel_gs_base", "lstar" };

const MtraceField mtrace_common_fields[MTRACE_N_COMMON_FIELDS] = {
    RISING(MtraceRecord, order),
    DECIMAL(MtraceRecord, cpu),
    RISING(MtraceRecord, insns),
    RISING(MtraceRecord, accesses),
};

/* On disk these are spread over dictionaries: log-access.c. */
static const MtraceField access_fields[] = {
    ENUM(MtraceRecordAccess, kind, access_kinds),
    ADDRESS(MtraceRecordAccess, pc),
    ADDRESS(MtraceRecordAccess, vaddr),
    ADDRESS(MtraceRecordAccess, paddr),
    DECIMAL(MtraceRecordAccess, size),
    DECIMAL(MtraceRecordAccess, bytes),
    ENUM(MtraceRecordAccess, origin, origins),
    FLAGS(MtraceRecordAccess, flags, access_flags),
    DECIMAL(MtraceRecordAccess, cpl),
};

static const MtraceField label_fields[] = {
    ADDRESS(MtraceRecordLabel, guest_addr),
    ADDRESS(MtraceRecordLabel, paddr),
    DECIMAL(MtraceRecordLabel, bytes),
    DECIMAL(MtraceRecordLabel, offset),
    ADDRESS(MtraceRecordLabel, pc),
    ENUM(MtraceRecordLabel, label_type, label_types),
    STRING(MtraceRecordLabel, str),
};

static const MtraceField host_fields[] = {
    RISING(MtraceRecordHost, global_ts),
    DECIMAL(MtraceRecordHost, value),
    ENUM(MtraceRecordHost, host_type, host_types),
    STRING(MtraceRecordHost, str),
};

static const MtraceField fcall_fields[] = {
    DECIMAL(MtraceRecordFcall, tid),
    ADDRESS(MtraceRecordFcall, pc),
    ADDRESS(MtraceRecordFcall, tag),
    ENUM(MtraceRecordFcall, state, fcall_states),
    DECIMAL(MtraceRecordFcall, depth),
};

static const MtraceField segment_fields[] = {
    ADDRESS(MtraceRecordSegment, base),
    ADDRESS(MtraceRecordSegment, end),
    DECIMAL(MtraceRecordSegment, object_type),
    DECIMAL(MtraceRecordSegment, segment_cpu),
};

static const MtraceField call_fields[] = {
    ADDRESS(MtraceRecordCall, target_pc),
    ADDRESS(MtraceRecordCall, return_pc),
    SIGNED(MtraceRecordCall, ret),
};

static const MtraceField lock_fields[] = {
    ADDRESS(MtraceRecordLock, pc),
    ADDRESS(MtraceRecordLock, lock),
    ENUM(MtraceRecordLock, op, lock_ops),
    DECIMAL(MtraceRecordLock, read),
    STRING(MtraceRecordLock, str),
};

static const MtraceField task_fields[] = {
    DECIMAL(MtraceRecordTask, tid),
    DECIMAL(MtraceRecordTask, tgid),
    ENUM(MtraceRecordTask, task_type, task_types),
    STRING(MtraceRecordTask, str),
};

static const MtraceField sched_fields[] = {
    DECIMAL(MtraceRecordSched, tid),
};

static const MtraceField machine_fields[] = {
    DECIMAL(MtraceRecordMachine, num_ram),
    DECIMAL(MtraceRecordMachine, quantum),
    DECIMAL(MtraceRecordMachine, sample),
    DECIMAL(MtraceRecordMachine, num_cpus),
    FLAGS(MtraceRecordMachine, flags, machine_flags),
};

static const MtraceField appdata_fields[] = {
    DECIMAL(MtraceRecordAppdata, value),
    DECIMAL(MtraceRecordAppdata, appdata_type),
};

static const MtraceField ascope_fields[] = {
    DECIMAL(MtraceRecordAscope, exit),
    STRING(MtraceRecordAscope, name),
};

static const MtraceField avar_fields[] = {
    DECIMAL(MtraceRecordAvar, write),
    STRING(MtraceRecordAvar, name),
};

static const MtraceField gc_fields[] = {
    ADDRESS(MtraceRecordGc, base),
    DECIMAL(MtraceRecordGc, nbytes),
    DECIMAL(MtraceRecordGc, scheduled),
    STRING(MtraceRecordGc, name),
};

static const MtraceField gcepoch_fields[] = {
    DECIMAL(MtraceRecordGcEpoch, begin),
};

static const MtraceField register_fields[] = {
    ADDRESS(MtraceRecordRegister, value),
    ENUM(MtraceRecordRegister, reg, registers),
};

static const MtraceField counter_fields[] = {
    DECIMAL(MtraceRecordCounter, value),
    STRING(MtraceRecordCounter, name),
};

static const MtraceField guest_error_fields[] = {
    ADDRESS(MtraceRecordGuestError, pc),
    ADDRESS(MtraceRecordGuestError, entry_addr),
    DECIMAL(MtraceRecordGuestError, entry_type),
    DECIMAL(MtraceRecordGuestError, entry_len),
    STRING(MtraceRecordGuestError, str),
};

static const MtraceField discontinuity_fields[] = {
    STRING(MtraceRecordDiscontinuity, str),
};

static const MtraceField loss_fields[] = {
    DECIMAL(MtraceRecordLoss, count),
    STRING(MtraceRecordLoss, str),
};

#define ROW(number, label, S, list) \
    { .type = (number), .name = (label), .size = sizeof(S), \
      .fields = (list), .n_fields = G_N_ELEMENTS(list) }

const MtraceRecordInfo mtrace_record_infos[] = {
    ROW(MTRACE_RECORD_LABEL, "label", MtraceRecordLabel, label_fields),
    ROW(MTRACE_RECORD_ACCESS, "access", MtraceRecordAccess, access_fields),
    ROW(MTRACE_RECORD_HOST, "host", MtraceRecordHost, host_fields),
    ROW(MTRACE_RECORD_FCALL, "fcall", MtraceRecordFcall, fcall_fields),
    ROW(MTRACE_RECORD_SEGMENT, "segment", MtraceRecordSegment, segment_fields),
    ROW(MTRACE_RECORD_CALL, "call", MtraceRecordCall, call_fields),
    ROW(MTRACE_RECORD_LOCK, "lock", MtraceRecordLock, lock_fields),
    ROW(MTRACE_RECORD_TASK, "task", MtraceRecordTask, task_fields),
    ROW(MTRACE_RECORD_SCHED, "sched", MtraceRecordSched, sched_fields),
    ROW(MTRACE_RECORD_MACHINE, "machine", MtraceRecordMachine, machine_fields),
    ROW(MTRACE_RECORD_APPDATA, "appdata", MtraceRecordAppdata, appdata_fields),
    ROW(MTRACE_RECORD_ASCOPE, "ascope", MtraceRecordAscope, ascope_fields),
    ROW(MTRACE_RECORD_AVAR, "avar", MtraceRecordAvar, avar_fields),
    ROW(MTRACE_RECORD_GC, "gc", MtraceRecordGc, gc_fields),
    ROW(MTRACE_RECORD_GCEPOCH, "gcepoch", MtraceRecordGcEpoch, gcepoch_fields),
    ROW(MTRACE_RECORD_REGISTER, "register", MtraceRecordRegister,
        register_fields),
    ROW(MTRACE_RECORD_COUNTER, "counter", MtraceRecordCounter, counter_fields),
    ROW(MTRACE_RECORD_GUEST_ERROR, "guest_error", MtraceRecordGuestError,
        guest_error_fields),
    ROW(MTRACE_RECORD_DISCONTINUITY, "discontinuity",
        MtraceRecordDiscontinuity, discontinuity_fields),
    ROW(MTRACE_RECORD_LOSS, "loss", MtraceRecordLoss, loss_fields),
};
const unsigned mtrace_n_record_infos = G_N_ELEMENTS(mtrace_record_infos);

const MtraceRecordInfo *mtrace_record_info(unsigned type)
{
    unsigned lo = 0, hi = mtrace_n_record_infos;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (mtrace_record_infos[mid].type == type) {
            return &mtrace_record_infos[mid];
        }
        if (mtrace_record_infos[mid].type < type) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

const char *mtrace_record_type_name(unsigned type)
{
    const MtraceRecordInfo *info = mtrace_record_info(type);

    return info ? info->name : NULL;
}

unsigned mtrace_record_type_from_name(const char *name)
{
    for (unsigned i = 0; i < mtrace_n_record_infos; i++) {
        if (!strcmp(mtrace_record_infos[i].name, name)) {
            return mtrace_record_infos[i].type;
        }
    }
    return 0;
}

size_t mtrace_record_type_size(unsigned type)
{
    const MtraceRecordInfo *info = mtrace_record_info(type);

    return info ? info->size : 0;
}
