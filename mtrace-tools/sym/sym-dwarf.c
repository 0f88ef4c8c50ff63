/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF: opening a file and indexing it.
 *
 * One pass over the DIEs just below the compilation units finds functions with
 * their ranges, variables with fixed addresses, and named types; what is inside
 * (inlined calls, members) is read when asked for. Static variables inside
 * functions need a second, deeper pass, made when an address first misses.
 */
#include <string.h>
#include "sym-dwarf.h"

#define MAX_CUS (1u << 20)

bool sym_dw_good(SymDwarf *d, int rc, Dwarf_Error *error)
{
    if (rc == DW_DLV_ERROR && *error) {
        dwarf_dealloc_error(d->dbg, *error);
        *error = NULL;
    }
    return rc == DW_DLV_OK;
}

static Dwarf_Attribute attribute_of(SymDwarf *d, Dwarf_Die die, Dwarf_Half which)
{
    Dwarf_Attribute attr = NULL;
    Dwarf_Error err = NULL;

    return sym_dw_good(d, dwarf_attr(die, which, &attr, &err), &err) ? attr : NULL;
}

static void attribute_free(SymDwarf *d, Dwarf_Attribute attr)
{
    dwarf_dealloc(d->dbg, attr, DW_DLA_ATTR);
}

bool sym_dw_die_has(SymDwarf *d, Dwarf_Die die, Dwarf_Half which)
{
    Dwarf_Error err = NULL;
    Dwarf_Bool has = 0;

    return sym_dw_good(d, dwarf_hasattr(die, which, &has, &err), &err) && has;
}

bool sym_dw_die_number(SymDwarf *d, Dwarf_Die die, Dwarf_Half which, uint64_t *value)
{
    Dwarf_Attribute attr = attribute_of(d, die, which);
    Dwarf_Error err = NULL;
    Dwarf_Unsigned u = 0;
    Dwarf_Signed s = 0;

    if (!attr) {
        return false;
    }
    bool good = sym_dw_good(d, dwarf_formudata(attr, &u, &err), &err);
    if (!good) {
        good = sym_dw_good(d, dwarf_formsdata(attr, &s, &err), &err) && s >= 0;
        u = s;
    }
    attribute_free(d, attr);
    *value = u;
    return good;
}

bool sym_dw_die_reference(SymDwarf *d, Dwarf_Die die, Dwarf_Half which, Dwarf_Off *off)
{
    Dwarf_Attribute attr = attribute_of(d, die, which);
    Dwarf_Error err = NULL;

    if (!attr) {
        return false;
    }
    bool good = sym_dw_good(d, dwarf_global_formref(attr, off, &err), &err);
    attribute_free(d, attr);
    return good;
}

const char *sym_dw_die_name(SymDwarf *d, Dwarf_Die die)
{
    Dwarf_Error err = NULL;
    char *name = NULL;

    return sym_dw_good(d, dwarf_diename(die, &name, &err), &err) ? name : NULL;
}

Dwarf_Half sym_dw_die_tag(SymDwarf *d, Dwarf_Die die)
{
    Dwarf_Error err = NULL;
    Dwarf_Half tag = 0;

    return sym_dw_good(d, dwarf_tag(die, &tag, &err), &err) ? tag : 0;
}

Dwarf_Off sym_dw_die_at(SymDwarf *d, Dwarf_Die die)
{
    Dwarf_Error err = NULL;
    Dwarf_Off off = 0;

    return sym_dw_good(d, dwarf_dieoffset(die, &off, &err), &err) ? off : 0;
}

Dwarf_Die sym_dw_die_open(SymDwarf *d, Dwarf_Off off)
{
    Dwarf_Error err = NULL;
    Dwarf_Die die = NULL;

    return sym_dw_good(d, dwarf_offdie_b(d->dbg, off, 1, &die, &err), &err) ? die : NULL;
}

void sym_dw_die_free(SymDwarf *d, Dwarf_Die die)
{
    if (die) {
        dwarf_dealloc(d->dbg, die, DW_DLA_DIE);
    }
}

/*
 * A DW_AT_sibling that points back would never end, and ones that point into
 * children would make a walk visit them again and again: hence forward only, and
 * no more steps than the walk may take.
 */
Dwarf_Die sym_dw_die_next(SymDwarf *d, Dwarf_Die parent, Dwarf_Die die)
{
    Dwarf_Error err = NULL;
    Dwarf_Die next = NULL;
    Dwarf_Off before = sym_dw_die_at(d, die ? die : parent);
    int rc = DW_DLV_NO_ENTRY;

    if (d->steps > 0) {
        d->steps--;
        rc = die ? dwarf_siblingof_b(d->dbg, die, 1, &next, &err)
                 : dwarf_child(parent, &next, &err);
    }
    sym_dw_die_free(d, die);
    if (!sym_dw_good(d, rc, &err)) {
        return NULL;
    }
    if (sym_dw_die_at(d, next) <= before) {
        sym_dw_die_free(d, next);
        return NULL;
    }
    return next;
}

