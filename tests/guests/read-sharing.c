/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Four CPUs read a line, then one of them writes it and takes it from all;
 * again with another writer, and with some of the readers left out.
 */
#include "guest.h"

#define CPUS 4
#define ROUNDS 12

INSN(store, "movq %rax, (%rdi)");
INSN(load, "movq (%rdi), %rax");

void guest_main(void)
{
    plan_begin("all");
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned cpu = 0; cpu < 2 * CPUS; cpu++) {
            plan_load(cpu % CPUS, &load, data + 8 * cpu, 8);
        }
        plan_store(i % CPUS, &store, data, 8);
    }
    plan_end();

    plan_begin("some");
    for (unsigned i = 0; i < 1 << CPUS; i++) {
        for (unsigned cpu = 0; cpu < CPUS; cpu++) {
            if (i & 1 << cpu) {
                plan_load(cpu, &load, data + 128, 8);
            }
        }
        plan_store(i * 7 % CPUS, &store, data + 128, 8);
        plan_store(i * 7 % CPUS, &store, data + 128, 8);
    }
    plan_end();
}
