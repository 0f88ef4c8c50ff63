/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbols from an ELF .symtab, written as the symbol text of mtrace/image.h.
 *
 * Kept are functions, objects and untyped labels of allocated sections. A label
 * without a size reaches to the next symbol or to the end of its section,
 * whichever comes first; that makes every range of the text lie inside one
 * section. Absolute symbols are constants, except where they mark a place in the
 * image (_end and its like).
 */
#include <string.h>
#include "image-priv.h"

void mtrace_image_text_line(GString *text, uint64_t addr, char type,
                            const char *name, uint64_t size)
{
    static const char digits[] = "0123456789abcdef";
    char head[19];

    for (int i = 0; i < 16; i++) {
        head[i] = digits[addr >> (60 - 4 * i) & 15];
    }
    head[16] = ' ';
    head[17] = type;
    head[18] = ' ';
    g_string_append_len(text, head, sizeof(head));
    g_string_append(text, name);
    if (size) {
        g_string_append_printf(text, " %" G_GINT64_MODIFIER "x", size);
    }
    g_string_append_c(text, '\n');
}

static bool name_is_usable(const char *name)
{
    size_t n = 0;

    if (!*name || *name == '$' || !strncmp(name, ".L", 2) ||
        !strncmp(name, "__pfx_", 6)) {
        return false;
    }
    for (; name[n]; n++) {
        if ((unsigned char)name[n] <= ' ' || name[n] == 0x7f || n >= IMAGE_MAX_NAME) {
            return false;
        }
    }
    return true;
}

static char section_letter(const ImageSection *section)
{
    if (section->flags & SHF_EXECINSTR) {
        return 't';
    }
    if (!(section->flags & SHF_WRITE)) {
        return 'r';
    }
    return section->type == SHT_NOBITS ? 'b' : 'd';
}

static char symbol_letter(const ImageSection *section, const GElf_Sym *sym)
{
    int bind = GELF_ST_BIND(sym->st_info);
    char letter = section_letter(section);

    if (bind == STB_WEAK) {
        return GELF_ST_TYPE(sym->st_info) == STT_OBJECT ? 'V' : 'W';
    }
    return bind == STB_LOCAL ? letter : g_ascii_toupper(letter);
}

/* Typed before untyped, global before local, plain names before _names. */
static uint8_t symbol_rank(const GElf_Sym *sym, const char *name)
{
    uint8_t rank = GELF_ST_TYPE(sym->st_info) == STT_NOTYPE ? 64 : 0;

    if (GELF_ST_BIND(sym->st_info) == STB_LOCAL) {
        rank += 32;
    } else if (GELF_ST_BIND(sym->st_info) == STB_WEAK) {
        rank += 16;
    }
    return rank + MIN(strspn(name, "_"), 15);
}

/* The section that a symbol outside its own marks a place of, its end included. */
static const ImageSection *section_around(const ImageElf *ie, uint64_t addr)
{
    for (guint i = 0; i < ie->sections->len; i++) {
        const ImageSection *section = &g_array_index(ie->sections, ImageSection, i);

        if ((section->flags & SHF_ALLOC) && section->addr && addr >= section->addr &&
            addr - section->addr <= section->size) {
            return section;
        }
    }
    return NULL;
}

static bool convert_marker(const ImageElf *ie, ImageSymbol *out)
{
    out->type = 'A';
    out->rank += 128;
    return section_around(ie, out->addr) != NULL;
}

static bool convert(const ImageElf *ie, const GElf_Sym *sym, uint32_t shndx,
                    const char *name, ImageSymbol *out)
{
    int type = GELF_ST_TYPE(sym->st_info);
    const ImageSection *section;

    if ((type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE &&
         type != STT_GNU_IFUNC) || !name_is_usable(name)) {
        return false;
    }
    out->addr = sym->st_value;
    out->name = name;
    out->rank = symbol_rank(sym, name);
    if (sym->st_shndx == SHN_ABS) {
        return convert_marker(ie, out);
    }
    if (shndx == SHN_UNDEF || shndx >= ie->sections->len) {
        return false;
    }
    section = &g_array_index(ie->sections, ImageSection, shndx);
    if (!(section->flags & SHF_ALLOC) || (section->flags & SHF_TLS)) {
        return false;
    }
    if (sym->st_value < section->addr ||
        sym->st_value - section->addr > section->size) {
        return convert_marker(ie, out);
    }
    out->type = symbol_letter(section, sym);
    out->end = section->addr + section->size;
    out->size = MIN(sym->st_size, out->end - out->addr);
    return true;
}

static int compare(gconstpointer pa, gconstpointer pb)
{
    const ImageSymbol *a = pa, *b = pb;

    if (a->addr != b->addr) {
        return a->addr < b->addr ? -1 : 1;
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

/* @symbols are sorted; fill sizes from the back, where the next address is known. */
static void fill_sizes(GArray *symbols)
{
    uint64_t next = UINT64_MAX, this_addr = UINT64_MAX;

    for (guint i = symbols->len; i-- > 0;) {
        ImageSymbol *sym = &g_array_index(symbols, ImageSymbol, i);

        if (sym->addr != this_addr) {
            next = this_addr;
            this_addr = sym->addr;
        }
        if (!sym->size && sym->end > sym->addr) {
            sym->size = MIN(next, sym->end) - sym->addr;
        }
    }
}

static void collect(const ImageElf *ie, size_t index, GArray *symbols)
{
    Elf_Scn *scn = elf_getscn(ie->elf, index);
    Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
    Elf_Data *xdata = NULL;
    GElf_Shdr shdr;

    if (!data || !gelf_getshdr(scn, &shdr)) {
        return;
    }
    for (guint i = 0; i < ie->sections->len; i++) {
        if (g_array_index(ie->sections, ImageSection, i).type == SHT_SYMTAB_SHNDX) {
            xdata = elf_getdata(elf_getscn(ie->elf, i), NULL);
        }
    }

    size_t entry = gelf_fsize(ie->elf, ELF_T_SYM, 1, EV_CURRENT);
    size_t count = MIN(data->d_size / entry, IMAGE_MAX_SYMBOLS);
    for (size_t i = 1; i < count; i++) {
        ImageSymbol symbol = { .order = i };
        Elf32_Word shndx = 0;
        GElf_Sym sym;

        if (!gelf_getsymshndx(data, xdata, i, &sym, &shndx)) {
            continue;
        }
        const char *name = elf_strptr(ie->elf, shdr.sh_link, sym.st_name);
        if (sym.st_shndx != SHN_XINDEX) {
            shndx = sym.st_shndx;
        }
        if (name && convert(ie, &sym, shndx, name, &symbol)) {
            g_array_append_val(symbols, symbol);
        }
    }
}

size_t mtrace_image_symtab(const ImageElf *ie, GString *text)
{
    g_autoptr(GArray) symbols = g_array_new(FALSE, FALSE, sizeof(ImageSymbol));

    for (guint i = 0; ie->has_sections && i < ie->sections->len; i++) {
        const ImageSection *section = &g_array_index(ie->sections, ImageSection, i);

        if (section->type == SHT_SYMTAB && section->data) {
            collect(ie, i, symbols);
            break;
        }
    }
    g_array_sort(symbols, compare);
    fill_sizes(symbols);
    for (guint i = 0; i < symbols->len; i++) {
        const ImageSymbol *sym = &g_array_index(symbols, ImageSymbol, i);

        mtrace_image_text_line(text, sym->addr, sym->type, sym->name, sym->size);
    }
    return symbols->len;
}
