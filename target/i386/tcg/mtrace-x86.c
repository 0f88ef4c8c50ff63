/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the recorder needs to know of x86: which instruction makes an access,
 * and the guest calls that `xchg %bx,%bx` makes.
 *
 * A place in generated code is unwound once, then found by its host return
 * address in the vCPU's cache; the address keeps its meaning until the code
 * buffer is flushed.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "exec/exec-all.h"
#include "tcg/insn-start-words.h"
#include "exec/helper-proto.h"
#include "mtrace/session.h"

/* ---- which instruction --------------------------------------------------- */

/* Where the code at a linear address is, without a side effect; -1: nowhere. */
static hwaddr code_paddr(CPUState *cs, vaddr pc)
{
    MemTxAttrs attrs;
    hwaddr page = cpu_get_phys_page_attrs_debug(cs, pc & TARGET_PAGE_MASK,
                                                &attrs);

    if (page == -1 || cpu_physical_memory_is_io(page)) {
        return -1;
    }
    return page | (pc & ~TARGET_PAGE_MASK);
}

/* One byte of code; of code that is not in memory, a byte that ends a scan. */
static uint8_t code_byte(CPUState *cs, vaddr pc)
{
    hwaddr paddr = code_paddr(cs, pc);
    uint8_t byte = 0;

    if (paddr != -1) {
        cpu_physical_memory_read(paddr, &byte, 1);
    }
    return byte;
}

/* LOCK prefix, or XCHG of a register and memory (Intel SDM vol. 2, LOCK). */
static bool is_locked(CPUState *cs, vaddr pc, bool long64)
{
    for (vaddr end = pc + 14; pc != end; pc++) {
        uint8_t byte = code_byte(cs, pc);

        switch (byte) {
        case 0xf0:
            return true;
        case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
        case 0x66: case 0x67: case 0xf2: case 0xf3:
            continue;
        case 0x86: case 0x87:
            return code_byte(cs, pc + 1) < 0xc0;
        }
        if (!long64 || (byte & 0xf0) != 0x40) {
            return false; /* neither a prefix nor REX */
        }
    }
    return false;
}

/*
 * A helper called by generated code returns behind a call instruction, either
 * E8 rel32 or FF /2 through the constant pool; an inline access "returns"
 * behind the instruction that makes the access.
 */
static bool is_inline(uintptr_t ra)
{
    const uint8_t *p = (const uint8_t *)ra;

    return p[-5] != 0xe8 && !(p[-6] == 0xff && p[-5] == 0x15);
}

static const MtraceSiteEntry *find_site(MtraceVCPU *v, uintptr_t ra)
{
    CPUX86State *env = cpu_env(v->cpu);
    MtraceSiteEntry *e = &v->sites[(ra ^ (ra >> 14)) % MTRACE_SITE_CACHE];
    unsigned generation = mtrace_code_generation();
    uint64_t data[TARGET_INSN_START_WORDS];
    int insns_left;

    if (likely(e->ra == ra && e->flush == generation)) {
        return e;
    }
    insns_left = mtrace_unwind(ra, data);
    if (insns_left < 0) {
        return NULL;
    }
    *e = (MtraceSiteEntry) {
        .ra = ra,
        .flush = generation,
        .pc = data[0],
        .insns_left = insns_left,
        .locked = is_locked(v->cpu, data[0], env->hflags & HF_CS64_MASK),
        .inline_code = is_inline(ra),
    };
    return e;
}

void mtrace_site(CPUState *cs, uintptr_t ra, MtraceSite *site)
{
    CPUX86State *env = cpu_env(cs);
    const MtraceSiteEntry *e = ra ? find_site(mtrace_vcpu(cs), ra) : NULL;
    uint64_t gs_base = env->segs[R_GS].base;

    memset(site, 0, sizeof(*site));
    site->cpl = env->hflags & HF_CPL_MASK;
    site->insns = cs->neg.mtrace.insns;
    if (e) {
        site->pc = e->pc;
        site->insns -= e->insns_left;
        site->locked = e->locked;
        site->inline_code = e->inline_code;
    } else {
        site->pc = env->hflags & HF_CS64_MASK
                       ? env->eip
                       : (uint32_t)(env->segs[R_CS].base + env->eip);
    }
    if (site->cpl == 0 && (env->hflags & HF_CS64_MASK)) {
        /* Before SWAPGS a kernel still runs with its user's base. */
        site->kernel_gs_base = gs_base >> 63 ? gs_base : 0;
        site->lstar = env->lstar;
    }
}

/* ---- guest calls --------------------------------------------------------- */

static bool is_canonical(CPUX86State *env, uint64_t addr)
{
    unsigned unused = env->cr[4] & CR4_LA57_MASK ? 7 : 16;

    return (uint64_t)((int64_t)(addr << unused) >> unused) == addr;
}

/*
 * Reads the part of an entry that is in one page, with the rights of the code
 * that makes the call.  A page that is absent, or not for it, is faulted on as
 * by a load: the instruction then starts over, and nothing has happened yet.
 */
