/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counts that a record carries.  Retired instructions: over straight code,
 * branches, loops, calls, and a fault, whose instruction does not count until
 * it is made.  Accesses: those that move nothing count as well, one for each
 * load and each store.
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
        /* Ends with a store each: some accesses to a line that is held. */
        "accesses:\n"
        "pc_held: movq %rax, 0(%rdi)\n"
        "movb (%rdi), %al\n"
        "movq 8(%rdi), %rax\n"
        "pc_loads: movq %rax, 64(%rdi)\n"
        "addq %rax, (%rdi)\n"
        "lock incl (%rdi)\n"
        "pc_rmw: movq %rax, 128(%rdi)\n"
        "pushq %rax\n"
        "call 3f\n"
        "popq %rax\n"
        "pc_stack: movq %rax, 192(%rdi)\n"
        "movq 60(%rdi), %rax\n"
        "movups 56(%rdi), %xmm0\n"
        "pc_split: movq %rax, 256(%rdi)\n"
        "vmovdqu 52(%rdi), %ymm0\n"
        "pc_halves: movq %rax, 320(%rdi)\n"
        "movq %rdi, %rdx\n"
        "leaq 64(%rdi), %rsi\n"
        "movl $6, %ecx\n"
        "rep movsl\n"
        "pc_string: movq %rax, 384(%rdx)\n"
        "ret\n"
        "3: ret\n"
        ".popsection");
extern const char accesses[], pc_held[], pc_loads[], pc_rmw[], pc_stack[];
extern const char pc_split[], pc_halves[], pc_string[];
extern const char count[], map_page[];
extern const char pc_first[], pc_straight[], pc_branch[], pc_loop[];
extern const char pc_call[], pc_fault[], pc_last[];

static const struct insn counting = { count, pc_first };
static const struct insn accessing = { accesses, pc_held };
static uint8_t stack[4096] __attribute__((aligned(16)));

static void unmap(uint64_t page)
{
    data_unmap(page);
}

static void store(const char *pc, unsigned offset, unsigned insns,
                  unsigned accesses)
{
    plan_counts(insns, accesses);
    plan_expect_at(STORE, pc, data + offset, 8);
}

static void count_instructions(struct regs regs)
{
    plan_own(1, data, 6 * LINE_SIZE);
    plan_own(1, data + PAGE_SIZE, 1);
    plan_call(0, unmap, 1);
    plan_run(0, &counting, regs);
    plan_expect(STORE, data, 8);
    store(pc_straight, 64, 4, 1);
    store(pc_branch, 128, 3, 1);
    store(pc_loop, 192, 1 + 1 + 2 * 7, 1);
    store(pc_call, 256, 1 + 1 + 2, 3);
    store(pc_fault, 4096, 1 + 1 + 4, 0);
    store(pc_last, 320, 2, 1);
}

static void count_accesses(void)
{
    plan_own(1, data, 7 * LINE_SIZE);
    plan_run(0, &accessing, (struct regs) { .rdi = (uint64_t)data });
    plan_expect(STORE, data, 8);
    store(pc_loads, 64, 3, 3);
    store(pc_rmw, 128, 3, 5);
    store(pc_stack, 192, 5, 5);
    store(pc_split, 256, 3, 3);
    store(pc_halves, 320, 2, 3);
    store(pc_string, 384, 0, 13);
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
        count_instructions(regs);
    }
    plan_end();
    plan_begin("accesses");
    for (unsigned i = 0; i < 3; i++) {
        count_accesses();
    }
    plan_end();
}
