/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbol tables: parses symbol text, answers which symbol covers an address.
 *
 * Symbols are sorted by address. With sizes in the text a symbol covers exactly
 * its size, and one without a size is a marker that covers nothing. Without any
 * (kallsyms) a symbol reaches to the next address that has one, except that the
 * linker's end marks (_etext, _end ...) end what is before them and start nothing,
 * and that across a gap of more than MAX_GAP only the page is believed.
 * `reach` makes the search for an enclosing symbol stop as soon as none can exist.
 */
#include <string.h>
#include "sym-priv.h"

#define MAX_GAP ((uint64_t)16 << 20)
#define PAGE ((uint64_t)4096)

/* Marks in Linux's linker scripts after which nothing of the section follows. */
static const char *const end_marks[] = {
    "_etext", "_einittext", "_edata", "_erodata", "_end", "end", "__end_rodata",
    "__end_rodata_aligned", "__end_rodata_hpage_align", "__bss_stop", "__init_end",
    "__per_cpu_end", "__brk_limit", "__irqentry_text_end", "__softirqentry_text_end",
};

bool sym_is_text(char type)
{
    return type == 't' || type == 'T' || type == 'w' || type == 'W' || type == 'i';
}

static bool is_end_mark(const char *name, char type)
{
    if (g_str_has_prefix(name, "__pi_")) { /* a copy for early boot code */
        name += strlen("__pi_");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(end_marks); i++) {
        if (!strcmp(name, end_marks[i])) {
            return true;
        }
    }
    return !sym_is_text(type) && g_str_has_prefix(name, "__stop_");
}

/* Names made by linker scripts give way to names of functions and variables. */
static uint8_t name_rank(const char *name, char type)
{
    if (is_end_mark(name, type)) {
        return 3;
    }
    if (g_str_has_prefix(name, "__start_") || g_str_has_suffix(name, "_start") ||
        g_str_has_suffix(name, "_begin") || g_str_has_suffix(name, "_end") ||
        !strcmp(name, "_text") || !strcmp(name, "_stext") || !strcmp(name, "_sdata") ||
        !strcmp(name, "_sinittext")) {
        return 2;
    }
    return type == 'A' || type == 'a' ? 1 : 0;
}

static bool parse_hex(const char **p, const char *end, uint64_t *value)
{
    const char *from = *p;

    *value = 0;
    while (*p < end && g_ascii_isxdigit(**p)) {
        *value = *value << 4 | (uint64_t)g_ascii_xdigit_value(**p);
        (*p)++;
    }
    return *p > from && *p - from <= 16;
}

/* One line without its LF. @name gets the name; @size stays 0 without one. */
static bool parse_line(const char *p, const char *end, Symbol *sym, GString *name,
                       uint64_t *size)
{
    if (!parse_hex(&p, end, &sym->addr) || end - p < 4 || p[0] != ' ' ||
        !g_ascii_isalpha(p[1]) || p[2] != ' ') {
        return false;
    }
    sym->type = p[1];
    p += 3;
    const char *from = p;
    while (p < end && (unsigned char)*p > ' ') {
        p++;
    }
    if (p == from) {
        return false;
    }
    g_string_truncate(name, 0);
    g_string_append_len(name, from, p - from);

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    *size = 0;
    return p == end || *p == '[' || (parse_hex(&p, end, size) && p == end);
}

