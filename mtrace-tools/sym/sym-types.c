/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types: from offset to field path and back, over the one model that BTF and
 * DWARF are loaded into.
 *
 * A walk keeps an id and the offset left inside it; each step enters a member or
 * an array element. MAX_DEPTH bounds every walk, so that types that damaged input
 * nests in themselves end.
 */
#include <string.h>
#include "sym-priv.h"

#define MAX_DEPTH 64
#define MAX_TYPE_NAME 256
#define MAX_LOOKS 100000u /* a struct may have damaged copies of itself inside */

void sym_types_init(SymTypes *types, SymPool *pool)
{
    types->pool = pool;
    types->cache = g_hash_table_new(g_int64_hash, g_int64_equal);
}

void sym_types_clear(SymTypes *types)
{
    g_clear_pointer(&types->cache, g_hash_table_unref);
}

typedef struct CachedType {
    gint64 id; /* the hash key */
    SymType type;
} CachedType;

const SymType *sym_types_get(SymTypes *types, uint64_t id)
{
    CachedType *cached = g_hash_table_lookup(types->cache, &id);

    if (!cached) {
        cached = sym_pool_alloc(types->pool, sizeof(*cached));
        cached->id = id;
        g_hash_table_insert(types->cache, &cached->id, cached);
        if (!id || !types->load(types, id, &cached->type)) {
            memset(&cached->type, 0, sizeof(cached->type));
        }
    }
    return &cached->type;
}

/* Through typedefs and qualifiers to what has a layout. */
static uint64_t strip(SymTypes *types, uint64_t id)
{
    for (int depth = 0; depth < MAX_DEPTH; depth++) {
        const SymType *t = sym_types_get(types, id);

        if (t->kind != SYM_TYPE_ALIAS && t->kind != SYM_TYPE_QUALIFIER) {
            return id;
        }
        id = t->target;
    }
    return 0;
}

uint64_t sym_types_size(SymTypes *types, uint64_t id)
{
    uint64_t factor = 1;

    for (int depth = 0; depth < MAX_DEPTH; depth++) {
        const SymType *t = sym_types_get(types, id = strip(types, id));

        if (t->kind != SYM_TYPE_ARRAY) {
            return t->size > UINT32_MAX ? 0 : factor * t->size;
        }
        if (t->count > UINT32_MAX || factor * t->count > UINT32_MAX) {
            return 0;
        }
        factor *= t->count;
        id = t->target;
    }
    return 0;
}

/*
 * C declarators, inside out: @before collects what stands left of the name,
 * @after what stands right of it.
 */
static void declare(SymTypes *types, uint64_t id, GString *before, GString *after,
                    int depth)
{
    const SymType *t = sym_types_get(types, id);
    const char *tag = "";

    if (depth > MAX_DEPTH || before->len + after->len > MAX_TYPE_NAME) {
        g_string_prepend(before, "...");
        return;
    }
    switch (t->kind) {
    case SYM_TYPE_POINTER: {
        SymTypeKind inner = sym_types_get(types, t->target)->kind;

        if (inner == SYM_TYPE_ARRAY || inner == SYM_TYPE_FUNCTION) {
            g_string_prepend(before, "(*");
            g_string_append_c(after, ')');
        } else {
            g_string_prepend_c(before, '*');
        }
        declare(types, t->target, before, after, depth + 1);
        return;
    }
    case SYM_TYPE_ARRAY:
        if (t->count) {
            g_string_append_printf(after, "[%" G_GUINT64_FORMAT "]", t->count);
        } else {
            g_string_append(after, "[]");
        }
        declare(types, t->target, before, after, depth + 1);
        return;
    case SYM_TYPE_FUNCTION:
        g_string_append(after, "()");
        declare(types, t->target, before, after, depth + 1);
        return;
    case SYM_TYPE_QUALIFIER:
        if (sym_types_get(types, t->target)->kind == SYM_TYPE_POINTER) {
            g_string_prepend(before, t->name);
        }
        declare(types, t->target, before, after, depth + 1);
        if (sym_types_get(types, t->target)->kind != SYM_TYPE_POINTER) {
            g_string_prepend_c(before, ' ');
            g_string_prepend(before, t->name);
        }
        return;
    case SYM_TYPE_STRUCT:
        tag = "struct ";
        break;
    case SYM_TYPE_UNION:
        tag = "union ";
        break;
    case SYM_TYPE_ENUM:
        tag = "enum ";
        break;
    default:
        break;
    }
    if (before->len) {
        g_string_prepend_c(before, ' ');
    }
    g_string_prepend(before, t->name ? t->name : t->kind == SYM_TYPE_VOID ? "void"
                                                                          : "{...}");
    g_string_prepend(before, tag);
}

