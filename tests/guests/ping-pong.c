/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two CPUs take turns on one line: by stores, by increments, by LOCKed ones,
 * and one by stores that the other reads.
 */
#include "guest.h"

#define ROUNDS 60

INSN(store, "movl %edi, (%rdi)");
INSN(load, "movl (%rdi), %eax");
INSN(inc, "incq (%rdi)");
INSN(lock_inc, "lock incq (%rdi)");

void guest_main(void)
{
    plan_begin("stores");
    for (unsigned i = 0; i < ROUNDS; i++) {
        plan_store(i % 2, &store, data, 4);
    }
    plan_end();

    plan_begin("increments");
    for (unsigned i = 0; i < ROUNDS; i++) {
        plan_rmw(i % 2, &inc, 0, data, 8);
        plan_rmw((i + 1) % 2, &lock_inc, LOCKED, data + 64, 8);
    }
    plan_end();

    plan_begin("message");
    for (unsigned i = 0; i < ROUNDS; i++) {
        plan_store(0, &store, data + 128, 4);
        plan_load(1, &load, data + 128, 4);
        plan_load(0, &load, data + 128, 4);
    }
    plan_end();
}
