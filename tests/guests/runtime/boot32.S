/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole machine of 32-bit guests: flat protected mode without paging, one
 * CPU, rings 0 and 3, no interrupts but the way back from ring 3.
 */
#define STACK_SIZE 16384
#define DEBUG_EXIT 0xf4

    .section .note.pvh, "a", @note
    .long 4, 4, 18              /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long pvh_start

    .text
    .code32
    .globl pvh_start
pvh_start:
    cli
    cld
    lgdt gdt_pointer
    ljmp $0x08, $1f
1:  movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $stack + STACK_SIZE, %esp
    movl $tss, %eax
    movw %ax, gdt + 0x28 + 2
    shrl $16, %eax
    movb %al, gdt + 0x28 + 4
    movb %ah, gdt + 0x28 + 7
    movl $ring0_stack + STACK_SIZE, tss + 4
    movl $0x10, tss + 8
    movl $0x28, %eax
    ltr %ax
    movl $user_return_entry, %eax
    movw %ax, idt + 0x80 * 8
    movl $0x08, idt + 0x80 * 8 + 2
    movw $0xee00, idt + 0x80 * 8 + 4
    shrl $16, %eax
    movw %ax, idt + 0x80 * 8 + 6
    lidt idt_pointer
    pushl $start_text
    call put_str
    call guest_main
    pushl $done_text
    call put_str
    movl $0x10, %eax
    outb %al, $DEBUG_EXIT
1:  cli
    hlt
    jmp 1b

/* void run_in_ring3(void (*fn)(void)) */
    .globl run_in_ring3
run_in_ring3:
    movl 4(%esp), %eax
    pushl %ebx
    pushl %ebp
    pushl %esi
    pushl %edi
    movl %esp, saved_esp
    movl $user_stack + STACK_SIZE - 4, %ecx
    movl $user_return, (%ecx)
    movl $0x23, %edx
    movl %edx, %ds
    movl %edx, %es
    pushl %edx
    pushl %ecx
    pushl $2
    pushl $0x1b
    pushl %eax
    iretl

user_return:
    int $0x80

user_return_entry:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl saved_esp, %esp
    cld
    popl %edi
    popl %esi
    popl %ebp
    popl %ebx
    ret

    .section .rodata
start_text:
    .asciz "cpus 1\n"
done_text:
    .asciz "done\n"

    .data
    .balign 16
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    /* 08: code */
    .quad 0x00cf93000000ffff    /* 10: data */
    .quad 0x00cffb000000ffff    /* 18: code, ring 3 */
    .quad 0x00cff3000000ffff    /* 20: data, ring 3 */
    .quad 0x0000890000000067    /* 28: TSS */
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
idt_pointer:
    .word 256 * 8 - 1
    .long idt

    .bss
    .balign 16
idt:
    .skip 256 * 8
tss:
    .skip 104
saved_esp:
    .skip 4
    .balign 16
stack:
    .skip STACK_SIZE
ring0_stack:
    .skip STACK_SIZE
user_stack:
    .skip STACK_SIZE

    .section .note.GNU-stack, "", @progbits
