/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts and exceptions whose stack is compared memory: what delivery
 * pushes belongs to the interrupted instruction, what iretq pops to iretq.
 */
#include "guest.h"

#define TOP (data + 2 * PAGE_SIZE + 16) /* frames lie in two lines */
#define FRAME_WORDS 5                   /* ss, rsp, rflags, cs, rip */

__asm__(".pushsection .mtrace_test, \"ax\", @progbits\n"
        "handler:\n"
        "pc_handler: iretq\n"
        "handler_ipi:\n"
        "movl $0xfee000b0, %eax\n"      /* end of interrupt, to the LAPIC */
        "movl $0, (%rax)\n"
        "pc_handler_ipi: iretq\n"
        "handler_fault:\n"
        "addq $8, %rsp\n"               /* error code */
        "pc_handler_skip: addq $3, (%rsp)\n"   /* the instruction */
        "pc_handler_fault: iretq\n"
        ".popsection");
extern const char handler[], pc_handler[];
extern const char handler_ipi[], pc_handler_ipi[];
extern const char handler_fault[], pc_handler_skip[], pc_handler_fault[];

INSN(breakpoint, "int3");
INSN(software, "int $0x81");
INSN(access, "movq (%rdi), %rax");
INSN_AFTER(halt, "sti\nhlt", "cli");

static void pushes(unsigned words, unsigned flags)
{
    for (unsigned i = 1; i <= words; i++) {
        plan_expect(STORE | DELIVERY | flags, TOP - 8 * i, 8);
    }
}

/* rip, cs, rflags, rsp, ss */
static void pops(const char *pc)
{
    for (unsigned i = FRAME_WORDS; i > 0; i--) {
        plan_expect_at(LOAD | RING0, pc, TOP - 8 * i, 8);
    }
}

static void from_ring0(void)
{
    plan_own(1, TOP - 64, 128);
    plan_run(0, &breakpoint, (struct regs) { 0 });
    pushes(FRAME_WORDS, 0);
    pops(pc_handler);
    plan_own(1, TOP - 64, 64);
    plan_run(0, &software, (struct regs) { 0 });
    pushes(FRAME_WORDS, 0);
    pops(pc_handler);
}

static void use_stack(uint64_t stack)
{
    set_ring0_stack((void *)stack);
}

/* In ring 3; the stack is the one that the TSS has for ring 0. */
static void from_ring3(void)
{
    set_vector(VECTOR_TEST, handler, NULL);
    plan_call(0, use_stack, (uint64_t)TOP);
    plan_own(1, TOP - 64, 128);
    plan_user(0, &software, (struct regs) { 0 });
    pushes(FRAME_WORDS, ANY_CPL);
    pops(pc_handler);
}

/* Six words: the handler takes the error code off and moves rip on. */
static void fault(void)
{
    plan_own(1, TOP - 64, 128);
    plan_run(0, &access, (struct regs) { .rdi = (uint64_t)1 << 40 });
    pushes(FRAME_WORDS + 1, 0);
    plan_expect_at(LOAD, pc_handler_skip, TOP - 8 * FRAME_WORDS, 8);
    plan_expect_at(STORE, pc_handler_skip, TOP - 8 * FRAME_WORDS, 8);
    pops(pc_handler_fault);
}

static void interrupt_cpu1(uint64_t vector)
{
    send_ipi(1, vector);
}

/* Pending when interrupts are let in, it arrives behind the hlt. */
static void ipi(void)
{
    plan_own(0, TOP - 64, 128);
    plan_call(0, interrupt_cpu1, VECTOR_IPI);
    plan_run(1, &halt, (struct regs) { 0 });
    pushes(FRAME_WORDS, 0);
    pops(pc_handler_ipi);
}

void guest_main(void)
{
    set_vector(VECTOR_INT3, handler, TOP);
    set_vector(VECTOR_TEST, handler, TOP);
    set_vector(VECTOR_PAGE_FAULT, handler_fault, TOP);
    set_vector(VECTOR_IPI, handler_ipi, TOP);
    plan_begin("ring 0");
    from_ring0();
    plan_end();
    plan_begin("fault");
    fault();
    plan_end();
    plan_begin("ipi");
    ipi();
    ipi();
    plan_end();
    plan_begin("ring 3");
    from_ring3();
    plan_end();
}
