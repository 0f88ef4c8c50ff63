/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways in and out: entries of the 32 exceptions, calls of code under test in
 * ring 0 and ring 3.
 */
    .text
    .code64

/* Entry N, 16 bytes each, of exception N: makes the frame of struct fault. */
    .globl fault_entries
    .balign 16
fault_entries:
    .set vector, 0
    .rept 32
    .balign 16
    .if vector != 8 && vector != 17 && (vector < 10 || vector > 14)
    pushq $0
    .endif
    pushq $vector
    jmp fault_common
    .set vector, vector + 1
    .endr

fault_common:
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    call handle_fault
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq

    .macro save_registers
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    .endm

    .macro restore_registers
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    .endm

/* Loads what the struct regs at r15 says. */
    .macro load_registers
    movq 0(%r15), %rax
    movq 8(%r15), %rbx
    movq 16(%r15), %rcx
    movq 24(%r15), %rdx
    movq 32(%r15), %rsi
    movq 40(%r15), %rdi
    .endm

/* void call_stub(const char *stub, const struct regs *regs) */
    .globl call_stub
call_stub:
    save_registers
    movq %rdi, %r14
    movq %rsi, %r15
    load_registers
    call *%r14
    cld
    restore_registers
    ret

/*
 * void call_user_stub(const char *stub, const struct regs *regs,
 *                     uint64_t *user_rsp, uint64_t *saved_rsp)
 *
 * The word at user_rsp is where the stub returns to: user_return.  The stack
 * of this CPU is kept in *saved_rsp.
 */
    .globl call_user_stub
call_user_stub:
    save_registers
    pushq %rcx
    movq %rsp, (%rcx)
    movq %rdi, %r14
    movq %rsi, %r15
    pushq $0x2b
    pushq %rdx
    pushq $2
    pushq $0x33
    pushq %r14
    load_registers
    iretq

/* Where ring 3 comes back; the gate's stack is that of faults. */
    .globl user_return_entry
user_return_entry:
    cld
    call saved_stack
    movq (%rax), %rsp
    popq %rcx
    restore_registers
    ret

    .globl user_return
user_return:
    int $0x80

    .section .note.GNU-stack, "", @progbits
