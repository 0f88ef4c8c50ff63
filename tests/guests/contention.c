/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Four CPUs fight over a few lines, all at the same time.  Nobody knows who wins
 * when; but each record must be a move, by the rule, of what the records before
 * it left, or the order in the log is not that of the accesses.
 */
#include "guest.h"

#define CPUS 4
#define ROUNDS 60
#define BLOWS 16                /* in a round */

/* Aligned, not aligned, over a line end; LOCKed and not. */
__asm__(".pushsection .mtrace_test, \"ax\", @progbits\n"
        "blows:\n"
        "movq (%rdi), %rax\n"
        "movq %rax, 64(%rdi)\n"
        "incq 128(%rdi)\n"
        "lock incq 192(%rdi)\n"
        "movq 64(%rdi), %rax\n"
        "xchgq %rax, (%rdi)\n"
        "movups 250(%rdi), %xmm0\n"
        "movq %rax, 252(%rdi)\n"
        "movb 320(%rdi), %al\n"
        "lock incl 324(%rdi)\n"
        "incl 448(%rdi)\n"
        "ret\n"
        ".popsection");

static unsigned arrived;

/* Before each round all CPUs meet, else one may be done before others begin. */
static void fight(uint64_t line)
{
    for (unsigned i = 1; i <= ROUNDS; i++) {
        __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < CPUS * i) {
            __asm__ volatile("pause");
        }
        for (unsigned j = 0; j < BLOWS; j++) {
            __asm__ volatile("call blows" : "+D" (line) : : "rax", "memory");
        }
    }
}

void guest_main(void)
{
    if (num_cpus != CPUS) {
        fail("as many CPUs as the guest was made for");
    }
    plan_begin("fight");
    plan_all(fight, (uint64_t)data, data, 8 * LINE_SIZE);
    plan_end();
    if (*(volatile uint64_t *)(data + 192) != CPUS * ROUNDS * BLOWS) {
        fail("LOCKed increments were lost");
    }
}
