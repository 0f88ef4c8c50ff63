/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access records as columns (docs/log-format.md, "Access records").
 *
 * Two dictionaries are made anew for every chunk: of sites (everything about an
 * access but its address) and of pages (virtual page, physical page, and how
 * the offsets in them differ).  An address pair is a page and two small numbers.
 * Any pair of 64-bit addresses can be stored; usual ones are cheap.
 *
 * A dictionary is an open-addressing hash table of indexes into an array of its
 * entries; a slot counts only when its generation is the current chunk's, so
 * that a table is emptied by counting the generation up.
 */
#include "log-records.h"

#define PAGE_SHIFT 12
#define PAGE_MASK 0xfffu
#define FRAME_MASK ((1ull << 52) - 1)
/* Bytes of a record that make up the second word of a site's key. */
#define N_ATTRIBUTES 6

/* Two words identify an entry of either dictionary. */
typedef struct DictKey {
    uint64_t a;
    uint64_t b;
} DictKey;

typedef struct DictSlot {
    uint32_t generation;
    uint32_t index;
} DictSlot;

typedef struct Dict {
    DictSlot *slots;
    DictKey *keys;      /* entries in the order of first use */
    size_t mask;        /* slots - 1; slots are at least twice the entries */
    size_t n;
    uint32_t generation;
} Dict;

struct LogAccessEncoder {
    Dict sites;
    Dict pages;
    LogBuf scratch;
    size_t cap;         /* records that each of the columns has room for */
    uint64_t *columns;  /* site, page, line, byte: @cap values each */
};

/* ---- dictionaries ------------------------------------------------------- */

static void dict_start(Dict *d, size_t max_entries)
{
    size_t slots = 64;

    while (slots < 2 * max_entries) {
        slots *= 2;
    }
    if (slots > d->mask + 1) {
        g_free(d->slots);
        d->slots = g_new0(DictSlot, slots);
        d->keys = g_renew(DictKey, d->keys, slots / 2);
        d->mask = slots - 1;
        d->generation = 0;
    }
    d->n = 0;
    if (++d->generation == 0) {
        memset(d->slots, 0, (d->mask + 1) * sizeof(*d->slots));
        d->generation = 1;
    }
}

static inline uint32_t dict_index(Dict *d, uint64_t a, uint64_t b)
{
    uint64_t hash = (a ^ (b << 32 | b >> 32)) * 0x9e3779b97f4a7c15ull;
    size_t at = (hash ^ hash >> 32) & d->mask;

    while (d->slots[at].generation == d->generation) {
        uint32_t i = d->slots[at].index;

        if (d->keys[i].a == a && d->keys[i].b == b) {
            return i;
        }
        at = (at + 1) & d->mask;
    }
    d->slots[at] = (DictSlot){ d->generation, d->n };
    d->keys[d->n] = (DictKey){ a, b };
    return d->n++;
}

static void dict_clear(Dict *d)
{
    g_free(d->slots);
    g_free(d->keys);
}

/* ---- encoding ----------------------------------------------------------- */

LogAccessEncoder *log_access_encoder_new(void)
{
    return g_new0(LogAccessEncoder, 1);
}

void log_access_encoder_free(LogAccessEncoder *a)
{
    if (a) {
        dict_clear(&a->sites);
        dict_clear(&a->pages);
        log_buf_clear(&a->scratch);
        g_free(a->columns);
        g_free(a);
    }
}

/* A site's second word: kind, size, bytes, origin, flags, cpl, low byte first. */
static inline uint64_t site_attributes(const MtraceRecordAccess *r)
{
    return r->kind | (uint64_t)r->size << 8 | (uint64_t)r->bytes << 16
           | (uint64_t)r->origin << 24 | (uint64_t)r->flags << 32
           | (uint64_t)r->cpl << 40;
}

/* A page's second word: physical frame, then the twist. */
static inline uint64_t page_word(uint64_t vaddr, uint64_t paddr)
{
    return (paddr >> PAGE_SHIFT) << PAGE_SHIFT
           | ((vaddr ^ paddr) & PAGE_MASK);
}

