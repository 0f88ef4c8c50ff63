/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF for code: address ranges, line tables, inline chains.
 *
 * A CU's line table and a function's inlined calls are read when an address first
 * falls into them, and kept. Inlined calls are stored parent first, so one forward
 * pass finds the chain: a call that holds the pc and whose parent is the innermost
 * so far is one level deeper.
 */
#include <string.h>
#include "sym-dwarf.h"

#define MAX_CHAIN 64
#define MAX_INLINES 100000u /* in one function */
#define MAX_FILES 65536

static void add_range(GArray *ranges, uint64_t low, uint64_t high, uint32_t index)
{
    DwarfRange r = { low, high, index };

    if (low && low < high) { /* the linker leaves dropped code at 0 */
        g_array_append_val(ranges, r);
    }
}

static void ranges_v4(SymDwarf *d, Dwarf_Die die, uint64_t offset, const DwarfCu *cu,
                      uint32_t index, GArray *out)
{
    Dwarf_Ranges *list = NULL;
    Dwarf_Signed count = 0;
    Dwarf_Unsigned bytes = 0;
    Dwarf_Off real = 0;
    Dwarf_Error err = NULL;
    uint64_t base = cu->base;

    if (!sym_dw_good(d, dwarf_get_ranges_b(d->dbg, offset, die, &real, &list, &count, &bytes,
                                          &err), &err)) {
        return;
    }
    for (Dwarf_Signed i = 0; i < count; i++) {
        if (list[i].dwr_type == DW_RANGES_ADDRESS_SELECTION) {
            base = list[i].dwr_addr2;
        } else if (list[i].dwr_type == DW_RANGES_ENTRY) {
            add_range(out, base + list[i].dwr_addr1, base + list[i].dwr_addr2, index);
        }
    }
#ifdef DW_LIBDWARF_VERSION_MAJOR
    dwarf_dealloc_ranges(d->dbg, list, count);
#else
    dwarf_ranges_dealloc(d->dbg, list, count);
#endif
}

static void ranges_v5(SymDwarf *d, Dwarf_Attribute attr, Dwarf_Half form, uint64_t value,
                      uint32_t index, GArray *out)
{
    Dwarf_Rnglists_Head head = NULL;
    Dwarf_Unsigned count = 0, offset = 0;
    Dwarf_Error err = NULL;

    if (!sym_dw_good(d, dwarf_rnglists_get_rle_head(attr, form, value, &head, &count, &offset,
                                                   &err), &err)) {
        return;
    }
    for (Dwarf_Unsigned i = 0; i < count; i++) {
        unsigned len = 0, code = 0;
        Dwarf_Unsigned raw1, raw2, low = 0, high = 0;
        Dwarf_Bool no_addr = 0;

        if (!sym_dw_good(d, dwarf_get_rnglists_entry_fields_a(head, i, &len, &code, &raw1, &raw2,
                                                             &no_addr, &low, &high, &err),
                        &err)) {
            break;
        }
        if (!no_addr && code != DW_RLE_end_of_list && code != DW_RLE_base_address &&
            code != DW_RLE_base_addressx) {
            add_range(out, low, high, index);
        }
    }
    dwarf_dealloc_rnglists_head(head);
}

static void ranges_of_attribute(SymDwarf *d, Dwarf_Die die, const DwarfCu *cu,
                                uint32_t index, GArray *out)
{
    Dwarf_Attribute attr = NULL;
    Dwarf_Error err = NULL;
    Dwarf_Half form = 0;
    Dwarf_Off offset = 0;
    Dwarf_Unsigned value = 0;

    if (!sym_dw_good(d, dwarf_attr(die, DW_AT_ranges, &attr, &err), &err)) {
        return;
    }
    if (sym_dw_good(d, dwarf_whatform(attr, &form, &err), &err)) {
        if (form == DW_FORM_rnglistx) {
            if (sym_dw_good(d, dwarf_formudata(attr, &value, &err), &err)) {
                ranges_v5(d, attr, form, value, index, out);
            }
        } else if (sym_dw_good(d, dwarf_global_formref(attr, &offset, &err), &err)) {
            if (cu->version >= 5) {
                ranges_v5(d, attr, form, offset, index, out);
            } else {
                ranges_v4(d, die, offset, cu, index, out);
            }
        }
    }
    dwarf_dealloc(d->dbg, attr, DW_DLA_ATTR);
}

