/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest calls, the part that knows neither QEMU nor a machine: sizes and
 * checks of the entries of include/mtrace-magic.h, and their records.
 *
 * An entry is guest data: every field of it may hold anything.
 */
#define QEMU_MTRACE
#include <string.h>
#include "mtrace-magic.h"
#include "recorder.h"

static const uint8_t entry_sizes[] = {
    [mtrace_entry_label] = sizeof(struct mtrace_label_entry),
    [mtrace_entry_host] = sizeof(struct mtrace_host_entry),
    [mtrace_entry_fcall] = sizeof(struct mtrace_fcall_entry),
    [mtrace_entry_segment] = sizeof(struct mtrace_segment_entry),
    [mtrace_entry_call] = sizeof(struct mtrace_call_entry),
    [mtrace_entry_lock] = sizeof(struct mtrace_lock_entry),
    [mtrace_entry_task] = sizeof(struct mtrace_task_entry),
    [mtrace_entry_sched] = sizeof(struct mtrace_sched_entry),
    [mtrace_entry_machine] = sizeof(struct mtrace_machine_entry),
    [mtrace_entry_appdata] = sizeof(struct mtrace_appdata_entry),
    [mtrace_entry_ascope] = sizeof(struct mtrace_ascope_entry),
    [mtrace_entry_avar] = sizeof(struct mtrace_avar_entry),
    [mtrace_entry_gc] = sizeof(struct mtrace_gc_entry),
    [mtrace_entry_gcepoch] = sizeof(struct mtrace_gcepoch_entry),
};

size_t mtrace_entry_size(uint64_t type)
{
    return type < G_N_ELEMENTS(entry_sizes) ? entry_sizes[type] : 0;
}

#define INIT(record, member, type) \
    mtrace_record_init(&(record)->member, type, sizeof((record)->member), cpu)

static void take_string(char *to, const char *from, bool *cut)
{
    size_t len = strnlen(from, MTRACE_ENTRY_STR_SIZE);

    memcpy(to, from, len);
    to[len] = '\0';
    *cut = len == MTRACE_ENTRY_STR_SIZE;
}

static const char *decode_label(const struct mtrace_label_entry *e,
                                uint16_t cpu, MtraceAnyRecord *record,
                                bool *cut)
{
    MtraceRecordLabel *r = &record->label;

    INIT(record, label, MTRACE_RECORD_LABEL);
    r->guest_addr = e->guest_addr;
    r->paddr = UINT64_MAX;
    r->bytes = e->bytes;
    r->pc = e->pc;
    r->label_type = e->label_type;
    take_string(r->str, e->str, cut);
    if (e->label_type == 0 || e->label_type >= mtrace_label_end) {
        return "label: no such label_type";
    }
    if (e->guest_addr + e->bytes < e->guest_addr) {
        return "label: its end is past the end of the address space";
    }
    return NULL;
}

static const char *decode_host(const struct mtrace_host_entry *e,
                               uint16_t cpu, MtraceAnyRecord *record,
                               bool *cut)
{
    MtraceRecordHost *r = &record->host;

    INIT(record, host, MTRACE_RECORD_HOST);
    r->host_type = e->host_type;
    if (e->host_type == 0 || e->host_type > mtrace_enable_count_cpu) {
        return "host: no such host_type";
    }
    if (e->host_type != mtrace_access_all_cpu) {
        r->value = e->call.cpu;
        return NULL;
    }
    r->value = e->access.mode;
    take_string(r->str, e->access.str, cut);
    return e->access.mode > mtrace_record_kernelscope
               ? "host: no such recording mode" : NULL;
}

static const char *decode_fcall(const struct mtrace_fcall_entry *e,
                                uint16_t cpu, MtraceAnyRecord *record)
{
    MtraceRecordFcall *r = &record->fcall;

    INIT(record, fcall, MTRACE_RECORD_FCALL);
    r->tid = e->tid;
    r->pc = e->pc;
    r->tag = e->tag;
    r->depth = e->depth;
    r->state = e->state;
    return e->state == 0 || e->state > mtrace_pause
               ? "fcall: no such state" : NULL;
}

static const char *decode_segment(const struct mtrace_segment_entry *e,
                                  uint16_t cpu, MtraceAnyRecord *record)
{
    MtraceRecordSegment *r = &record->segment;

    INIT(record, segment, MTRACE_RECORD_SEGMENT);
    r->base = e->baseaddr;
    r->end = e->endaddr;
    r->segment_cpu = e->cpu;
    r->object_type = e->object_type;
    return e->endaddr < e->baseaddr ? "segment: ends before it begins" : NULL;
}

