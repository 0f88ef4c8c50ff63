/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses that fault first, in their second page too, and are made again when
 * the handler has mapped the page: a record for each line moved, once.
 */
#include "guest.h"

INSN(load8, "movq (%rdi), %rax");
INSN(store8, "movq %rax, (%rdi)");
INSN(store32, "vmovdqu %ymm0, (%rdi)");
INSN(add8, "addq $1, (%rdi)");
INSN(lock_add8, "lock addq $1, (%rdi)");
INSN(copy, "rep movsq");

static unsigned faults;

static int map_page(struct fault *fault, uint64_t address)
{
    unsigned page = (address - (uint64_t)data) / PAGE_SIZE;

    if (fault->vector != VECTOR_PAGE_FAULT || page >= DATA_PAGES) {
        return 0;
    }
    faults++;
    data_map(page, page);
    return 1;
}

static void unmap(uint64_t page)
{
    data_unmap(page);
}

static const uint8_t *page(unsigned n)
{
    return data + n * PAGE_SIZE;
}

static void one_page(void)
{
    plan_own(1, page(3) + 64, 1);
    plan_call(0, unmap, 3);
    plan_load(0, &load8, page(3) + 64, 8);
    plan_call(0, unmap, 3);
    plan_store(0, &store8, page(3) + 64, 8);
    plan_own(1, page(3), 128);
    plan_call(0, unmap, 3);
    plan_rmw(0, &add8, 0, page(3) + 60, 8);
    plan_call(0, unmap, 3);
    plan_rmw(0, &lock_add8, LOCKED, page(3) + 128, 8);
}

static void two_pages(unsigned missing)
{
    plan_own(1, page(4) - 8, 64);
    plan_call(0, unmap, missing);
    plan_load(0, &load8, page(4) - 3, 8);
    plan_own(1, page(4), 1);
    plan_call(0, unmap, missing);
    plan_store(0, &store8, page(4) - 3, 8);
}

/* The first half is stored a second time, which does not move its line. */
static void halves(void)
{
    plan_own(1, page(4) - 16, 32);
    plan_call(0, unmap, 4);
    plan_run(0, &store32, (struct regs) { .rdi = (uint64_t)page(4) - 16 });
    plan_expect(STORE, page(4) - 16, 16);
    plan_expect(STORE, page(4), 16);
}

static void string(void)
{
    plan_own(1, page(6) - 64, 128);
    plan_own(1, page(9) - 64, 128);
    plan_call(0, unmap, 9);
    plan_call(0, unmap, 6);
    plan_run(0, &copy, (struct regs) {
        .rsi = (uint64_t)page(6) - 36, .rdi = (uint64_t)page(9) - 20, .rcx = 8,
    });
    for (unsigned i = 0; i < 8; i++) {
        plan_expect(LOAD, page(6) - 36 + 8 * i, 8);
        plan_expect(STORE, page(9) - 20 + 8 * i, 8);
    }
}

void guest_main(void)
{
    on_fault = map_page;
    plan_begin("one page");
    one_page();
    plan_end();
    plan_begin("two pages");
    two_pages(3);
    two_pages(4);
    plan_end();
    plan_begin("halves");
    halves();
    plan_end();
    plan_begin("string");
    string();
    plan_end();
    if (faults != 11) {
        fail("not as many page faults as expected");
    }
}