static void put_sites(LogAccessEncoder *a, uint64_t *values, LogBuf *out)
{
    const Dict *d = &a->sites;

    for (size_t i = 0; i < d->n; i++) {
        values[i] = d->keys[i].a;
    }
    log_column_put(out, &a->scratch, MTRACE_CODEC_DELTA, values, d->n);
    for (unsigned k = 0; k < N_ATTRIBUTES; k++) {
        for (size_t i = 0; i < d->n; i++) {
            values[i] = d->keys[i].b >> (8 * k) & 0xff;
        }
        log_column_put(out, &a->scratch, MTRACE_CODEC_VARINT, values, d->n);
    }
}

static void put_pages(LogAccessEncoder *a, uint64_t *values, LogBuf *out)
{
    const Dict *d = &a->pages;

    for (size_t i = 0; i < d->n; i++) {
        values[i] = d->keys[i].a;
    }
    log_column_put(out, &a->scratch, MTRACE_CODEC_DELTA, values, d->n);
    for (size_t i = 0; i < d->n; i++) {
        values[i] = (d->keys[i].b >> PAGE_SHIFT) - d->keys[i].a;
    }
    log_column_put(out, &a->scratch, MTRACE_CODEC_DELTA, values, d->n);
    for (size_t i = 0; i < d->n; i++) {
        values[i] = d->keys[i].b & PAGE_MASK;
    }
    log_column_put(out, &a->scratch, MTRACE_CODEC_VARINT, values, d->n);
}

void log_access_encode(LogAccessEncoder *a, const uint8_t *records,
                       const uint32_t *offsets, size_t n, LogBuf *out)
{
    uint64_t *site, *page, *line, *byte, *entries;

    if (n > a->cap) {
        a->cap = n;
        a->columns = g_renew(uint64_t, a->columns, 5 * n);
    }
    site = a->columns;
    page = site + n;
    line = page + n;
    byte = line + n;
    entries = byte + n;
    dict_start(&a->sites, n);
    dict_start(&a->pages, n);
    for (size_t i = 0; i < n; i++) {
        const MtraceRecordAccess *r =
            (const MtraceRecordAccess *)(records + offsets[i]);

        site[i] = dict_index(&a->sites, r->pc, site_attributes(r));
        page[i] = dict_index(&a->pages, r->vaddr >> PAGE_SHIFT,
                             page_word(r->vaddr, r->paddr));
        line[i] = r->vaddr >> 6 & 63;
        byte[i] = r->vaddr & 63;
    }
    put_sites(a, entries, out);
    put_pages(a, entries, out);
    log_column_put(out, &a->scratch, MTRACE_CODEC_VARINT, site, n);
    log_column_put(out, &a->scratch, MTRACE_CODEC_VARINT, page, n);
    log_column_put(out, &a->scratch, MTRACE_CODEC_VARINT, line, n);
    log_column_put(out, &a->scratch, MTRACE_CODEC_VARINT, byte, n);
}

/* ---- decoding ----------------------------------------------------------- */

/* A site as it lies in a record: pc, then kind … cpl and two reserved bytes. */
typedef struct Site {
    uint64_t pc;
    uint8_t attributes[8];
} Site;

typedef struct Page {
    uint64_t vaddr;     /* of its first byte */
    uint64_t change;    /* paddr = (vaddr of the access) ^ change */
} Page;

struct LogAccessDecoder {
    size_t cap;         /* entries and records that all arrays have room for */
    Site *sites;
    Page *pages;
    uint64_t *values;   /* 4 × @cap */
};

G_STATIC_ASSERT(offsetof(MtraceRecordAccess, kind) + N_ATTRIBUTES
                == offsetof(MtraceRecordAccess, reserved));
G_STATIC_ASSERT(offsetof(MtraceRecordAccess, cpl)
                == offsetof(MtraceRecordAccess, kind) + N_ATTRIBUTES - 1);

LogAccessDecoder *log_access_decoder_new(void)
{
    return g_new0(LogAccessDecoder, 1);
}

void log_access_decoder_free(LogAccessDecoder *a)
{
    if (a) {
        g_free(a->sites);
        g_free(a->pages);
        g_free(a->values);
        g_free(a);
    }
}

static void decoder_reserve(LogAccessDecoder *a, size_t n)
{
    /* One more, so that there are arrays even for no records. */
    if (n + 1 > a->cap) {
        a->cap = n + 1;
        a->sites = g_renew(Site, a->sites, a->cap);
        a->pages = g_renew(Page, a->pages, a->cap);
        a->values = g_renew(uint64_t, a->values, 4 * a->cap);
    }
}

