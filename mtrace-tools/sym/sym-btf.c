/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF as a source of types. libbpf parses and checks the blob; ids and string
 * offsets that it hands on are looked up through it, which bounds them.
 *
 * Names are indexed once, when first asked for. Of several definitions with one
 * name the first is taken.
 */
#include <string.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "sym-priv.h"

typedef struct BtfVariable {
    const char *name; /* in the BTF */
    uint32_t type;
    int64_t offset; /* in its section; -1 when not known */
    bool percpu;
} BtfVariable;

struct SymBtf {
    SymTypes types; /* first: providers are found from it */
    struct btf *btf;
    bool indexed;
    GHashTable *names[SYM_TYPE_QUALIFIER + 1]; /* by kind: name → id */
    GArray *variables;                         /* of BtfVariable, by name */
};

static SymTypeKind kind_of(const struct btf_type *t)
{
    switch (btf_kind(t)) {
    case BTF_KIND_INT:
    case BTF_KIND_FLOAT:
        return SYM_TYPE_SCALAR;
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
        return SYM_TYPE_ENUM;
    case BTF_KIND_PTR:
        return SYM_TYPE_POINTER;
    case BTF_KIND_FUNC_PROTO:
        return SYM_TYPE_FUNCTION;
    case BTF_KIND_STRUCT:
        return SYM_TYPE_STRUCT;
    case BTF_KIND_UNION:
        return SYM_TYPE_UNION;
    case BTF_KIND_ARRAY:
        return SYM_TYPE_ARRAY;
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_TYPE_TAG:
        return SYM_TYPE_ALIAS;
    case BTF_KIND_CONST:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_RESTRICT:
        return SYM_TYPE_QUALIFIER;
    default:
        return SYM_TYPE_VOID;
    }
}

/* Name at a string offset; NULL for none. */
static const char *string_at(SymBtf *b, uint32_t offset)
{
    const char *name = btf__name_by_offset(b->btf, offset);

    return name && *name ? name : NULL;
}

static void load_members(SymBtf *b, const struct btf_type *t, SymType *type)
{
    const struct btf_member *m = btf_members(t);

    type->n_members = btf_vlen(t);
    type->members = sym_pool_alloc(b->types.pool, type->n_members * sizeof(SymMember));
    for (uint32_t i = 0; i < type->n_members; i++) {
        type->members[i] = (SymMember) {
            .name = sym_pool_string(b->types.pool, string_at(b, m[i].name_off)),
            .bit_offset = btf_member_bit_offset(t, i),
            .bit_size = btf_member_bitfield_size(t, i),
            .type = m[i].type,
        };
    }
}

static bool load(SymTypes *types, uint64_t id, SymType *type)
{
    SymBtf *b = (SymBtf *)types;
    const struct btf_type *t = id <= UINT32_MAX ? btf__type_by_id(b->btf, id) : NULL;

    if (!t) {
        return false;
    }
    type->kind = kind_of(t);
    type->name = sym_pool_string(types->pool, string_at(b, t->name_off));
    switch (type->kind) {
    case SYM_TYPE_SCALAR:
    case SYM_TYPE_ENUM:
        type->size = t->size;
        break;
    case SYM_TYPE_STRUCT:
    case SYM_TYPE_UNION:
        type->size = t->size;
        load_members(b, t, type);
        break;
    case SYM_TYPE_ARRAY:
        type->target = btf_array(t)->type;
        type->count = btf_array(t)->nelems;
        break;
    case SYM_TYPE_POINTER:
        type->size = btf__pointer_size(b->btf) ? btf__pointer_size(b->btf) : 8;
        type->target = t->type;
        break;
    case SYM_TYPE_QUALIFIER:
        type->name = btf_is_const(t) ? "const" : btf_is_volatile(t) ? "volatile"
                                                                    : "restrict";
        type->target = t->type;
        break;
    case SYM_TYPE_FUNCTION:
    case SYM_TYPE_ALIAS:
        type->target = t->type;
        break;
    default:
        return false;
    }
    return true;
}

