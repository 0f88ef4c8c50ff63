/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the guest's addresses: the images that the log carries, the files
 * that they came from when those still exist, and the user's -k files, in
 * rising order of precedence.
 *
 * Where per-CPU areas and a moved kernel lie comes from register records, as
 * they are read; addresses are named only when a report needs it.
 */
#include "mscan-internal.h"
#include "mtrace/image.h"
#include "sym.h"
#include <string.h>

/* Linux's system-call entry, which LSTAR points to. */
#define ENTRY_SYMBOL "entry_SYSCALL_64"
/* Above it lies the kernel's half of a 64-bit address space. */
#define KERNEL_HALF (1ull << 63)
/* Most -k files and images of a log; both are read into memory. */
#define MAX_IMAGES 64

struct MscanSymbols {
    SymSpace *space;
    GStringChunk *names;
    GPtrArray *notes;    /* char *, NULL-terminated by the accessor */
    unsigned from_log;   /* images 0 … from_log - 1 of the space */
};

static void note(MscanSymbols *symbols, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

static void note(MscanSymbols *symbols, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_insert(symbols->notes, symbols->notes->len - 1,
                       g_strdup_vprintf(format, args));
    va_end(args);
}

/* A section as text (the reader puts a NUL behind it), or NULL. */
static const char *section_text(MtraceLogReader *reader, unsigned i,
                                const char *section)
{
    size_t len;
    const char *text = mtrace_log_reader_image(reader, i, section, &len);

    return text && len ? text : NULL;
}

static const char *image_title(MtraceLogReader *reader, unsigned i)
{
    const char *path = section_text(reader, i, "path");
    const char *name = section_text(reader, i, "name");

    return name ? name : path ? path : "guest program";
}

static bool add_log_image(MscanSymbols *symbols, MtraceLogReader *reader,
                          unsigned i)
{
    size_t symbols_len = 0, btf_len = 0;
    const char *text = mtrace_log_reader_image(reader, i, "symbols",
                                               &symbols_len);
    const void *btf = mtrace_log_reader_image(reader, i, "btf", &btf_len);
    g_autoptr(GError) error = NULL;

    if (!sym_space_add_parts(symbols->space, image_title(reader, i),
                             text, symbols_len, btf, btf_len,
                             section_text(reader, i, "build-id"), &error)) {
        note(symbols, "the log's symbols of %s cannot be used: %s",
             image_title(reader, i), error->message);
        return false;
    }
    return true;
}

/* The file an image came from has lines and inlines, which the log lacks. */
static void add_original(MscanSymbols *symbols, MtraceLogReader *reader,
                         unsigned i)
{
    const char *path = section_text(reader, i, "path");
    const char *build_id = section_text(reader, i, "build-id");
    g_autoptr(MtraceImage) image = NULL;
    g_autoptr(GError) error = NULL;

    if (!path || !build_id || !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        return;
    }
    image = mtrace_image_open(path, NULL);
    if (!image || !mtrace_image_has_dwarf(image) ||
        g_strcmp0(mtrace_image_build_id(image), build_id)) {
        return;
    }
    g_clear_pointer(&image, mtrace_image_free);
    if (!sym_space_add_file(symbols->space, path, &error)) {
        note(symbols, "%s is not used for lines and types: %s", path,
             error->message);
    }
}

static bool log_has_build_id(MscanSymbols *symbols, const char *build_id,
                             bool *any)
{
    SymImageInfo info;

    *any = false;
    for (unsigned i = 0; i < symbols->from_log; i++) {
        if (sym_space_image(symbols->space, i, &info) && info.build_id) {
            *any = true;
            if (!g_strcmp0(info.build_id, build_id)) {
                return true;
            }
        }
    }
    return false;
}

static bool add_kernel(MscanSymbols *symbols, const char *path,
                       GError **error)
{
    SymImageInfo info;
    bool any;

    if (!sym_space_add_file(symbols->space, path, error)) {
        return false;
    }
    sym_space_image(symbols->space, sym_space_image_count(symbols->space) - 1,
                    &info);
    if (!log_has_build_id(symbols, info.build_id, &any) && any) {
        note(symbols, "%s is another build than the kernel in the log (build-id"
             " %s): names may be wrong; leave -k out to use the log's own",
             path, info.build_id ? info.build_id : "none");
    }
    return true;
}

MscanSymbols *mscan_symbols_new(MtraceLogReader *reader, GStringChunk *names,
                                const char *const *kernels, GError **error)
{
    MscanSymbols *symbols = g_new0(MscanSymbols, 1);
    unsigned n = MIN(mtrace_log_reader_n_images(reader), MAX_IMAGES);

    symbols->space = sym_space_new();
    symbols->names = names;
    symbols->notes = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(symbols->notes, NULL);
    for (unsigned i = 0; i < n; i++) {
        symbols->from_log += add_log_image(symbols, reader, i);
    }
    for (unsigned i = 0; i < n; i++) {
        add_original(symbols, reader, i);
    }
    for (; kernels && *kernels; kernels++) {
        if (!add_kernel(symbols, *kernels, error)) {
            mscan_symbols_free(symbols);
            return NULL;
        }
    }
    return symbols;
}

void mscan_symbols_free(MscanSymbols *symbols)
{
    if (symbols) {
        sym_space_free(symbols->space);
        g_ptr_array_free(symbols->notes, TRUE);
        g_free(symbols);
    }
}

void mscan_symbols_register(MscanSymbols *symbols,
                            const MtraceRecordRegister *record)
{
    switch (record->reg) {
    case MTRACE_REGISTER_KERNEL_GS_BASE:
        sym_space_set_percpu_base(symbols->space, record->h.cpu,
                                  record->value);
        break;
    case MTRACE_REGISTER_LSTAR:
        sym_space_set_anchor(symbols->space, ENTRY_SYMBOL, record->value);
        break;
    }
}

unsigned mscan_symbols_n_images(MscanSymbols *symbols)
{
    return sym_space_image_count(symbols->space);
}

void mscan_symbols_image(MscanSymbols *symbols, unsigned i, MscanImage *image)
{
    SymImageInfo info = { 0 };

    sym_space_image(symbols->space, i, &info);
    *image = (MscanImage) {
        .name = info.name,
        .build_id = info.build_id,
        .from_file = i >= symbols->from_log,
        .has_types = info.has_dwarf || info.has_btf,
        .has_lines = info.has_dwarf,
        .symbols = info.n_symbols,
    };
}

const char *const *mscan_symbols_notes(MscanSymbols *symbols)
{
    return (const char *const *)symbols->notes->pdata;
}

/* ---- data -------------------------------------------------------------- */

static const char *intern(MscanSymbols *symbols, char *text)
{
    const char *kept = g_string_chunk_insert_const(symbols->names, text);

    g_free(text);
    return kept;
}

static void place_in_label(MscanSymbols *symbols, const char *label,
                           uint64_t offset, MscanPlace *place)
{
    SymField field;

    place->kind = MSCAN_PLACE_LABEL;
    if (sym_type_lookup(symbols->space, label, offset, &field)) {
        uint64_t within = offset - field.offset;

        place->type = field.type;
        place->name = intern(symbols, within
            ? g_strdup_printf("%s%s+0x%" PRIx64, label, field.path, within)
            : g_strdup_printf("%s%s", label, field.path));
        return;
    }
    place->name = intern(symbols,
                         g_strdup_printf("%s+0x%" PRIx64, label, offset));
}

static void place_in_symbol(MscanSymbols *symbols, const SymData *data,
                            MscanPlace *place)
{
    place->type = data->field_type;
    if (data->cpu >= 0) {
        place->kind = MSCAN_PLACE_PERCPU;
        place->name = intern(symbols, g_strdup_printf("%s (cpu %d)",
                                                      data->path, data->cpu));
    } else {
        place->kind = g_ascii_tolower(data->symbol_type) == 't'
                          ? MSCAN_PLACE_TEXT : MSCAN_PLACE_STATIC;
        place->name = data->path;
    }
}

void mscan_symbols_place(MscanSymbols *symbols, uint64_t vaddr, unsigned cpl,
                         const char *label, uint64_t offset,
                         MscanPlace *place)
{
    SymData data;
    const char *what;

    *place = (MscanPlace) { .kind = MSCAN_PLACE_UNKNOWN };
    if (label) {
        place_in_label(symbols, label, offset, place);
        return;
    }
    if (cpl < 3 && sym_lookup_data(symbols->space, vaddr, &data)) {
        place_in_symbol(symbols, &data, place);
        return;
    }
    if (cpl == 3 && vaddr < KERNEL_HALF) {
        place->kind = MSCAN_PLACE_USER;
        what = "user address";
    } else {
        what = vaddr < KERNEL_HALF ? "unknown address"
                                   : "unknown kernel address";
    }
    place->name = intern(symbols, g_strdup_printf("%s 0x%" PRIx64, what,
                                                  vaddr));
}

/* ---- code -------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

static const char *inline_chain(MscanSymbols *symbols, const SymCode *code)
{
    g_autoptr(GString) chain = g_string_new(NULL);

    if (code->n_frames < 2) {
        return code->symbol;
    }
    for (uint32_t i = 0; i + 1 < code->n_frames; i++) {
        g_string_append_printf(chain, "%s < ", code->frames[i].function);
    }
    g_string_append(chain, code->symbol);
    return g_string_chunk_insert_const(symbols->names, chain->str);
}

void mscan_symbols_code(MscanSymbols *symbols, uint64_t pc, unsigned cpl,
                        MscanCode *result)
{
    SymCode code;

    *result = (MscanCode) { 0 };
    if (cpl == 3) {
        result->text = intern(symbols, g_strdup_printf("user:0x%" PRIx64, pc));
        result->function = result->text;
        return;
    }
    result->text = sym_format_code(symbols->space, pc);
    if (!sym_lookup_code(symbols->space, pc, &code)) {
        result->function = result->text;
        return;
    }
    result->function = inline_chain(symbols, &code);
    if (code.file) {
        result->file_line = intern(symbols,
            g_strdup_printf("%s:%" PRIu32, base_name(code.file), code.line));
    }
}
