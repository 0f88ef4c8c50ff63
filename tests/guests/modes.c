/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entering a mode resets the line state, and nothing is recorded outside: not
 * the instruction before the call that starts it, nor that behind the last.
 */
#include <mtrace-magic.h>
#include "machine.h"

INSN(store, "movq %rax, (%rdi)");
INSN(load, "movq (%rdi), %rax");

__asm__(".pushsection .mtrace_test, \"ax\", @progbits\n"
        "switch_on_off:\n"
        "movq %rdi, 0(%rdi)\n"
        "xchg %bx, %bx\n"
        "pc_first: movq %rdi, 64(%rdi)\n"
        "movq %rsi, %rbx\n"
        "pc_last: movq %rdi, 128(%rdi)\n"
        "xchg %bx, %bx\n"
        "movq %rdi, 192(%rdi)\n"
        "ret\n"
        ".popsection");
extern const char switch_on_off[], pc_first[], pc_last[];

static struct mtrace_host_entry host_entry(unsigned mode)
{
    struct mtrace_host_entry entry = { .host_type = mtrace_access_all_cpu };

    entry.access.mode = mode;
    entry.access.str[0] = 'x';
    return entry;
}

static void expect_one(const char *pc, const void *va)
{
    expect_add(&(struct expected) {
        .what = STORE, .pc = pc, .va = va, .size = 8,
    });
}

static void at_once(void)
{
    struct mtrace_host_entry on = host_entry(mtrace_record_movement);
    struct mtrace_host_entry off = host_entry(mtrace_record_disable);
    const uint8_t *p = data + PAGE_SIZE;
    struct regs regs = {
        .rax = MTRACE_ENTRY_REGISTER, .rbx = (uint64_t)&on,
        .rcx = mtrace_entry_host, .rdx = sizeof(on), .rsi = (uint64_t)&off,
        .rdi = (uint64_t)p,
    };

    call_stub(switch_on_off, &regs);
    expect_reset();
    expect_one(pc_first, p + 64);
    expect_one(pc_last, p + 128);
    put_str("begin x\n");
    expect_print();
    put_str("end\n");
}

static void same_again(const char *name)
{
    plan_begin(name);
    plan_store(0, &store, data, 8);
    plan_store(0, &store, data, 8);
    plan_load(1, &load, data, 8);
    plan_store(0, &store, data + 64, 8);
    plan_load(0, &load, data + 128, 8);
    plan_end();
}

void guest_main(void)
{
    same_again("first");
    for (unsigned i = 0; i < 4; i++) {
        *(volatile uint64_t *)(data + 64 * i) = i;
    }
    same_again("second");
    at_once();
    at_once();
    plan_begin("nothing");
    plan_end();
    same_again("");
    plan_begin("a name of sixty-three bytes, which is as much as there can be..");
    plan_store(1, &store, data, 8);
    plan_end();
}
