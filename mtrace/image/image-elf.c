/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ELF inside a kernel image: headers, sections, build-id.
 *
 * libelf parses; here every section is checked to lie within the file before
 * its bytes are pointed to. A section that does not is kept without data, so
 * that a file cut short still gives what it has.
 */
#include <string.h>
#include "image-priv.h"

#define IMAGE_MAX_SECTIONS 65536

static const uint8_t *bytes_at(const ImageElf *ie, uint64_t offset, uint64_t size)
{
    if (!size || offset > ie->size || size > ie->size - offset) {
        return NULL;
    }
    return ie->bytes + offset;
}

static void read_sections(ImageElf *ie, size_t count, size_t strndx)
{
    for (size_t i = 0; i < count && i < IMAGE_MAX_SECTIONS; i++) {
        ImageSection section = { .name = "" };
        GElf_Shdr shdr;
        Elf_Scn *scn = elf_getscn(ie->elf, i);

        if (scn && gelf_getshdr(scn, &shdr)) {
            const char *name = elf_strptr(ie->elf, strndx, shdr.sh_name);

            section.name = name ? name : "";
            section.type = shdr.sh_type;
            section.flags = shdr.sh_flags;
            section.addr = shdr.sh_addr;
            section.size = shdr.sh_size;
            if (shdr.sh_type != SHT_NOBITS && shdr.sh_type != SHT_NULL) {
                section.data = bytes_at(ie, shdr.sh_offset, shdr.sh_size);
            }
        }
        g_array_append_val(ie->sections, section);
    }
}

/* Without section headers, loadable segments serve as sections. */
static void read_segments(ImageElf *ie)
{
    size_t count = 0;

    if (elf_getphdrnum(ie->elf, &count) < 0) {
        return;
    }
    for (size_t i = 0; i < count && i < IMAGE_MAX_SECTIONS; i++) {
        GElf_Phdr phdr;

        if (!gelf_getphdr(ie->elf, i, &phdr) ||
            (phdr.p_type != PT_LOAD && phdr.p_type != PT_NOTE)) {
            continue;
        }
        ImageSection section = {
            .name = "",
            .type = phdr.p_type == PT_NOTE ? SHT_NOTE : SHT_PROGBITS,
            .flags = SHF_ALLOC | (phdr.p_flags & PF_X ? SHF_EXECINSTR : 0) |
                     (phdr.p_flags & PF_W ? SHF_WRITE : 0),
            .addr = phdr.p_vaddr,
            .size = phdr.p_filesz,
            .data = bytes_at(ie, phdr.p_offset, phdr.p_filesz),
        };
        g_array_append_val(ie->sections, section);
    }
}

bool mtrace_image_elf_open(ImageElf *ie, const uint8_t *bytes, size_t size,
                           GError **error)
{
    size_t count = 0, strndx = 0;

    memset(ie, 0, sizeof(*ie));
    ie->bytes = bytes;
    ie->size = size;
    ie->sections = g_array_new(FALSE, FALSE, sizeof(ImageSection));
    if (elf_version(EV_CURRENT) == EV_NONE) {
        g_set_error_literal(error, MTRACE_IMAGE_ERROR,
                            MTRACE_IMAGE_ERROR_UNSUPPORTED,
                            "libelf does not know this ELF version");
        return false;
    }
    /* libelf takes a plain pointer but only reads when no elf_update() follows. */
    ie->elf = elf_memory((char *)bytes, size);
    if (!ie->elf || elf_kind(ie->elf) != ELF_K_ELF ||
        !gelf_getehdr(ie->elf, &ie->ehdr)) {
        g_set_error(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_DAMAGED,
                    "the ELF does not parse: %s", elf_errmsg(-1));
        return false;
    }
    ie->big_endian = ie->ehdr.e_ident[EI_DATA] == ELFDATA2MSB;
    if (elf_getshdrnum(ie->elf, &count) == 0 && count > 1 &&
        elf_getshdrstrndx(ie->elf, &strndx) == 0) {
        ie->has_sections = true;
        read_sections(ie, count, strndx);
    } else {
        read_segments(ie);
    }
    return true;
}

void mtrace_image_elf_close(ImageElf *ie)
{
    g_clear_pointer(&ie->elf, elf_end);
    g_clear_pointer(&ie->sections, g_array_unref);
}

const ImageSection *mtrace_image_elf_section(const ImageElf *ie, const char *name)
{
    for (guint i = 0; i < ie->sections->len; i++) {
        const ImageSection *section = &g_array_index(ie->sections, ImageSection, i);

        if (!strcmp(section->name, name)) {
            return section;
        }
    }
    return NULL;
}

static char *to_hex(const uint8_t *bytes, size_t n)
{
    GString *hex = g_string_sized_new(2 * n);

    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(hex, "%02x", bytes[i]);
    }
    return g_string_free(hex, FALSE);
}

static char *build_id_in(const ImageElf *ie, const ImageSection *section)
{
    Elf_Data *data = elf_getdata_rawchunk(ie->elf, section->data - ie->bytes,
                                          section->size, ELF_T_NHDR);
    size_t pos = 0, next, name_at, desc_at;
    GElf_Nhdr note;

    while (data && (next = gelf_getnote(data, pos, &note, &name_at, &desc_at)) > 0) {
        const uint8_t *bytes = data->d_buf;

        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            !memcmp(bytes + name_at, "GNU", 4) &&
            note.n_descsz > 0 && note.n_descsz <= 64) {
            return to_hex(bytes + desc_at, note.n_descsz);
        }
        pos = next;
    }
    return NULL;
}

char *mtrace_image_elf_build_id(const ImageElf *ie)
{
    for (guint i = 0; i < ie->sections->len; i++) {
        const ImageSection *section = &g_array_index(ie->sections, ImageSection, i);

        if (section->type == SHT_NOTE && section->data) {
            char *id = build_id_in(ie, section);

            if (id) {
                return id;
            }
        }
    }
    return NULL;
}
