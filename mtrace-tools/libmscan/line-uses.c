/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the sites of a line to the rows of a report: sites get names, are
 * sorted by what the rows are to be about, and equal neighbours are summed up.
 * Every order is total, so that equal logs give equal reports.
 */
#include "mscan.h"
#include <string.h>

static void cpu_set_add(MscanCpuSet *set, unsigned cpu)
{
    if (cpu < MSCAN_MAX_CPUS) {
        set->words[cpu / 64] |= 1ull << (cpu % 64);
    }
}

void mscan_line_cpus(const MscanLine *line, MscanCpuSet *set)
{
    memset(set, 0, sizeof(*set));
    for (uint32_t i = 0; i < line->n_sites; i++) {
        if (mscan_site_by_cpu(&line->sites[i])) {
            cpu_set_add(set, line->sites[i].cpu);
        }
    }
}

unsigned mscan_cpu_set_count(const MscanCpuSet *set)
{
    unsigned n = 0;

    for (unsigned w = 0; w < G_N_ELEMENTS(set->words); w++) {
        n += __builtin_popcountll(set->words[w]);
    }
    return n;
}

void mscan_row_cpu_set(MscanRow *row, const char *key, const MscanCpuSet *set)
{
    uint64_t cpus[MSCAN_MAX_CPUS];
    size_t n = 0;

    for (unsigned w = 0; w < G_N_ELEMENTS(set->words); w++) {
        for (uint64_t bits = set->words[w]; bits; bits &= bits - 1) {
            cpus[n++] = w * 64 + __builtin_ctzll(bits);
        }
    }
    mscan_row_cpus(row, key, cpus, n);
}

/* ---- uses: named, sorted, grouped -------------------------------------- */

GArray *mscan_name_uses(MscanContext *context, const MscanLine *line,
                        unsigned unit_size)
{
    GArray *uses = g_array_sized_new(FALSE, FALSE, sizeof(MscanUse),
                                     line->n_sites);
    unsigned mask = MAX(unit_size, mscan_context_line_size(context)) - 1;

    for (uint32_t i = 0; i < line->n_sites; i++) {
        const MscanSite *site = &line->sites[i];
        MscanUse use = { .site = site, .offset = site->vaddr & mask };

        mscan_context_place(context, site->vaddr, site->cpl, site->label,
                            site->label_offset, &use.place);
        if (mscan_site_by_cpu(site)) {
            mscan_context_code(context, site->pc, site->cpl, &use.code);
        } else {
            use.code = (MscanCode) { "device", "device", NULL };
        }
        g_array_append_val(uses, use);
    }
    return uses;
}

int mscan_compare_fields(const void *a, const void *b)
{
    const MscanUse *x = a, *y = b;
    int order = mscan_compare_u64(x->offset, y->offset);

    order = order ? order : (int)x->site->size - y->site->size;
    return order ? order : strcmp(x->place.name, y->place.name);
}

int mscan_compare_codes(const void *a, const void *b)
{
    const MscanUse *x = a, *y = b;
    int order = mscan_compare_u64(x->site->pc, y->site->pc);

    order = order ? order : (int)x->site->kind - y->site->kind;
    return order ? order : strcmp(x->code.text, y->code.text);
}

int mscan_compare_accesses(const void *a, const void *b)
{
    const MscanUse *x = a, *y = b;
    int order = mscan_compare_u64(x->site->vaddr, y->site->vaddr);

    order = order ? order : (int)x->site->size - y->site->size;
    order = order ? order : mscan_compare_codes(a, b);
    return order ? order : strcmp(x->place.name, y->place.name);
}

static void group_add(MscanUseGroup *group, const MscanUse *use)
{
    const MscanSite *site = use->site;

    group->count += site->count;
    group->moves += site->moves;
    if (!mscan_site_by_cpu(site)) {
        return;
    }
    cpu_set_add(&group->cpus, site->cpu);
    if (site->kind == MTRACE_ACCESS_STORE) {
        group->writes += site->count;
        cpu_set_add(&group->writers, site->cpu);
    } else {
        group->reads += site->count;
        cpu_set_add(&group->readers, site->cpu);
    }
}

GArray *mscan_group_uses(GArray *uses, GCompareFunc compare)
{
    GArray *groups = g_array_new(FALSE, TRUE, sizeof(MscanUseGroup));
    MscanUseGroup *group = NULL;

    g_array_sort(uses, compare);
    for (unsigned i = 0; i < uses->len; i++) {
        const MscanUse *use = &g_array_index(uses, MscanUse, i);

        if (!i || compare(use - 1, use)) {
            g_array_set_size(groups, groups->len + 1);
            group = &g_array_index(groups, MscanUseGroup, groups->len - 1);
            group->first = use;
        }
        group_add(group, use);
    }
    return groups;
}

const MscanUseGroup *mscan_top_group(const GArray *groups)
{
    const MscanUseGroup *top = &g_array_index(groups, MscanUseGroup, 0);

    for (unsigned i = 1; i < groups->len; i++) {
        const MscanUseGroup *group = &g_array_index(groups, MscanUseGroup, i);

        if (group->moves > top->moves ||
            (group->moves == top->moves && group->count > top->count)) {
            top = group;
        }
    }
    return top;
}

int mscan_compare_activity(const void *a, const void *b)
{
    const MscanUseGroup *x = a, *y = b;
    int order = mscan_compare_u64(y->moves, x->moves);

    order = order ? order : mscan_compare_u64(y->count, x->count);
    return order ? order : mscan_compare_codes(x->first, y->first);
}
