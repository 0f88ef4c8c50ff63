/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the loader to C: the PVH entry in 32-bit protected mode, identity page
 * tables of four levels over the first 4 GiB, long mode; and the trampoline
 * that brings the other CPUs the same way from real mode.
 *
 * All pages are 2 MiB but those from 4 to 6 MiB, which hold the compared
 * memory.  Everything is open to ring 3.
 */
#define PAGE_FLAGS 7            /* present, writable, user */
#define PAGE_LARGE 0x80
#define CR0_BITS 0x80010033     /* PG, WP, NE, ET, MP, PE */
#define CR4_BITS 0x620          /* PAE, OSFXSR, OSXMMEXCPT */
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define TRAMPOLINE 0x8000       /* where cpu.c puts it; SIPI vector 8 */
#define LAPIC_ID 0xfee00020
#define STACK_SHIFT 14

    .section .note.pvh, "a", @note
    .long 4, 8, 18              /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad pvh_start

    .text
    .code32
    .globl pvh_start
pvh_start:
    cli
    cld
    movl $pml4, %edi
    movl $pdpt + PAGE_FLAGS, (%edi)
    movl $pdpt, %edi
    movl $pd + PAGE_FLAGS, %eax
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $4096, %eax
    loop 1b

    movl $pd, %edi
    movl $PAGE_FLAGS | PAGE_LARGE, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x200000, %eax
    loop 1b
    movl $data_page_table + PAGE_FLAGS, pd + 2 * 8

    movl $data_page_table, %edi
    movl $0x400000 + PAGE_FLAGS, %eax
    movl $512, %ecx
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $4096, %eax
    loop 1b
    lgdt gdt_pointer

/* Protected mode, no paging: both ways meet. */
enter_long_mode:
    movl $CR4_BITS, %eax
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl $CR0_BITS, %eax
    movl %eax, %cr0
    ljmp $0x18, $start64

    .code64
start64:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $LAPIC_ID, %edi
    movl (%rdi), %edi
    shrl $24, %edi
    leal 1(%rdi), %eax
    shll $STACK_SHIFT, %eax
    leaq stacks(%rax), %rsp
    call cpu_start
1:  cli
    hlt
    jmp 1b

    .code16
    .globl trampoline, trampoline_end
trampoline:
    cli
    movw $TRAMPOLINE >> 4, %ax
    movw %ax, %ds
    lgdtl trampoline_gdt_pointer - trampoline
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x08, $trampoline32
trampoline_gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
trampoline_end:

    .code32
trampoline32:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %ss
    jmp enter_long_mode

    .data
    .balign 16
    .globl gdt
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    /* 08: code, 32-bit */
    .quad 0x00cf93000000ffff    /* 10: data */
    .quad 0x00af9b000000ffff    /* 18: code, 64-bit */
    .quad 0
    .quad 0x00cff3000000ffff    /* 28: data, ring 3 */
    .quad 0x00affb000000ffff    /* 30: code, 64-bit, ring 3 */
    .quad 0
    .fill 8, 8, 0               /* 40: TSS of each CPU, see cpu.c */
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .quad gdt

    .bss
    .balign 4096
pml4:
    .skip 4096
pdpt:
    .skip 4096
pd:
    .skip 4 * 4096
    .globl data_page_table
data_page_table:
    .skip 4096
stacks:
    .skip 4 << STACK_SHIFT

    .section .note.GNU-stack, "", @progbits
