/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On a single CPU nothing moves: it holds every line alone from the start.
 */
#include "guest.h"

INSN(store, "movq %rax, (%rdi)");
INSN(load, "movq (%rdi), %rax");
INSN(add, "lock addl $1, (%rdi)");

void guest_main(void)
{
    plan_begin("one");
    for (unsigned twice = 0; twice < 2; twice++) {
        for (unsigned i = 0; i < 200; i++) {
            const uint8_t *p = data + 56 * i;

            plan_load(0, &load, p, 8);
            if (i % 3) {
                plan_store(0, &store, p, 8);
            }
        }
    }
    plan_rmw(0, &add, LOCKED, data + 10 * PAGE_SIZE, 4);
    plan_end();
}
