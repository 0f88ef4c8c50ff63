/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbols from the kallsyms tables in a kernel's read-only data.
 *
 * No symbol says where the tables are, so they are found by what they must look
 * like, and each step proves the one before:
 *
 *  1. token_index: 256 increasing 16-bit offsets, right after the 256 strings of
 *     token_table that they point to;
 *  2. num_syms: a 32-bit count, somewhere before, such that walking that many
 *     names after it ends at markers[], which repeats the offset of every 256th;
 *  3. addresses, by one of the three encodings below, at one of the places below:
 *     the encoding is right when addresses never decrease and text symbols fall
 *     into executable sections.
 *
 *   layout            order of the tables                      address of symbol i
 *   to 6.3            offsets base num names markers tokens    ABSOLUTE_PERCPU or BASE
 *   6.4 to 6.1x       num names markers tokens offsets base    ABSOLUTE_PERCPU or BASE
 *   after             num names markers tokens offsets         PLACE
 *
 *   ABSOLUTE_PERCPU   offset < 0 ? base - 1 - offset : offset  (x86 SMP)
 *   BASE              base + (unsigned)offset
 *   PLACE             address of offsets[i] + offset
 *
 * Little-endian images only. Names have at most 8191 tokens (two length bytes).
 */
#include <stdlib.h>
#include <string.h>
#include "image-priv.h"

#define TOKENS 256
#define MARKER_STEP 256
#define MIN_SYMS 16
/* How far before token_table the count may be: bounds the search. */
#define MAX_NAMES ((size_t)64 << 20)
/* Names looked at in all while searching the count: bounds damaged input. */
#define WALK_BUDGET ((uint64_t)1 << 28)

typedef enum AddressMode { MODE_ABSOLUTE_PERCPU, MODE_BASE, MODE_PLACE } AddressMode;

typedef struct Tables {
    const ImageSection *section;
    const uint8_t *d;    /* section->data; all that follows are offsets in it */
    size_t size;
    size_t token_table;
    size_t token_index;
    size_t num_pos;
    size_t names;
    uint32_t count;
    size_t offsets;
    uint64_t base;
    AddressMode mode;
    uint64_t budget;
} Tables;

static uint16_t rd16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

static uint32_t rd32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t rd64(const uint8_t *p)
{
    return rd32(p) | (uint64_t)rd32(p + 4) << 32;
}

static size_t align_up(size_t pos, size_t align)
{
    return (pos + align - 1) & ~(align - 1);
}

static bool looks_like_token_index(const uint8_t *p)
{
    if (rd16(p) != 0 || rd16(p + 2) < 2) {
        return false;
    }
    for (int i = 1; i < TOKENS; i++) {
        unsigned step = rd16(p + 2 * i) - rd16(p + 2 * (i - 1));

        if (step < 2 || step > 128) {
            return false;
        }
    }
    return true;
}

/* True when the strings at @start are what token_index at @index says. */
static bool tokens_match(const Tables *t, size_t start, size_t index)
{
    size_t last = start + rd16(t->d + index + 2 * (TOKENS - 1));

    for (int i = 0; i < TOKENS - 1; i++) {
        size_t from = start + rd16(t->d + index + 2 * i);
        size_t to = start + rd16(t->d + index + 2 * (i + 1));

        if (memchr(t->d + from, 0, to - from) != t->d + to - 1) {
            return false;
        }
    }
    const uint8_t *end = memchr(t->d + last, 0, index - last);
    if (!end || end == t->d + last) {
        return false;
    }
    for (const uint8_t *p = end; p < t->d + index; p++) { /* alignment */
        if (*p) {
            return false;
        }
    }
    return true;
}

/* From @from on, find a token_index and the token_table in front of it. */
static bool find_tokens(Tables *t, size_t from)
{
    for (size_t pos = from; pos + 2 * TOKENS <= t->size; pos += 4) {
        if (!looks_like_token_index(t->d + pos)) {
            continue;
        }
        size_t span = rd16(t->d + pos + 2 * (TOKENS - 1));
        for (size_t tail = 2; tail < 128; tail++) {
            if (span + tail > pos) {
                break;
            }
            size_t start = pos - span - tail;
            if (start % 4 == 0 && tokens_match(t, start, pos)) {
                t->token_table = start;
                t->token_index = pos;
                return true;
            }
        }
    }
    return false;
}

