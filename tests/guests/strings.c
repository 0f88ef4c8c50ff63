/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String instructions, with and without a repeat prefix, in both directions:
 * a record for each element whose line moves.
 */
#include "guest.h"

INSN(movsb, "rep movsb");
INSN(movsw, "rep movsw");
INSN(movsl, "rep movsl");
INSN(movsq, "rep movsq");
INSN(movsq_once, "movsq");
INSN_AFTER(movsl_back, "std", "rep movsl\ncld");
INSN(stosb, "rep stosb");
INSN(stosw, "rep stosw");
INSN(stosl, "rep stosl");
INSN(stosq, "rep stosq");
INSN(lodsb, "rep lodsb");
INSN(lodsq, "lodsq");
INSN(cmpsb, "repe cmpsb");
INSN(cmpsq, "repe cmpsq");
INSN(scasb, "repne scasb");
INSN(scasl, "repe scasl");

/* Compared memory holds zeros. */
#define FROM (data + 4 * PAGE_SIZE)
#define TO (data + 8 * PAGE_SIZE)

static void begin(const struct insn *insn, const uint8_t *from,
                  const uint8_t *to, unsigned count, uint64_t rax)
{
    plan_run(0, insn, (struct regs) {
        .rsi = (uint64_t)from, .rdi = (uint64_t)to, .rcx = count, .rax = rax,
    });
}

static void copy(const struct insn *insn, const uint8_t *from,
                 const uint8_t *to, unsigned count, int size)
{
    unsigned bytes = size < 0 ? -size : size;

    plan_own(1, from - 256, 512);
    plan_own(1, to - 256, 512);
    begin(insn, from, to, count, 0);
    for (int i = 0; i < (int)count; i++) {
        plan_expect(LOAD, from + i * size, bytes);
        plan_expect(STORE, to + i * size, bytes);
    }
}

static void fill(const struct insn *insn, const uint8_t *to, unsigned count,
                 unsigned size)
{
    plan_own(1, to, count * size);
    begin(insn, 0, to, count, 0);
    for (unsigned i = 0; i < count; i++) {
        plan_expect(STORE, to + i * size, size);
    }
}

static void load(const struct insn *insn, const uint8_t *from, unsigned count,
                 unsigned size)
{
    plan_own(1, from, count * size);
    begin(insn, from, 0, count, 0);
    for (unsigned i = 0; i < count; i++) {
        plan_expect(LOAD, from + i * size, size);
    }
}

/* The emulator reads the element at rdi first. */
static void compare(const struct insn *insn, const uint8_t *a,
                    const uint8_t *b, unsigned count, unsigned size)
{
    plan_own(1, a, count * size);
    plan_own(1, b, count * size);
    begin(insn, a, b, count, 0);
    for (unsigned i = 0; i < count; i++) {
        plan_expect(LOAD, b + i * size, size);
        plan_expect(LOAD, a + i * size, size);
    }
}

/* Ends after @count elements of at most @most. */
static void scan(const struct insn *insn, const uint8_t *p, unsigned most,
                 unsigned count, unsigned size, uint64_t rax)
{
    plan_own(1, p, count * size);
    begin(insn, 0, p, most, rax);
    for (unsigned i = 0; i < count; i++) {
        plan_expect(LOAD, p + i * size, size);
    }
}

void guest_main(void)
{
    plan_begin("copy");
    copy(&movsb, FROM + 60, TO + 30, 80, 1);
    copy(&movsw, FROM + 62, TO + 64, 40, 2);
    copy(&movsl, FROM + 62, TO + 56, 20, 4);
    copy(&movsq, FROM + 8, TO + 60, 20, 8);
    copy(&movsq_once, FROM + 8, TO + 16, 1, 8);
    copy(&movsl_back, FROM + 68, TO + 72, 20, -4);
    copy(&movsb, FROM, TO, 0, 1);
    plan_end();

    plan_begin("fill");
    fill(&stosb, TO + 50, 30, 1);
    fill(&stosw, TO + 63, 30, 2);
    fill(&stosl, TO + 60, 30, 4);
    fill(&stosq, TO + PAGE_SIZE - 68, 30, 8);
    plan_end();

    plan_begin("read");
    load(&lodsb, FROM + 50, 80, 1);
    load(&lodsq, FROM + 60, 1, 8);
    compare(&cmpsb, FROM + 10, TO + 60, 70, 1);
    compare(&cmpsq, FROM, TO + 32, 20, 8);
    scan(&scasb, FROM + 60, 40, 1, 1, 0);
    scan(&scasb, FROM + 60, 40, 40, 1, 1);
    scan(&scasl, FROM + 62, 20, 20, 4, 0);
    plan_end();
}
