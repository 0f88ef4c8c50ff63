/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same accesses in ring 3 and ring 0: records say which.
 */
#include "guest.h"

INSN(store, "movq %rax, (%rdi)");
INSN(load, "movq (%rdi), %rax");
INSN(lock_add, "lock addq %rax, (%rdi)");
INSN(store16, "movups %xmm0, (%rdi)");

static void in_ring3(unsigned cpu, const struct insn *insn, unsigned what,
                     const uint8_t *p, unsigned size)
{
    plan_user(cpu, insn, (struct regs) { .rdi = (uint64_t)p });
    if (what & LOAD) {
        plan_expect(what & ~STORE, p, size);
    }
    if (what & STORE) {
        plan_expect(what & ~LOAD, p, size);
    }
}

void guest_main(void)
{
    plan_begin("ring 3");
    for (unsigned i = 0; i < 10; i++) {
        in_ring3(0, &store, STORE, data, 8);
        in_ring3(1, &load, LOAD, data, 8);
        plan_store(1, &store, data + 64, 8);
        in_ring3(1, &store, STORE, data + 64, 8);
        in_ring3(0, &store, STORE, data + 64, 8);
        plan_load(1, &load, data + 60, 8);
        in_ring3(0, &lock_add, LOAD | STORE | LOCKED, data, 8);
        in_ring3(1, &store16, STORE, data + 56, 16);
    }
    plan_end();
}
