/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The count of retired instructions that a record carries: over straight code,
 * branches, loops, calls, and a fault, whose instruction does not count until
 * it is made.
 */
#include "machine.h"

__asm__(".pushsection .mtrace_test, \"ax\", @progbits\n"
        "count:\n"
        "pc_first: movq %rax, 0(%rdi)\n"
        "nop; nop; nop\n"
        "pc_straight: movq %rax, 64(%rdi)\n"
        "jmp 1f\n"
        "nop; nop\n"
        "1: nop\n"
        "pc_branch: movq %rax, 128(%rdi)\n"
        "movl $7, %ecx\n"
        "1: decl %ecx\n"
        "jnz 1b\n"
        "pc_loop: movq %rax, 192(%rdi)\n"
        "call 2f\n"
        "pc_call: movq %rax, 256(%rdi)\n"
        "nop\n"
        "pc_fault: movq %rax, 4096(%rdi)\n"
        "nop\n"
        "pc_last: movq %rax, 320(%rdi)\n"
        "ret\n"
        "2: nop\n"
        "ret\n"
        /* Four instructions: the page is mapped, the store is made again. */
        "map_page:\n"
        "movq %rsi, (%rbx)\n"
        "invlpg 4096(%rdi)\n"
        "addq $8, %rsp\n"
        "iretq\n"
        ".popsection");
extern const char count[], map_page[];
extern const char pc_first[], pc_straight[], pc_branch[], pc_loop[];
extern const char pc_call[], pc_fault[], pc_last[];

static const struct insn whole = { count, pc_first };
static uint8_t stack[4096] __attribute__((aligned(16)));

static void unmap(uint64_t page)
{
    data_unmap(page);
}

static void store(const char *pc, unsigned offset, unsigned insns)
{
    plan_insns(insns);
    plan_expect_at(STORE, pc, data + offset, 8);
}

void guest_main(void)
{
    uint64_t *pte = &data_page_table[((uint64_t)data >> 12 & 511) + 1];
    struct regs regs = {
        .rdi = (uint64_t)data, .rbx = (uint64_t)pte, .rsi = *pte,
    };

    set_vector(VECTOR_PAGE_FAULT, map_page, stack + sizeof(stack));
    plan_begin("retired");
    for (unsigned i = 0; i < 3; i++) {
        plan_own(1, data, 6 * LINE_SIZE);
        plan_own(1, data + PAGE_SIZE, 1);
        plan_call(0, unmap, 1);
        plan_run(0, &whole, regs);
        plan_expect(STORE, data, 8);
        store(pc_straight, 64, 4);
        store(pc_branch, 128, 3);
        store(pc_loop, 192, 1 + 1 + 2 * 7);
        store(pc_call, 256, 1 + 1 + 2);
        store(pc_fault, 4096, 1 + 1 + 4);
        store(pc_last, 320, 2);
    }
    plan_end();
}
