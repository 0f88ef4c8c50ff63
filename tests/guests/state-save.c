/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87 loads and stores, and the instructions that save and restore x87, SSE
 * and AVX state.  The emulator makes these through host pointers, in pieces of
 * its own; compared is which lines are read and written.
 */
#include "guest.h"

INSN(fld4, "flds (%rdi)\nfninit");
INSN(fld8, "fldl (%rdi)\nfninit");
INSN(fild8, "fildll (%rdi)\nfninit");
INSN(fld10, "fldt (%rdi)\nfninit");
INSN_AFTER(fst4, "fldz", "fstps (%rdi)");
INSN_AFTER(fst8, "fldz", "fstpl (%rdi)");
INSN_AFTER(fist2, "fldz", "fistps (%rdi)");
INSN_AFTER(fst10, "fldz", "fstpt (%rdi)");
INSN(fnstcw, "fnstcw (%rdi)");
INSN(fldcw, "fldcw (%rdi)\nfninit");
INSN(stmxcsr, "stmxcsr (%rdi)");
INSN(ldmxcsr, "ldmxcsr (%rdi)");

INSN(fnstenv, "fnstenv (%rdi)");
INSN(fnsave, "fnsave (%rdi)");
INSN(frstor, "frstor (%rdi)\nfninit");
INSN(fxsave, "fxsave64 (%rdi)");
INSN(fxrstor, "fxrstor64 (%rdi)");
INSN_AFTER(xsave, "vpcmpeqd %xmm0, %xmm0, %xmm0\n"
                  "vinsertf128 $1, %xmm0, %ymm0, %ymm0", "xsave64 (%rdi)");
INSN(xrstor, "xrstor64 (%rdi)");

#define FNSAVE_SIZE 108
#define FNSTENV_SIZE 28
#define FXSAVE_SIZE 416         /* last 96 bytes are left alone */
#define XSAVE_HEADER 512
#define XSAVE_AVX 576
#define AVX_SIZE 256

static void each_way(const uint8_t *p)
{
    plan_own(1, p, 128);
    plan_load(0, &fld4, p + 4, 4);
    plan_own(1, p, 1);
    plan_load(0, &fld8, p + 8, 8);
    plan_own(1, p, 1);
    plan_load(0, &fild8, p + 8, 8);
    plan_store(0, &fst4, p + 4, 4);
    plan_own(1, p, 1);
    plan_store(0, &fst8, p + 8, 8);
    plan_own(1, p, 1);
    plan_store(0, &fist2, p + 8, 2);
    plan_own(1, p, 1);
    plan_store(0, &fnstcw, p + 2, 2);
    plan_own(1, p, 1);
    plan_load(0, &fldcw, p + 2, 2);
    plan_store(0, &stmxcsr, p + 12, 4);
    plan_own(1, p, 1);
    plan_load(0, &ldmxcsr, p + 12, 4);
}

/* Ten bytes: 8, then 2. */
static void extended(const struct insn *insn, unsigned kind, const uint8_t *p)
{
    plan_own(1, p, 10);
    plan_run(0, insn, (struct regs) { .rdi = (uint64_t)p });
    plan_expect(kind | DIRECT, p, 8);
    plan_expect(kind | DIRECT, p + 8, 2);
}

static void lines(const struct insn *insn, unsigned kind, const uint8_t *p,
                  unsigned size)
{
    plan_own(1, p, size);
    plan_run(0, insn, (struct regs) { .rdi = (uint64_t)p });
    plan_expect(kind | DIRECT | LINES, p, size);
    plan_own(1, p + size - 1, 1);
    plan_run(0, insn, (struct regs) { .rdi = (uint64_t)p });
    plan_expect(kind | DIRECT | LINES, p, size);
}

/* The header's word of saved components is read, then written, or read. */
static void extended_state(const uint8_t *p, const struct insn *insn,
                           unsigned kind)
{
    plan_own(1, p, XSAVE_AVX + AVX_SIZE);
    plan_run(0, insn, (struct regs) { .rdi = (uint64_t)p, .rax = 7 });
    plan_expect(kind | DIRECT | LINES, p, FXSAVE_SIZE);
    plan_expect(kind | DIRECT | LINES, p + XSAVE_AVX, AVX_SIZE);
    plan_expect(LOAD | DIRECT | LINES, p + XSAVE_HEADER, 8);
    if (kind == STORE) {
        plan_expect(STORE | DIRECT | LINES, p + XSAVE_HEADER, 8);
    }
}

void guest_main(void)
{
    plan_begin("x87");
    each_way(data);
    extended(&fst10, STORE, data + 112);
    extended(&fld10, LOAD, data + 112);
    extended(&fst10, STORE, data + 118);
    extended(&fld10, LOAD, data + 118);
    extended(&fst10, STORE, data + 124);
    extended(&fld10, LOAD, data + 124);
    plan_end();

    plan_begin("save");
    lines(&fnstenv, STORE, data + 240, FNSTENV_SIZE);
    lines(&fnsave, STORE, data + 240, FNSAVE_SIZE);
    lines(&frstor, LOAD, data + 240, FNSAVE_SIZE);
    lines(&fxsave, STORE, data + PAGE_SIZE - 112, FXSAVE_SIZE);
    lines(&fxrstor, LOAD, data + PAGE_SIZE - 112, FXSAVE_SIZE);
    plan_end();

    plan_begin("xsave");
    extended_state(data + 2 * PAGE_SIZE, &xsave, STORE);
    extended_state(data + 2 * PAGE_SIZE, &xrstor, LOAD);
    plan_end();
}
