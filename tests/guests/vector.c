/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMX, SSE and AVX moves.  16 bytes are one access; 32 are two of 16, lower
 * half first, of which each may lie in two lines.
 */
#include "guest.h"

INSN(load4, "movss (%rdi), %xmm0");
INSN(load8, "movsd (%rdi), %xmm0");
INSN(load8q, "movq (%rdi), %xmm0");
INSN(load8m, "movq (%rdi), %mm0\nemms");
INSN(load8h, "movhps (%rdi), %xmm0");
INSN(load16, "movaps (%rdi), %xmm0");
INSN(load16u, "movdqu (%rdi), %xmm0");
INSN(load16x, "paddd (%rdi), %xmm0");
INSN(load32, "vmovaps (%rdi), %ymm0");
INSN(load32u, "vmovdqu (%rdi), %ymm0");
INSN(load4b, "vbroadcastss (%rdi), %ymm0");
INSN(store4, "movss %xmm0, (%rdi)");
INSN(store8, "movsd %xmm0, (%rdi)");
INSN(store8q, "movq %xmm0, (%rdi)");
INSN(store8m, "movq %mm0, (%rdi)\nemms");
INSN(store8h, "movhps %xmm0, (%rdi)");
INSN(store16, "movaps %xmm0, (%rdi)");
INSN(store16u, "movdqu %xmm0, (%rdi)");
INSN(store16n, "movntdq %xmm0, (%rdi)");
INSN(store32, "vmovaps %ymm0, (%rdi)");
INSN(store32u, "vmovdqu %ymm0, (%rdi)");
INSN(store2x, "pextrw $1, %xmm0, (%rdi)");

static const struct {
    const struct insn *insn;
    unsigned kind;
    unsigned size;
} moves[] = {
    { &load4, LOAD, 4 }, { &load8, LOAD, 8 }, { &load8q, LOAD, 8 },
    { &load8m, LOAD, 8 }, { &load8h, LOAD, 8 }, { &load16, LOAD, 16 },
    { &load16u, LOAD, 16 }, { &load16x, LOAD, 16 }, { &load32, LOAD, 32 },
    { &load32u, LOAD, 32 }, { &load4b, LOAD, 4 },
    { &store4, STORE, 4 }, { &store8, STORE, 8 }, { &store8q, STORE, 8 },
    { &store8m, STORE, 8 }, { &store8h, STORE, 8 }, { &store16, STORE, 16 },
    { &store16u, STORE, 16 }, { &store16n, STORE, 16 },
    { &store32, STORE, 32 }, { &store32u, STORE, 32 },
    { &store2x, STORE, 2 },
};

static void move(unsigned cpu, const struct insn *insn, unsigned kind,
                 const uint8_t *p, unsigned size)
{
    unsigned piece = size > 16 ? 16 : size;

    plan_run(cpu, insn, (struct regs) { .rdi = (uint64_t)p });
    for (unsigned i = 0; i < size; i += piece) {
        plan_expect(kind, p + i, piece);
    }
}

void guest_main(void)
{
    const uint8_t *p = data;

    plan_begin("aligned");
    for (unsigned i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        plan_own(1, p, 1);
        move(0, moves[i].insn, moves[i].kind, p + 32, moves[i].size);
        move(0, moves[i].insn, moves[i].kind, p, moves[i].size);
        move(1, moves[i].insn, moves[i].kind, p + 32, moves[i].size);
        p += LINE_SIZE;
    }
    plan_end();

    plan_begin("crossing");
    for (unsigned offset = 36; offset < 64; offset += 4) {
        plan_own(1, p, 128);
        move(0, &load32u, LOAD, p + offset, 32);
        plan_own(1, p + 64, 1);
        move(0, &load32u, LOAD, p + offset, 32);
        move(0, &store32u, STORE, p + offset, 32);
        move(1, &store32u, STORE, p + offset, 32);
        p += 2 * LINE_SIZE;
    }
    plan_end();
}
