/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the DWARF reader: its index, and helpers around libdwarf.
 *
 * libdwarf is told not to track allocations (that costs more than the parsing),
 * so each DIE, attribute and list is released where it was obtained.
 */
#ifndef SYM_DWARF_H
#define SYM_DWARF_H

/* pkg-config names the directory; Debian 12 has no .pc file for it. */
#if __has_include(<libdwarf.h>)
#include <dwarf.h>
#include <libdwarf.h>
#else
#include <libdwarf/dwarf.h>
#include <libdwarf/libdwarf.h>
#endif
#include "sym-priv.h"

#define DWARF_MAX_DEPTH 128 /* of nested DIEs */

/* Most DIEs that one walk looks at: over a file, a function, a type. */
#define DWARF_STEPS_ALL (1u << 27)
#define DWARF_STEPS_FUNCTION (1u << 20)
#define DWARF_STEPS_TYPE (1u << 17)

typedef struct DwarfRange {
    uint64_t low, high; /* [low, high) */
    uint32_t index;     /* of the CU or function it belongs to */
} DwarfRange;

/* A row of a line table. */
typedef struct DwarfRow {
    uint64_t addr;
    uint32_t file; /* index in the CU's files */
    uint32_t line;
    uint32_t order;
    bool end; /* ends a sequence: names nothing */
} DwarfRow;

typedef struct DwarfCu {
    Dwarf_Off die;
    uint64_t base; /* its low_pc, 0 without one: what DWARF 4 ranges add to */
    uint16_t version;
    bool loaded;        /* lines and files are */
    GArray *rows;       /* of DwarfRow, by address; NULL: none */
    const char **files; /* interned; index as DW_AT_call_file has it */
    uint32_t n_files;
} DwarfCu;

/* An inlined call in a function; calls within it follow it. */
typedef struct DwarfInline {
    const char *name;
    uint32_t call_file, call_line; /* in its parent */
    int32_t parent;                /* index, -1: the function itself */
    uint32_t first_range, n_ranges;
} DwarfInline;

typedef struct DwarfFunction {
    Dwarf_Off die;
    uint32_t cu;
    bool loaded;
    const char *name;
    GArray *inlines; /* of DwarfInline, a parent before its children; NULL: none */
    GArray *ranges;  /* of DwarfRange, index unused */
} DwarfFunction;

typedef struct DwarfVariable {
    uint64_t addr;
    Dwarf_Off die;
} DwarfVariable;

struct SymDwarf {
    SymTypes types; /* first: providers are found from it */
    SymPool *pool;
    Dwarf_Debug dbg;
    bool big_endian;
    uint32_t steps;          /* that the walk under way may still take */
    GArray *cus;             /* of DwarfCu */
    GArray *cu_ranges;       /* of DwarfRange, by address */
    GArray *functions;       /* of DwarfFunction */
    GArray *function_ranges; /* of DwarfRange, by address */
    GArray *variables;       /* of DwarfVariable, by address */
    bool have_locals;        /* variables has those inside functions, too */
    GHashTable *origins;     /* offset of a function's abstract DIE → its name */
    GHashTable *names[SYM_TYPE_QUALIFIER + 1]; /* by kind: name → DIE offset */
};

/* True for DW_DLV_OK; releases what libdwarf says about an error. */
bool sym_dw_good(SymDwarf *d, int rc, Dwarf_Error *error);

/* Attribute helpers: false or NULL when the DIE does not have it, or not so. */
bool sym_dw_die_has(SymDwarf *d, Dwarf_Die die, Dwarf_Half attribute);
bool sym_dw_die_number(SymDwarf *d, Dwarf_Die die, Dwarf_Half attribute, uint64_t *value);
bool sym_dw_die_reference(SymDwarf *d, Dwarf_Die die, Dwarf_Half attribute, Dwarf_Off *off);
const char *sym_dw_die_name(SymDwarf *d, Dwarf_Die die);
Dwarf_Half sym_dw_die_tag(SymDwarf *d, Dwarf_Die die);
Dwarf_Off sym_dw_die_at(SymDwarf *d, Dwarf_Die die);

/* The DIE at @off, to be released with sym_dw_die_free(); NULL when there is none. */
Dwarf_Die sym_dw_die_open(SymDwarf *d, Dwarf_Off off);
void sym_dw_die_free(SymDwarf *d, Dwarf_Die die);

/**
 * sym_dw_die_next() - iterate over the children of @parent.
 * @die: NULL for the first, else the one before, which is released
 *
 * Return: a DIE, NULL after the last (and then nothing is left to release).
 */
Dwarf_Die sym_dw_die_next(SymDwarf *d, Dwarf_Die parent, Dwarf_Die die);

/* Name of a function, following where DW_AT_abstract_origin points; not NULL. */
const char *sym_dw_function_name(SymDwarf *d, Dwarf_Die die);

/* Append the address ranges of @die, of a CU with @base and @version, to @ranges. */
void sym_dw_die_ranges(SymDwarf *d, Dwarf_Die die, const DwarfCu *cu, uint32_t index,
                      GArray *ranges);

/* Sort ranges by address; and find the innermost that holds @pc, or NULL. */
void sym_dw_ranges_sort(GArray *ranges);
const DwarfRange *sym_dw_ranges_find(const GArray *ranges, uint64_t pc);

/* The provider functions of DWARF types. */
bool sym_dw_types_load(SymTypes *types, uint64_t id, SymType *type);
uint64_t sym_dw_types_find(SymTypes *types, SymTypeKind kind, const char *name);

/* What kind of type a DIE with @tag is; SYM_TYPE_VOID when not a type. */
SymTypeKind sym_dw_types_kind(Dwarf_Half tag);

#endif /* SYM_DWARF_H */
