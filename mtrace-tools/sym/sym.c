/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The symbol space: images, where they are at run time, and the lookups.
 *
 * Lookups turn a run-time address into a link-time one and ask the images, last
 * added first: the first with a symbol gives the name; types and lines come from
 * the first that has them. Answers for code are kept per link-time address and
 * types of variables per symbol: a trace asks for the same few again and again.
 * Bases of per-CPU areas are one sorted array; a base set again, for whichever CPU,
 * is the newest.
 */
#include <string.h>
#include "mtrace/image.h"
#include "sym-priv.h"

#define PAGE_MASK ((uint64_t)4095)
#define POOL_BLOCK ((size_t)64 << 10)

typedef struct SymImage {
    const char *name;
    const char *build_id;
    const char *note;
    SymTable table;
    SymBtf *btf;        /* NULL: none */
    const char *dwarf_path; /* NULL: no DWARF, or it did not open */
    bool big_endian;
    SymDwarf *dwarf;    /* opened when first needed */
} SymImage;

typedef struct PercpuBase {
    uint64_t base;
    uint64_t age; /* higher is newer */
    unsigned cpu;
} PercpuBase;

typedef struct CachedCode {
    gint64 address; /* link-time; the hash key */
    bool found;
    SymCode code;
} CachedCode;

typedef struct CachedVariable {
    SymTypes *types;
    uint64_t type; /* id in types; 0: no image knows */
} CachedVariable;

struct SymSpace {
    SymPool pool;
    GPtrArray *images; /* of SymImage */
    int64_t slide;
    GArray *bases; /* of PercpuBase, by base */
    uint64_t age;
    GHashTable *codes;     /* address → CachedCode */
    GHashTable *variables; /* Symbol → CachedVariable */
};

GQuark sym_error_quark(void)
{
    return g_quark_from_static_string("sym-error-quark");
}

/* ---- pool ---- */

void sym_pool_init(SymPool *pool)
{
    pool->strings = g_string_chunk_new(POOL_BLOCK);
    pool->blocks = g_ptr_array_new_with_free_func(g_free);
    pool->room = 0;
    pool->next = NULL;
}

void sym_pool_clear(SymPool *pool)
{
    g_string_chunk_free(pool->strings);
    g_ptr_array_unref(pool->blocks);
}

const char *sym_pool_string(SymPool *pool, const char *str)
{
    return str ? g_string_chunk_insert_const(pool->strings, str) : NULL;
}

void *sym_pool_alloc(SymPool *pool, size_t size)
{
    void *at;

    size = (MAX(size, 1) + 15) & ~(size_t)15;
    if (size > POOL_BLOCK / 4) {
        at = g_malloc0(size);
        g_ptr_array_add(pool->blocks, at);
        return at;
    }
    if (size > pool->room) {
        pool->next = g_malloc0(POOL_BLOCK);
        pool->room = POOL_BLOCK;
        g_ptr_array_add(pool->blocks, pool->next);
    }
    at = pool->next;
    pool->next += size;
    pool->room -= size;
    return at;
}

/* ---- images ---- */

static void image_free(gpointer data)
{
    SymImage *image = data;

    sym_table_clear(&image->table);
    sym_btf_free(image->btf);
    sym_dwarf_free(image->dwarf);
    g_free(image);
}

SymSpace *sym_space_new(void)
{
    SymSpace *space = g_new0(SymSpace, 1);

    sym_pool_init(&space->pool);
    space->images = g_ptr_array_new_with_free_func(image_free);
    space->bases = g_array_new(FALSE, FALSE, sizeof(PercpuBase));
    space->codes = g_hash_table_new(g_int64_hash, g_int64_equal);
    space->variables = g_hash_table_new(NULL, NULL);
    return space;
}

void sym_space_free(SymSpace *space)
{
    if (!space) {
        return;
    }
    g_ptr_array_unref(space->images);
    g_array_unref(space->bases);
    g_hash_table_unref(space->codes);
    g_hash_table_unref(space->variables);
    sym_pool_clear(&space->pool);
    g_free(space);
}

