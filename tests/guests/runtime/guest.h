/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime of the bare-metal guests: what a guest's C file may use.
 *
 * A guest is a plan: steps that run on given vCPUs one after the other, each
 * with the accesses that it is known to make to the compared memory (the
 * section .mtrace_data).  plan_end() runs the plan inside a recording, puts
 * the accesses through the normative rule of line state, and prints what the
 * log must hold.  The format of these lines is in tests/guests/README.md.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

#define LINE_SIZE 64
#define PAGE_SIZE 4096
#define MAX_CPUS 4

/* ---- compared memory (section .mtrace_data, 4 KiB pages) ---------------- */

#define DATA_PAGES 32
extern uint8_t data[DATA_PAGES * PAGE_SIZE];

/* Maps @page of data[] to the physical page that @target has by default. */
void data_map(unsigned page, unsigned target);

/* Takes the mapping of @page away on this CPU; data_map() brings it back. */
void data_unmap(unsigned page);

/* Leaves @page to ring 0 alone, until data_map(). */
void data_protect(unsigned page);

/* Physical address of an address in data[], as its page is mapped now. */
uint64_t data_paddr(const void *va);

/* ---- code under test (section .mtrace_test) ----------------------------- */

/**
 * struct insn - one instruction under test, with a ret behind it
 * @stub: where to call
 * @pc: the instruction itself
 */
struct insn {
    const char *stub;
    const char *pc;
};

/* Defines the struct insn @name; @before runs first and touches no data[]. */
#define INSN_AFTER(name, before, text)                                  \
    __asm__(".pushsection .mtrace_test, \"ax\", @progbits\n"            \
            ".globl stub_" #name ", pc_" #name "\n"                     \
            "stub_" #name ":\n" before "\n"                             \
            "pc_" #name ":\n" text "\n"                                 \
            "ret\n"                                                     \
            ".popsection");                                             \
    extern const char stub_##name[], pc_##name[];                       \
    static const struct insn name = { stub_##name, pc_##name }

/* Defines the struct insn @name, made of one instruction. */
#define INSN(name, text) INSN_AFTER(name, "", text)

/* Registers that a step begins with. */
struct regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi;
};

/* ---- plans -------------------------------------------------------------- */

/* What plan_expect() says of an access; the origin is code's unless given. */
enum {
    LOAD = 1 << 0,
    STORE = 1 << 1,
    LOCKED = 1 << 2,            /* by a LOCKed instruction: origin by mode */
    DELIVERY = 1 << 3,          /* origin: delivery of an interrupt */
    DIRECT = 1 << 4,            /* origin: host pointer or helper */
    SERIAL = 1 << 5,            /* with LOCKED: origin is code's always */
    LINES = 1 << 6,             /* pieces and their order are the emulator's */
    ANY_CPL = 1 << 7,           /* cpl not compared */
    RING0 = 1 << 8,             /* made in ring 0, of a step in ring 3 */
};

/* Begins a plan whose recording is called @name. */
void plan_begin(const char *name);

/* Next step: CPU @cpu calls @insn's stub, in ring 0. */
void plan_run(unsigned cpu, const struct insn *insn, struct regs regs);

/* The same in ring 3. */
void plan_user(unsigned cpu, const struct insn *insn, struct regs regs);

/* Next step: CPU @cpu calls @fn(@arg) in ring 0, which touches no data[]. */
void plan_call(unsigned cpu, void (*fn)(uint64_t), uint64_t arg);

/* The same in ring 3. */
void plan_user_call(unsigned cpu, void (*fn)(uint64_t), uint64_t arg);

/* Next step: all CPUs call @fn(@arg) at the same time, in ring 0.  It may touch
 * the @size bytes from @va, no other data[]; these records are only checked to
 * be moves, one after the other. */
void plan_all(void (*fn)(uint64_t), uint64_t arg, const void *va,
              unsigned size);

/* The step before makes this access next.  @size may cover two lines. */
void plan_expect(unsigned what, const volatile void *va, unsigned size);

/* The same for an access made at @pc, not at the step's instruction. */
void plan_expect_at(unsigned what, const char *pc, const volatile void *va,
                    unsigned size);

/* The next plan_expect() is of an instruction @insns after the one that moved
 * a line last, on this CPU and in this recording; it is the @accesses-th access
 * since then.  0 when that is not to be compared. */
void plan_counts(unsigned insns, unsigned accesses);

/* Runs the plan in a recording, then prints what the log must hold. */
void plan_end(void);

/* Shorthands: a step of one access, with rdi = @va; and of a load, then a
 * store, both with @flags. */
void plan_load(unsigned cpu, const struct insn *insn, const void *va,
               unsigned size);
void plan_store(unsigned cpu, const struct insn *insn, const void *va,
                unsigned size);
void plan_rmw(unsigned cpu, const struct insn *insn, unsigned flags,
              const void *va, unsigned size);

/* Makes CPU @cpu the only holder of the lines of @size bytes from @va, whose
 * contents stay. */
void plan_own(unsigned cpu, const void *va, unsigned size);

/* ---- guest calls -------------------------------------------------------- */

/* Prints the line of a record that must be in the log; then its fields, of
 * which a word is what m2text prints, a string what it prints in quotes. */
void expect_call(const char *type, unsigned cpu);
void expect_u64(const char *name, uint64_t value);
void expect_word(const char *name, const char *value);
void expect_str(const char *name, const char *value);
void expect_end(void);

/* Prints what a counter of the log, summed over the CPUs, must say. */
void expect_counter(const char *name, uint64_t value);

/* ---- machine ------------------------------------------------------------ */

extern unsigned num_cpus;

unsigned this_cpu(void);

/* Vectors whose handler a guest may set; interrupt gates, from any ring. */
#define VECTOR_INT3 3
#define VECTOR_PAGE_FAULT 14
#define VECTOR_TEST 0x81
#define VECTOR_IPI 0xf0

/* Sends @vector to @handler; @stack: its stack pointer, 0 for the current. */
void set_vector(unsigned vector, const char *handler, void *stack);

/* Stack that an interrupt in ring 3 of this CPU arrives on. */
void set_ring0_stack(void *stack);

void send_ipi(unsigned cpu, unsigned vector);

/* Calls @fn in ring 3 of this CPU. */
void run_in_ring3(void (*fn)(void));

/* Registers at a fault, for on_fault. */
struct fault {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* Called with every fault; returns 0 when the guest did not see it coming. */
extern int (*on_fault)(struct fault *fault, uint64_t cr2);

/* Prints a line, then ends the machine with a failure. */
void __attribute__((noreturn)) fail(const char *why);

/* ---- text --------------------------------------------------------------- */

void put_str(const char *s);
void put_hex(uint64_t value);
void put_dec(uint64_t value);

/* What the guest is; the machine is powered off when it returns. */
void guest_main(void);

#endif /* GUEST_H */
