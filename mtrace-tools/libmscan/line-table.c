/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses by unit of physical memory: what most analyses aggregate first.
 *
 * The pass keeps one flat array of sites (the distinct ways in which a unit was
 * touched), found through one open-addressing table of (hash, index): an access
 * costs two cache misses, whatever its line, and those of a batch of accesses
 * are fetched together. Only at the end are the sites
 * sorted by unit, so that those of a unit are neighbours, in the order of their
 * first access. Memory is bounded by the number of distinct sites, not by the
 * length of the log. Nothing is named here: addresses turn into names only for
 * what is reported.
 */
#include "mscan.h"
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 4096u
#define BATCH 64 /* accesses whose cache misses overlap */

typedef struct Slot {
    uint32_t hash;
    uint32_t index; /* of the site, plus one; 0: free */
} Slot;

/* An access that is not counted yet; its slot is on its way to the cache. */
typedef struct Pending {
    MscanSite site;
    uint64_t hash;
} Pending;

struct MscanLineTable {
    unsigned unit_shift; /* log2 of the unit's size */
    uint64_t mask;       /* slots - 1 */
    Slot *slots;
    MscanSite *sites;
    uint32_t n_sites;
    uint32_t capacity;
    MscanLine *lines;    /* NULL during the pass */
    uint32_t n_lines;
    unsigned n_pending;
    Pending pending[BATCH];
};

/* What the sites are sorted by; the index makes the order total. */
typedef struct SortKey {
    uint64_t unit;
    uint32_t index;
} SortKey;

MscanLineTable *mscan_line_table_new(unsigned unit_size)
{
    MscanLineTable *table = g_new0(MscanLineTable, 1);

    g_assert(unit_size && !(unit_size & (unit_size - 1)));
    table->unit_shift = __builtin_ctz(unit_size);
    table->mask = FIRST_SLOTS - 1;
    table->slots = g_new0(Slot, FIRST_SLOTS);
    table->capacity = FIRST_SLOTS / 2;
    table->sites = g_new(MscanSite, table->capacity);
    return table;
}

void mscan_line_table_free(MscanLineTable *table)
{
    if (table) {
        g_free(table->slots);
        g_free(table->sites);
        g_free(table->lines);
        g_free(table);
    }
}

/* ---- the pass ---------------------------------------------------------- */

static inline bool same_site(const MscanSite *a, const MscanSite *b)
{
    return a->unit == b->unit && a->pc == b->pc && a->vaddr == b->vaddr &&
           a->cpu == b->cpu && a->kind == b->kind && a->size == b->size &&
           a->cpl == b->cpl && a->label == b->label &&
           a->label_offset == b->label_offset;
}

static inline uint64_t site_hash(const MscanSite *site)
{
    uint64_t h = site->pc ^ (site->unit << 20);

    h = (h ^ ((uint64_t)site->cpu << 48) ^ site->kind) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 32;
    h = (h ^ site->vaddr ^ site->label_offset ^ (uintptr_t)site->label) *
        0xc2b2ae3d27d4eb4full;
    return h ^ (h >> 29);
}

/* Twice the slots: at most half of them are ever in use. */
static void grow(MscanLineTable *table)
{
    g_assert(table->capacity <= UINT32_MAX / 2);
    table->capacity *= 2;
    table->sites = g_renew(MscanSite, table->sites, table->capacity);
    g_free(table->slots);
    table->mask = table->mask * 2 + 1;
    table->slots = g_new0(Slot, table->mask + 1);
    for (uint32_t i = 0; i < table->n_sites; i++) {
        uint64_t hash = site_hash(&table->sites[i]);
        uint64_t at = hash & table->mask;

        while (table->slots[at].index) {
            at = (at + 1) & table->mask;
        }
        table->slots[at] = (Slot) { hash >> 32, i + 1 };
    }
}

static MscanSite *append_site(MscanLineTable *table, const MscanSite *site,
                              uint64_t hash, uint64_t at)
{
    if (table->n_sites == table->capacity) {
        grow(table);
        at = hash & table->mask;
        while (table->slots[at].index) {
            at = (at + 1) & table->mask;
        }
    }
    table->sites[table->n_sites] = *site;
    table->sites[table->n_sites].moves = 0;
    table->slots[at] = (Slot) { hash >> 32, ++table->n_sites };
    return &table->sites[table->n_sites - 1];
}

