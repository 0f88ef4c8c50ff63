/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest calls that are wrong in every way that there is: each is refused and
 * reported once, and does no harm; after all of them a good one still works.
 */
#include <mtrace-magic.h>
#include "guest.h"

/* One place that makes calls, so that reports are not told apart by pc. */
__asm__(".pushsection .mtrace_test, \"ax\", @progbits\n"
        "call_one:\n"
        "pc_call_one: xchg %bx, %bx\n"
        "ret\n"
        ".popsection");
extern const char pc_call_one[];

static struct mtrace_label_entry label;
static unsigned faults;
static const char *fault_pc;
static unsigned num_refused;

static void call(uint64_t rax, uint64_t type, const void *entry, uint64_t len)
{
    __asm__ volatile("call call_one"
                     : : "a" (rax), "b" (entry), "c" (type), "d" (len)
                     : "memory");
}

/* Refused for a reason that was reported before. */
static void again(uint64_t type, const void *entry, uint64_t len)
{
    call(1, type, entry, len);
    num_refused++;
}

static void refused(uint64_t type, const void *entry, uint64_t len)
{
    again(type, entry, len);
    expect_call("guest_error", 0);
    expect_u64("pc", (uint64_t)pc_call_one);
    expect_u64("entry_addr", (uint64_t)entry);
    expect_u64("entry_type", type);
    expect_u64("entry_len", len);
    expect_end();
}

/* Error code of a page fault: by a write, or a fetch. */
#define NOT_A_LOAD (1 << 1 | 1 << 4)

/* A page that is absent faults as it does for a load; skips the call. */
static int skip_call(struct fault *fault, uint64_t address)
{
    if (fault->vector != VECTOR_PAGE_FAULT || fault->error & NOT_A_LOAD) {
        return 0;
    }
    (void)address;
    fault_pc = (const char *)fault->rip;
    fault->rip += 3;
    faults++;
    return 1;
}

static int map_page(struct fault *fault, uint64_t address)
{
    unsigned page = (address - (uint64_t)data) / PAGE_SIZE;

    if (fault->vector != VECTOR_PAGE_FAULT || page >= DATA_PAGES) {
        return 0;
    }
    faults++;
    data_map(page, page);
    return 1;
}

static void expect_good(void)
{
    expect_call("sched", 0);
    expect_u64("tid", 42);
    expect_end();
}

static void wrong_types_and_lengths(void)
{
    static const uint64_t types[] = { 16, 31, 32, 64, 1ul << 32, ~0ul };
    static const uint64_t lengths[] = { 0, 123, 125, 1ul << 32, ~0ul };

    refused(0, &label, sizeof(label));
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        again(types[i], &label, sizeof(label));
    }
    refused(mtrace_entry_label, &label, 124 + (1ul << 32));
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        again(mtrace_entry_label, &label, lengths[i]);
    }
}

static void wrong_addresses(void)
{
    const char *page = (const char *)data + 4 * PAGE_SIZE;

    refused(mtrace_entry_sched, (void *)(1ul << 63), 32);
    again(mtrace_entry_sched, (void *)~0ul, 32);
    again(mtrace_entry_sched, (void *)((1ul << 47) - 16), 32);
    again(mtrace_entry_sched, (void *)-16ul, 32);

    on_fault = skip_call;
    data_unmap(5);
    call(1, mtrace_entry_sched, page + PAGE_SIZE + 8, 32);
    call(1, mtrace_entry_sched, page + PAGE_SIZE - 8, 32);
    call(1, mtrace_entry_sched, (void *)(1ul << 40), 32);
    data_unmap(4);
    call(1, mtrace_entry_sched, page + PAGE_SIZE - 8, 32);
    if (faults != 4 || fault_pc != pc_call_one) {
        fail("absent entries must fault at the call");
    }
    data_map(4, 4);
    /* Registers of a device, where a load would have an effect. */
    refused(mtrace_entry_sched, (void *)0xfee00000, 32);
}

static void calls_of_ring3(void)
{
    call(1, mtrace_entry_sched, data + 7 * PAGE_SIZE, 32);
    call(1, mtrace_entry_sched, data + 7 * PAGE_SIZE - 8, 32);
    call(1, mtrace_entry_sched, data + 8 * PAGE_SIZE - 8, 32);
}

/* Memory that ring 3 may not read does not get into the log for it. */
static void without_permission(void)
{
    on_fault = skip_call;
    faults = 0;
    data_protect(7);
    run_in_ring3(calls_of_ring3);
    if (faults != 3 || fault_pc != pc_call_one) {
        fail("entries without permission must fault at the call");
    }
    data_map(7, 7);
}

/* An entry in a page that the guest brings in when the call faults. */
static void paged_in(void)
{
    struct mtrace_sched_entry *entry =
        (void *)(data + 6 * PAGE_SIZE - sizeof(*entry) / 2);

    data_map(5, 5);
    entry->tid = 42;
    data_unmap(6);
    on_fault = map_page;
    faults = 0;
    call(1, mtrace_entry_sched, entry, sizeof(*entry));
    expect_good();
    data_unmap(5);
    data_unmap(6);
    call(1, mtrace_entry_sched, entry, sizeof(*entry));
    expect_good();
    if (faults != 3) {
        fail("not as many page faults as expected");
    }
}

static void wrong_values(void)
{
    static struct mtrace_host_entry host;

    label.label_type = 77;
    refused(mtrace_entry_label, &label, sizeof(label));
    host.host_type = 9;
    refused(mtrace_entry_host, &host, sizeof(host));
    host.host_type = mtrace_access_all_cpu;
    host.access.mode = 4;
    refused(mtrace_entry_host, &host, sizeof(host));
}

/* The string is cut, and that is reported; the rest counts. */
static void unterminated(void)
{
    static struct mtrace_task_entry task;

    for (unsigned i = 0; i < sizeof(task.str); i++) {
        task.str[i] = 'x';
    }
    task.tid = 5;
    task.task_type = mtrace_task_init;
    call(1, mtrace_entry_task, &task, sizeof(task));
    expect_call("task", 0);
    expect_u64("tid", 5);
    expect_str("str", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    expect_end();
    num_refused++;
    expect_call("guest_error", 0);
    expect_u64("entry_type", mtrace_entry_task);
    expect_end();
}

static void not_a_call(void)
{
    call(0, mtrace_entry_label, &label, sizeof(label));
    call(2, mtrace_entry_label, &label, 1);
    call(1 + (1ul << 32), mtrace_entry_label, &label, 1);
    call(~0ul, 999, (void *)(1ul << 63), 1);
}

void guest_main(void)
{
    struct mtrace_sched_entry good;

    label.label_type = mtrace_label_heap;
    wrong_types_and_lengths();
    wrong_addresses();
    without_permission();
    paged_in();
    wrong_values();
    unterminated();
    not_a_call();
    good.tid = 42;
    call(1, mtrace_entry_sched, &good, sizeof(good));
    expect_good();
    expect_counter("guest-calls-refused", num_refused);
}