/* Name of the function whose abstract DIE is at @off, NULL when it has none. */
static const char *origin_name(SymDwarf *d, Dwarf_Off off)
{
    const char *name = NULL;

    for (int hop = 0; !name && hop < 8; hop++) {
        Dwarf_Die die = sym_dw_die_open(d, off);

        if (!die) {
            break;
        }
        name = sym_pool_string(d->pool, sym_dw_die_name(d, die));
        bool more = sym_dw_die_reference(d, die, DW_AT_abstract_origin, &off) ||
                    sym_dw_die_reference(d, die, DW_AT_specification, &off);
        sym_dw_die_free(d, die);
        if (!more) {
            break;
        }
    }
    return name;
}

const char *sym_dw_function_name(SymDwarf *d, Dwarf_Die die)
{
    const char *name = sym_pool_string(d->pool, sym_dw_die_name(d, die));
    Dwarf_Off off;

    if (!name && (sym_dw_die_reference(d, die, DW_AT_abstract_origin, &off) ||
                  sym_dw_die_reference(d, die, DW_AT_specification, &off))) {
        /* libdwarf takes long to find a DIE among thousands of CUs. */
        name = g_hash_table_lookup(d->origins, GSIZE_TO_POINTER(off));
        if (!name) {
            name = origin_name(d, off);
            name = name ? name : sym_pool_string(d->pool, "?");
            g_hash_table_insert(d->origins, GSIZE_TO_POINTER(off), (gpointer)name);
        }
    }
    return name ? name : sym_pool_string(d->pool, "?");
}

/* The address that a variable's location is, when it is just an address. */
static bool variable_address(SymDwarf *d, Dwarf_Die die, uint64_t *addr)
{
    Dwarf_Attribute attr = attribute_of(d, die, DW_AT_location);
    Dwarf_Error err = NULL;
    Dwarf_Unsigned len = 0;
    Dwarf_Ptr block = NULL;
    bool good = false;

    if (!attr) {
        return false;
    }
    if (sym_dw_good(d, dwarf_formexprloc(attr, &len, &block, &err), &err) && len > 1) {
        const uint8_t *p = block;

        if (p[0] == DW_OP_addr && (len == 9 || len == 5)) {
            *addr = 0;
            for (size_t i = 0; i < len - 1; i++) {
                size_t at = d->big_endian ? 1 + i : len - 1 - i;

                *addr = *addr << 8 | p[at];
            }
            good = true;
        } else if (p[0] == DW_OP_addrx && len <= 6) {
            Dwarf_Unsigned index = 0;
            Dwarf_Addr value = 0;

            for (size_t i = 1; i < len; i++) {
                index |= (Dwarf_Unsigned)(p[i] & 0x7f) << (7 * (i - 1));
            }
            good = sym_dw_good(d, dwarf_debug_addr_index_to_addr(die, index, &value, &err),
                              &err);
            *addr = value;
        }
    }
    attribute_free(d, attr);
    return good;
}

static void add_variable(SymDwarf *d, Dwarf_Die die)
{
    DwarfVariable v = { 0 };

    if (variable_address(d, die, &v.addr)) {
        v.die = sym_dw_die_at(d, die);
        g_array_append_val(d->variables, v);
    }
}

static void add_function(SymDwarf *d, Dwarf_Die die, uint32_t cu)
{
    DwarfFunction f = { .cu = cu };
    guint before = d->function_ranges->len;

    sym_dw_die_ranges(d, die, &g_array_index(d->cus, DwarfCu, cu), d->functions->len,
                     d->function_ranges);
    if (d->function_ranges->len > before) {
        f.die = sym_dw_die_at(d, die);
        g_array_append_val(d->functions, f);
    }
}

static void add_type(SymDwarf *d, Dwarf_Die die, SymTypeKind kind)
{
    const char *name = d->names[kind] ? sym_dw_die_name(d, die) : NULL;

    if (name && !g_hash_table_contains(d->names[kind], name) &&
        !sym_dw_die_has(d, die, DW_AT_declaration)) {
        g_hash_table_insert(d->names[kind], (gpointer)name,
                            GSIZE_TO_POINTER(sym_dw_die_at(d, die)));
    }
}

