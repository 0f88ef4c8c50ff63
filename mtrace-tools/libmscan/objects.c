/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live labelled objects, by address.
 *
 * A label is one or more pieces, contiguous each. Pieces are kept in ordered
 * maps, one per label type, by physical address (or by virtual address, when
 * the memory was not mapped). Invariant: pieces of one map do not overlap; a
 * new label ends those that it overlaps, whose removal the log then never had.
 * Types are asked from the most to the least specific, since heap objects lie
 * in page blocks. Dead objects are forgotten, so memory follows live ones.
 */
#include "mscan-internal.h"

#define UNMAPPED UINT64_MAX
#define N_TYPES 5 /* of labels; 0 stands for types that are not known */

typedef struct Object Object;

typedef struct Piece {
    uint64_t start; /* physical or virtual: key of its map */
    uint64_t last;  /* inclusive, so that a piece may end the address space */
    uint64_t offset;
    GTree *map;
    Object *object;
    struct Piece *next; /* of the object */
} Piece;

struct Object {
    uint64_t base;
    uint64_t alloc_pc;
    uint64_t birth;
    uint32_t label_type;
    const char *name;
    Piece *pieces;
};

struct MscanObjects {
    GHashTable *by_base; /* &object->base -> Object */
    GTree *physical[N_TYPES];
    GTree *virtual[N_TYPES];
    GStringChunk *names;
    MscanObjectCounts counts;
};

/* heap, per-CPU, static, block, unknown */
static const uint8_t lookup_order[N_TYPES] = { 1, 4, 3, 2, 0 };

static int compare_starts(const void *a, const void *b, void *unused)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    (void)unused;
    return x < y ? -1 : x > y;
}

static void object_free(void *data)
{
    Object *object = data;

    while (object->pieces) {
        Piece *piece = object->pieces;

        object->pieces = piece->next;
        g_tree_remove(piece->map, &piece->start);
        g_slice_free(Piece, piece);
    }
    g_slice_free(Object, object);
}

MscanObjects *mscan_objects_new(GStringChunk *names)
{
    MscanObjects *objects = g_new0(MscanObjects, 1);

    objects->names = names;
    objects->by_base = g_hash_table_new_full(g_int64_hash, g_int64_equal,
                                             NULL, object_free);
    for (int i = 0; i < N_TYPES; i++) {
        objects->physical[i] = g_tree_new_with_data(compare_starts, NULL);
        objects->virtual[i] = g_tree_new_with_data(compare_starts, NULL);
    }
    return objects;
}

void mscan_objects_free(MscanObjects *objects)
{
    if (!objects) {
        return;
    }
    g_hash_table_destroy(objects->by_base);
    for (int i = 0; i < N_TYPES; i++) {
        g_tree_destroy(objects->physical[i]);
        g_tree_destroy(objects->virtual[i]);
    }
    g_free(objects);
}

/* The piece with the greatest start that is not above @address, or NULL. */
static Piece *piece_below(GTree *map, uint64_t address)
{
    GTreeNode *above = g_tree_upper_bound(map, &address);
    GTreeNode *node = above ? g_tree_node_previous(above)
                            : g_tree_node_last(map);

    return node ? g_tree_node_value(node) : NULL;
}

static void remove_object(MscanObjects *objects, Object *object)
{
    g_hash_table_remove(objects->by_base, &object->base);
}

static void end_overlapped(MscanObjects *objects, GTree *map, uint64_t start,
                           uint64_t last, const Object *but)
{
    Piece *piece;

    while ((piece = piece_below(map, last)) && piece->last >= start) {
        if (piece->object == but) {
            break;
        }
        remove_object(objects, piece->object);
        objects->counts.overlaps++;
    }
}

static void add_piece(MscanObjects *objects, Object *object,
                      const MtraceRecordLabel *label)
{
    bool mapped = label->paddr != UNMAPPED;
    uint64_t start = mapped ? label->paddr : label->guest_addr;
    uint64_t last = start + label->bytes - 1;
    GTree *map = mapped ? objects->physical[object->label_type]
                        : objects->virtual[object->label_type];
    Piece *piece;

    if (last < start) {
        last = UINT64_MAX;
    }
    end_overlapped(objects, map, start, last, object);
    piece = piece_below(map, last);
    if (piece && piece->last >= start) {
        return; /* a second piece of this object at the same place */
    }
    piece = g_slice_new(Piece);
    *piece = (Piece) {
        .start = start, .last = last, .offset = label->offset,
        .map = map, .object = object, .next = object->pieces,
    };
    object->pieces = piece;
    g_tree_insert(map, &piece->start, piece);
}

static void remove_label(MscanObjects *objects, uint64_t base)
{
    if (!g_hash_table_remove(objects->by_base, &base)) {
        objects->counts.unknown_removals++;
    }
}

void mscan_objects_label(MscanObjects *objects, const MtraceRecordLabel *label)
{
    uint64_t base = label->guest_addr - label->offset;
    Object *object;

    if (!label->bytes) {
        remove_label(objects, base);
        return;
    }
    object = g_hash_table_lookup(objects->by_base, &base);
    if (object && !label->offset) {
        remove_object(objects, object);
        objects->counts.overlaps++;
        object = NULL;
    }
    if (!object) {
        object = g_slice_new0(Object);
        object->base = base;
        object->alloc_pc = label->pc;
        object->birth = label->h.order;
        object->label_type = label->label_type < N_TYPES ? label->label_type
                                                         : 0;
        object->name = g_string_chunk_insert_const(objects->names, label->str);
        g_hash_table_insert(objects->by_base, &object->base, object);
        objects->counts.labels++;
    }
    add_piece(objects, object, label);
}

static bool find_in(GTree *map, uint64_t address, MscanObject *found)
{
    const Piece *piece = piece_below(map, address);

    if (!piece || piece->last < address) {
        return false;
    }
    *found = (MscanObject) {
        .name = piece->object->name,
        .offset = piece->offset + (address - piece->start),
        .base = piece->object->base,
        .alloc_pc = piece->object->alloc_pc,
        .birth = piece->object->birth,
        .label_type = piece->object->label_type,
    };
    return true;
}

bool mscan_objects_find(MscanObjects *objects, uint64_t vaddr, uint64_t paddr,
                        MscanObject *object)
{
    for (int i = 0; i < N_TYPES; i++) {
        if (find_in(objects->physical[lookup_order[i]], paddr, object) ||
            find_in(objects->virtual[lookup_order[i]], vaddr, object)) {
            return true;
        }
    }
    return false;
}

void mscan_objects_counts(MscanObjects *objects, MscanObjectCounts *counts)
{
    *counts = objects->counts;
    counts->live = g_hash_table_size(objects->by_base);
}
