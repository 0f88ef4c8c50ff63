/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF as a source of types. The id of a type is the offset of its DIE.
 *
 * DWARF gives an array of several dimensions one DIE; the model has an array of
 * arrays. Inner dimensions get ids of their own: the DIE's offset, with the
 * number of the dimension in the bits above DIMENSION_SHIFT.
 */
#include <string.h>
#include "sym-dwarf.h"

#define DIMENSION_SHIFT 56
#define MAX_DIMENSIONS 16

SymTypeKind sym_dw_types_kind(Dwarf_Half tag)
{
    switch (tag) {
    case DW_TAG_base_type:
        return SYM_TYPE_SCALAR;
    case DW_TAG_enumeration_type:
        return SYM_TYPE_ENUM;
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
        return SYM_TYPE_POINTER;
    case DW_TAG_subroutine_type:
        return SYM_TYPE_FUNCTION;
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
        return SYM_TYPE_STRUCT;
    case DW_TAG_union_type:
        return SYM_TYPE_UNION;
    case DW_TAG_array_type:
        return SYM_TYPE_ARRAY;
    case DW_TAG_typedef:
        return SYM_TYPE_ALIAS;
    case DW_TAG_const_type:
    case DW_TAG_volatile_type:
    case DW_TAG_restrict_type:
    case DW_TAG_atomic_type:
        return SYM_TYPE_QUALIFIER;
    default:
        return SYM_TYPE_VOID;
    }
}

uint64_t sym_dw_types_find(SymTypes *types, SymTypeKind kind, const char *name)
{
    SymDwarf *d = (SymDwarf *)types;

    return d->names[kind] ? GPOINTER_TO_SIZE(g_hash_table_lookup(d->names[kind], name))
                          : 0;
}

/*
 * Where a bit-field starts. DWARF 4 and later may say it directly; the older way
 * counts from the most significant bit of a storage unit (DWARF 4, 5.5.6), which
 * for little-endian is from its top.
 */
static void bit_position(SymDwarf *d, Dwarf_Die die, SymMember *m, uint64_t type_size)
{
    uint64_t width, value;

    if (!sym_dw_die_number(d, die, DW_AT_bit_size, &width) || width > 128) {
        return;
    }
    m->bit_size = width;
    if (sym_dw_die_number(d, die, DW_AT_data_bit_offset, &value)) {
        m->bit_offset = value;
    } else if (sym_dw_die_number(d, die, DW_AT_bit_offset, &value)) {
        uint64_t unit = type_size;

        sym_dw_die_number(d, die, DW_AT_byte_size, &unit);
        if (d->big_endian) {
            m->bit_offset += value;
        } else if (unit * 8 >= value + width) {
            m->bit_offset += unit * 8 - value - width;
        }
    }
}

static void load_member(SymDwarf *d, Dwarf_Die die, SymMember *m)
{
    uint64_t offset = 0;
    Dwarf_Off type = 0;

    m->name = sym_pool_string(d->pool, sym_dw_die_name(d, die));
    if (sym_dw_die_reference(d, die, DW_AT_type, &type)) {
        m->type = type;
    }
    if (sym_dw_die_number(d, die, DW_AT_data_member_location, &offset)) {
        m->bit_offset = offset > UINT32_MAX ? 0 : offset * 8;
    }
    if (sym_dw_die_has(d, die, DW_AT_bit_size)) {
        bit_position(d, die, m, sym_types_size(&d->types, m->type));
    }
}

static void load_members(SymDwarf *d, Dwarf_Die parent, SymType *type)
{
    g_autoptr(GArray) members = g_array_new(FALSE, TRUE, sizeof(SymMember));
    Dwarf_Die die = NULL;

    while ((die = sym_dw_die_next(d, parent, die))) {
        Dwarf_Half tag = sym_dw_die_tag(d, die);

        if ((tag == DW_TAG_member && !sym_dw_die_has(d, die, DW_AT_external)) ||
            tag == DW_TAG_inheritance) {
            SymMember m = { 0 };

            if (members->len < SYM_TYPE_MAX_MEMBERS) {
                load_member(d, die, &m);
                g_array_append_val(members, m);
            }
        }
    }
    type->n_members = members->len;
    type->members = sym_pool_alloc(d->pool, members->len * sizeof(SymMember));
    if (members->len) {
        memcpy(type->members, members->data, members->len * sizeof(SymMember));
    }
}

