/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the runtime: what its own files share and guests do not need.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "guest.h"

#define STACK_SIZE 16384

#define SEL_CODE32 0x08
#define SEL_DATA 0x10
#define SEL_CODE64 0x18
#define SEL_USER_DATA 0x2b
#define SEL_USER_CODE64 0x33
#define SEL_TSS 0x40            /* 16 bytes for each CPU from here */

#define VECTOR_USER_RETURN 0x80
/* Interrupt stacks, numbers as in a gate: faults, and a guest's own. */
#define IST_FAULT 1
#define IST_TEST 2

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a" (value), "Nd" (port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a" (value) : "Nd" (port));
    return value;
}

static inline void outw(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a" (value), "Nd" (port));
}

/* boot.S */
extern uint64_t data_page_table[512];
extern const char trampoline[], trampoline_end[];

/* vectors.S */
extern const char fault_entries[], user_return_entry[], user_return[];
void call_stub(const char *stub, const struct regs *regs);
void call_user_stub(const char *stub, const struct regs *regs,
                    uint64_t *user_rsp, uint64_t *saved_rsp);

/* cpu.c */
void call_in_ring3(const char *stub, const struct regs *regs);
void flush_tlb(void);

/* script.c */
void ap_loop(unsigned cpu);

/* expect.c */
void expect_reset(void);
void expect_print(void);

/**
 * struct expected - one access that a plan expects
 * @what: LOAD or STORE, with the modifiers of plan_expect()
 * @cpu: which CPU makes it
 * @cpl: its privilege level
 * @insns: instructions since the access before, 0 when not compared
 * @accesses: accesses since then, this one included; 0 when not compared
 * @size: bytes
 */
struct expected {
    unsigned what;
    unsigned cpu;
    unsigned cpl;
    unsigned insns;
    unsigned accesses;
    const char *pc;
    const void *va;
    unsigned size;
};

void expect_add(const struct expected *e);
void expect_replay(const void *va, unsigned size);

#endif /* MACHINE_H */