/* Length in tokens of the name at @pos, which moves to its first token; 0: none. */
static size_t name_length(const Tables *t, size_t *pos, size_t limit)
{
    if (*pos + 2 > limit) {
        return 0;
    }
    size_t len = t->d[(*pos)++];
    if (len & 0x80) {
        len = (len & 0x7f) | (size_t)t->d[(*pos)++] << 7;
    }
    return len <= limit - *pos ? len : 0;
}

static bool markers_match(const Tables *t, size_t pos, const GArray *seen)
{
    if (pos > t->token_table || (t->token_table - pos) / 4 < seen->len) {
        return false;
    }
    for (guint i = 0; i < seen->len; i++) {
        if (rd32(t->d + pos + 4 * i) != g_array_index(seen, uint32_t, i)) {
            return false;
        }
    }
    return true;
}

/* True when @count names start at @names and markers follow them. */
static bool names_match(Tables *t, size_t names, uint32_t count)
{
    g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    size_t pos = names;

    for (uint32_t i = 0; i < count; i++) {
        if (i % MARKER_STEP == 0) {
            uint32_t offset = pos - names;

            g_array_append_val(seen, offset);
        }
        size_t len = name_length(t, &pos, t->token_table);
        if (!len || t->budget == 0) {
            return false;
        }
        t->budget--;
        pos += len;
    }
    return markers_match(t, align_up(pos, 4), seen) ||
           markers_match(t, align_up(pos, 8), seen);
}

static bool find_names(Tables *t)
{
    size_t first = t->token_table > MAX_NAMES ? t->token_table - MAX_NAMES : 0;

    for (size_t pos = t->token_table; pos >= first + 8 && t->budget > 0;) {
        pos -= 4;
        uint32_t count = rd32(t->d + pos);
        if (count < MIN_SYMS || count > IMAGE_MAX_SYMBOLS ||
            count > (t->token_table - pos) / 2) {
            continue;
        }
        for (size_t gap = 4; gap <= 8; gap += 4) {
            if (names_match(t, pos + gap, count)) {
                t->num_pos = pos;
                t->names = pos + gap;
                t->count = count;
                return true;
            }
        }
    }
    return false;
}

static uint64_t address_of(const Tables *t, uint32_t i)
{
    size_t pos = t->offsets + 4 * (size_t)i;
    int32_t offset = rd32(t->d + pos);

    switch (t->mode) {
    case MODE_ABSOLUTE_PERCPU:
        return offset < 0 ? t->base - 1 - (int64_t)offset : (uint64_t)offset;
    case MODE_BASE:
        return t->base + (uint32_t)offset;
    case MODE_PLACE:
    default:
        return t->section->addr + pos + (int64_t)offset;
    }
}

/* Expand a name: its type letter, then the name, into @out. */
static bool expand(const Tables *t, size_t pos, size_t len, GString *out)
{
    g_string_truncate(out, 0);
    for (size_t i = 0; i < len; i++) {
        unsigned token = rd16(t->d + t->token_index + 2 * t->d[pos + i]);

        g_string_append(out, (const char *)t->d + t->token_table + token);
        if (out->len > IMAGE_MAX_NAME) {
            return false;
        }
    }
    for (size_t i = 0; i < out->len; i++) {
        if ((unsigned char)out->str[i] <= ' ' || out->str[i] == 0x7f) {
            return false;
        }
    }
    return out->len > 1 && g_ascii_isalpha(out->str[0]);
}

static bool in_text(const ImageElf *ie, uint64_t addr)
{
    for (guint i = 0; i < ie->sections->len; i++) {
        const ImageSection *section = &g_array_index(ie->sections, ImageSection, i);

        if ((section->flags & SHF_EXECINSTR) && addr >= section->addr &&
            addr - section->addr <= section->size) {
            return true;
        }
    }
    return false;
}

