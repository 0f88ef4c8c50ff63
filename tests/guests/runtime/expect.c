/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The normative rule, and the lines that say what it demands.
 *
 * Every line of memory has the set S of CPUs that hold it; S = all when a
 * recording starts.  A load by c moves the line when c is not in S, and joins
 * S; a store by c moves it when S is not {c}, and makes it so.  An access that
 * lies in two lines counts for each.  All moves are found here, from the
 * accesses that the plan says it makes and nothing else.
 */
#include "machine.h"

#define MAX_EXPECTED 4096
#define NUM_LINES (DATA_PAGES * PAGE_SIZE / LINE_SIZE)

static struct expected expected[MAX_EXPECTED];
static unsigned num_expected;
static const void *replayed;
static unsigned replayed_size;
static uint64_t holders[NUM_LINES];

void expect_reset(void)
{
    num_expected = 0;
    replayed_size = 0;
    for (unsigned i = 0; i < NUM_LINES; i++) {
        holders[i] = ((uint64_t)1 << num_cpus) - 1;
    }
}

void expect_add(const struct expected *e)
{
    if (num_expected == MAX_EXPECTED) {
        fail("too many accesses in one plan");
    }
    expected[num_expected++] = *e;
}

/* Accesses to these bytes are not known; they must follow the rule. */
void expect_replay(const void *va, unsigned size)
{
    replayed = va;
    replayed_size = size;
}

/* Says whether the access moves the line at @paddr, and moves it. */
static int moves(const struct expected *e, uint64_t paddr)
{
    uint64_t *set = &holders[(paddr - (uint64_t)data) / LINE_SIZE];
    uint64_t self = (uint64_t)1 << e->cpu;
    uint64_t before = *set;

    *set = e->what & STORE ? self : before | self;
    return *set != before;
}

static void put_field(const char *name, uint64_t value)
{
    put_str(" ");
    put_str(name);
    put_str("=");
    put_dec(value);
}

static void put_address(const char *name, uint64_t value)
{
    put_str(" ");
    put_str(name);
    put_str("=");
    put_hex(value);
}

static const char *origin(const struct expected *e)
{
    if (e->what & DELIVERY) {
        return "delivery";
    }
    if (e->what & DIRECT) {
        return "direct";
    }
    return (e->what & LOCKED) && !(e->what & SERIAL) ? "locked" : "code";
}

/* The part of @e in one line: @bytes from @va. */
static void print_part(const struct expected *e, uint64_t va, unsigned bytes,
                       int first)
{
    uint64_t paddr = data_paddr((void *)va);

    put_str(e->what & LINES ? "line" : "access");
    put_field("moved", moves(e, paddr));
    put_field("cpu", e->cpu);
    put_str(e->what & STORE ? " kind=store" : " kind=load");
    put_address("pc", (uint64_t)e->pc);
    put_address("vaddr", va);
    put_address("paddr", paddr);
    if (!(e->what & ANY_CPL)) {
        put_field("cpl", e->cpl);
    }
    if (!(e->what & LINES)) {
        put_field("size", e->size);
        put_field("bytes", bytes);
        put_field("split", bytes != e->size);
        put_field("locked", !!(e->what & LOCKED));
    }
    if (first && e->insns) {
        put_field("insns", e->insns);
    }
    if (first && e->accesses) {
        put_field("accesses", e->accesses);
    }
    put_str(" origin=");
    put_str(origin(e));
    put_str("\n");
}

static void print_expected(const struct expected *e)
{
    uint64_t va = (uint64_t)e->va;
    uint64_t end = va + e->size;

    while (va < end) {
        uint64_t next = (va | (LINE_SIZE - 1)) + 1;

        print_part(e, va, (next < end ? next : end) - va,
                   va == (uint64_t)e->va);
        va = next;
    }
}

void expect_print(void)
{
    if (replayed_size) {
        put_str("replay ");
        put_hex((uint64_t)replayed);
        put_str(" ");
        put_hex((uint64_t)replayed + replayed_size);
        put_str("\n");
    }
    for (unsigned i = 0; i < num_expected; i++) {
        print_expected(&expected[i]);
    }
}