static inline MscanSite *find_site(MscanLineTable *table,
                                   const MscanSite *site, uint64_t hash)
{
    uint64_t at = hash & table->mask;

    for (; table->slots[at].index; at = (at + 1) & table->mask) {
        MscanSite *known = &table->sites[table->slots[at].index - 1];

        if (table->slots[at].hash == (uint32_t)(hash >> 32) &&
            same_site(known, site)) {
            return known;
        }
    }
    return append_site(table, site, hash, at);
}

static void count_pending(MscanLineTable *table)
{
    for (unsigned i = 0; i < table->n_pending; i++) {
        uint64_t at = table->pending[i].hash & table->mask;
        uint32_t index = table->slots[at].index;

        __builtin_prefetch(&table->sites[index ? index - 1 : 0], 1);
    }
    for (unsigned i = 0; i < table->n_pending; i++) {
        const Pending *pending = &table->pending[i];
        MscanSite *known = find_site(table, &pending->site, pending->hash);

        known->count++;
        known->moves += pending->site.moves;
    }
    table->n_pending = 0;
}

static inline void add_pending(MscanLineTable *table, const MscanSite *site)
{
    Pending *pending = &table->pending[table->n_pending++];

    pending->site = *site;
    pending->hash = site_hash(site);
    __builtin_prefetch(&table->slots[pending->hash & table->mask]);
    if (table->n_pending == BATCH) {
        count_pending(table);
    }
}

void mscan_line_table_add(MscanLineTable *table, MscanContext *context,
                          const MtraceRecordAccess *access)
{
    MscanSite site = {
        .pc = access->pc,
        .vaddr = access->vaddr,
        .cpu = access->h.cpu,
        .kind = access->kind,
        .size = access->bytes,
        .cpl = access->cpl,
        .moves = access->flags & MTRACE_ACCESS_MOVED ? 1 : 0,
    };
    uint64_t first = access->paddr >> table->unit_shift;
    uint64_t end = access->paddr + (access->bytes ? access->bytes - 1 : 0);
    uint64_t last = end < access->paddr ? first : end >> table->unit_shift;
    MscanObject object;

    g_assert(!table->lines);
    if (mscan_context_has_objects(context) &&
        mscan_context_object(context, access->vaddr, access->paddr, &object)) {
        site.label = object.name;
        site.label_offset = object.offset;
    }
    for (uint64_t unit = first;; unit++) { /* last may be UINT64_MAX */
        site.unit = unit;
        add_pending(table, &site);
        if (unit == last) {
            break;
        }
    }
}

/* ---- the end ----------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
    const SortKey *x = a, *y = b;

    return x->unit != y->unit ? mscan_compare_u64(x->unit, y->unit)
                              : mscan_compare_u64(x->index, y->index);
}

/* Sort the sites by unit; the slots are of no more use. */
static void sort_sites(MscanLineTable *table)
{
    g_autofree SortKey *keys = g_new(SortKey, table->n_sites + 1);
    MscanSite *sorted;

    g_clear_pointer(&table->slots, g_free);
    for (uint32_t i = 0; i < table->n_sites; i++) {
        keys[i] = (SortKey) { table->sites[i].unit, i };
    }
    qsort(keys, table->n_sites, sizeof(*keys), compare_keys);
    sorted = g_new(MscanSite, table->n_sites + 1);
    for (uint32_t i = 0; i < table->n_sites; i++) {
        sorted[i] = table->sites[keys[i].index];
    }
    g_free(table->sites);
    table->sites = sorted;
}

static bool begins_line(const MscanLineTable *table, uint32_t i)
{
    return !i || table->sites[i].unit != table->sites[i - 1].unit;
}

const MscanLine *mscan_line_table_lines(MscanLineTable *table, uint32_t *n)
{
    if (!table->lines) {
        count_pending(table);
        sort_sites(table);
        for (uint32_t i = 0; i < table->n_sites; i++) {
            table->n_lines += begins_line(table, i);
        }
        table->lines = g_new(MscanLine, table->n_lines + 1);
        table->n_lines = 0;
        for (uint32_t i = 0; i < table->n_sites; i++) {
            if (begins_line(table, i)) {
                table->lines[table->n_lines++] = (MscanLine) {
                    .unit = table->sites[i].unit, .sites = &table->sites[i],
                };
            }
            table->lines[table->n_lines - 1].n_sites++;
        }
    }
    *n = table->n_lines;
    return table->lines;
}
