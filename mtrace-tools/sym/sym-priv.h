/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to mtrace-tools/sym: the pool that owns results, the symbol table, and
 * the one type model that BTF and DWARF are both turned into.
 */
#ifndef SYM_PRIV_H
#define SYM_PRIV_H

#include "sym.h"

/* ---- pool: everything a space hands out, freed with the space ---- */

typedef struct SymPool {
    GStringChunk *strings;
    GPtrArray *blocks; /* of g_malloc0()ed memory */
    size_t room;       /* bytes left in the newest block */
    char *next;
} SymPool;

void sym_pool_init(SymPool *pool);
void sym_pool_clear(SymPool *pool);

/* The one copy of @str that the pool owns; NULL stays NULL. */
const char *sym_pool_string(SymPool *pool, const char *str);

/* Zeroed memory, aligned for any type of this library. */
void *sym_pool_alloc(SymPool *pool, size_t size);

/* ---- symbol table: addresses to names, all link-time ---- */

typedef struct Symbol {
    uint64_t addr;
    uint64_t end;     /* first byte after; = addr for a marker, which names nothing */
    uint64_t reach;   /* highest end of this and all symbols before it */
    const char *name; /* interned */
    uint32_t order;   /* line in the text */
    uint8_t rank;     /* lower is the better name of several at one address */
    char type;        /* as nm(1) */
} Symbol;

typedef struct SymTable {
    GArray *symbols;     /* of Symbol, by address; without those of @percpu */
    GArray *percpu;      /* symbols linked at zero, empty when there are none */
    GHashTable *by_name; /* name → Symbol, made when first needed */
    uint64_t percpu_start, percpu_end; /* both 0: no per-CPU section */
    bool percpu_at_zero;
    size_t count;
} SymTable;

/**
 * sym_table_parse() - read symbol text.
 * @table: filled in; to be cleared with sym_table_clear() also after failure
 * @pool: owns the names
 * @text: see mtrace/image.h; may be empty
 *
 * Return: false with @error set when a line is malformed.
 */
bool sym_table_parse(SymTable *table, SymPool *pool, const char *text, size_t len,
                     GError **error);
void sym_table_clear(SymTable *table);

/* The best symbol of @symbols whose bytes hold @addr, or NULL. */
const Symbol *sym_table_find(const GArray *symbols, uint64_t addr);
const Symbol *sym_table_by_name(SymTable *table, const char *name);
bool sym_is_text(char type);

/* ---- types ---- */

typedef enum SymTypeKind {
    SYM_TYPE_VOID, /* also: unknown, incomplete */
    SYM_TYPE_SCALAR,
    SYM_TYPE_ENUM,
    SYM_TYPE_POINTER,
    SYM_TYPE_FUNCTION,
    SYM_TYPE_STRUCT,
    SYM_TYPE_UNION,
    SYM_TYPE_ARRAY,
    SYM_TYPE_ALIAS,     /* typedef */
    SYM_TYPE_QUALIFIER, /* const, volatile ...; name is the keyword */
} SymTypeKind;

typedef struct SymMember {
    const char *name;    /* NULL: anonymous */
    uint64_t bit_offset; /* from the start of the aggregate */
    uint64_t type;       /* id */
    uint32_t bit_size;   /* 0: not a bit-field */
} SymMember;

/* Ids: 0 is void or unknown. Otherwise a BTF id, or the offset of a DIE. */
typedef struct SymType {
    SymTypeKind kind;
    const char *name; /* NULL: none */
    uint64_t size;    /* bytes; arrays: not used */
    uint64_t target;  /* pointer, array, alias, qualifier, function (returned): id */
    uint64_t count;   /* array: elements, 0 for a flexible array */
    uint32_t n_members;
    SymMember *members;
} SymType;

#define SYM_TYPE_MAX_MEMBERS 65536u

/* A source of types. Providers embed it first and fill in the functions. */
typedef struct SymTypes SymTypes;
struct SymTypes {
    SymPool *pool;
    GHashTable *cache; /* id → SymType */
    /* Fill @type for @id; false leaves it void. Called once per id. */
    bool (*load)(SymTypes *types, uint64_t id, SymType *type);
    /* Id of the definition with this tag or typedef name; 0: none. */
    uint64_t (*find)(SymTypes *types, SymTypeKind kind, const char *name);
};

void sym_types_init(SymTypes *types, SymPool *pool);
void sym_types_clear(SymTypes *types);
const SymType *sym_types_get(SymTypes *types, uint64_t id);

/* Size in bytes, 0 when unknown or flexible. */
uint64_t sym_types_size(SymTypes *types, uint64_t id);

/* C name of a type, interned; NULL when it has none ("void" for id 0). */
const char *sym_types_name(SymTypes *types, uint64_t id);

/* Id of what a user calls @name ("struct x", "x_t"), 0 when unknown. */
uint64_t sym_types_parse(SymTypes *types, const char *name);

/* Offset to field; @field's path is appended to @prefix. See sym_type_lookup(). */
bool sym_types_at(SymTypes *types, uint64_t id, uint64_t offset, const char *prefix,
                  SymField *field);

/* Path to field. See sym_type_field(). */
bool sym_types_field(SymTypes *types, uint64_t id, const char *path, SymField *field);

/* ---- BTF ---- */

typedef struct SymBtf SymBtf;

SymBtf *sym_btf_new(SymPool *pool, const void *data, size_t size, GError **error);
void sym_btf_free(SymBtf *btf);
SymTypes *sym_btf_types(SymBtf *btf);

/**
 * sym_btf_variable() - type of a variable.
 * @btf: the BTF
 * @name: of the variable
 * @percpu_offset: offset in the per-CPU section, or -1: tells apart equal names
 *
 * Return: its type's id, 0 when unknown or ambiguous.
 */
uint64_t sym_btf_variable(SymBtf *btf, const char *name, int64_t percpu_offset);

/* ---- DWARF ---- */

typedef struct SymDwarf SymDwarf;

/* Are the headers in .debug_rnglists or .debug_loclists sound? Empty is. */
bool sym_dwarf_lists_good(const uint8_t *data, size_t size, bool big_endian);

/* Opens and indexes the file: about 2 s for a vmlinux of 590 MB. */
SymDwarf *sym_dwarf_new(SymPool *pool, const char *path, bool big_endian, GError **error);
void sym_dwarf_free(SymDwarf *dwarf);
SymTypes *sym_dwarf_types(SymDwarf *dwarf);

/* Type of the variable that symbol @name at link-time @addr is; 0: unknown. */
uint64_t sym_dwarf_variable(SymDwarf *dwarf, const char *name, uint64_t addr);

/**
 * sym_dwarf_frames() - the inline chain at a link-time address.
 * @dwarf: the DWARF
 * @pc: link-time address
 * @symbol: name for code that has lines but no function (assembler)
 * @n: set to the number of frames
 *
 * Return: frames, innermost first, in the pool; NULL when nothing is known.
 */
const SymFrame *sym_dwarf_frames(SymDwarf *dwarf, uint64_t pc, const char *symbol,
                                 uint32_t *n);

#endif /* SYM_PRIV_H */
