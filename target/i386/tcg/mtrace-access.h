/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hook D: accesses of access.c that go through a host pointer. */
#ifndef MTRACE_ACCESS_H
#define MTRACE_ACCESS_H

#include "access.h"
#include "mtrace/hooks.h"

/* @p: what access_ptr() returned; the rest as given to it */
static inline void mtrace_access(const X86Access *ac, const void *p,
                                 vaddr addr, unsigned size, bool store)
{
    mtrace_direct_access(env_cpu(ac->env), p, addr, size, store, ac->mmu_idx,
                         ac->ra);
}

#endif /* MTRACE_ACCESS_H */