/* Index what is below @parent; namespaces are gone into. */
static void scan(SymDwarf *d, Dwarf_Die parent, uint32_t cu, int depth)
{
    Dwarf_Die die = NULL;

    if (depth > DWARF_MAX_DEPTH) {
        return;
    }
    while ((die = sym_dw_die_next(d, parent, die))) {
        Dwarf_Half tag = sym_dw_die_tag(d, die);
        SymTypeKind kind = sym_dw_types_kind(tag);

        if (kind != SYM_TYPE_VOID) {
            add_type(d, die, kind);
        } else if (tag == DW_TAG_subprogram) {
            add_function(d, die, cu);
        } else if (tag == DW_TAG_variable) {
            add_variable(d, die);
        } else if (tag == DW_TAG_namespace) {
            scan(d, die, cu, depth + 1);
        }
    }
}

/* Index static variables inside functions. */
static void scan_locals(SymDwarf *d, Dwarf_Die parent, int depth)
{
    Dwarf_Die die = NULL;

    if (depth > DWARF_MAX_DEPTH) {
        return;
    }
    while ((die = sym_dw_die_next(d, parent, die))) {
        switch (sym_dw_die_tag(d, die)) {
        case DW_TAG_variable:
            if (depth > 0) {
                add_variable(d, die);
            }
            break;
        case DW_TAG_subprogram:
        case DW_TAG_lexical_block:
        case DW_TAG_inlined_subroutine:
        case DW_TAG_namespace:
            scan_locals(d, die, depth + 1);
            break;
        default:
            break;
        }
    }
}