static void add_note(SymSpace *space, SymImage *image, const char *note)
{
    g_autofree char *both = image->note ? g_strdup_printf("%s; %s", image->note, note)
                                        : g_strdup(note);

    image->note = sym_pool_string(&space->pool, both);
}

/* Make an image of its parts, not yet in the space. */
static SymImage *image_new(SymSpace *space, const char *name, const char *symbols,
                           size_t symbols_len, const char *build_id, GError **error)
{
    SymImage *image = g_new0(SymImage, 1);

    image->name = sym_pool_string(&space->pool, name ? name : "");
    image->build_id = sym_pool_string(&space->pool, build_id);
    if (!sym_table_parse(&image->table, &space->pool, symbols ? symbols : "",
                         symbols ? symbols_len : 0, error)) {
        g_prefix_error(error, "symbols of '%s': ", image->name);
        image_free(image);
        return NULL;
    }
    return image;
}

static void add_image(SymSpace *space, SymImage *image)
{
    g_ptr_array_add(space->images, image);
    /* The new image may know better. */
    g_hash_table_remove_all(space->codes);
    g_hash_table_remove_all(space->variables);
}

bool sym_space_add_parts(SymSpace *space, const char *name, const char *symbols,
                         size_t symbols_len, const void *btf, size_t btf_len,
                         const char *build_id, GError **error)
{
    SymImage *image = image_new(space, name, symbols, symbols_len, build_id, error);

    if (!image) {
        return false;
    }
    if (btf && btf_len) {
        image->btf = sym_btf_new(&space->pool, btf, btf_len, error);
        if (!image->btf) {
            g_prefix_error(error, "types of '%s': ", image->name);
            image_free(image);
            return false;
        }
    }
    add_image(space, image);
    return true;
}

static void use_dwarf(SymSpace *space, SymImage *image, const MtraceImage *file)
{
    static const char *const lists[] = { ".debug_rnglists", ".debug_loclists" };
    size_t size;

    if (!mtrace_image_has_dwarf(file) ||
        mtrace_image_format(file) != MTRACE_IMAGE_FORMAT_ELF) {
        return;
    }
    image->big_endian = mtrace_image_elf(file, &size)[5] == 2; /* EI_DATA */
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        const uint8_t *data = mtrace_image_section(file, lists[i], &size);

        if (!sym_dwarf_lists_good(data, size, image->big_endian)) {
            g_autofree char *note = g_strdup_printf("%s is damaged, so DWARF is not used",
                                                    lists[i]);
            add_note(space, image, note);
            return;
        }
    }
    image->dwarf_path = image->name;
}

bool sym_space_add_file(SymSpace *space, const char *path, GError **error)
{
    g_autoptr(MtraceImage) file = mtrace_image_open(path, error);
    g_autoptr(GError) err = NULL;
    size_t len;

    if (!file) {
        return false;
    }
    const char *symbols = mtrace_image_symbols(file, &len);
    SymImage *image = image_new(space, path, symbols, len, mtrace_image_build_id(file),
                                error);
    if (!image) {
        return false;
    }
    if (mtrace_image_symbols_note(file)) {
        add_note(space, image, mtrace_image_symbols_note(file));
    }
    const void *btf = mtrace_image_btf(file, &len);
    if (btf) {
        image->btf = sym_btf_new(&space->pool, btf, len, &err);
        if (!image->btf) {
            add_note(space, image, err->message);
        }
    }
    use_dwarf(space, image, file);
    add_image(space, image);
    return true;
}

size_t sym_space_image_count(const SymSpace *space)
{
    return space->images->len;
}

bool sym_space_image(const SymSpace *space, size_t index, SymImageInfo *info)
{
    if (index >= space->images->len) {
        return false;
    }
    const SymImage *image = g_ptr_array_index(space->images, index);
    *info = (SymImageInfo) {
        .name = image->name,
        .build_id = image->build_id,
        .note = image->note,
        .n_symbols = image->table.count,
        .has_dwarf = image->dwarf_path != NULL,
        .has_btf = image->btf != NULL,
    };
    return true;
}