/* Decodes a column; all zeros when it is missing. */
static bool column_or_zero(const LogColumn *columns, size_t n_columns,
                           unsigned which, uint64_t *values, size_t n)
{
    if (which >= n_columns) {
        memset(values, 0, n * sizeof(*values));
        return true;
    }
    return log_column_decode(&columns[which], values, n);
}

static bool get_sites(LogAccessDecoder *a, const LogColumn *columns,
                      size_t n_columns, size_t n)
{
    uint64_t *v = a->values;

    if (!column_or_zero(columns, n_columns, LOG_ACCESS_SITE_PC, v, n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        a->sites[i] = (Site){ .pc = v[i] };
    }
    for (unsigned k = 0; k < N_ATTRIBUTES; k++) {
        uint64_t any = 0;

        if (!column_or_zero(columns, n_columns, LOG_ACCESS_SITE_KIND + k, v,
                            n)) {
            return false;
        }
        for (size_t i = 0; i < n; i++) {
            a->sites[i].attributes[k] = v[i];
            any |= v[i];
        }
        if (any > 0xff) {
            return false;
        }
    }
    return true;
}

static bool get_pages(LogAccessDecoder *a, const LogColumn *columns,
                      size_t n_columns, size_t n)
{
    uint64_t *frame = a->values;
    uint64_t *shift = frame + n;
    uint64_t *twist = shift + n;

    if (!column_or_zero(columns, n_columns, LOG_ACCESS_PAGE_VIRTUAL, frame, n)
        || !column_or_zero(columns, n_columns, LOG_ACCESS_PAGE_SHIFT, shift, n)
        || !column_or_zero(columns, n_columns, LOG_ACCESS_PAGE_TWIST, twist,
                           n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t physical = (frame[i] + shift[i]) & FRAME_MASK;

        if (frame[i] > FRAME_MASK || twist[i] > PAGE_MASK) {
            return false;
        }
        a->pages[i].vaddr = frame[i] << PAGE_SHIFT;
        a->pages[i].change = (frame[i] ^ physical) << PAGE_SHIFT | twist[i];
    }
    return true;
}

static bool get_accesses(LogAccessDecoder *a, const LogColumn *columns,
                         size_t n_columns, size_t n_sites, size_t n_pages,
                         uint8_t *data, const uint32_t *offsets, size_t n)
{
    uint64_t *site = a->values;
    uint64_t *page = site + n;
    uint64_t *line = page + n;
    uint64_t *byte = line + n;

    if (!column_or_zero(columns, n_columns, LOG_ACCESS_SITE, site, n)
        || !column_or_zero(columns, n_columns, LOG_ACCESS_PAGE, page, n)
        || !column_or_zero(columns, n_columns, LOG_ACCESS_LINE, line, n)
        || !column_or_zero(columns, n_columns, LOG_ACCESS_BYTE, byte, n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        MtraceRecordAccess *r = (MtraceRecordAccess *)(data + offsets[i]);

        if (G_UNLIKELY(site[i] >= n_sites || page[i] >= n_pages
                       || (line[i] | byte[i]) > 63)) {
            return false;
        }
        r->pc = a->sites[site[i]].pc;
        memcpy(&r->kind, a->sites[site[i]].attributes, 8);
        r->vaddr = a->pages[page[i]].vaddr | line[i] << 6 | byte[i];
        r->paddr = r->vaddr ^ a->pages[page[i]].change;
    }
    return true;
}

bool log_access_decode(LogAccessDecoder *a, const LogColumn *columns,
                       size_t n_columns, uint8_t *data,
                       const uint32_t *offsets, size_t n)
{
    uint64_t n_sites = n_columns > LOG_ACCESS_SITE_PC
                       ? columns[LOG_ACCESS_SITE_PC].n : 1;
    uint64_t n_pages = n_columns > LOG_ACCESS_PAGE_VIRTUAL
                       ? columns[LOG_ACCESS_PAGE_VIRTUAL].n : 1;

    /* More entries than records would not be used. */
    if (n_sites > n || n_pages > n) {
        return false;
    }
    decoder_reserve(a, n);
    return get_sites(a, columns, n_columns, n_sites)
           && get_pages(a, columns, n_columns, n_pages)
           && get_accesses(a, columns, n_columns, n_sites, n_pages, data,
                           offsets, n);
}