static bool read_page(CPUX86State *env, uint64_t addr, uint8_t *to,
                      size_t size, uintptr_t ra)
{
    int mmu_idx = cpu_mmu_index(env_cpu(env), false);
    CPUTLBEntryFull *full;
    void *host;
    int flags = probe_access_full_mmu(env, addr, size, MMU_DATA_LOAD, mmu_idx,
                                      &host, &full);

    if (flags & TLB_INVALID_MASK) {
        probe_access(env, addr, size, MMU_DATA_LOAD, mmu_idx, ra);
    }
    if ((flags & (TLB_INVALID_MASK | TLB_MMIO)) || !host) {
        return false;
    }
    memcpy(to, host, size);
    return true;
}

static bool read_entry(CPUX86State *env, uint64_t addr, uint8_t *entry,
                       size_t size, uintptr_t ra)
{
    size_t first = MIN(size, -(addr | TARGET_PAGE_MASK));

    return read_page(env, addr, entry, first, ra) &&
           (first == size ||
            read_page(env, addr + first, entry + first, size - first, ra));
}

/* Most pages of a label that are looked up. */
#define LABEL_MAX_PAGES (1u << 18)

static uint64_t guest_paddr(CPUState *cs, uint64_t vaddr)
{
    MemTxAttrs attrs;
    hwaddr page = cpu_get_phys_page_attrs_debug(cs, vaddr & TARGET_PAGE_MASK,
                                                &attrs);

    return page == -1 ? UINT64_MAX : page | (vaddr & ~TARGET_PAGE_MASK);
}

/* One record for each piece that is contiguous in guest-physical memory. */
static bool append_label(MtraceVCPU *v, const MtraceRecordLabel *label)
{
    MtraceRecordLabel piece = *label;
    uint64_t done = 0;
    unsigned pages = 0;

    piece.paddr = guest_paddr(v->cpu, label->guest_addr);
    piece.bytes = 0;
    while (done < label->bytes && pages++ < LABEL_MAX_PAGES) {
        uint64_t at = label->guest_addr + done;
        uint64_t paddr = guest_paddr(v->cpu, at);
        uint64_t step = MIN(label->bytes - done, -(at | TARGET_PAGE_MASK));
        bool follows = piece.paddr == UINT64_MAX
                           ? paddr == UINT64_MAX
                           : paddr == piece.paddr + piece.bytes;

        if (!follows) {
            mtrace_append(v, &piece.h);
            piece.guest_addr = at;
            piece.offset = done;
            piece.paddr = paddr;
            piece.bytes = 0;
        }
        piece.bytes += step;
        done += step;
    }
    mtrace_append(v, &piece.h);
    return done == label->bytes;
}

static const char *carry_out(MtraceVCPU *v, MtraceAnyRecord *r)
{
    switch (r->h.type) {
    case MTRACE_RECORD_LABEL:
        return append_label(v, &r->label)
                   ? NULL : "label: only its first GiB is recorded";
    case MTRACE_RECORD_HOST:
        if (r->host.host_type == MTRACE_HOST_ACCESS_ALL_CPU) {
            const char *missing = mtrace_mode_missing(r->host.value);

            if (!missing) {
                mtrace_session_set_mode(v->cpu, &r->host);
            }
            return missing;
        }
        break;
    }
    mtrace_append(v, &r->h);
    return NULL;
}

static const char *make_call(CPUX86State *env, MtraceVCPU *v,
                             const MtraceSite *site, const MtraceCall *call,
                             uint64_t addr, uintptr_t ra, bool *cut)
{
    uint8_t entry[128];
    MtraceAnyRecord record;
    size_t size = mtrace_entry_size(call->type);
    const char *why;

    *cut = false;
    if (size == 0) {
        return "unknown entry type";
    }
    if (call->len != size) {
        return "length is not that of the entry's type";
    }
    if (addr + size - 1 < addr || !is_canonical(env, addr) ||
        !is_canonical(env, addr + size - 1)) {
        return "entry is outside the address space";
    }
    if (!read_entry(env, addr, entry, size, ra)) {
        return "entry is not in memory";
    }
    why = mtrace_entry_decode(call->type, entry, v->index, &record, cut);
    if (why) {
        return why;
    }
    record.h.insns = site->insns;
    record.h.accesses = v->inline_state->accesses;
    return carry_out(v, &record);
}

void HELPER(mtrace_call)(CPUX86State *env)
{
    CPUState *cs = env_cpu(env);
    MtraceVCPU *v = mtrace_vcpu(cs);
    bool long64 = env->hflags & HF_CS64_MASK;
    uint64_t mask = long64 ? UINT64_MAX : UINT32_MAX;
    uintptr_t ra = GETPC();
    MtraceCall call = {
        .entry = env->regs[R_EBX] & mask,
        .type = env->regs[R_ECX] & mask,
        .len = env->regs[R_EDX] & mask,
    };
    uint64_t addr = long64 ? call.entry
                           : (uint32_t)(call.entry + env->segs[R_DS].base);
    MtraceSite site;
    const char *why;
    bool cut;

    if ((env->regs[R_EAX] & mask) != 1) {
        return;
    }
    mtrace_site(cs, ra, &site);
    why = make_call(env, v, &site, &call, addr, ra, &cut);
    if (!why) {
        v->counts[MTRACE_COUNT_CALLS]++;
        why = cut ? "string is not terminated; its first 64 bytes are taken"
                  : NULL;
    }
    if (why) {
        mtrace_refuse(v, &site, &call, why);
    }
}