static uint64_t dimension_count(SymDwarf *d, Dwarf_Die subrange)
{
    uint64_t n = 0;

    if (sym_dw_die_number(d, subrange, DW_AT_count, &n)) {
        return n;
    }
    return sym_dw_die_number(d, subrange, DW_AT_upper_bound, &n) && n < UINT32_MAX ? n + 1
                                                                                  : 0;
}

/* Load dimension @want of an array. */
static void load_array(SymDwarf *d, Dwarf_Die parent, uint64_t want, SymType *type)
{
    uint64_t id = sym_dw_die_at(d, parent);
    Dwarf_Die die = NULL;
    uint64_t dimensions = 0;
    Dwarf_Off element;

    while ((die = sym_dw_die_next(d, parent, die))) {
        if (sym_dw_die_tag(d, die) == DW_TAG_subrange_type) {
            if (dimensions == want) {
                type->count = dimension_count(d, die);
            }
            dimensions++;
        }
    }
    if (want + 1 < MIN(dimensions, MAX_DIMENSIONS)) {
        type->target = id | (want + 1) << DIMENSION_SHIFT;
    } else if (sym_dw_die_reference(d, parent, DW_AT_type, &element)) {
        type->target = element;
    }
}

static const char *qualifier_name(Dwarf_Half tag)
{
    return tag == DW_TAG_const_type    ? "const"
           : tag == DW_TAG_volatile_type ? "volatile"
           : tag == DW_TAG_atomic_type   ? "_Atomic"
                                         : "restrict";
}

static void load_die(SymDwarf *d, Dwarf_Die die, uint64_t dimension, SymType *type)
{
    Dwarf_Half tag = sym_dw_die_tag(d, die);
    Dwarf_Off target;

    type->kind = sym_dw_types_kind(tag);
    type->name = sym_pool_string(d->pool, sym_dw_die_name(d, die));
    sym_dw_die_number(d, die, DW_AT_byte_size, &type->size);
    if (type->kind == SYM_TYPE_ARRAY) {
        load_array(d, die, dimension, type);
        return;
    }
    if (sym_dw_die_reference(d, die, DW_AT_type, &target)) {
        type->target = target;
    }
    if (type->kind == SYM_TYPE_POINTER && !type->size) {
        type->size = 8;
    } else if (type->kind == SYM_TYPE_QUALIFIER) {
        type->name = qualifier_name(tag);
    } else if (type->kind == SYM_TYPE_STRUCT || type->kind == SYM_TYPE_UNION) {
        load_members(d, die, type);
    }
}

/* A definition instead of a declaration, where the file has one elsewhere. */
static uint64_t definition_of(SymDwarf *d, Dwarf_Die die)
{
    const char *name = sym_dw_die_name(d, die);
    SymTypeKind kind = sym_dw_types_kind(sym_dw_die_tag(d, die));

    return name && sym_dw_die_has(d, die, DW_AT_declaration)
               ? sym_dw_types_find(&d->types, kind, name) : 0;
}

bool sym_dw_types_load(SymTypes *types, uint64_t id, SymType *type)
{
    SymDwarf *d = (SymDwarf *)types;
    uint64_t dimension = id >> DIMENSION_SHIFT;
    uint32_t outer = d->steps; /* a type may be loaded while another is */
    Dwarf_Die die = sym_dw_die_open(d, id & (((uint64_t)1 << DIMENSION_SHIFT) - 1));

    if (!die) {
        return false;
    }
    uint64_t other = definition_of(d, die);
    if (other && other != id) {
        sym_dw_die_free(d, die);
        die = sym_dw_die_open(d, other);
    }
    if (die) {
        d->steps = DWARF_STEPS_TYPE;
        load_die(d, die, dimension, type);
        sym_dw_die_free(d, die);
        d->steps = outer;
    }
    return type->kind != SYM_TYPE_VOID;
}