static const char *decode_lock(const struct mtrace_lock_entry *e,
                               uint16_t cpu, MtraceAnyRecord *record,
                               bool *cut)
{
    MtraceRecordLock *r = &record->lock;

    INIT(record, lock, MTRACE_RECORD_LOCK);
    r->pc = e->pc;
    r->lock = e->lock;
    r->op = e->op;
    r->read = e->read;
    take_string(r->str, e->str, cut);
    return e->op == 0 || e->op > mtrace_lockop_release
               ? "lock: no such op" : NULL;
}

static const char *decode_task(const struct mtrace_task_entry *e,
                               uint16_t cpu, MtraceAnyRecord *record,
                               bool *cut)
{
    MtraceRecordTask *r = &record->task;

    INIT(record, task, MTRACE_RECORD_TASK);
    r->tid = e->tid;
    r->tgid = e->tgid;
    r->task_type = e->task_type;
    take_string(r->str, e->str, cut);
    return e->task_type == 0 || e->task_type > mtrace_task_exit
               ? "task: no such task_type" : NULL;
}

static void decode_machine(const struct mtrace_machine_entry *e, uint16_t cpu,
                           MtraceAnyRecord *record)
{
    MtraceRecordMachine *r = &record->machine;

    INIT(record, machine, MTRACE_RECORD_MACHINE);
    r->num_cpus = e->num_cpus;
    r->num_ram = e->num_ram;
    r->quantum = e->quantum;
    r->sample = e->sample;
    r->flags = e->flags;
}

static void decode_gc(const struct mtrace_gc_entry *e, uint16_t cpu,
                      MtraceAnyRecord *record, bool *cut)
{
    MtraceRecordGc *r = &record->gc;

    INIT(record, gc, MTRACE_RECORD_GC);
    r->base = e->base;
    r->nbytes = e->nbytes;
    r->scheduled = e->gc & 1;
    take_string(r->name, e->name, cut);
}

static void decode_small(uint64_t type, const union mtrace_entry *e,
                         uint16_t cpu, MtraceAnyRecord *record, bool *cut)
{
    switch (type) {
    case mtrace_entry_call:
        INIT(record, call, MTRACE_RECORD_CALL);
        record->call.target_pc = e->call.target_pc;
        record->call.return_pc = e->call.return_pc;
        record->call.ret = e->call.ret;
        break;
    case mtrace_entry_sched:
        INIT(record, sched, MTRACE_RECORD_SCHED);
        record->sched.tid = e->sched.tid;
        break;
    case mtrace_entry_appdata:
        INIT(record, appdata, MTRACE_RECORD_APPDATA);
        record->appdata.appdata_type = e->appdata.appdata_type;
        record->appdata.value = e->appdata.u64;
        break;
    case mtrace_entry_ascope:
        INIT(record, ascope, MTRACE_RECORD_ASCOPE);
        record->ascope.exit = e->ascope.exit & 1;
        take_string(record->ascope.name, e->ascope.name, cut);
        break;
    case mtrace_entry_avar:
        INIT(record, avar, MTRACE_RECORD_AVAR);
        record->avar.write = e->avar.write & 1;
        take_string(record->avar.name, e->avar.name, cut);
        break;
    case mtrace_entry_gcepoch:
        INIT(record, gcepoch, MTRACE_RECORD_GCEPOCH);
        record->gcepoch.begin = e->gcepoch.begin & 1;
        break;
    default:
        g_assert_not_reached();
    }
}

const char *mtrace_entry_decode(uint64_t type, const uint8_t *bytes,
                                uint16_t cpu, MtraceAnyRecord *record,
                                bool *cut)
{
    union mtrace_entry e;
    size_t size = mtrace_entry_size(type);

    g_assert(size != 0);
    *cut = false;
    memcpy(&e, bytes, size);
    switch (type) {
    case mtrace_entry_label:
        return decode_label(&e.label, cpu, record, cut);
    case mtrace_entry_host:
        return decode_host(&e.host, cpu, record, cut);
    case mtrace_entry_fcall:
        return decode_fcall(&e.fcall, cpu, record);
    case mtrace_entry_segment:
        return decode_segment(&e.seg, cpu, record);
    case mtrace_entry_lock:
        return decode_lock(&e.lock, cpu, record, cut);
    case mtrace_entry_task:
        return decode_task(&e.task, cpu, record, cut);
    case mtrace_entry_machine:
        decode_machine(&e.machine, cpu, record);
        return NULL;
    case mtrace_entry_gc:
        decode_gc(&e.gc, cpu, record, cut);
        return NULL;
    default:
        decode_small(type, &e, cpu, record, cut);
        return NULL;
    }
}
