/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images: opens a guest kernel file and gives what is needed to name its
 * code and data later, without the file: build-id, symbols, BTF.
 *
 * Accepted are an ELF file (vmlinux, a bare-metal guest; 32- or 64-bit, either
 * byte order) and an x86 bzImage (vmlinuz), whose payload is decompressed to the
 * ELF inside. The library depends on GLib, libelf and the decompressors only; it
 * never prints and never exits, keeps no global state, and different images may
 * be used from different threads at the same time. An image is read-only once
 * open: any number of threads may call the accessors of one image.
 *
 * The symbol text
 * ---------------
 * Symbols are one block of text in the format of the guest's /proc/kallsyms,
 * sorted by address (equal addresses: best name first):
 *
 *     ADDRESS SP TYPE SP NAME [SP SIZE] LF
 *
 * ADDRESS is 16 lower-case hexadecimal digits, the link-time address.
 * TYPE is one letter as nm(1) prints it: T t text, D d data, R r read-only data,
 *   B b bss, A a absolute, W w weak function, V v weak object (capital: global).
 * NAME has no white space.
 * SIZE is the size in bytes, lower-case hexadecimal digits without 0x. It is
 *   there when the image knows it (an ELF .symtab), absent otherwise (kallsyms)
 *   and absent when it is zero: where any line has one, a line without is a mark
 *   that covers nothing. Labels that the ELF gives no size reach to the next
 *   symbol or the end of their section.
 * A reader of the format must also accept /proc/kallsyms as the guest gives it,
 * where a fourth column is "[module]" instead.
 *
 * Per-CPU symbols: Linux up to 6.14 links them at zero, later kernels at their
 * real address in the image. The text says what the image says; the value of
 * __per_cpu_start tells which it is. Symbols named __pfx_* (function padding)
 * are left out.
 */
#ifndef MTRACE_IMAGE_H
#define MTRACE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>

G_BEGIN_DECLS

/* Largest kernel file, and largest decompressed payload, that is accepted. */
#define MTRACE_IMAGE_MAX_FILE ((uint64_t)4 << 30)
#define MTRACE_IMAGE_MAX_PAYLOAD ((uint64_t)1 << 30)

typedef struct MtraceImage MtraceImage;

typedef enum MtraceImageFormat {
    MTRACE_IMAGE_FORMAT_ELF,     /* the file is the ELF */
    MTRACE_IMAGE_FORMAT_BZIMAGE, /* the ELF was the payload of a bzImage */
} MtraceImageFormat;

/* Where the symbol text came from. */
typedef enum MtraceImageSymbols {
    MTRACE_IMAGE_SYMBOLS_NONE,     /* the image has no symbols: text is empty */
    MTRACE_IMAGE_SYMBOLS_SYMTAB,   /* ELF .symtab */
    MTRACE_IMAGE_SYMBOLS_KALLSYMS, /* the kernel's own tables, in its rodata */
} MtraceImageSymbols;

#define MTRACE_IMAGE_ERROR (mtrace_image_error_quark())

typedef enum MtraceImageError {
    MTRACE_IMAGE_ERROR_FORMAT,      /* neither an ELF nor a bzImage */
    MTRACE_IMAGE_ERROR_DAMAGED,     /* contradicts itself, or ends early */
    MTRACE_IMAGE_ERROR_TOO_BIG,     /* over one of the limits above */
    MTRACE_IMAGE_ERROR_UNSUPPORTED, /* known, but not readable here (LZO) */
} MtraceImageError;

/**
 * mtrace_image_error_quark() - the GError domain of this library.
 *
 * Errors of opening and reading the file itself are in G_FILE_ERROR.
 */
GQuark mtrace_image_error_quark(void);

/**
 * mtrace_image_open() - open a kernel file and read its symbols.
 * @path: the file, in the encoding of file names
 * @error: set when NULL is returned
 *
 * An image without symbols, BTF or build-id opens fine; the accessors say so.
 * A 14 MB vmlinuz takes about 0.2 s, mostly to decompress.
 *
 * Return: the image, to be freed with mtrace_image_free(); NULL on error.
 */
MtraceImage *mtrace_image_open(const char *path, GError **error);

/**
 * mtrace_image_open_bytes() - the same for a file that is already in memory.
 * @name: what mtrace_image_path() returns
 * @bytes: contents of the file; a reference is kept
 * @error: set when NULL is returned
 *
 * Return: the image, to be freed with mtrace_image_free(); NULL on error.
 */
MtraceImage *mtrace_image_open_bytes(const char *name, GBytes *bytes,
                                     GError **error);

/**
 * mtrace_image_free() - free an image and all it returned.
 * @image: may be NULL
 */
void mtrace_image_free(MtraceImage *image);

/* The path given to mtrace_image_open(). Owned by @image. */
const char *mtrace_image_path(const MtraceImage *image);

MtraceImageFormat mtrace_image_format(const MtraceImage *image);

/* "none", "gzip", "xz", "lzma", "bzip2", "lz4" or "zstd". Static string. */
const char *mtrace_image_codec(const MtraceImage *image);

/* GNU build-id as lower-case hexadecimal digits, NULL when there is none. Owned by @image. */
const char *mtrace_image_build_id(const MtraceImage *image);

/* e_machine of the ELF (EM_X86_64 = 62, EM_386 = 3 ...). */
unsigned mtrace_image_machine(const MtraceImage *image);

/* 32 or 64: the ELF class. */
unsigned mtrace_image_bits(const MtraceImage *image);

/* True when the ELF has .debug_info, compressed or not. */
bool mtrace_image_has_dwarf(const MtraceImage *image);

/**
 * mtrace_image_elf() - the bytes of the ELF: the file, or its unpacked payload.
 * @image: the image
 * @size: set to the number of bytes
 *
 * Return: the bytes, owned by @image.
 */
const uint8_t *mtrace_image_elf(const MtraceImage *image, size_t *size);

/**
 * mtrace_image_btf() - the raw contents of section .BTF.
 * @image: the image
 * @size: set to the number of bytes, 0 when there is no .BTF
 *
 * Return: the bytes, owned by @image; NULL when there is no .BTF.
 */
const uint8_t *mtrace_image_btf(const MtraceImage *image, size_t *size);

/**
 * mtrace_image_section() - the raw contents of any section.
 * @image: the image
 * @name: for example ".debug_rnglists"
 * @size: set to the number of bytes, 0 when there is none
 *
 * Return: the bytes, owned by @image; NULL when there is no such section, or it is
 * empty, compressed, or outside the file.
 */
const uint8_t *mtrace_image_section(const MtraceImage *image, const char *name,
                                    size_t *size);

MtraceImageSymbols mtrace_image_symbols_from(const MtraceImage *image);

/* Number of lines of the symbol text. */
size_t mtrace_image_symbol_count(const MtraceImage *image);

/**
 * mtrace_image_symbols() - the symbol text, as defined at the top.
 * @image: the image
 * @size: set to its length in bytes, without the NUL that follows it
 *
 * Return: the text, never NULL, empty without symbols. Owned by @image.
 */
const char *mtrace_image_symbols(const MtraceImage *image, size_t *size);

/**
 * mtrace_image_symbols_note() - why there are no symbols, or fewer than wished.
 * @image: the image
 *
 * Return: a sentence without a full stop (for example why the kallsyms tables
 * did not decode), or NULL. Owned by @image.
 */
const char *mtrace_image_symbols_note(const MtraceImage *image);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MtraceImage, mtrace_image_free)

G_END_DECLS

#endif /* MTRACE_IMAGE_H */
