/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans: steps that run on several CPUs, one after the other.
 *
 * The counter `turn` is the number of the running step; the CPU of that step
 * runs it and passes the turn on, the others wait.  It lies outside the
 * compared memory, so the order of what is compared is that of the plan, in
 * round-robin and in multi-threaded emulation.
 */
#include "machine.h"
#include <mtrace-magic.h>

#define MAX_STEPS 1024
#define ALL_CPUS MAX_CPUS

INSN(own, "orb $0, (%rdi)");

struct step {
    const char *code;
    unsigned cpu;
    unsigned ring;
    struct regs regs;
};

static struct step steps[MAX_STEPS];
static unsigned num_steps;
static const char *plan_name;
static const char *last_pc;
static unsigned next_insns, next_accesses;

static volatile unsigned turn;
static volatile unsigned plans_started;
static volatile unsigned cpus_idle;
static volatile unsigned cpus_arrived;

static void run_step(unsigned i)
{
    if (steps[i].ring) {
        call_in_ring3(steps[i].code, &steps[i].regs);
    } else {
        call_stub(steps[i].code, &steps[i].regs);
    }
}

/* The last CPU that is done with step @i passes the turn on. */
static void run_together(unsigned i)
{
    run_step(i);
    if (__atomic_add_fetch(&cpus_arrived, 1, __ATOMIC_SEQ_CST) == num_cpus) {
        cpus_arrived = 0;
        turn = i + 1;
    }
    while (turn == i) {
        __asm__ volatile("pause");
    }
}

static void run_steps(unsigned cpu)
{
    unsigned i;

    flush_tlb();
    while ((i = turn) < num_steps) {
        if (steps[i].cpu == ALL_CPUS) {
            run_together(i);
        } else if (steps[i].cpu == cpu) {
            run_step(i);
            turn = i + 1;
        } else {
            __asm__ volatile("pause");
        }
    }
}

/* What the other CPUs do: each plan once, then wait for the next. */
void ap_loop(unsigned cpu)
{
    unsigned seen = 0;

    for (;;) {
        while (plans_started == seen) {
            __asm__ volatile("pause");
        }
        seen++;
        run_steps(cpu);
        __atomic_add_fetch(&cpus_idle, 1, __ATOMIC_SEQ_CST);
    }
}

void plan_begin(const char *name)
{
    plan_name = name;
    num_steps = 0;
    expect_reset();
}

static void add_step(unsigned cpu, const char *code, const char *pc,
                     struct regs regs, unsigned ring)
{
    if (num_steps == MAX_STEPS) {
        fail("too many steps in one plan");
    }
    if (cpu >= num_cpus && cpu != ALL_CPUS) {
        fail("the plan needs more CPUs");
    }
    steps[num_steps++] = (struct step) {
        .code = code, .cpu = cpu, .ring = ring, .regs = regs,
    };
    last_pc = pc;
    next_insns = 0;
    next_accesses = 0;
}

void plan_run(unsigned cpu, const struct insn *insn, struct regs regs)
{
    add_step(cpu, insn->stub, insn->pc, regs, 0);
}

void plan_user(unsigned cpu, const struct insn *insn, struct regs regs)
{
    add_step(cpu, insn->stub, insn->pc, regs, 3);
}

void plan_call(unsigned cpu, void (*fn)(uint64_t), uint64_t arg)
{
    add_step(cpu, (const char *)fn, NULL, (struct regs) { .rdi = arg }, 0);
}

void plan_user_call(unsigned cpu, void (*fn)(uint64_t), uint64_t arg)
{
    add_step(cpu, (const char *)fn, NULL, (struct regs) { .rdi = arg }, 3);
}

void plan_all(void (*fn)(uint64_t), uint64_t arg, const void *va,
              unsigned size)
{
    add_step(ALL_CPUS, (const char *)fn, NULL, (struct regs) { .rdi = arg }, 0);
    expect_replay(va, size);
}

void plan_expect_at(unsigned what, const char *pc, const volatile void *va,
                    unsigned size)
{
    const struct step *step = &steps[num_steps - 1];

    expect_add(&(struct expected) {
        .what = what, .cpu = step->cpu, .pc = pc,
        .cpl = what & RING0 ? 0 : step->ring,
        .va = (const void *)va, .size = size, .insns = next_insns,
        .accesses = next_accesses,
    });
    next_insns = 0;
    next_accesses = 0;
}

void plan_expect(unsigned what, const volatile void *va, unsigned size)
{
    plan_expect_at(what, last_pc, va, size);
}

void plan_counts(unsigned insns, unsigned accesses)
{
    next_insns = insns;
    next_accesses = accesses;
}

void plan_load(unsigned cpu, const struct insn *insn, const void *va,
               unsigned size)
{
    plan_run(cpu, insn, (struct regs) { .rdi = (uint64_t)va });
    plan_expect(LOAD, va, size);
}

void plan_store(unsigned cpu, const struct insn *insn, const void *va,
                unsigned size)
{
    plan_run(cpu, insn, (struct regs) { .rdi = (uint64_t)va });
    plan_expect(STORE, va, size);
}

void plan_rmw(unsigned cpu, const struct insn *insn, unsigned flags,
              const void *va, unsigned size)
{
    plan_run(cpu, insn, (struct regs) { .rdi = (uint64_t)va });
    plan_expect(LOAD | flags, va, size);
    plan_expect(STORE | flags, va, size);
}

void plan_own(unsigned cpu, const void *va, unsigned size)
{
    uint64_t line = (uint64_t)va & ~(uint64_t)(LINE_SIZE - 1);

    for (; line < (uint64_t)va + size; line += LINE_SIZE) {
        plan_rmw(cpu, &own, 0, (void *)line, 1);
    }
}

void plan_end(void)
{
    cpus_idle = 1;
    mtrace_enable_set(mtrace_record_movement, plan_name);
    turn = 0;
    plans_started++;
    run_steps(0);
    while (cpus_idle != num_cpus) {
        __asm__ volatile("pause");
    }
    mtrace_enable_set(mtrace_record_disable, plan_name);

    put_str("begin ");
    put_str(plan_name);
    put_str("\n");
    expect_print();
    put_str("end\n");
}
