/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every guest call, and the record that each must leave; the same for 64- and
 * 32-bit guests.  Calls are made first, then described: in ring 3 there is no
 * console.
 */
#ifndef CALL_LIST_H
#define CALL_LIST_H

#include <mtrace-magic.h>
#include "guest.h"

#define ADDRESS(p) ((uint64_t)(unsigned long)(p))

static uint64_t call_object[16] __attribute__((aligned(64)));
static const char long_name[] = "0123456789abcdef0123456789abcdef0123456789"
                                "abcdef0123456789abcdefTHIS IS CUT";
#define LONG_NAME_CUT "0123456789abcdef0123456789abcdef0123456789" \
                      "abcdef0123456789abcde"

static void make_label_calls(void)
{
    mtrace_label_register(mtrace_label_heap, call_object, 128, "struct thing",
                          12, 0x1234);
    mtrace_label_register(mtrace_label_block, call_object, 64, "cut here",
                          3, 0x1235);
    mtrace_label_register(mtrace_label_static, call_object, 1, long_name,
                          sizeof(long_name), 0);
    mtrace_label_register(mtrace_label_percpu, call_object, 8,
                          "a \"name\" \\ \n", 64, 0xffffffff);
    mtrace_label_register(mtrace_label_heap, call_object, 0, 0, 0, 0x1236);
}

static void expect_label(const char *type, uint64_t bytes, uint64_t pc,
                         const char *str)
{
    expect_call("label", 0);
    expect_u64("guest_addr", ADDRESS(call_object));
    expect_u64("paddr", ADDRESS(call_object));
    expect_u64("bytes", bytes);
    expect_u64("offset", 0);
    expect_u64("pc", pc);
    expect_word("label_type", type);
    expect_str("str", str);
    expect_end();
}

static void expect_label_calls(void)
{
    expect_label("heap", 128, 0x1234, "struct thing");
    expect_label("block", 64, 0x1235, "cut");
    expect_label("static", 1, 0, LONG_NAME_CUT);
    expect_label("percpu", 8, 0xffffffff, "a \\\"name\\\" \\\\ \\x0a");
    expect_label("heap", 0, 0x1236, "");
}

static void make_host_calls(void)
{
    mtrace_call_set(1, 3);
    mtrace_call_set(0, MTRACE_THIS_CPU);
    mtrace_disable_count();
    mtrace_enable_count();
    mtrace_enable_set(mtrace_record_movement, "calls");
    mtrace_enable_set(mtrace_record_disable, "calls are over");
}

static void expect_host(const char *type, uint64_t value, const char *str)
{
    expect_call("host", 0);
    expect_u64("value", value);
    expect_word("host_type", type);
    expect_str("str", str);
    expect_end();
}

static void expect_host_calls(void)
{
    expect_host("call_set_cpu", 3, "");
    expect_host("call_clear_cpu", ~(uint64_t)0, "");
    expect_host("disable_count_cpu", ~(uint64_t)0, "");
    expect_host("enable_count_cpu", ~(uint64_t)0, "");
    expect_host("access_all_cpu", 1, "calls");
    expect_host("access_all_cpu", 0, "calls are over");
}

static const char *const fcall_states[] = {
    "start", "pause", "resume", "done", "done_value",
};
static const uint8_t fcall_values[] = {
    mtrace_start, mtrace_pause, mtrace_resume, mtrace_done, mtrace_done_value,
};

static void make_stack_calls(void)
{
    for (unsigned i = 0; i < sizeof(fcall_values); i++) {
        mtrace_fcall_register(77, 0x1000 + i, 0xfffffff0 + i, 65535 - i,
                              (mtrace_call_state_t)fcall_values[i]);
    }
    mtrace_segment_register(0x10000, 0xfffff000, mtrace_label_percpu, 2);
}

static void expect_stack_calls(void)
{
    for (unsigned i = 0; i < sizeof(fcall_values); i++) {
        expect_call("fcall", 0);
        expect_u64("tid", 77);
        expect_u64("pc", 0x1000 + i);
        expect_u64("tag", 0xfffffff0 + i);
        expect_word("state", fcall_states[i]);
        expect_u64("depth", 65535 - i);
        expect_end();
    }
    expect_call("segment", 0);
    expect_u64("base", 0x10000);
    expect_u64("end", 0xfffff000);
    expect_u64("object_type", mtrace_label_percpu);
    expect_u64("segment_cpu", 2);
    expect_end();
}

static const char *const lock_ops[] = { "acquire", "acquired", "release" };

static void make_lock_calls(void)
{
    for (unsigned i = 0; i < 3; i++) {
        mtrace_lock_register(0x2000 + i, call_object + i, "a lock",
                             (mtrace_lockop_t)(mtrace_lockop_acquire + i),
                             i == 1 ? 0x100 : 0);
    }
}

static void expect_lock_calls(void)
{
    for (unsigned i = 0; i < 3; i++) {
        expect_call("lock", 0);
        expect_u64("pc", 0x2000 + i);
        expect_u64("lock", ADDRESS(call_object + i));
        expect_word("op", lock_ops[i]);
        expect_u64("read", i == 1);
        expect_str("str", "a lock");
        expect_end();
    }
}

