/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUs: descriptor tables, vector state, start of the others by
 * INIT-SIPI-SIPI, interrupts between them, ring 3, and the end of the machine.
 */
#include "machine.h"

#define LAPIC_EOI 0xb0
#define LAPIC_SPURIOUS 0xf0
#define LAPIC_ICR_LOW 0x300
#define LAPIC_ICR_HIGH 0x310
#define ICR_INIT 0x4500
#define ICR_STARTUP 0x4600
#define TRAMPOLINE 0x8000

#define FW_CFG_SELECTOR 0x510
#define FW_CFG_DATA 0x511
#define FW_CFG_NB_CPUS 5

#define DEBUG_EXIT 0xf4
#define EXIT_GOOD 0x10          /* QEMU's status: 2 * this + 1 */
#define EXIT_BAD 0x20

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t ist[8];            /* number 0 is reserved */
    uint8_t reserved1[10];
    uint16_t io_map;
} __attribute__((__packed__));

struct gate {
    uint16_t offset0;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset1;
    uint32_t offset2;
    uint32_t reserved;
} __attribute__((__packed__));

struct table {
    uint16_t limit;
    uint64_t base;
} __attribute__((__packed__));

unsigned num_cpus;
int (*on_fault)(struct fault *fault, uint64_t cr2);

extern uint64_t gdt[];
static struct tss tss[MAX_CPUS];
static struct gate idt[256];
static uint8_t fault_stack[MAX_CPUS][STACK_SIZE] __attribute__((aligned(16)));
static uint8_t user_stack[MAX_CPUS][STACK_SIZE] __attribute__((aligned(16)));
static uint64_t saved_rsp[MAX_CPUS];
static volatile unsigned cpus_up;

static volatile uint32_t *lapic(unsigned reg)
{
    return (volatile uint32_t *)(0xfee00000ul + reg);
}

unsigned this_cpu(void)
{
    return *lapic(0x20) >> 24;
}

uint64_t *saved_stack(void)
{
    return &saved_rsp[this_cpu()];
}

