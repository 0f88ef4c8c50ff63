/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each of two CPUs counts in a word of its own: in one line, which moves every
 * time; in two, which do not.
 */
#include "guest.h"

#define ROUNDS 50

INSN(count, "addq $1, (%rdi)");

static void counters(const char *name, unsigned distance)
{
    plan_begin(name);
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned cpu = 0; cpu < 2; cpu++) {
            plan_rmw(cpu, &count, 0, data + cpu * distance, 8);
        }
    }
    plan_end();
}

void guest_main(void)
{
    counters("one line", 8);
    counters("two lines", 64);
}