/* The DWARF of an image, opened now if it was not; NULL when it has none. */
static SymDwarf *dwarf_of(SymSpace *space, SymImage *image)
{
    g_autoptr(GError) err = NULL;

    if (!image->dwarf && image->dwarf_path) {
        image->dwarf = sym_dwarf_new(&space->pool, image->dwarf_path, image->big_endian,
                                     &err);
        if (!image->dwarf) {
            image->dwarf_path = NULL;
            add_note(space, image, err->message);
        }
    }
    return image->dwarf;
}

/* ---- where things are ---- */

void sym_space_set_slide(SymSpace *space, int64_t slide)
{
    space->slide = slide;
}

int64_t sym_space_slide(const SymSpace *space)
{
    return space->slide;
}

/* Last added first; @image is set to the one that has it, unless NULL. */
static const Symbol *find_by_name(SymSpace *space, const char *name, SymImage **image)
{
    for (guint i = space->images->len; i-- > 0;) {
        SymImage *at = g_ptr_array_index(space->images, i);
        const Symbol *sym = sym_table_by_name(&at->table, name);

        if (sym) {
            *image = at;
            return sym;
        }
    }
    return NULL;
}

static bool is_zero_based(const SymImage *image, const Symbol *sym)
{
    return image->table.percpu_at_zero && sym->addr <= image->table.percpu_end;
}

bool sym_space_set_anchor(SymSpace *space, const char *symbol, uint64_t runtime_address)
{
    SymImage *image;
    const Symbol *sym = find_by_name(space, symbol, &image);

    if (!sym || is_zero_based(image, sym) ||
        ((runtime_address - sym->addr) & PAGE_MASK)) {
        return false;
    }
    space->slide = runtime_address - sym->addr;
    return true;
}

bool sym_address(SymSpace *space, const char *name, uint64_t *address)
{
    SymImage *image;
    const Symbol *sym = find_by_name(space, name, &image);

    if (!sym) {
        return false;
    }
    *address = sym->addr + (is_zero_based(image, sym) ? 0 : space->slide);
    return true;
}

