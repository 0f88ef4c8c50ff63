/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses that lie in two lines, at every offset: a record for each line that
 * moves, and for the one that does when only one does.
 */
#include "guest.h"

INSN(load2, "movw (%rdi), %ax");
INSN(load4, "movl (%rdi), %eax");
INSN(load8, "movq (%rdi), %rax");
INSN(load16, "movups (%rdi), %xmm0");
INSN(store2, "movw %ax, (%rdi)");
INSN(store4, "movl %eax, (%rdi)");
INSN(store8, "movq %rax, (%rdi)");
INSN(store16, "movups %xmm0, (%rdi)");
INSN(add8, "addq $1, (%rdi)");

static const struct {
    const struct insn *load, *store;
    unsigned size;
} pairs[] = {
    { &load2, &store2, 2 }, { &load4, &store4, 4 },
    { &load8, &store8, 8 }, { &load16, &store16, 16 },
};

static void cross(const struct insn *load, const struct insn *store,
                  const uint8_t *line, unsigned before, unsigned size)
{
    const uint8_t *p = line + LINE_SIZE - before;

    plan_own(1, p, size);
    plan_load(0, load, p, size);
    plan_load(0, load, p, size);
    plan_store(0, store, p, size);
    plan_store(0, store, p, size);

    plan_own(1, line, 1);
    plan_load(0, load, p, size);
    plan_own(1, line + LINE_SIZE, 1);
    plan_load(0, load, p, size);
    plan_own(1, line, 1);
    plan_store(0, store, p, size);
    plan_own(1, line + LINE_SIZE, 1);
    plan_store(0, store, p, size);
}

void guest_main(void)
{
    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        plan_begin("cross");
        for (unsigned before = 1; before < pairs[i].size; before++) {
            cross(pairs[i].load, pairs[i].store, data + 2 * LINE_SIZE * before,
                  before, pairs[i].size);
        }
        plan_end();
    }

    plan_begin("rmw");
    plan_own(1, data, 128);
    plan_rmw(0, &add8, 0, data + 60, 8);
    plan_own(1, data + 64, 1);
    plan_rmw(0, &add8, 0, data + 60, 8);
    plan_end();
}
