/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images: opening, and the accessors of mtrace/image.h.
 *
 * All reading happens in mtrace_image_open(); afterwards the image is constant.
 * A file is mapped, not read, so that a vmlinux of hundreds of megabytes with
 * debug information costs only the pages of its headers and symbols.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <glib/gstdio.h>
#include "image-priv.h"

typedef struct NamedSection {
    char *name;
    const uint8_t *data; /* inside elf_bytes */
    size_t size;
} NamedSection;

struct MtraceImage {
    char *path;
    GBytes *elf_bytes;
    MtraceImageFormat format;
    const char *codec;
    char *build_id;
    unsigned machine;
    unsigned bits;
    bool has_dwarf;
    GArray *sections; /* of NamedSection: those with plain contents */
    MtraceImageSymbols symbols_from;
    size_t symbol_count;
    GString *symbols;
    char *note;
};

GQuark mtrace_image_error_quark(void)
{
    return g_quark_from_static_string("mtrace-image-error-quark");
}

static GBytes *map_file(const char *path, GError **error)
{
    struct stat st;

    if (g_stat(path, &st) < 0) {
        int err = errno;

        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(err),
                    "cannot open '%s': %s", path, g_strerror(err));
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        g_set_error(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_FORMAT,
                    "'%s' is not a regular file", path);
        return NULL;
    }
    if ((uint64_t)st.st_size > MTRACE_IMAGE_MAX_FILE) {
        g_set_error(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_TOO_BIG,
                    "'%s' is larger than %" G_GUINT64_FORMAT " bytes", path,
                    MTRACE_IMAGE_MAX_FILE);
        return NULL;
    }

    GMappedFile *map = g_mapped_file_new(path, FALSE, error);
    if (!map) {
        return NULL;
    }
    GBytes *bytes = g_mapped_file_get_bytes(map);
    g_mapped_file_unref(map);
    return bytes;
}

static void read_symbols(MtraceImage *image, const ImageElf *ie)
{
    image->symbol_count = mtrace_image_symtab(ie, image->symbols);
    if (image->symbol_count) {
        image->symbols_from = MTRACE_IMAGE_SYMBOLS_SYMTAB;
        return;
    }
    image->symbol_count = mtrace_image_kallsyms(ie, image->symbols, &image->note);
    if (image->symbol_count) {
        image->symbols_from = MTRACE_IMAGE_SYMBOLS_KALLSYMS;
    }
}

static void keep_sections(MtraceImage *image, const ImageElf *ie)
{
    for (guint i = 0; i < ie->sections->len; i++) {
        const ImageSection *section = &g_array_index(ie->sections, ImageSection, i);

        if (*section->name && section->data && !(section->flags & SHF_COMPRESSED)) {
            NamedSection named = {
                .name = g_strdup(section->name),
                .data = section->data,
                .size = section->size,
            };
            g_array_append_val(image->sections, named);
        }
    }
}

static void clear_section(gpointer section)
{
    g_free(((NamedSection *)section)->name);
}

static bool read_elf(MtraceImage *image, GError **error)
{
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(image->elf_bytes, &size);
    ImageElf ie = { 0 };

    if (!mtrace_image_elf_open(&ie, bytes, size, error)) {
        mtrace_image_elf_close(&ie);
        return false;
    }
    image->machine = ie.ehdr.e_machine;
    image->bits = gelf_getclass(ie.elf) == ELFCLASS32 ? 32 : 64;
    image->build_id = mtrace_image_elf_build_id(&ie);
    image->has_dwarf = mtrace_image_elf_section(&ie, ".debug_info") ||
                       mtrace_image_elf_section(&ie, ".zdebug_info");

    keep_sections(image, &ie);
    read_symbols(image, &ie);
    mtrace_image_elf_close(&ie);
    return true;
}

static bool load(MtraceImage *image, GBytes *file, GError **error)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(file, &size);

    if (size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG)) {
        image->format = MTRACE_IMAGE_FORMAT_ELF;
        image->codec = "none";
        image->elf_bytes = g_bytes_ref(file);
        return read_elf(image, error);
    }
    if (!mtrace_image_is_bzimage(data, size)) {
        g_set_error_literal(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_FORMAT,
                            "neither an ELF file nor a bzImage");
        return false;
    }
    image->format = MTRACE_IMAGE_FORMAT_BZIMAGE;
    image->elf_bytes = mtrace_image_unpack(data, size, &image->codec, error);
    return image->elf_bytes && read_elf(image, error);
}

MtraceImage *mtrace_image_open_bytes(const char *name, GBytes *bytes,
                                     GError **error)
{
    MtraceImage *image = g_new0(MtraceImage, 1);

    image->path = g_strdup(name);
    image->codec = "none";
    image->symbols = g_string_new(NULL);
    image->sections = g_array_new(FALSE, FALSE, sizeof(NamedSection));
    g_array_set_clear_func(image->sections, clear_section);
    if (!load(image, bytes, error)) {
        g_prefix_error(error, "reading kernel image '%s': ", name);
        mtrace_image_free(image);
        return NULL;
    }
    return image;
}

MtraceImage *mtrace_image_open(const char *path, GError **error)
{
    g_autoptr(GBytes) file = map_file(path, error);

    return file ? mtrace_image_open_bytes(path, file, error) : NULL;
}

void mtrace_image_free(MtraceImage *image)
{
    if (!image) {
        return;
    }
    g_free(image->path);
    g_free(image->build_id);
    g_free(image->note);
    g_string_free(image->symbols, TRUE);
    g_array_unref(image->sections);
    g_clear_pointer(&image->elf_bytes, g_bytes_unref);
    g_free(image);
}

const char *mtrace_image_path(const MtraceImage *image)
{
    return image->path;
}

MtraceImageFormat mtrace_image_format(const MtraceImage *image)
{
    return image->format;
}

const char *mtrace_image_codec(const MtraceImage *image)
{
    return image->codec;
}

const char *mtrace_image_build_id(const MtraceImage *image)
{
    return image->build_id;
}

unsigned mtrace_image_machine(const MtraceImage *image)
{
    return image->machine;
}

unsigned mtrace_image_bits(const MtraceImage *image)
{
    return image->bits;
}

bool mtrace_image_has_dwarf(const MtraceImage *image)
{
    return image->has_dwarf;
}

const uint8_t *mtrace_image_elf(const MtraceImage *image, size_t *size)
{
    gsize n;
    const uint8_t *bytes = g_bytes_get_data(image->elf_bytes, &n);

    *size = n;
    return bytes;
}

const uint8_t *mtrace_image_btf(const MtraceImage *image, size_t *size)
{
    return mtrace_image_section(image, ".BTF", size);
}

const uint8_t *mtrace_image_section(const MtraceImage *image, const char *name,
                                    size_t *size)
{
    for (guint i = 0; i < image->sections->len; i++) {
        const NamedSection *section = &g_array_index(image->sections, NamedSection, i);

        if (!strcmp(section->name, name)) {
            *size = section->size;
            return section->data;
        }
    }
    *size = 0;
    return NULL;
}

MtraceImageSymbols mtrace_image_symbols_from(const MtraceImage *image)
{
    return image->symbols_from;
}

size_t mtrace_image_symbol_count(const MtraceImage *image)
{
    return image->symbol_count;
}

const char *mtrace_image_symbols(const MtraceImage *image, size_t *size)
{
    *size = image->symbols->len;
    return image->symbols->str;
}

const char *mtrace_image_symbols_note(const MtraceImage *image)
{
    return image->note;
}
