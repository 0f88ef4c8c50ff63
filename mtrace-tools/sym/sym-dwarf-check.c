/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF 5 list sections, checked before libdwarf sees them.
 *
 * .debug_rnglists and .debug_loclists are chains of tables, each behind a header
 * (DWARF 5, 7.28 and 7.29): length, version, address size, segment size, number
 * of offsets. libdwarf 20210528 frees memory twice when a later header of the
 * chain is damaged, so a file with such a chain is not given to it.
 */
#include "sym-priv.h"

typedef struct Cursor {
    const uint8_t *p;
    size_t left;
    bool big_endian;
} Cursor;

/* Read @size bytes, at most 8; false at the end. */
static bool take(Cursor *c, unsigned size, uint64_t *value)
{
    if (c->left < size) {
        return false;
    }
    *value = 0;
    for (unsigned i = 0; i < size; i++) {
        *value = *value << 8 | c->p[c->big_endian ? i : size - 1 - i];
    }
    c->p += size;
    c->left -= size;
    return true;
}

/* Step over one table. */
static bool take_table(Cursor *c)
{
    uint64_t length, version, address_size, segment_size, count;
    unsigned offset_size = 4;

    if (!take(c, 4, &length)) {
        return false;
    }
    if (length == 0xffffffff) {
        offset_size = 8;
        if (!take(c, 8, &length)) {
            return false;
        }
    }
    if (length > c->left) {
        return false;
    }
    Cursor table = { c->p, length, c->big_endian };
    c->p += length;
    c->left -= length;
    return take(&table, 2, &version) && version == 5 &&
           take(&table, 1, &address_size) && (address_size == 4 || address_size == 8) &&
           take(&table, 1, &segment_size) && segment_size == 0 &&
           take(&table, 4, &count) && count <= table.left / offset_size;
}

bool sym_dwarf_lists_good(const uint8_t *data, size_t size, bool big_endian)
{
    Cursor c = { data, size, big_endian };

    while (c.left) {
        if (!take_table(&c)) {
            return false;
        }
    }
    return true;
}