static int compare(gconstpointer pa, gconstpointer pb)
{
    const Symbol *a = pa, *b = pb;

    if (a->addr != b->addr) {
        return a->addr < b->addr ? -1 : 1;
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static uint64_t page_end(uint64_t addr)
{
    uint64_t last = addr | (PAGE - 1);

    return last == UINT64_MAX ? last : last + 1;
}

/* Give symbols without sizes their end: @symbols are sorted. */
static void extend(GArray *symbols)
{
    uint64_t next = 0, at = 0;
    bool have_at = false, have_next = false;

    for (guint i = symbols->len; i-- > 0;) {
        Symbol *sym = &g_array_index(symbols, Symbol, i);

        if (!have_at || sym->addr != at) {
            next = at;
            have_next = have_at;
            at = sym->addr;
            have_at = true;
        }
        if (is_end_mark(sym->name, sym->type)) {
            continue;
        }
        bool far = !have_next || next - sym->addr > MAX_GAP;
        sym->end = far ? page_end(sym->addr) : next;
    }
}

static void finish(GArray *symbols, bool sized)
{
    uint64_t reach = 0;

    g_array_sort(symbols, compare);
    if (!sized) {
        extend(symbols);
    }
    for (guint i = 0; i < symbols->len; i++) {
        Symbol *sym = &g_array_index(symbols, Symbol, i);

        reach = MAX(reach, sym->end);
        sym->reach = reach;
    }
}

/* Move symbols linked in a per-CPU section at zero to a table of their own. */
static void split_percpu(SymTable *table)
{
    guint keep = 0;
    uint64_t end = 0;
    bool have_start = false, have_end = false;

    for (guint i = 0; i < table->symbols->len; i++) {
        const Symbol *sym = &g_array_index(table->symbols, Symbol, i);

        if (!strcmp(sym->name, "__per_cpu_start")) {
            table->percpu_start = sym->addr;
            have_start = true;
        } else if (!strcmp(sym->name, "__per_cpu_end")) {
            end = sym->addr;
            have_end = true;
        }
    }
    if (!have_start || !have_end || end <= table->percpu_start) {
        table->percpu_start = 0;
        return;
    }
    table->percpu_end = end;
    table->percpu_at_zero = table->percpu_start == 0;
    if (!table->percpu_at_zero) {
        return;
    }
    for (guint i = 0; i < table->symbols->len; i++) {
        Symbol sym = g_array_index(table->symbols, Symbol, i);

        if (sym.addr <= end) {
            g_array_append_val(table->percpu, sym);
        } else {
            g_array_index(table->symbols, Symbol, keep++) = sym;
        }
    }
    g_array_set_size(table->symbols, keep);
}

bool sym_table_parse(SymTable *table, SymPool *pool, const char *text, size_t len,
                     GError **error)
{
    g_autoptr(GString) name = g_string_new(NULL);
    const char *end = text + len;
    bool sized = false;
    uint32_t line = 0;

    memset(table, 0, sizeof(*table));
    table->symbols = g_array_new(FALSE, FALSE, sizeof(Symbol));
    table->percpu = g_array_new(FALSE, FALSE, sizeof(Symbol));
    for (const char *p = text, *eol; p < end; p = eol + 1) {
        Symbol sym = { .order = line++ };
        uint64_t size;

        eol = memchr(p, '\n', end - p);
        eol = eol ? eol : end;
        if (line > SYM_MAX_SYMBOLS) {
            g_set_error(error, SYM_ERROR, SYM_ERROR_TOO_BIG,
                        "more than %u symbols", SYM_MAX_SYMBOLS);
            return false;
        }
        if (!parse_line(p, eol, &sym, name, &size)) {
            g_set_error(error, SYM_ERROR, SYM_ERROR_DAMAGED,
                        "line %u of the symbol text is malformed", line);
            return false;
        }
        sym.name = sym_pool_string(pool, name->str);
        sym.rank = name_rank(sym.name, sym.type);
        sym.end = size > UINT64_MAX - sym.addr ? UINT64_MAX : sym.addr + size;
        sized |= size != 0;
        g_array_append_val(table->symbols, sym);
    }
    table->count = table->symbols->len;
    split_percpu(table);
    finish(table->symbols, sized);
    finish(table->percpu, sized);
    return true;
}

void sym_table_clear(SymTable *table)
{
    g_clear_pointer(&table->symbols, g_array_unref);
    g_clear_pointer(&table->percpu, g_array_unref);
    g_clear_pointer(&table->by_name, g_hash_table_unref);
}

/* Index of the first symbol with an address above @addr. */
static guint upper_bound(const GArray *symbols, uint64_t addr)
{
    guint low = 0, high = symbols->len;

    while (low < high) {
        guint mid = low + (high - low) / 2;

        if (g_array_index(symbols, Symbol, mid).addr <= addr) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

const Symbol *sym_table_find(const GArray *symbols, uint64_t addr)
{
    const Symbol *best = NULL;

    for (guint i = upper_bound(symbols, addr); i-- > 0;) {
        const Symbol *sym = &g_array_index(symbols, Symbol, i);

        if (best ? sym->addr != best->addr : sym->reach <= addr) {
            break;
        }
        if (addr < sym->end) {
            best = sym; /* of equal addresses, the first is the best name */
        }
    }
    return best;
}

const Symbol *sym_table_by_name(SymTable *table, const char *name)
{
    if (!table->by_name) {
        const GArray *arrays[] = { table->symbols, table->percpu };

        table->by_name = g_hash_table_new(g_str_hash, g_str_equal);
        for (int a = 0; a < 2; a++) {
            for (guint i = 0; i < arrays[a]->len; i++) {
                Symbol *sym = &g_array_index(arrays[a], Symbol, i);

                if (!g_hash_table_contains(table->by_name, sym->name)) {
                    g_hash_table_insert(table->by_name, (gpointer)sym->name, sym);
                }
            }
        }
    }
    return g_hash_table_lookup(table->by_name, name);
}