void sym_dw_die_ranges(SymDwarf *d, Dwarf_Die die, const DwarfCu *cu, uint32_t index,
                      GArray *ranges)
{
    Dwarf_Error err = NULL;
    Dwarf_Addr low = 0, high = 0;
    Dwarf_Half form = 0;
    enum Dwarf_Form_Class class = DW_FORM_CLASS_UNKNOWN;

    if (sym_dw_die_has(d, die, DW_AT_ranges)) {
        ranges_of_attribute(d, die, cu, index, ranges);
        return;
    }
    if (!sym_dw_good(d, dwarf_lowpc(die, &low, &err), &err) ||
        !sym_dw_good(d, dwarf_highpc_b(die, &high, &form, &class, &err), &err)) {
        return;
    }
    add_range(ranges, low, class == DW_FORM_CLASS_CONSTANT ? low + high : high, index);
}

static int compare_ranges(gconstpointer pa, gconstpointer pb)
{
    const DwarfRange *a = pa, *b = pb;

    if (a->low != b->low) {
        return a->low < b->low ? -1 : 1;
    }
    return a->high > b->high ? -1 : a->high < b->high; /* the smaller last */
}

void sym_dw_ranges_sort(GArray *ranges)
{
    g_array_sort(ranges, compare_ranges);
}