static const char *const task_types[] = { "init", "update", "exit" };

static void make_task_calls(void)
{
    for (unsigned i = 0; i < 3; i++) {
        mtrace_task_register(100 + i, 99,
                             (mtrace_task_t)(mtrace_task_init + i), "sh");
        mtrace_sched_record(100 + i);
    }
}

static void expect_task_calls(void)
{
    for (unsigned i = 0; i < 3; i++) {
        expect_call("task", 0);
        expect_u64("tid", 100 + i);
        expect_u64("tgid", 99);
        expect_word("task_type", task_types[i]);
        expect_str("str", "sh");
        expect_end();
        expect_call("sched", 0);
        expect_u64("tid", 100 + i);
        expect_end();
    }
}

static void make_scope_calls(void)
{
    struct mtrace_appdata_entry appdata;

    appdata.appdata_type = 0xabcd;
    appdata.u64 = 0x123456789abcdef0;
    mtrace_appdata_register(&appdata);
    mtrace_ascope_register(0, "open(\"/tmp\")");
    mtrace_avar_register(0, "dir");
    mtrace_avar_register(1, long_name);
    mtrace_ascope_register(1, "open(\"/tmp\")");
    mtrace_gc_register(0x5000, 0x60, "inode", 0);
    mtrace_gc_register(0x6000, 0, "", 1);
    mtrace_gcepoch_register(1);
    mtrace_gcepoch_register(0);
}

/* Lines of a type with one number and one name. */
static void expect_named(const char *type, const char *field, uint64_t value,
                         const char *name)
{
    expect_call(type, 0);
    expect_u64(field, value);
    expect_str("name", name);
    expect_end();
}

static void expect_gc(uint64_t base, uint64_t nbytes, uint64_t scheduled,
                      const char *name)
{
    expect_call("gc", 0);
    expect_u64("base", base);
    expect_u64("nbytes", nbytes);
    expect_u64("scheduled", scheduled);
    expect_str("name", name);
    expect_end();
}

static void expect_scope_calls(void)
{
    expect_call("appdata", 0);
    expect_u64("value", 0x123456789abcdef0);
    expect_u64("appdata_type", 0xabcd);
    expect_end();
    expect_named("ascope", "exit", 0, "open(\\\"/tmp\\\")");
    expect_named("avar", "write", 0, "dir");
    expect_named("avar", "write", 1, LONG_NAME_CUT);
    expect_named("ascope", "exit", 1, "open(\\\"/tmp\\\")");
    expect_gc(0x5000, 0x60, 0, "inode");
    expect_gc(0x6000, 0, 1, "");
    for (unsigned i = 0; i < 2; i++) {
        expect_call("gcepoch", 0);
        expect_u64("begin", !i);
        expect_end();
    }
}

/* Types that the host makes, as a rule, but a guest may send. */
static void make_host_type_calls(void)
{
    struct mtrace_call_entry call;
    struct mtrace_machine_entry machine;

    call.target_pc = 0x7000;
    call.return_pc = 0x8000;
    call.ret = -3;
    mtrace_entry_register(&call.h, mtrace_entry_call, sizeof(call));
    machine.num_cpus = 9;
    machine.num_ram = (uint64_t)1 << 40;
    machine.quantum = 10;
    machine.sample = 11;
    machine.flags = MTRACE_MACHINE_FLAG_LOCKED | MTRACE_MACHINE_FLAG_CALLS;
    mtrace_entry_register(&machine.h, mtrace_entry_machine, sizeof(machine));
}

static void expect_host_type_calls(void)
{
    expect_call("call", 0);
    expect_u64("target_pc", 0x7000);
    expect_u64("return_pc", 0x8000);
    expect_word("ret", "-3");
    expect_end();
    expect_call("machine", 0);
    expect_u64("num_cpus", 9);
    expect_u64("num_ram", (uint64_t)1 << 40);
    expect_u64("quantum", 10);
    expect_u64("sample", 11);
    expect_word("flags", "locked|calls");
    expect_end();
}

/* One access entry: only the host makes these, so it is refused. */
static void make_access_call(void)
{
    struct mtrace_access_entry access;

    mtrace_entry_register(&access.h, mtrace_entry_access, sizeof(access));
}

static void expect_access_call(void)
{
    expect_call("guest_error", 0);
    expect_u64("entry_type", mtrace_entry_access);
    expect_u64("entry_len", sizeof(struct mtrace_access_entry));
    expect_end();
}

static void make_all_calls(void)
{
    make_label_calls();
    make_host_calls();
    make_stack_calls();
    make_lock_calls();
    make_task_calls();
    make_scope_calls();
    make_host_type_calls();
}

static void expect_all_calls(void)
{
    expect_label_calls();
    expect_host_calls();
    expect_stack_calls();
    expect_lock_calls();
    expect_task_calls();
    expect_scope_calls();
    expect_host_type_calls();
}

#endif /* CALL_LIST_H */
