/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbolization: names for the code and data addresses of a guest kernel.
 *
 * A SymSpace holds images. An image comes from a file (ELF with or without
 * DWARF, or vmlinuz), or from the parts that a log embeds (symbol text in the
 * format of mtrace/image.h, BTF). Images added later are asked first; what one
 * does not know (no DWARF, no type) the next may. So a log's parts are added
 * first, and a vmlinux with debug information, if the user has one, after them.
 *
 * All addresses given to lookups are run-time guest virtual addresses. Run-time
 * address = link-time address + slide (KASLR), one slide for the space.
 *
 * Every string and array that a lookup returns is interned in the space and
 * valid until sym_space_free(). The same text is always the same pointer, so
 * results may be compared and hashed by pointer. A space is for one thread at a
 * time. Lookups never fail but by returning false: damaged DWARF or BTF gives
 * less detailed answers.
 */
#ifndef SYM_H
#define SYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>

G_BEGIN_DECLS

typedef struct SymSpace SymSpace;

#define SYM_ERROR (sym_error_quark())

typedef enum SymError {
    SYM_ERROR_DAMAGED, /* symbol text, BTF or DWARF does not parse */
    SYM_ERROR_TOO_BIG, /* more symbols than SYM_MAX_SYMBOLS */
} SymError;

#define SYM_MAX_SYMBOLS (16u << 20)
#define SYM_MAX_CPUS 4096

GQuark sym_error_quark(void);

/**
 * sym_space_new() - a space without images.
 *
 * Return: the space, to be freed with sym_space_free().
 */
SymSpace *sym_space_new(void);

/**
 * sym_space_free() - free a space and every result it gave.
 * @space: may be NULL
 */
void sym_space_free(SymSpace *space);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SymSpace, sym_space_free)

/* ---- images ---- */

/**
 * sym_space_add_file() - add a kernel file.
 * @space: the space
 * @path: vmlinux, another ELF, or vmlinuz
 * @error: set when false is returned (G_FILE_ERROR, MTRACE_IMAGE_ERROR, SYM_ERROR)
 *
 * DWARF is indexed only when a lookup first needs it; damaged DWARF or BTF does
 * not fail here, see the note of sym_space_image().
 *
 * Return: true when added.
 */
bool sym_space_add_file(SymSpace *space, const char *path, GError **error);

/**
 * sym_space_add_parts() - add an image from what a log embeds.
 * @space: the space
 * @name: what to call the image (its path, usually)
 * @symbols: symbol text (mtrace/image.h), or the guest's /proc/kallsyms; may be NULL
 * @symbols_len: its length in bytes
 * @btf: raw BTF; may be NULL
 * @btf_len: its length in bytes
 * @build_id: hexadecimal; may be NULL
 * @error: set when false is returned (SYM_ERROR)
 *
 * Everything is copied.
 *
 * Return: true when added; false when the text or the BTF does not parse, and
 * then the space is as before.
 */
bool sym_space_add_parts(SymSpace *space, const char *name,
                         const char *symbols, size_t symbols_len,
                         const void *btf, size_t btf_len,
                         const char *build_id, GError **error);

typedef struct SymImageInfo {
    const char *name;
    const char *build_id; /* NULL: unknown */
    const char *note;     /* what of it could not be read and why; NULL: nothing */
    size_t n_symbols;
    bool has_dwarf;
    bool has_btf;
} SymImageInfo;

/* Number of images in @space. */
size_t sym_space_image_count(const SymSpace *space);

/**
 * sym_space_image() - what is known of an image.
 * @space: the space
 * @index: in the order of adding, from 0
 * @info: filled in
 *
 * Return: false when there is no such image.
 */
bool sym_space_image(const SymSpace *space, size_t index, SymImageInfo *info);

/* ---- where things are at run time ---- */

/* Set the KASLR slide: run-time minus link-time address. 0 at first. */
void sym_space_set_slide(SymSpace *space, int64_t slide);

int64_t sym_space_slide(const SymSpace *space);

/**
 * sym_space_set_anchor() - compute the slide from one known address.
 * @space: the space
 * @symbol: for example "entry_SYSCALL_64" (MSR_LSTAR holds its address)
 * @runtime_address: where the guest has it
 *
 * Return: false, and the slide stays, when no image has @symbol or the
 * difference is not a multiple of 4096.
 */
bool sym_space_set_anchor(SymSpace *space, const char *symbol,
                          uint64_t runtime_address);

/**
 * sym_space_set_percpu_base() - tell where a CPU's per-CPU area is.
 * @space: the space
 * @cpu: number of the CPU, below SYM_MAX_CPUS (others are ignored)
 * @base: its kernel GS base
 *
 * A run-time per-CPU address is base + run-time address of the symbol, where
 * symbols linked at zero do not slide. A base of zero is ignored. May be called
 * any number of times; the last base set wins, earlier ones still resolve.
 */
void sym_space_set_percpu_base(SymSpace *space, unsigned cpu, uint64_t base);

/* ---- code ---- */

/* One level of the inline chain. */
typedef struct SymFrame {
    const char *function; /* source name, never NULL ("?" when DWARF has none) */
    const char *file;     /* path as DWARF has it, absolute when it says so; NULL: unknown */
    uint32_t line;        /* line that is executing in this function; 0: unknown */
    bool inlined;         /* inlined into the next frame; false for the last one */
} SymFrame;

