/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bare-metal guest whose vCPUs fight over some cache lines until one of them
 * ends the machine, in the way that its command line asks for:
 *
 *   -append "WC N D"   W: o power-off, r reset, t triple fault, d debug exit,
 *                      e never; C: the vCPU that does it, a digit; N: after
 *                      how many rounds; D: iterations of a delay in each
 *
 * In a round a vCPU increments every line of `shared` under LOCK; then it lets
 * another run, and waits for those that are more than SLACK rounds behind. "U"
 * on the debug console says that the fight begins.
 * Invariant: no vCPU ever stops by itself, nor does the one that ends it all.
 */
#define CPUS 3
#define SLACK 1
#define LINES 64
#define LINE_SIZE 64
#define TRAMPOLINE 0x8000       /* SIPI vector 8 */

#define LAPIC 0xfee00000
#define LAPIC_ID (LAPIC + 0x20)
#define LAPIC_SPURIOUS (LAPIC + 0xf0)
#define LAPIC_ICR_LOW (LAPIC + 0x300)
#define INIT_OTHERS 0xc4500
#define STARTUP_OTHERS (0xc4600 | TRAMPOLINE >> 12)
#define START_INFO_CMDLINE 24   /* in what PVH hands over in ebx */

#define DEBUG_CONSOLE 0xe9
#define DEBUG_EXIT 0xf4
#define EXIT_CODE 0x10          /* QEMU's status: 2 * this + 1 */
#define RESET_CONTROL 0xcf9
#define RESET_NOW 6
#define PM1A_CONTROL 0x604      /* where SeaBIOS puts it on machine "pc" */
#define SLEEP_ENABLE 0x2000     /* with sleep type 0: off */

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
    movl START_INFO_CMDLINE(%ebx), %esi
    lodsb
    movb %al, how
    lodsb
    subb $'0', %al
    movb %al, who
    incl %esi
    movl $stack_end, %esp
    call number
    movl %ecx, rounds
    call number
    incl %ecx
    movl %ecx, delay

    movl $trampoline, %esi
    movl $TRAMPOLINE, %edi
    movl $trampoline_end - trampoline, %ecx
    rep movsb
    movl $0x1ff, LAPIC_SPURIOUS
    movl $INIT_OTHERS, LAPIC_ICR_LOW
    movl $STARTUP_OTHERS, LAPIC_ICR_LOW
    lgdt gdt_pointer
    ljmp $0x08, $start32

/* ecx: the decimal number at esi, which ends up behind it and one more byte. */
number:
    xorl %ecx, %ecx
1:  lodsb
    subb $'0', %al
    cmpb $9, %al
    ja 2f
    movzbl %al, %eax
    imull $10, %ecx
    addl %eax, %ecx
    jmp 1b
2:  ret

/* Here both ways meet. ebp: this vCPU's number, ebx: rounds to go. */
start32:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl LAPIC_ID, %ebp
    shrl $24, %ebp
    movl rounds, %ebx
    testl %ebp, %ebp
    jnz fight
    movb $'U', %al
    outb %al, $DEBUG_CONSOLE
fight:
    movl $shared, %edi
    movl $LINES, %ecx
1:  lock incl (%edi)
    addl $LINE_SIZE, %edi
    loop 1b
    movl delay, %ecx
1:  loop 1b
    pause
    incl done(,%ebp,4)
    movl $CPUS - 1, %ecx
1:  movl done(,%ecx,4), %eax
    addl $SLACK, %eax
    cmpl done(,%ebp,4), %eax
    jae 2f
    pause
    jmp 1b
2:  decl %ecx
    jns 1b
    cmpl who, %ebp
    jne fight
    decl %ebx
    jnz fight

    movb how, %al
    cmpb $'o', %al
    je power_off
    cmpb $'r', %al
    je reset
    cmpb $'t', %al
    je triple_fault
    cmpb $'d', %al
    jne fight
    movb $EXIT_CODE, %al
    outb %al, $DEBUG_EXIT
    jmp fight
power_off:
    movl $PM1A_CONTROL, %edx
    movl $SLEEP_ENABLE, %eax
    outw %ax, %dx
    jmp fight
reset:
    movl $RESET_CONTROL, %edx
    movb $RESET_NOW, %al
    outb %al, %dx
    jmp fight
triple_fault:
    lidt no_idt
    int3

    .code16
trampoline:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl TRAMPOLINE + trampoline_gdt_pointer - trampoline
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x08, $start32
trampoline_gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
trampoline_end:

    .data
    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    /* 08: code */
    .quad 0x00cf93000000ffff    /* 10: data */
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
no_idt:
    .word 0
    .long 0
how:
    .long 0
who:
    .long 0
rounds:
    .long 0
delay:
    .long 0

    .bss
    .balign LINE_SIZE
shared:
    .skip LINES * LINE_SIZE
done:                           /* rounds of each vCPU */
    .skip 4 * CPUS
    .skip 64
stack_end:

    .section .note.GNU-stack, "", @progbits
