/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses that lie in two pages which are not neighbours in physical memory,
 * pieces of a state save among them; and one line under two virtual addresses.
 */
#include "guest.h"

INSN(load2, "movw (%rdi), %ax");
INSN(load8, "movq (%rdi), %rax");
INSN(load16, "movups (%rdi), %xmm0");
INSN(store2, "movw %ax, (%rdi)");
INSN(store8, "movq %rax, (%rdi)");
INSN(store16, "movups %xmm0, (%rdi)");
INSN(add4, "addl $1, (%rdi)");
INSN(save, "fnsave (%rdi)");

#define FNSAVE_SIZE 108

static uint8_t *page(unsigned n)
{
    return data + n * PAGE_SIZE;
}

static void cross(const struct insn *load, const struct insn *store,
                  unsigned before, unsigned size)
{
    const uint8_t *p = page(5) - before;

    plan_own(1, p, size);
    plan_load(0, load, p, size);
    plan_own(1, page(5), 1);
    plan_load(0, load, p, size);
    plan_store(0, store, p, size);
    plan_own(1, page(4) + PAGE_SIZE - 1, 1);
    plan_store(0, store, p, size);
    plan_store(1, store, p, size);
}

void guest_main(void)
{
    /* Pages 5 and 9 change places; page 12 is another name of what 5 is. */
    data_map(5, 9);
    data_map(9, 5);
    data_map(12, 9);

    plan_begin("cross");
    cross(&load2, &store2, 1, 2);
    cross(&load8, &store8, 1, 8);
    cross(&load8, &store8, 7, 8);
    cross(&load16, &store16, 5, 16);
    plan_own(1, page(5) - 3, 8);
    plan_rmw(0, &add4, 0, page(5) - 3, 4);
    plan_end();

    plan_begin("alias");
    plan_store(0, &store8, page(5) + 256, 8);
    plan_load(0, &load8, page(12) + 256, 8);
    plan_load(1, &load8, page(12) + 256, 8);
    plan_store(1, &store8, page(12) + 256, 8);
    plan_store(0, &store8, page(9) + 256, 8);
    plan_load(0, &load8, page(5) + 256, 8);
    plan_end();

    /* The third register's first 8 bytes lie in both pages. */
    plan_begin("save");
    plan_own(1, page(5) - 50, FNSAVE_SIZE);
    plan_run(0, &save, (struct regs) { .rdi = (uint64_t)page(5) - 50 });
    plan_expect(STORE | DIRECT | LINES, page(5) - 50, FNSAVE_SIZE);
    plan_load(1, &load8, page(12), 8);
    plan_end();
}
