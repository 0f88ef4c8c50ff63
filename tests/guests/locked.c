/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LOCKed instructions and XCHG: marked as such, a load and a store each; those
 * that are not aligned, which multi-threaded emulation runs on their own.
 */
#include "guest.h"

INSN(addb, "lock addb $1, (%rdi)");
INSN(subw, "lock subw %ax, (%rdi)");
INSN(orl, "lock orl %eax, (%rdi)");
INSN(andq, "lock andq %rax, (%rdi)");
INSN(sbbl, "lock sbbl %eax, (%rdi)");
INSN(incq, "lock incq (%rdi)");
INSN(decl, "lock decl (%rdi)");
INSN(notb, "lock notb (%rdi)");
INSN(xaddq, "lock xaddq %rax, (%rdi)");
INSN(btsq, "lock btsq $9, (%rdi)");
INSN(btrl, "lock btrl $9, (%rdi)");
INSN(cmpxchgl, "lock cmpxchgl %ebx, (%rdi)");
INSN(cmpxchg8, "lock cmpxchg8b (%rdi)");
INSN(cmpxchg16, "lock cmpxchg16b (%rdi)");
INSN(xchgb, "xchgb %al, (%rdi)");
INSN(xchgw, "xchgw %ax, (%rdi)");
INSN(xchgq, "xchgq %rax, (%rdi)");
INSN(xchgl, "lock xchgl %eax, (%rdi)");
INSN(negq, "lock negq (%rdi)");
INSN(load8, "movq (%rdi), %rax");

static const struct {
    const struct insn *insn;
    unsigned size;
} rmws[] = {
    { &addb, 1 }, { &subw, 2 }, { &orl, 4 }, { &andq, 8 }, { &sbbl, 4 },
    { &incq, 8 }, { &decl, 4 }, { &notb, 1 }, { &xaddq, 8 },
    { &btsq, 8 }, { &btrl, 4 }, { &cmpxchgl, 4 }, { &cmpxchg8, 8 },
    { &cmpxchg16, 16 }, { &xchgb, 1 }, { &xchgw, 2 }, { &xchgq, 8 },
    { &xchgl, 4 },
};

/* TCG makes LOCK NEG of a load and a compare-and-exchange. */
static void negate(const uint8_t *p)
{
    for (unsigned twice = 0; twice < 2; twice++) {
        plan_own(1, p, 1);
        plan_run(0, &negq, (struct regs) { .rdi = (uint64_t)p });
        plan_expect(LOAD | LOCKED | SERIAL, p, 8);
        plan_expect(LOAD | LOCKED, p, 8);
        plan_expect(STORE | LOCKED, p, 8);
    }
}

void guest_main(void)
{
    uint8_t *p = data;

    plan_begin("locked");
    for (unsigned i = 0; i < sizeof(rmws) / sizeof(rmws[0]); i++) {
        plan_own(1, p, 1);
        plan_rmw(0, rmws[i].insn, LOCKED, p, rmws[i].size);
        plan_rmw(0, rmws[i].insn, LOCKED, p, rmws[i].size);
        plan_load(1, &load8, p + 8, 8);
        plan_rmw(0, rmws[i].insn, LOCKED, p, rmws[i].size);
        p += LINE_SIZE;
    }
    negate(p);
    plan_end();

    plan_begin("unaligned");
    plan_own(1, p, 128);
    plan_rmw(0, &xaddq, LOCKED | SERIAL, p + 60, 8);
    plan_own(1, p + 64, 1);
    plan_rmw(0, &xchgl, LOCKED | SERIAL, p + 61, 4);
    plan_own(1, p, 1);
    plan_rmw(0, &andq, LOCKED | SERIAL, p + 9, 8);
    plan_end();
}
