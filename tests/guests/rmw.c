/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that read and write memory, not LOCKed: a load, then a store at
 * the same pc; those that turn out to be one of the two only.
 */
#include "guest.h"

INSN(addb, "addb $1, (%rdi)");
INSN(addw, "addw %ax, (%rdi)");
INSN(subl, "subl %eax, (%rdi)");
INSN(adcq, "adcq %rax, (%rdi)");
INSN(incq, "incq (%rdi)");
INSN(decb, "decb (%rdi)");
INSN(negl, "negl (%rdi)");
INSN(notq, "notq (%rdi)");
INSN(xorw, "xorw $7, (%rdi)");
INSN(shlq, "shlq $3, (%rdi)");
INSN(rorl, "rorl $5, (%rdi)");
INSN(shldq, "shldq $3, %rax, (%rdi)");
INSN(xaddl, "xaddl %eax, (%rdi)");
INSN(btsl, "btsl $5, (%rdi)");
INSN(btcq, "btcq %rax, (%rdi)");
INSN(cmpxchgq, "cmpxchgq %rbx, (%rdi)");
INSN(cmpxchgb, "cmpxchgb %bl, (%rdi)");
INSN(cmpxchg8, "cmpxchg8b (%rdi)");
INSN(cmpxchg16, "cmpxchg16b (%rdi)");

INSN(btq, "btq %rax, (%rdi)");
INSN(test, "testl $1, (%rdi)");
INSN(set, "setc (%rdi)");
INSN(push, "pushq (%rdi)\npopq %rax");
INSN_AFTER(pop, "pushq %rax", "popq (%rdi)");

static const struct {
    const struct insn *insn;
    unsigned size;
} rmws[] = {
    { &addb, 1 }, { &addw, 2 }, { &subl, 4 }, { &adcq, 8 }, { &incq, 8 },
    { &decb, 1 }, { &negl, 4 }, { &notq, 8 }, { &xorw, 2 }, { &shlq, 8 },
    { &rorl, 4 }, { &shldq, 8 }, { &xaddl, 4 }, { &btsl, 4 },
    { &cmpxchgb, 1 }, { &cmpxchgq, 8 }, { &cmpxchg8, 8 }, { &cmpxchg16, 16 },
};

static void each(const struct insn *insn, const uint8_t *p, unsigned size)
{
    plan_own(1, p, size);
    plan_rmw(0, insn, 0, p, size);
    plan_rmw(0, insn, 0, p, size);
    plan_load(1, &test, p, 4);
    plan_rmw(0, insn, 0, p, size);
}

/* A compare-and-exchange writes in both cases: what it read when it fails. */
static void compare_exchange(const uint8_t *p)
{
    plan_own(1, p, 8);
    plan_run(0, &cmpxchgq, (struct regs) { .rdi = (uint64_t)p, .rax = 1 });
    plan_expect(LOAD, p, 8);
    plan_expect(STORE, p, 8);
}

static void bits(const uint8_t *p)
{
    struct regs regs = { .rdi = (uint64_t)p, .rax = 3 * 64 + 5 };

    plan_own(1, p, 1);
    plan_run(0, &btcq, regs);
    plan_expect(LOAD, p + 24, 8);
    plan_expect(STORE, p + 24, 8);
    regs.rax = -1;
    plan_own(1, p - 8, 1);
    plan_run(0, &btq, regs);
    plan_expect(LOAD, p - 8, 8);
}

void guest_main(void)
{
    uint8_t *p = data;

    plan_begin("rmw");
    for (unsigned i = 0; i < sizeof(rmws) / sizeof(rmws[0]); i++) {
        each(rmws[i].insn, p, rmws[i].size);
        p += LINE_SIZE;
    }
    compare_exchange(p);
    bits(p + LINE_SIZE);
    plan_end();

    plan_begin("one-way");
    plan_own(1, p, 1);
    plan_load(0, &test, p, 4);
    plan_store(0, &set, p + 3, 1);
    plan_own(1, p, 1);
    plan_load(0, &push, p + 8, 8);
    plan_store(0, &pop, p + 8, 8);
    plan_end();
}
