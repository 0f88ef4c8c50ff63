/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and stores of 1 to 8 bytes, aligned, by one CPU after another stored
 * to the line: every one moves it.  Done again, none does.
 */
#include "guest.h"

INSN(load1, "movb (%rdi), %al");
INSN(load2, "movw (%rdi), %ax");
INSN(load4, "movl (%rdi), %eax");
INSN(load8, "movq (%rdi), %rax");
INSN(load1z, "movzbl (%rdi), %eax");
INSN(load2s, "movswq (%rdi), %rax");
INSN(load4s, "movslq (%rdi), %rax");
INSN(compare, "cmpq %rax, (%rdi)");
INSN(store1, "movb %al, (%rdi)");
INSN(store1h, "movb %ah, (%rdi)");
INSN(store2, "movw %ax, (%rdi)");
INSN(store4, "movl %eax, (%rdi)");
INSN(store8, "movq %rax, (%rdi)");
INSN(store8i, "movq $-5, (%rdi)");
INSN(store8n, "movnti %rax, (%rdi)");
INSN(load4b, "movbe (%rdi), %eax");
INSN(store4b, "movbe %eax, (%rdi)");

static const struct {
    const struct insn *insn;
    unsigned size;
} loads[] = {
    { &load1, 1 }, { &load2, 2 }, { &load4, 4 }, { &load8, 8 },
    { &load1z, 1 }, { &load2s, 2 }, { &load4s, 4 }, { &compare, 8 },
    { &load4b, 4 },
}, stores[] = {
    { &store1, 1 }, { &store1h, 1 }, { &store2, 2 }, { &store4, 4 },
    { &store8, 8 }, { &store8i, 8 }, { &store8n, 8 }, { &store4b, 4 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void guest_main(void)
{
    uint8_t *p = data;

    plan_begin("loads");
    for (unsigned i = 0; i < COUNT(loads); i++, p += LINE_SIZE) {
        plan_load(1, loads[i].insn, p + 8, loads[i].size);
        plan_store(0, &store8, p, 8);
        plan_load(1, loads[i].insn, p + 8, loads[i].size);
        plan_load(1, loads[i].insn, p + 16, loads[i].size);
        plan_load(0, loads[i].insn, p + 16, loads[i].size);
    }
    plan_end();

    plan_begin("stores");
    for (unsigned i = 0; i < COUNT(stores); i++, p += LINE_SIZE) {
        plan_store(0, stores[i].insn, p + 64 - stores[i].size, stores[i].size);
        plan_store(0, stores[i].insn, p, stores[i].size);
        plan_load(1, &load8, p + 8, 8);
        plan_store(0, stores[i].insn, p, stores[i].size);
        plan_store(1, stores[i].insn, p + 8, stores[i].size);
        plan_load(1, &load8, p + 8, 8);
    }
    plan_end();
}
