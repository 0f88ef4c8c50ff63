/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to mtrace/image: the sections of an ELF, and what the files of this
 * directory offer each other. Every pointer into the ELF has been checked to lie
 * inside its bytes before it is stored here.
 */
#ifndef MTRACE_IMAGE_PRIV_H
#define MTRACE_IMAGE_PRIV_H

#include <libelf.h>
#include <gelf.h>
#include "mtrace/image.h"

/* A section, or a loadable segment in an ELF without section headers. */
typedef struct ImageSection {
    const char *name;    /* "" when unknown; owned by the Elf */
    uint32_t type;       /* SHT_* */
    uint64_t flags;      /* SHF_* */
    uint64_t addr;
    uint64_t size;       /* in memory, bytes */
    const uint8_t *data; /* size bytes of the file; NULL when it holds none */
} ImageSection;

/* An open ELF: valid as long as the bytes it was made from. */
typedef struct ImageElf {
    Elf *elf;
    GElf_Ehdr ehdr;
    const uint8_t *bytes;
    size_t size;
    GArray *sections; /* of ImageSection; index = ELF section index if has_sections */
    bool has_sections;
    bool big_endian;
} ImageElf;

/* Symbols while they are collected; names are owned by somebody else. */
typedef struct ImageSymbol {
    uint64_t addr;
    uint64_t size; /* bytes, 0: none or not known */
    uint64_t end;  /* where its section ends, 0: not known */
    const char *name;
    uint32_t order; /* position in the table, breaks ties */
    uint8_t rank;   /* lower is the better name of several at one address */
    char type;
} ImageSymbol;

/* More symbols than any kernel has. */
#define IMAGE_MAX_SYMBOLS (8u << 20)
#define IMAGE_MAX_NAME 1024

/**
 * mtrace_image_unpack() - decompress the payload of a bzImage.
 * @data: the file
 * @size: its length in bytes
 * @codec: set to a static string
 * @error: set when NULL is returned
 *
 * The layout is that of Documentation/arch/x86/boot.rst, protocol 2.08 and up.
 *
 * Return: the payload, to be released by the caller.
 */
GBytes *mtrace_image_unpack(const uint8_t *data, size_t size,
                            const char **codec, GError **error);

/* True when @data begins like a bzImage (boot sector signature and "HdrS"). */
bool mtrace_image_is_bzimage(const uint8_t *data, size_t size);

/**
 * mtrace_image_decompress() - undo one of the kernel's compressions.
 * @data: compressed bytes, the codec is recognized by their first bytes
 * @size: how many; bytes after the end of the stream are ignored
 * @codec: set to a static string
 * @error: set when NULL is returned
 *
 * Return: at most MTRACE_IMAGE_MAX_PAYLOAD bytes, to be released by the caller.
 */
GBytes *mtrace_image_decompress(const uint8_t *data, size_t size,
                                const char **codec, GError **error);

/**
 * mtrace_image_elf_open() - read the headers and sections of an ELF.
 * @ie: filled in; to be closed with mtrace_image_elf_close() also after failure
 *
 * Return: false with @error set when @bytes are not a readable ELF.
 */
bool mtrace_image_elf_open(ImageElf *ie, const uint8_t *bytes, size_t size,
                           GError **error);
void mtrace_image_elf_close(ImageElf *ie);

/* The first section named @name, or NULL. */
const ImageSection *mtrace_image_elf_section(const ImageElf *ie, const char *name);

/* Build-id in hexadecimal, or NULL; to be freed by the caller. */
char *mtrace_image_elf_build_id(const ImageElf *ie);

/**
 * mtrace_image_symtab() - symbols from .symtab.
 * @ie: the ELF
 * @text: the symbol text is appended
 *
 * Return: the number of symbols, 0 when there is no usable .symtab.
 */
size_t mtrace_image_symtab(const ImageElf *ie, GString *text);

/**
 * mtrace_image_kallsyms() - symbols from the kernel's own tables.
 * @ie: the ELF
 * @text: the symbol text is appended
 * @note: set to why there are none, when 0 is returned; to be freed by the caller
 *
 * Return: the number of symbols.
 */
size_t mtrace_image_kallsyms(const ImageElf *ie, GString *text, char **note);

/* Append one line of symbol text; @size 0 leaves the column out. */
void mtrace_image_text_line(GString *text, uint64_t addr, char type,
                            const char *name, uint64_t size);

#endif /* MTRACE_IMAGE_PRIV_H */