/* Of the text symbols, nine in ten must be where code is. */
static bool text_is_in_place(const Tables *t, const ImageElf *ie)
{
    size_t pos = t->names, good = 0, all = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        size_t len = name_length(t, &pos, t->token_table);
        unsigned first = rd16(t->d + t->token_index + 2 * t->d[pos]);

        if (g_ascii_toupper(t->d[t->token_table + first]) == 'T') {
            all++;
            good += in_text(ie, address_of(t, i));
        }
        pos += len;
    }
    return all && good >= all - all / 10;
}

static bool addresses_match(const Tables *t, const ImageElf *ie)
{
    if (t->offsets % 4 || t->offsets > t->size ||
        (t->size - t->offsets) / 4 < t->count) {
        return false;
    }
    for (uint32_t i = 1; i < t->count; i++) {
        if (address_of(t, i) < address_of(t, i - 1)) {
            return false;
        }
    }
    return text_is_in_place(t, ie);
}

/* Offsets at @offsets with a base at @base_at, by either encoding with a base. */
static bool try_with_base(Tables *t, const ImageElf *ie, size_t offsets, size_t base_at)
{
    if (base_at > t->size || t->size - base_at < 8) {
        return false;
    }
    t->offsets = offsets;
    t->base = gelf_getclass(ie->elf) == ELFCLASS32 ? rd32(t->d + base_at)
                                                   : rd64(t->d + base_at);
    t->mode = MODE_ABSOLUTE_PERCPU;
    if (addresses_match(t, ie)) {
        return true;
    }
    t->mode = MODE_BASE;
    return addresses_match(t, ie);
}

static bool try_place(Tables *t, const ImageElf *ie, size_t offsets)
{
    t->offsets = offsets;
    t->mode = MODE_PLACE;
    return addresses_match(t, ie);
}

static bool find_addresses(Tables *t, const ImageElf *ie)
{
    size_t bytes = 4 * (size_t)t->count;
    size_t after = t->token_index + 2 * TOKENS;

    for (size_t align = 4; align <= 8; align += 4) {
        size_t offsets = align_up(after, align);

        if (try_with_base(t, ie, offsets, align_up(offsets + bytes, align)) ||
            try_place(t, ie, offsets)) {
            return true;
        }
        size_t before = align_up(bytes, align) + align;
        if (t->num_pos >= before &&
            try_with_base(t, ie, t->num_pos - before, t->num_pos - align)) {
            return true;
        }
        before -= align;
        if (t->num_pos >= before && try_place(t, ie, t->num_pos - before)) {
            return true;
        }
    }
    return false;
}

static size_t write_text(const Tables *t, GString *text)
{
    g_autoptr(GString) name = g_string_new(NULL);
    size_t pos = t->names, lines = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        size_t len = name_length(t, &pos, t->token_table);

        if (expand(t, pos, len, name) && strncmp(name->str + 1, "__pfx_", 6)) {
            mtrace_image_text_line(text, address_of(t, i), name->str[0],
                                   name->str + 1, 0);
            lines++;
        }
        pos += len;
    }
    return lines;
}

static size_t decode_section(const ImageElf *ie, const ImageSection *section,
                             GString *text, const char **note)
{
    Tables t = {
        .section = section, .d = section->data, .size = section->size,
        .budget = WALK_BUDGET,
    };
    size_t from = 0;

    while (find_tokens(&t, from)) {
        if (!find_names(&t)) {
            *note = "the kallsyms token table was found, but not the names";
        } else if (!find_addresses(&t, ie)) {
            *note = "the kallsyms names were found, but not their addresses";
        } else {
            return write_text(&t, text);
        }
        from = t.token_index + 4;
    }
    return 0;
}

size_t mtrace_image_kallsyms(const ImageElf *ie, GString *text, char **note)
{
    const char *why = "no .symtab and no kallsyms tables";

    if (ie->big_endian) {
        *note = g_strdup("kallsyms of big-endian images are not read");
        return 0;
    }
    for (guint i = 0; i < ie->sections->len; i++) {
        const ImageSection *section = &g_array_index(ie->sections, ImageSection, i);

        if (section->type != SHT_PROGBITS || !(section->flags & SHF_ALLOC) ||
            !section->data || section->size < 4096) {
            continue;
        }
        size_t lines = decode_section(ie, section, text, &why);
        if (lines) {
            return lines;
        }
    }
    *note = g_strdup(why);
    return 0;
}