const DwarfRange *sym_dw_ranges_find(const GArray *ranges, uint64_t pc)
{
    guint low = 0, high = ranges->len;

    while (low < high) {
        guint mid = low + (high - low) / 2;

        if (g_array_index(ranges, DwarfRange, mid).low <= pc) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    /* Ranges hardly ever nest: a few steps back find what encloses. */
    for (guint i = low, steps = 0; i-- > 0 && steps < 16; steps++) {
        const DwarfRange *r = &g_array_index(ranges, DwarfRange, i);

        if (pc < r->high) {
            return r;
        }
    }
    return NULL;
}

/* ---- lines ---- */

static int compare_rows(gconstpointer pa, gconstpointer pb)
{
    const DwarfRow *a = pa, *b = pb;

    if (a->addr != b->addr) {
        return a->addr < b->addr ? -1 : 1;
    }
    if (a->end != b->end) { /* what begins where another ends wins */
        return a->end ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static void load_rows(SymDwarf *d, DwarfCu *cu, Dwarf_Line *lines, Dwarf_Signed count)
{
    bool start = true, dropped = false;

    cu->rows = g_array_sized_new(FALSE, FALSE, sizeof(DwarfRow), count);
    for (Dwarf_Signed i = 0; i < count; i++) {
        Dwarf_Addr addr = 0;
        Dwarf_Unsigned line = 0, file = 0;
        Dwarf_Bool end = 0;
        Dwarf_Error err = NULL;

        if (!sym_dw_good(d, dwarf_lineaddr(lines[i], &addr, &err), &err) ||
            !sym_dw_good(d, dwarf_lineno(lines[i], &line, &err), &err) ||
            !sym_dw_good(d, dwarf_line_srcfileno(lines[i], &file, &err), &err) ||
            !sym_dw_good(d, dwarf_lineendsequence(lines[i], &end, &err), &err)) {
            break;
        }
        if (start) {
            dropped = addr == 0;
        }
        start = end;
        DwarfRow row = {
            .addr = addr, .file = file, .line = line, .order = i, .end = end,
        };
        if (!dropped) {
            g_array_append_val(cu->rows, row);
        }
    }
    g_array_sort(cu->rows, compare_rows);
}

/* The files by the numbers that lines and DW_AT_call_file use for them. */
static void load_files(SymDwarf *d, DwarfCu *cu, Dwarf_Die die)
{
    char **list = NULL;
    Dwarf_Signed count = 0;
    Dwarf_Error err = NULL;
    uint32_t first = cu->version >= 5 ? 0 : 1;

    if (!sym_dw_good(d, dwarf_srcfiles(die, &list, &count, &err), &err)) {
        return;
    }
    if (count > 0 && count < MAX_FILES) {
        cu->n_files = first + count;
        cu->files = g_new0(const char *, cu->n_files);
    }
    for (Dwarf_Signed i = 0; i < count; i++) {
        if (cu->files) {
            cu->files[first + i] = sym_pool_string(d->pool, list[i]);
        }
        dwarf_dealloc(d->dbg, list[i], DW_DLA_STRING);
    }
    dwarf_dealloc(d->dbg, list, DW_DLA_LIST);
}

static void load_cu(SymDwarf *d, DwarfCu *cu)
{
    Dwarf_Unsigned version = 0;
    Dwarf_Small tables = 0;
    Dwarf_Line_Context context = NULL;
    Dwarf_Line *lines = NULL;
    Dwarf_Signed count = 0;
    Dwarf_Error err = NULL;
    Dwarf_Die die;

    if (cu->loaded) {
        return;
    }
    cu->loaded = true;
    die = sym_dw_die_open(d, cu->die);
    if (!die) {
        return;
    }
    load_files(d, cu, die);
    if (sym_dw_good(d, dwarf_srclines_b(die, &version, &tables, &context, &err), &err)) {
        if (sym_dw_good(d, dwarf_srclines_from_linecontext(context, &lines, &count, &err),
                       &err)) {
            load_rows(d, cu, lines, count);
        }
        dwarf_srclines_dealloc_b(context);
    }
    sym_dw_die_free(d, die);
}

static const DwarfRow *find_row(const DwarfCu *cu, uint64_t pc)
{
    guint low = 0, high = cu->rows ? cu->rows->len : 0;

    while (low < high) {
        guint mid = low + (high - low) / 2;

        if (g_array_index(cu->rows, DwarfRow, mid).addr <= pc) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low == 0) {
        return NULL;
    }
    const DwarfRow *row = &g_array_index(cu->rows, DwarfRow, low - 1);
    return row->end ? NULL : row;
}

static const char *file_name(const DwarfCu *cu, uint64_t index)
{
    return index < cu->n_files ? cu->files[index] : NULL;
}

/* ---- inlined calls ---- */

static void load_inlines(SymDwarf *d, DwarfFunction *f, Dwarf_Die parent, int32_t outer,
                         int depth)
{
    const DwarfCu *cu = &g_array_index(d->cus, DwarfCu, f->cu);
    Dwarf_Die die = NULL;

    if (depth > DWARF_MAX_DEPTH) {
        return;
    }
    while ((die = sym_dw_die_next(d, parent, die))) {
        Dwarf_Half tag = sym_dw_die_tag(d, die);

        if (tag == DW_TAG_lexical_block) {
            load_inlines(d, f, die, outer, depth + 1);
        } else if (tag == DW_TAG_inlined_subroutine && f->inlines->len < MAX_INLINES) {
            uint64_t file = 0, line = 0;
            int32_t index = f->inlines->len;

            sym_dw_die_number(d, die, DW_AT_call_file, &file);
            sym_dw_die_number(d, die, DW_AT_call_line, &line);
            DwarfInline call = {
                .name = sym_dw_function_name(d, die), .parent = outer,
                .call_file = file, .call_line = line, .first_range = f->ranges->len,
            };
            sym_dw_die_ranges(d, die, cu, 0, f->ranges);
            call.n_ranges = f->ranges->len - call.first_range;
            g_array_append_val(f->inlines, call);
            load_inlines(d, f, die, index, depth + 1);
        }
    }
}

static void load_function(SymDwarf *d, DwarfFunction *f)
{
    if (f->loaded) {
        return;
    }
    f->loaded = true;
    d->steps = DWARF_STEPS_FUNCTION;
    f->name = sym_pool_string(d->pool, "?");
    f->inlines = g_array_new(FALSE, FALSE, sizeof(DwarfInline));
    f->ranges = g_array_new(FALSE, FALSE, sizeof(DwarfRange));

    Dwarf_Die die = sym_dw_die_open(d, f->die);
    if (die) {
        f->name = sym_dw_function_name(d, die);
        load_inlines(d, f, die, -1, 0);
        sym_dw_die_free(d, die);
    }
}

static bool call_holds(const DwarfFunction *f, const DwarfInline *call, uint64_t pc)
{
    for (uint32_t i = 0; i < call->n_ranges; i++) {
        const DwarfRange *r = &g_array_index(f->ranges, DwarfRange, call->first_range + i);

        if (pc >= r->low && pc < r->high) {
            return true;
        }
    }
    return false;
}

/* Inlined calls that hold @pc, outermost first. */
static uint32_t find_chain(const DwarfFunction *f, uint64_t pc,
                           const DwarfInline *chain[MAX_CHAIN])
{
    uint32_t n = 0;
    int32_t innermost = -1;

    for (guint i = 0; i < f->inlines->len && n < MAX_CHAIN; i++) {
        const DwarfInline *call = &g_array_index(f->inlines, DwarfInline, i);

        if (call->parent == innermost && call_holds(f, call, pc)) {
            chain[n++] = call;
            innermost = i;
        }
    }
    return n;
}

static const SymFrame *make_frames(SymDwarf *d, const DwarfCu *cu, const DwarfRow *row,
                                   const char *function, const DwarfInline **chain,
                                   uint32_t n_calls)
{
    SymFrame *frames = sym_pool_alloc(d->pool, (n_calls + 1) * sizeof(*frames));
    const char *file = row ? file_name(cu, row->file) : NULL;
    uint32_t line = row ? row->line : 0;

    for (uint32_t i = 0; i <= n_calls; i++) {
        const DwarfInline *call = i < n_calls ? chain[n_calls - 1 - i] : NULL;

        frames[i].function = call ? call->name : function;
        frames[i].file = file;
        frames[i].line = line;
        frames[i].inlined = call != NULL;
        if (call) {
            file = file_name(cu, call->call_file);
            line = call->call_line;
        }
    }
    return frames;
}

const SymFrame *sym_dwarf_frames(SymDwarf *d, uint64_t pc, const char *symbol, uint32_t *n)
{
    const DwarfInline *chain[MAX_CHAIN];
    const DwarfRange *in_function = sym_dw_ranges_find(d->function_ranges, pc);
    const DwarfRange *in_cu = sym_dw_ranges_find(d->cu_ranges, pc);
    DwarfFunction *f = NULL;
    uint32_t n_calls = 0, cu_index;

    *n = 0;
    if (in_function) {
        f = &g_array_index(d->functions, DwarfFunction, in_function->index);
        load_function(d, f);
        n_calls = find_chain(f, pc, chain);
        cu_index = f->cu;
    } else if (in_cu) {
        cu_index = in_cu->index;
    } else {
        return NULL;
    }

    DwarfCu *cu = &g_array_index(d->cus, DwarfCu, cu_index);
    load_cu(d, cu);
    const DwarfRow *row = find_row(cu, pc);
    if (!f && !row) {
        return NULL;
    }
    *n = n_calls + 1;
    return make_frames(d, cu, row, f ? f->name : symbol, chain, n_calls);
}