const char *sym_types_name(SymTypes *types, uint64_t id)
{
    g_autoptr(GString) before = g_string_new(NULL);
    g_autoptr(GString) after = g_string_new(NULL);

    declare(types, id, before, after, 0);
    g_string_append(before, after->str);
    return sym_pool_string(types->pool, before->str);
}

uint64_t sym_types_parse(SymTypes *types, const char *name)
{
    static const struct {
        const char *tag;
        SymTypeKind kind;
    } tags[] = {
        { "struct ", SYM_TYPE_STRUCT },
        { "union ", SYM_TYPE_UNION },
        { "enum ", SYM_TYPE_ENUM },
        { "", SYM_TYPE_ALIAS },
        { "", SYM_TYPE_STRUCT },
        { "", SYM_TYPE_UNION },
        { "", SYM_TYPE_ENUM },
        { "", SYM_TYPE_SCALAR },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(tags); i++) {
        if (g_str_has_prefix(name, tags[i].tag)) {
            const char *bare = name + strlen(tags[i].tag);
            uint64_t id = types->find(types, tags[i].kind, bare);

            if (id || *tags[i].tag) {
                return id;
            }
        }
    }
    return 0;
}

/* Bytes of @member as seen from its aggregate: [*from, *to). */
static void member_extent(SymTypes *types, const SymType *aggregate, uint32_t index,
                          uint64_t *from, uint64_t *to)
{
    const SymMember *m = &aggregate->members[index];

    *from = m->bit_offset / 8;
    if (m->bit_size) {
        *to = (m->bit_offset + m->bit_size + 7) / 8;
        return;
    }
    *to = *from + sym_types_size(types, m->type);
    if (*to == *from && aggregate->kind == SYM_TYPE_STRUCT &&
        index + 1 == aggregate->n_members) {
        const SymType *t = sym_types_get(types, strip(types, m->type));

        if (t->kind == SYM_TYPE_ARRAY && t->count == 0) {
            *to = UINT64_MAX; /* flexible array */
        }
    }
}

static bool is_aggregate(SymTypes *types, uint64_t id)
{
    SymTypeKind kind = sym_types_get(types, strip(types, id))->kind;

    return kind == SYM_TYPE_STRUCT || kind == SYM_TYPE_UNION;
}

/*
 * The first member that has the byte. In a union a plain member gives way to the
 * first struct or union, which says more: of { u64 both; struct { lock; count; } }
 * it is lock.
 */
static const SymMember *member_at(SymTypes *types, const SymType *aggregate,
                                  uint64_t offset)
{
    const SymMember *plain = NULL;

    for (uint32_t i = 0; i < aggregate->n_members; i++) {
        const SymMember *m = &aggregate->members[i];
        uint64_t from, to;

        member_extent(types, aggregate, i, &from, &to);
        if (offset < from || offset >= to) {
            continue;
        }
        if (aggregate->kind == SYM_TYPE_STRUCT || is_aggregate(types, m->type)) {
            return m;
        }
        plain = plain ? plain : m;
    }
    return plain;
}

/* Where a walk is: in type @id, which starts at @start, along @path. */
typedef struct Walk {
    SymTypes *types;
    GString *path;
    uint64_t id;
    uint64_t start;
    const SymMember *bits; /* the bit-field entered last, else NULL */
    uint32_t looked_at;    /* members, in a search by name */
} Walk;

static void walk_into_member(Walk *w, const SymMember *m)
{
    if (m->name) {
        g_string_append_c(w->path, '.');
        g_string_append(w->path, m->name);
    }
    w->id = m->type;
    w->bits = m->bit_size ? m : NULL;
    w->start += m->bit_offset / 8;
}

static void walk_into_element(Walk *w, uint64_t element, uint64_t index, uint64_t size)
{
    g_string_append_printf(w->path, "[%" G_GUINT64_FORMAT "]", index);
    w->id = element;
    w->start += index * size;
}

