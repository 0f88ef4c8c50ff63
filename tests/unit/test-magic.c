/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls everything that mtrace-magic.h has for guests, with the arguments that
 * it documents, in what C and C++ of any age have in common.  Compiled by
 * test-magic.t in many ways, and never run.
 */
#include <mtrace-magic.h>

void call_everything(struct mtrace_appdata_entry *appdata,
                     volatile struct mtrace_entry_header *h, char *object,
                     const char *name, unsigned long cpu);

void call_everything(struct mtrace_appdata_entry *appdata,
                     volatile struct mtrace_entry_header *h, char *object,
                     const char *name, unsigned long cpu)
{
    mtrace_magic(MTRACE_ENTRY_REGISTER, 0, 0, 0, 0, 0);
    mtrace_entry_register(h, mtrace_entry_sched,
                          sizeof(struct mtrace_sched_entry));
    mtrace_enable_set(mtrace_record_movement, name);
    mtrace_enable_set(1, "literal");
    mtrace_call_set(1, cpu);
    mtrace_call_set(0, ~0ul);
    mtrace_enable_count();
    mtrace_disable_count();
    mtrace_label_register(mtrace_label_heap, object, 8, name, 4, 0);
    mtrace_label_register(mtrace_label_block, object, 0, 0, 0, 0);
    mtrace_segment_register(0, 4096, mtrace_label_percpu, cpu);
    mtrace_fcall_register(1, 2, 3, 4, mtrace_done_value);
    mtrace_lock_register(0, object, name, mtrace_lockop_acquired, 1);
    mtrace_task_register(1, 2, mtrace_task_update, name);
    mtrace_sched_record(1);
    appdata->appdata_type = 7;
    appdata->u64 = 8;
    mtrace_appdata_register(appdata);
    mtrace_avar_register(1, name);
    mtrace_ascope_register(0, name);
    mtrace_gc_register(0, 1, name, 1);
    mtrace_gcepoch_register(1);
}