typedef struct SymCode {
    const char *image;      /* name of the image */
    const char *symbol;     /* symbol that covers the address */
    uint64_t offset;        /* bytes from the symbol's start */
    uint64_t size;          /* of the symbol, in bytes; by the next symbol when not given */
    const char *file;       /* = frames[0].file, or NULL */
    uint32_t line;          /* = frames[0].line, or 0 */
    uint32_t n_frames;      /* 0 without DWARF for this address */
    const SymFrame *frames; /* innermost first; owned by the space */
} SymCode;

/**
 * sym_lookup_code() - name a code address.
 * @space: the space
 * @address: run-time address of an instruction
 * @code: filled in
 *
 * Return: false when no text symbol covers @address (@code is then zeroed).
 */
bool sym_lookup_code(SymSpace *space, uint64_t address, SymCode *code);

/**
 * sym_format_code() - "symbol+0x1c (file.c:12)" or "symbol+0x1c".
 * @space: the space
 * @address: run-time address of an instruction
 *
 * Return: interned string; "0x..." when the address has no name.
 */
const char *sym_format_code(SymSpace *space, uint64_t address);

/* ---- data ---- */

typedef struct SymData {
    const char *image;  /* name of the image */
    const char *symbol; /* symbol that covers the address */
    const char *path;   /* "runqueues.nr_running", "v.member[3].x"; "v+0x18" without a type */
    const char *type;   /* of the whole variable: "struct rq", "int[4]"; NULL: unknown */
    const char *field_type; /* of what the path names; NULL: unknown */
    uint64_t offset;    /* bytes from the symbol's start */
    uint64_t size;      /* of the symbol, in bytes; by the next symbol when not given */
    uint64_t address;   /* link-time address of the symbol */
    int cpu;            /* whose per-CPU variable; -1: not per-CPU */
    char symbol_type;   /* letter as nm(1) prints it */
} SymData;

/**
 * sym_lookup_data() - name a data address: static variable or per-CPU variable.
 * @space: the space
 * @address: run-time address of a byte
 * @data: filled in
 *
 * Rules of the path are those of sym_type_lookup(). Text symbols are found too
 * (code is data to who patches it); symbol_type tells.
 *
 * Return: false when no symbol covers @address (@data is then zeroed).
 */
bool sym_lookup_data(SymSpace *space, uint64_t address, SymData *data);

typedef enum SymKind {
    SYM_KIND_UNKNOWN, /* no symbol covers it */
    SYM_KIND_TEXT,
    SYM_KIND_DATA,    /* writable data and bss */
    SYM_KIND_RODATA,
    SYM_KIND_PERCPU,  /* in the per-CPU area of some CPU */
} SymKind;

/* What kind of thing is at a run-time address, by the type of its symbol. */
SymKind sym_classify(SymSpace *space, uint64_t address);

/**
 * sym_address() - the run-time address of a symbol.
 * @space: the space
 * @name: exact name
 * @address: set to its address; for a per-CPU symbol linked at zero, its offset
 *
 * Return: false when no image has it.
 */
bool sym_address(SymSpace *space, const char *name, uint64_t *address);

/* ---- types ---- */

typedef struct SymField {
    const char *path;    /* ".d_lockref.lock", ".a[3].x", "" for the type itself */
    const char *type;    /* of the field: "unsigned int", "struct list_head *" */
    uint64_t offset;     /* of the field from the start of the type, in bytes */
    uint64_t size;       /* of the field, in bytes; of its storage for a bit-field */
    unsigned bit_offset; /* bit-fields: first bit, counted from @offset's lowest bit */
    unsigned bit_size;   /* bit-fields: width; 0 for anything else */
} SymField;

/**
 * sym_type_lookup() - which field of a type is at an offset.
 * @space: the space
 * @type: "struct dentry", "union u", a typedef's name; a bare tag works when no
 *        typedef has that name
 * @offset: bytes from the start of the type
 * @field: filled in
 *
 * The path goes down to a scalar, pointer or enum. Of a union's members that have
 * the byte, the first struct or union is taken, else the first. Anonymous structs
 * and unions add nothing to the path. Of bit-fields that share the byte, the first. An offset in
 * padding gives the innermost aggregate that has the padding, with a path that
 * ends there. An offset at or after the end is inside only where the type ends
 * in a flexible array.
 *
 * Return: false when the type is unknown or the offset is not in it.
 */
bool sym_type_lookup(SymSpace *space, const char *type, uint64_t offset,
                     SymField *field);

/**
 * sym_type_field() - where a field is: the other direction.
 * @space: the space
 * @type: as in sym_type_lookup()
 * @path: "d_lockref.lock" or ".d_lockref.lock", "a[3].x"; members of anonymous
 *        structs and unions are found by their own name
 * @field: filled in; its path is @path
 *
 * Return: false when the type or the path is unknown.
 */
bool sym_type_field(SymSpace *space, const char *type, const char *path,
                    SymField *field);

/**
 * sym_type_size() - sizeof.
 * @space: the space
 * @type: as in sym_type_lookup()
 * @size: set to the size in bytes
 *
 * Return: false when the type is unknown.
 */
bool sym_type_size(SymSpace *space, const char *type, uint64_t *size);

G_END_DECLS

#endif /* SYM_H */