static int compare_variables(gconstpointer pa, gconstpointer pb)
{
    const DwarfVariable *a = pa, *b = pb;

    return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static void find_locals(SymDwarf *d)
{
    d->have_locals = true;
    d->steps = DWARF_STEPS_ALL;
    for (guint i = 0; i < d->cus->len; i++) {
        Dwarf_Die die = sym_dw_die_open(d, g_array_index(d->cus, DwarfCu, i).die);

        if (die) {
            scan_locals(d, die, 0);
            sym_dw_die_free(d, die);
        }
    }
    g_array_sort(d->variables, compare_variables);
}

static void add_cu(SymDwarf *d, Dwarf_Die die, uint16_t version)
{
    DwarfCu cu = { .die = sym_dw_die_at(d, die), .version = version };
    uint32_t index = d->cus->len;
    Dwarf_Error err = NULL;
    Dwarf_Addr low = 0;

    if (sym_dw_good(d, dwarf_lowpc(die, &low, &err), &err)) {
        cu.base = low;
    }
    g_array_append_val(d->cus, cu);
    sym_dw_die_ranges(d, die, &cu, index, d->cu_ranges);
    scan(d, die, index, 0);
}

static void scan_all(SymDwarf *d)
{
    Dwarf_Unsigned header_len, abbrev, type_off, next;
    Dwarf_Half version, address_size, length_size, extension, header_type;
    Dwarf_Sig8 signature;
    Dwarf_Error err = NULL;

    d->steps = DWARF_STEPS_ALL;
    while (d->cus->len < MAX_CUS &&
           sym_dw_good(d, dwarf_next_cu_header_d(d->dbg, 1, &header_len, &version, &abbrev,
                                                &address_size, &length_size, &extension,
                                                &signature, &type_off, &next,
                                                &header_type, &err), &err)) {
        Dwarf_Die die = NULL;

        if (sym_dw_good(d, dwarf_siblingof_b(d->dbg, NULL, 1, &die, &err), &err)) {
            add_cu(d, die, version);
            sym_dw_die_free(d, die);
        }
    }
    sym_dw_ranges_sort(d->cu_ranges);
    sym_dw_ranges_sort(d->function_ranges);
    g_array_sort(d->variables, compare_variables);
}

static int open_path(const char *path, Dwarf_Debug *dbg, Dwarf_Error *err)
{
#ifdef DW_LIBDWARF_VERSION_MAJOR /* 0.1 and later */
    return dwarf_init_path(path, NULL, 0, DW_GROUPNUMBER_ANY, NULL, NULL, dbg, err);
#else
    return dwarf_init_path(path, NULL, 0, 0 /* read */, DW_GROUPNUMBER_ANY, NULL, NULL, dbg,
                           NULL, 0, NULL, err);
#endif
}

SymDwarf *sym_dwarf_new(SymPool *pool, const char *path, bool big_endian, GError **error)
{
    static const SymTypeKind named[] = {
        SYM_TYPE_SCALAR, SYM_TYPE_ENUM, SYM_TYPE_STRUCT, SYM_TYPE_UNION, SYM_TYPE_ALIAS,
    };
    Dwarf_Debug dbg = NULL;
    Dwarf_Error err = NULL;

    dwarf_set_de_alloc_flag(0);
    int rc = open_path(path, &dbg, &err);
    if (rc != DW_DLV_OK) {
        g_set_error(error, SYM_ERROR, SYM_ERROR_DAMAGED, "the DWARF of '%s' does not open: %s",
                    path, rc == DW_DLV_ERROR ? dwarf_errmsg(err) : "there is none");
        if (rc == DW_DLV_ERROR) {
            dwarf_dealloc_error(dbg, err);
        }
        return NULL;
    }

    SymDwarf *d = g_new0(SymDwarf, 1);
    sym_types_init(&d->types, pool);
    d->types.load = sym_dw_types_load;
    d->types.find = sym_dw_types_find;
    d->pool = pool;
    d->dbg = dbg;
    d->big_endian = big_endian;
    d->cus = g_array_new(FALSE, FALSE, sizeof(DwarfCu));
    d->cu_ranges = g_array_new(FALSE, FALSE, sizeof(DwarfRange));
    d->functions = g_array_new(FALSE, FALSE, sizeof(DwarfFunction));
    d->function_ranges = g_array_new(FALSE, FALSE, sizeof(DwarfRange));
    d->variables = g_array_new(FALSE, FALSE, sizeof(DwarfVariable));
    for (size_t i = 0; i < G_N_ELEMENTS(named); i++) {
        d->names[named[i]] = g_hash_table_new(g_str_hash, g_str_equal);
    }
    d->origins = g_hash_table_new(NULL, NULL);
    scan_all(d);
    return d;
}

void sym_dwarf_free(SymDwarf *d)
{
    if (!d) {
        return;
    }
    for (guint i = 0; i < d->cus->len; i++) {
        DwarfCu *cu = &g_array_index(d->cus, DwarfCu, i);

        g_clear_pointer(&cu->rows, g_array_unref);
        g_free(cu->files);
    }
    for (guint i = 0; i < d->functions->len; i++) {
        DwarfFunction *f = &g_array_index(d->functions, DwarfFunction, i);

        g_clear_pointer(&f->inlines, g_array_unref);
        g_clear_pointer(&f->ranges, g_array_unref);
    }
    sym_types_clear(&d->types);
    for (size_t i = 0; i < G_N_ELEMENTS(d->names); i++) {
        g_clear_pointer(&d->names[i], g_hash_table_unref);
    }
    g_hash_table_unref(d->origins);
    g_array_unref(d->cus);
    g_array_unref(d->cu_ranges);
    g_array_unref(d->functions);
    g_array_unref(d->function_ranges);
    g_array_unref(d->variables);
#ifdef DW_LIBDWARF_VERSION_MAJOR
    dwarf_finish(d->dbg);
#else
    Dwarf_Error err = NULL;
    dwarf_finish(d->dbg, &err);
#endif
    g_free(d);
}

SymTypes *sym_dwarf_types(SymDwarf *d)
{
    return &d->types;
}

/* Compilers name the symbol of a static local "name.N". */
static bool names_symbol(const char *variable, const char *symbol)
{
    size_t len = strlen(variable);

    return !strncmp(variable, symbol, len) && (symbol[len] == 0 || symbol[len] == '.');
}

static uint64_t variable_type(SymDwarf *d, Dwarf_Off off, const char *symbol)
{
    Dwarf_Die die = sym_dw_die_open(d, off);
    Dwarf_Off type = 0, origin;
    bool match = false;

    for (int hop = 0; die && hop < 8 && !(match && type); hop++) {
        const char *name = sym_dw_die_name(d, die);

        match |= name && names_symbol(name, symbol);
        if (!type) {
            sym_dw_die_reference(d, die, DW_AT_type, &type);
        }
        if (!sym_dw_die_reference(d, die, DW_AT_specification, &origin) &&
            !sym_dw_die_reference(d, die, DW_AT_abstract_origin, &origin)) {
            break;
        }
        sym_dw_die_free(d, die);
        die = sym_dw_die_open(d, origin);
    }
    sym_dw_die_free(d, die);
    return match ? type : 0;
}

static uint64_t find_variable(SymDwarf *d, const char *name, uint64_t addr)
{
    guint low = 0, high = d->variables->len;

    while (low < high) {
        guint mid = low + (high - low) / 2;

        if (g_array_index(d->variables, DwarfVariable, mid).addr < addr) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    for (; low < d->variables->len; low++) {
        const DwarfVariable *v = &g_array_index(d->variables, DwarfVariable, low);

        if (v->addr != addr) {
            break;
        }
        uint64_t type = variable_type(d, v->die, name);
        if (type) {
            return type;
        }
    }
    return 0;
}

uint64_t sym_dwarf_variable(SymDwarf *d, const char *name, uint64_t addr)
{
    uint64_t type = find_variable(d, name, addr);

    if (!type && !d->have_locals) {
        find_locals(d);
        type = find_variable(d, name, addr);
    }
    return type;
}