/* Index of the first base above @addr. */
static guint bases_above(const GArray *bases, uint64_t addr)
{
    guint low = 0, high = bases->len;

    while (low < high) {
        guint mid = low + (high - low) / 2;

        if (g_array_index(bases, PercpuBase, mid).base <= addr) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

void sym_space_set_percpu_base(SymSpace *space, unsigned cpu, uint64_t base)
{
    PercpuBase entry = { .base = base, .age = ++space->age, .cpu = cpu };

    if (!base || cpu >= SYM_MAX_CPUS) {
        return;
    }
    guint i = bases_above(space->bases, base);
    if (i > 0 && g_array_index(space->bases, PercpuBase, i - 1).base == base) {
        g_array_index(space->bases, PercpuBase, i - 1) = entry;
    } else {
        g_array_insert_val(space->bases, i, entry);
    }
}

/*
 * Is run-time @address in some CPU's area? Then @linked is the symbol's link-time
 * address. Of areas that overlap, the one set last.
 */
static bool find_percpu(SymSpace *space, const SymTable *table, uint64_t address,
                        uint64_t *linked, int *cpu)
{
    uint64_t size = table->percpu_end - table->percpu_start;
    uint64_t start = table->percpu_start + (table->percpu_at_zero ? 0 : space->slide);
    uint64_t target = address - start, age = 0;

    if (!size) {
        return false;
    }
    for (guint i = bases_above(space->bases, target); i-- > 0;) {
        const PercpuBase *b = &g_array_index(space->bases, PercpuBase, i);

        if (target - b->base >= size) {
            break;
        }
        if (b->age > age) {
            age = b->age;
            *cpu = b->cpu;
            *linked = table->percpu_start + (target - b->base);
        }
    }
    return age != 0;
}

/* Where an address is: everything that a data lookup starts from. */
typedef struct Place {
    SymImage *image;
    const Symbol *symbol;
    uint64_t linked;
    int cpu; /* -1: not per-CPU */
} Place;

static bool find_in_image(SymSpace *space, SymImage *image, uint64_t address,
                          Place *place)
{
    const SymTable *table = &image->table;

    place->image = image;
    place->cpu = -1;
    if (find_percpu(space, table, address, &place->linked, &place->cpu)) {
        place->symbol = sym_table_find(table->percpu_at_zero ? table->percpu
                                                             : table->symbols,
                                       place->linked);
        return place->symbol != NULL;
    }
    place->linked = address - space->slide;
    place->symbol = sym_table_find(table->symbols, place->linked);
    return place->symbol != NULL;
}

static bool find_place(SymSpace *space, uint64_t address, Place *place)
{
    for (guint i = space->images->len; i-- > 0;) {
        if (find_in_image(space, g_ptr_array_index(space->images, i), address, place)) {
            return true;
        }
    }
    return false;
}

/* ---- code ---- */

static void find_frames(SymSpace *space, uint64_t linked, SymCode *code)
{
    for (guint i = space->images->len; i-- > 0 && !code->frames;) {
        SymDwarf *dwarf = dwarf_of(space, g_ptr_array_index(space->images, i));

        if (dwarf) {
            code->frames = sym_dwarf_frames(dwarf, linked, code->symbol,
                                            &code->n_frames);
        }
    }
    if (code->frames) {
        code->file = code->frames[0].file;
        code->line = code->frames[0].line;
    }
}

static bool find_code(SymSpace *space, uint64_t linked, SymCode *code)
{
    for (guint i = space->images->len; i-- > 0;) {
        const SymImage *image = g_ptr_array_index(space->images, i);
        const Symbol *sym = sym_table_find(image->table.symbols, linked);

        if (sym && sym_is_text(sym->type)) {
            code->image = image->name;
            code->symbol = sym->name;
            code->offset = linked - sym->addr;
            code->size = sym->end - sym->addr;
            find_frames(space, linked, code);
            return true;
        }
    }
    return false;
}

bool sym_lookup_code(SymSpace *space, uint64_t address, SymCode *code)
{
    gint64 linked = address - space->slide;
    CachedCode *cached = g_hash_table_lookup(space->codes, &linked);

    if (!cached) {
        cached = sym_pool_alloc(&space->pool, sizeof(*cached));
        cached->address = linked;
        cached->found = find_code(space, linked, &cached->code);
        g_hash_table_insert(space->codes, &cached->address, cached);
    }
    *code = cached->code;
    return cached->found;
}

const char *sym_format_code(SymSpace *space, uint64_t address)
{
    g_autoptr(GString) text = g_string_new(NULL);
    SymCode code;

    if (!sym_lookup_code(space, address, &code)) {
        g_string_printf(text, "0x%" G_GINT64_MODIFIER "x", address);
        return sym_pool_string(&space->pool, text->str);
    }
    g_string_printf(text, "%s+0x%" G_GINT64_MODIFIER "x", code.symbol, code.offset);
    if (code.file && code.line) {
        const char *slash = strrchr(code.file, '/');

        g_string_append_printf(text, " (%s:%u)", slash ? slash + 1 : code.file,
                               code.line);
    }
    return sym_pool_string(&space->pool, text->str);
}

/* ---- data ---- */

/* The type of the variable at @place, from one image; 0 when it does not know. */
static uint64_t variable_type(SymSpace *space, SymImage *image, const Place *place,
                              SymTypes **types)
{
    const SymTable *table = &place->image->table;
    const Symbol *sym = place->symbol;
    uint64_t type;

    if (image->btf) {
        bool percpu = sym->addr >= table->percpu_start && sym->addr < table->percpu_end;

        *types = sym_btf_types(image->btf);
        type = sym_btf_variable(image->btf, sym->name,
                                percpu ? (int64_t)(sym->addr - table->percpu_start) : -1);
        if (type) {
            return type;
        }
    }
    SymDwarf *dwarf = dwarf_of(space, image);
    if (dwarf) {
        *types = sym_dwarf_types(dwarf);
        return sym_dwarf_variable(dwarf, sym->name, sym->addr);
    }
    return 0;
}

/* The same from the first image that knows, last added first; kept. */
static const CachedVariable *find_variable(SymSpace *space, const Place *place)
{
    CachedVariable *cached = g_hash_table_lookup(space->variables, place->symbol);

    if (!cached) {
        cached = sym_pool_alloc(&space->pool, sizeof(*cached));
        for (guint i = space->images->len; i-- > 0 && !cached->type;) {
            cached->type = variable_type(space, g_ptr_array_index(space->images, i), place,
                                         &cached->types);
        }
        g_hash_table_insert(space->variables, (gpointer)place->symbol, cached);
    }
    return cached;
}

/* Fill in what types say; false when they say nothing. */
static bool describe(SymSpace *space, const Place *place, SymData *data)
{
    const CachedVariable *variable = find_variable(space, place);
    SymField field;

    if (!variable->type || !sym_types_at(variable->types, variable->type, data->offset,
                                         data->symbol, &field)) {
        return false;
    }
    data->type = sym_types_name(variable->types, variable->type);
    data->field_type = field.type;
    data->path = field.path;
    return true;
}

bool sym_lookup_data(SymSpace *space, uint64_t address, SymData *data)
{
    Place place;

    memset(data, 0, sizeof(*data));
    if (!find_place(space, address, &place)) {
        return false;
    }
    data->image = place.image->name;
    data->symbol = place.symbol->name;
    data->offset = place.linked - place.symbol->addr;
    data->size = place.symbol->end - place.symbol->addr;
    data->address = place.symbol->addr;
    data->cpu = place.cpu;
    data->symbol_type = place.symbol->type;
    if (sym_is_text(data->symbol_type) || !describe(space, &place, data)) {
        g_autofree char *path = g_strdup_printf("%s+0x%" G_GINT64_MODIFIER "x",
                                                data->symbol, data->offset);

        data->path = data->offset ? sym_pool_string(&space->pool, path) : data->symbol;
    }
    return true;
}

SymKind sym_classify(SymSpace *space, uint64_t address)
{
    Place place;

    if (!find_place(space, address, &place)) {
        return SYM_KIND_UNKNOWN;
    }
    if (place.cpu >= 0) {
        return SYM_KIND_PERCPU;
    }
    if (sym_is_text(place.symbol->type)) {
        return SYM_KIND_TEXT;
    }
    switch (g_ascii_toupper(place.symbol->type)) {
    case 'R':
        return SYM_KIND_RODATA;
    case 'D':
    case 'B':
    case 'V':
    case 'G':
    case 'S':
    case 'U':
        return SYM_KIND_DATA;
    default:
        return SYM_KIND_UNKNOWN;
    }
}

/* ---- types ---- */

/* Both sources of each image, last image first: the next after @step, or NULL. */
static SymTypes *next_source(SymSpace *space, guint *step)
{
    while (*step < 2 * space->images->len) {
        SymImage *image = g_ptr_array_index(space->images,
                                            space->images->len - 1 - *step / 2);
        bool want_btf = (*step)++ % 2 == 0;

        if (want_btf && image->btf) {
            return sym_btf_types(image->btf);
        }
        if (!want_btf && dwarf_of(space, image)) {
            return sym_dwarf_types(image->dwarf);
        }
    }
    return NULL;
}

bool sym_type_lookup(SymSpace *space, const char *type, uint64_t offset, SymField *field)
{
    SymTypes *types;

    memset(field, 0, sizeof(*field));
    for (guint step = 0; (types = next_source(space, &step));) {
        if (sym_types_at(types, sym_types_parse(types, type), offset, "", field)) {
            return true;
        }
    }
    return false;
}

bool sym_type_field(SymSpace *space, const char *type, const char *path, SymField *field)
{
    SymTypes *types;

    memset(field, 0, sizeof(*field));
    for (guint step = 0; (types = next_source(space, &step));) {
        if (sym_types_field(types, sym_types_parse(types, type), path, field)) {
            field->path = sym_pool_string(&space->pool, path);
            return true;
        }
    }
    return false;
}

bool sym_type_size(SymSpace *space, const char *type, uint64_t *size)
{
    SymTypes *types;

    for (guint step = 0; (types = next_source(space, &step));) {
        uint64_t id = sym_types_parse(types, type);

        if (id) {
            *size = sym_types_size(types, id);
            return true;
        }
    }
    return false;
}