/* One step towards the byte at @offset of the whole; false: arrived. */
static bool walk_step(Walk *w, uint64_t offset)
{
    const SymType *t = sym_types_get(w->types, strip(w->types, w->id));
    uint64_t left = offset - w->start;

    if (t->kind == SYM_TYPE_STRUCT || t->kind == SYM_TYPE_UNION) {
        const SymMember *m = member_at(w->types, t, left);

        if (m) {
            walk_into_member(w, m);
        }
        return m && !m->bit_size;
    }
    if (t->kind == SYM_TYPE_ARRAY) {
        uint64_t size = sym_types_size(w->types, t->target);

        if (!size || (t->count && left / size >= t->count)) {
            return false;
        }
        walk_into_element(w, t->target, left / size, size);
        return true;
    }
    return false;
}

static void walk_result(Walk *w, SymField *field)
{
    field->path = sym_pool_string(w->types->pool, w->path->str);
    field->type = sym_types_name(w->types, w->id);
    field->offset = w->start;
    field->size = sym_types_size(w->types, w->id);
    field->bit_offset = w->bits ? w->bits->bit_offset % 8 : 0;
    field->bit_size = w->bits ? w->bits->bit_size : 0;
}

static bool has_flexible_end(SymTypes *types, uint64_t id)
{
    for (int depth = 0; depth < MAX_DEPTH; depth++) {
        const SymType *t = sym_types_get(types, strip(types, id));

        if (t->kind == SYM_TYPE_ARRAY) {
            return t->count == 0;
        }
        if (t->kind != SYM_TYPE_STRUCT || !t->n_members) {
            return false;
        }
        id = t->members[t->n_members - 1].type;
    }
    return false;
}

bool sym_types_at(SymTypes *types, uint64_t id, uint64_t offset, const char *prefix,
                  SymField *field)
{
    if (!id || (offset >= sym_types_size(types, id) && !has_flexible_end(types, id))) {
        return false;
    }
    g_autoptr(GString) path = g_string_new(prefix);
    Walk w = { .types = types, .path = path, .id = id };

    for (int depth = 0; depth < MAX_DEPTH && walk_step(&w, offset); depth++) {
        /* walk_step() does it */
    }
    walk_result(&w, field);
    return true;
}

/* Member @name of @t, looked for in anonymous members too; steps into it. */
static bool walk_by_name(Walk *w, const char *name, size_t len, int depth)
{
    const SymType *t = sym_types_get(w->types, strip(w->types, w->id));
    size_t here_len = w->path->len;
    Walk here = *w;

    if ((t->kind != SYM_TYPE_STRUCT && t->kind != SYM_TYPE_UNION) || depth > 16) {
        return false;
    }
    for (uint32_t i = 0; i < t->n_members && w->looked_at < MAX_LOOKS; i++) {
        const SymMember *m = &t->members[i];

        w->looked_at++;
        if (m->name ? strlen(m->name) == len && !memcmp(m->name, name, len)
                    : m->bit_size == 0) {
            walk_into_member(w, m);
            if (m->name || walk_by_name(w, name, len, depth + 1)) {
                return true;
            }
            here.looked_at = w->looked_at;
            g_string_truncate(w->path, here_len);
            *w = here;
        }
    }
    return false;
}

static bool walk_by_index(Walk *w, const char **p)
{
    const SymType *t = sym_types_get(w->types, strip(w->types, w->id));
    char *end;

    if (t->kind != SYM_TYPE_ARRAY || !g_ascii_isdigit((*p)[1])) {
        return false;
    }
    uint64_t index = g_ascii_strtoull(*p + 1, &end, 10);
    uint64_t size = sym_types_size(w->types, t->target);
    if (*end != ']' || (t->count && index >= t->count) || index > UINT32_MAX) {
        return false;
    }
    *p = end + 1;
    walk_into_element(w, t->target, index, size);
    return true;
}

bool sym_types_field(SymTypes *types, uint64_t id, const char *path, SymField *field)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Walk w = { .types = types, .path = text, .id = id };
    const char *p = path;
    bool first = true;

    if (!id) {
        return false;
    }
    for (int depth = 0; *p && depth < MAX_DEPTH; depth++, first = false) {
        if (*p == '[') {
            if (!walk_by_index(&w, &p)) {
                return false;
            }
            continue;
        }
        if (*p == '.') {
            p++;
        } else if (!first) {
            return false;
        }
        size_t len = strcspn(p, ".[");
        if (!len || !walk_by_name(&w, p, len, 0)) {
            return false;
        }
        p += len;
    }
    if (*p) {
        return false;
    }
    walk_result(&w, field);
    return true;
}