static void __attribute__((noreturn)) power_off(uint8_t code)
{
    outb(DEBUG_EXIT, code);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

void fail(const char *why)
{
    put_str("fail ");
    put_str(why);
    put_str("\n");
    power_off(EXIT_BAD);
}

void handle_fault(struct fault *fault)
{
    uint64_t cr2;

    __asm__ volatile("mov %%cr2, %0" : "=r" (cr2));
    if (on_fault && on_fault(fault, cr2)) {
        return;
    }
    put_str("fault cpu=");
    put_dec(this_cpu());
    put_str(" vector=");
    put_dec(fault->vector);
    put_str(" rip=");
    put_hex(fault->rip);
    put_str(" cr2=");
    put_hex(cr2);
    put_str("\n");
    fail("unexpected fault");
}

static void set_gate(unsigned vector, const char *handler, unsigned ist)
{
    uint64_t offset = (uint64_t)handler;

    idt[vector] = (struct gate) {
        .offset0 = (uint16_t)offset,
        .selector = SEL_CODE64,
        .ist = ist,
        .type = 0xee,           /* interrupt gate, ring 3 may call it */
        .offset1 = (uint16_t)(offset >> 16),
        .offset2 = (uint32_t)(offset >> 32),
    };
}

void set_vector(unsigned vector, const char *handler, void *stack)
{
    for (unsigned cpu = 0; stack && cpu < MAX_CPUS; cpu++) {
        tss[cpu].ist[IST_TEST] = (uint64_t)stack;
    }
    set_gate(vector, handler, stack ? IST_TEST : 0);
}

void set_ring0_stack(void *stack)
{
    tss[this_cpu()].rsp[0] = (uint64_t)stack;
}

static void set_tables(unsigned cpu)
{
    struct table gdt_table = { SEL_TSS + 16 * MAX_CPUS - 1, (uint64_t)gdt };
    struct table idt_table = { sizeof(idt) - 1, (uint64_t)idt };
    uint64_t base = (uint64_t)&tss[cpu];
    uint64_t *descriptor = &gdt[SEL_TSS / 8 + 2 * cpu];

    descriptor[0] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 |
                    (uint64_t)0x89 << 40 | (base >> 24 & 0xff) << 56;
    descriptor[1] = base >> 32;
    tss[cpu].rsp[0] = (uint64_t)fault_stack[cpu + 1];
    tss[cpu].ist[IST_FAULT] = (uint64_t)fault_stack[cpu + 1];
    tss[cpu].io_map = sizeof(struct tss);
    __asm__ volatile("lgdt %0; lidt %1; ltr %w2"
                     : : "m" (gdt_table), "m" (idt_table),
                         "r" (SEL_TSS + 16 * cpu));
}

/* Lets the CPU save all vector state that it has, where the guest asks. */
static void set_vector_state(void)
{
    uint32_t eax = 1, ebx, ecx, edx;
    uint64_t cr4;

    __asm__ volatile("cpuid" : "+a" (eax), "=b" (ebx), "=c" (ecx),
                     "=d" (edx));
    if (!(ecx & 1 << 26)) {
        return;
    }
    __asm__ volatile("mov %%cr4, %0" : "=r" (cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r" (cr4 | 1 << 18));
    /* x87, SSE, and AVX where it exists */
    __asm__ volatile("xsetbv" : : "a" (ecx & 1 << 28 ? 7 : 3), "d" (0),
                     "c" (0));
}

void flush_tlb(void)
{
    uint64_t cr3;

    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r" (cr3) : : "memory");
}

void send_ipi(unsigned cpu, unsigned vector)
{
    *lapic(LAPIC_ICR_HIGH) = cpu << 24;
    *lapic(LAPIC_ICR_LOW) = vector;
}

static void start_others(void)
{
    for (size_t i = 0; i < (size_t)(trampoline_end - trampoline); i++) {
        ((volatile char *)TRAMPOLINE)[i] = trampoline[i];
    }
    for (unsigned cpu = 1; cpu < num_cpus; cpu++) {
        send_ipi(cpu, ICR_INIT);
        for (int twice = 0; twice < 2; twice++) {
            send_ipi(cpu, ICR_STARTUP | TRAMPOLINE >> 12);
        }
        while (cpus_up <= cpu) {
            __asm__ volatile("pause");
        }
    }
}

void call_in_ring3(const char *stub, const struct regs *regs)
{
    unsigned cpu = this_cpu();
    uint64_t *rsp = (uint64_t *)user_stack[cpu + 1] - 1;

    *rsp = (uint64_t)user_return;
    call_user_stub(stub, regs, rsp, &saved_rsp[cpu]);
}

void run_in_ring3(void (*fn)(void))
{
    struct regs regs = { 0 };

    call_in_ring3((const char *)fn, &regs);
}

static void start_first(void)
{
    for (unsigned vector = 0; vector < 32; vector++) {
        set_gate(vector, fault_entries + 16 * vector, IST_FAULT);
    }
    set_gate(VECTOR_USER_RETURN, user_return_entry, IST_FAULT);
    outw(FW_CFG_SELECTOR, FW_CFG_NB_CPUS);
    num_cpus = inb(FW_CFG_DATA);
    if (num_cpus > MAX_CPUS) {
        fail("too many CPUs");
    }
}

void cpu_start(unsigned cpu)
{
    if (cpu == 0) {
        start_first();
    }
    set_tables(cpu);
    set_vector_state();
    *lapic(LAPIC_SPURIOUS) = 0x1ff;
    cpus_up = cpu + 1;
    if (cpu) {
        ap_loop(cpu);
    }
    start_others();
    put_str("cpus ");
    put_dec(num_cpus);
    put_str("\nrange ");
    put_hex((uint64_t)data);
    put_str(" ");
    put_hex((uint64_t)data + sizeof(data));
    put_str("\n");
    guest_main();
    put_str("done\n");
    power_off(EXIT_GOOD);
}