static void index_datasec(SymBtf *b, const struct btf_type *t)
{
    const struct btf_var_secinfo *v = btf_var_secinfos(t);
    const char *section = string_at(b, t->name_off);
    bool percpu = section && strstr(section, "percpu");

    for (uint32_t i = 0; i < btf_vlen(t); i++) {
        const struct btf_type *var = btf__type_by_id(b->btf, v[i].type);

        if (var && btf_is_var(var) && string_at(b, var->name_off)) {
            BtfVariable variable = {
                .name = string_at(b, var->name_off),
                .type = var->type,
                .offset = v[i].offset,
                .percpu = percpu,
            };
            g_array_append_val(b->variables, variable);
        }
    }
}

static int compare_variables(gconstpointer a, gconstpointer b)
{
    return strcmp(((const BtfVariable *)a)->name, ((const BtfVariable *)b)->name);
}

static void index_names(SymBtf *b)
{
    uint32_t count = btf__type_cnt(b->btf);

    if (b->indexed) {
        return;
    }
    b->indexed = true;
    for (uint32_t id = 1; id < count; id++) {
        const struct btf_type *t = btf__type_by_id(b->btf, id);
        const char *name = t ? string_at(b, t->name_off) : NULL;
        SymTypeKind kind = t ? kind_of(t) : SYM_TYPE_VOID;

        if (t && btf_is_datasec(t)) {
            index_datasec(b, t);
        } else if (name && b->names[kind] && !btf_is_type_tag(t) &&
                   !g_hash_table_contains(b->names[kind], name)) {
            g_hash_table_insert(b->names[kind], (gpointer)name, GUINT_TO_POINTER(id));
        }
    }
    g_array_sort(b->variables, compare_variables);
}

static uint64_t find(SymTypes *types, SymTypeKind kind, const char *name)
{
    SymBtf *b = (SymBtf *)types;

    index_names(b);
    return b->names[kind] ? GPOINTER_TO_UINT(g_hash_table_lookup(b->names[kind], name))
                          : 0;
}

uint64_t sym_btf_variable(SymBtf *b, const char *name, int64_t percpu_offset)
{
    guint low = 0, high, matches = 0;
    uint64_t found = 0;

    index_names(b);
    high = b->variables->len;
    while (low < high) {
        guint mid = low + (high - low) / 2;

        if (strcmp(g_array_index(b->variables, BtfVariable, mid).name, name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    for (; low < b->variables->len; low++) {
        const BtfVariable *v = &g_array_index(b->variables, BtfVariable, low);

        if (strcmp(v->name, name)) {
            break;
        }
        if (v->percpu != (percpu_offset >= 0)) {
            continue;
        }
        if (v->percpu && v->offset == percpu_offset) {
            return v->type;
        }
        found = v->type;
        matches++;
    }
    return matches == 1 ? found : 0;
}

SymBtf *sym_btf_new(SymPool *pool, const void *data, size_t size, GError **error)
{
    static const SymTypeKind named[] = {
        SYM_TYPE_SCALAR, SYM_TYPE_ENUM, SYM_TYPE_STRUCT, SYM_TYPE_UNION, SYM_TYPE_ALIAS,
    };
    /* libbpf would print what it thinks of bad input. */
    libbpf_print_fn_t print = libbpf_set_print(NULL);
    struct btf *btf = size <= UINT32_MAX ? btf__new(data, size) : NULL;

    libbpf_set_print(print);
    if (!btf) {
        g_set_error_literal(error, SYM_ERROR, SYM_ERROR_DAMAGED,
                            "the BTF does not parse");
        return NULL;
    }

    SymBtf *b = g_new0(SymBtf, 1);
    sym_types_init(&b->types, pool);
    b->types.load = load;
    b->types.find = find;
    b->btf = btf;
    b->variables = g_array_new(FALSE, FALSE, sizeof(BtfVariable));
    for (size_t i = 0; i < G_N_ELEMENTS(named); i++) {
        b->names[named[i]] = g_hash_table_new(g_str_hash, g_str_equal);
    }
    return b;
}

void sym_btf_free(SymBtf *b)
{
    if (!b) {
        return;
    }
    sym_types_clear(&b->types);
    for (size_t i = 0; i < G_N_ELEMENTS(b->names); i++) {
        g_clear_pointer(&b->names[i], g_hash_table_unref);
    }
    g_array_unref(b->variables);
    btf__free(b->btf);
    g_free(b);
}

SymTypes *sym_btf_types(SymBtf *b)
{
    return &b->types;
}
