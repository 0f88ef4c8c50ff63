/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bzImage payloads: finding and decompressing them.
 *
 * The setup header of a bzImage says where the payload is; the payload's first
 * bytes say how it is compressed; most builds append the unpacked size, which is
 * not needed. Output grows by doubling and never beyond
 * MTRACE_IMAGE_MAX_PAYLOAD, whatever the input claims.
 */
#include <string.h>
#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include "image-priv.h"

/* Offsets in the setup header, boot protocol 2.08 (boot.rst). */
#define BOOT_SETUP_SECTS 0x1f1
#define BOOT_FLAG 0x1fe
#define BOOT_HEADER_MAGIC 0x202
#define BOOT_VERSION 0x206
#define BOOT_PAYLOAD_OFFSET 0x248
#define BOOT_PAYLOAD_LENGTH 0x24c
#define BOOT_HEADER_END 0x250

#define LZ4_LEGACY_BLOCK ((size_t)8 << 20)
#define XZ_MEMORY_LIMIT ((uint64_t)1 << 30)
#define STREAM_CHUNK ((size_t)1 << 30) /* of input given at once: fits unsigned int */

typedef struct Output {
    uint8_t *data;
    size_t len;
    size_t cap;
} Output;

static uint32_t read_le32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void set_damaged(GError **error, const char *codec, const char *why)
{
    g_set_error(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_DAMAGED,
                "the %s payload is damaged: %s", codec, why);
}

/* Make room for at least @want more bytes; false when over the limit. */
static bool output_reserve(Output *out, size_t want, GError **error)
{
    size_t cap = out->cap ? out->cap : (size_t)16 << 20;

    if (want > MTRACE_IMAGE_MAX_PAYLOAD - out->len) {
        g_set_error(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_TOO_BIG,
                    "the payload unpacks to more than %" G_GUINT64_FORMAT " bytes",
                    MTRACE_IMAGE_MAX_PAYLOAD);
        return false;
    }
    while (cap - out->len < want) {
        cap *= 2;
    }
    if (cap != out->cap) {
        uint8_t *data = g_try_realloc(out->data, cap);

        if (!data) {
            g_set_error_literal(error, MTRACE_IMAGE_ERROR,
                                MTRACE_IMAGE_ERROR_TOO_BIG,
                                "no memory to unpack the payload");
            return false;
        }
        out->data = data;
        out->cap = cap;
    }
    return true;
}

static bool unpack_gzip(const uint8_t *data, size_t size, Output *out, GError **error)
{
    z_stream s = { .next_in = (Bytef *)data, .avail_in = MIN(size, STREAM_CHUNK) };
    int rc = inflateInit2(&s, 15 + 16);

    while (rc == Z_OK && output_reserve(out, 1, error)) {
        size_t room = out->cap - out->len;

        s.next_out = out->data + out->len;
        s.avail_out = room;
        rc = inflate(&s, Z_NO_FLUSH);
        out->len += room - s.avail_out;
    }
    if (rc != Z_STREAM_END && !(error && *error)) {
        set_damaged(error, "gzip", s.msg ? s.msg : "it ends early");
    }
    inflateEnd(&s);
    return rc == Z_STREAM_END;
}

static bool run_lzma(lzma_stream *s, lzma_ret rc, const char *codec, Output *out,
                     GError **error)
{
    while (rc == LZMA_OK && output_reserve(out, 1, error)) {
        size_t room = out->cap - out->len;

        s->next_out = out->data + out->len;
        s->avail_out = room;
        rc = lzma_code(s, LZMA_RUN);
        out->len += room - s->avail_out;
    }
    lzma_end(s);
    if (rc != LZMA_STREAM_END && !(error && *error)) {
        set_damaged(error, codec, rc == LZMA_BUF_ERROR ? "it ends early"
                                                       : "it does not decode");
    }
    return rc == LZMA_STREAM_END;
}

static bool unpack_xz(const uint8_t *data, size_t size, Output *out, GError **error)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_ret rc = lzma_stream_decoder(&s, XZ_MEMORY_LIMIT, 0);

    s.next_in = data;
    s.avail_in = size;
    return run_lzma(&s, rc, "xz", out, error);
}

static bool unpack_lzma(const uint8_t *data, size_t size, Output *out, GError **error)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_ret rc = lzma_alone_decoder(&s, XZ_MEMORY_LIMIT);

    s.next_in = data;
    s.avail_in = size;
    return run_lzma(&s, rc, "lzma", out, error);
}

static bool unpack_bzip2(const uint8_t *data, size_t size, Output *out, GError **error)
{
    bz_stream s = { .next_in = (char *)data, .avail_in = MIN(size, STREAM_CHUNK) };
    int rc = BZ2_bzDecompressInit(&s, 0, 0);

    while (rc == BZ_OK && output_reserve(out, 1, error)) {
        size_t room = out->cap - out->len;

        s.next_out = (char *)out->data + out->len;
        s.avail_out = room;
        rc = BZ2_bzDecompress(&s);
        out->len += room - s.avail_out;
        if (rc == BZ_OK && !s.avail_in && s.avail_out) {
            break;
        }
    }
    BZ2_bzDecompressEnd(&s);
    if (rc != BZ_STREAM_END && !(error && *error)) {
        set_damaged(error, "bzip2", rc == BZ_OK ? "it ends early" : "it does not decode");
    }
    return rc == BZ_STREAM_END;
}

static bool unpack_zstd(const uint8_t *data, size_t size, Output *out, GError **error)
{
    ZSTD_DStream *s = ZSTD_createDStream();
    ZSTD_inBuffer in = { data, size, 0 };
    size_t rc = 1;

    while (output_reserve(out, 1, error)) {
        ZSTD_outBuffer o = { out->data, out->cap, out->len };

        rc = ZSTD_decompressStream(s, &o, &in);
        out->len = o.pos;
        if (ZSTD_isError(rc)) {
            set_damaged(error, "zstd", ZSTD_getErrorName(rc));
            break;
        }
        if (rc == 0) {
            break;
        }
        if (in.pos == in.size && o.pos < o.size) {
            set_damaged(error, "zstd", "it ends early");
            break;
        }
    }
    ZSTD_freeDStream(s);
    return rc == 0;
}

/*
 * The legacy frame: a magic number, then blocks of at most 8 MB unpacked, each
 * behind its packed size, with no end mark. The unpacked size that the kernel's
 * build appends looks like the start of a block that has no bytes.
 */
static bool unpack_lz4(const uint8_t *data, size_t size, Output *out, GError **error)
{
    size_t pos = 4;

    while (size - pos > 4) {
        size_t packed = read_le32(data + pos);

        pos += 4;
        if (packed == 0x184c2102) { /* frames may follow each other */
            continue;
        }
        if (packed == 0 || packed > size - pos ||
            packed > (size_t)LZ4_COMPRESSBOUND(LZ4_LEGACY_BLOCK)) {
            set_damaged(error, "lz4", "a block is larger than what is left");
            return false;
        }
        if (!output_reserve(out, LZ4_LEGACY_BLOCK, error)) {
            return false;
        }
        int n = LZ4_decompress_safe((const char *)data + pos,
                                    (char *)out->data + out->len, packed,
                                    LZ4_LEGACY_BLOCK);
        if (n < 0) {
            set_damaged(error, "lz4", "a block does not decode");
            return false;
        }
        out->len += n;
        pos += packed;
    }
    return true;
}

static bool unpack_lzo(const uint8_t *data, size_t size, Output *out, GError **error)
{
    (void)data;
    (void)size;
    (void)out;
    g_set_error_literal(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_UNSUPPORTED,
                        "payloads compressed with LZO are not supported");
    return false;
}

typedef struct Codec {
    const char *name;
    uint8_t magic[6];
    uint8_t magic_len;
    bool (*unpack)(const uint8_t *data, size_t size, Output *out, GError **error);
} Codec;

static const Codec codecs[] = {
    { "gzip", { 0x1f, 0x8b }, 2, unpack_gzip },
    { "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, unpack_xz },
    { "lzma", { 0x5d, 0, 0 }, 3, unpack_lzma },
    { "bzip2", { 'B', 'Z', 'h' }, 3, unpack_bzip2 },
    { "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, unpack_lz4 },
    { "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, unpack_zstd },
    { "lzo", { 0x89, 'L', 'Z' }, 3, unpack_lzo },
};

GBytes *mtrace_image_decompress(const uint8_t *data, size_t size,
                                const char **codec, GError **error)
{
    Output out = { 0 };
    g_autoptr(GError) err = NULL; /* codecs look at it, so it must exist */

    for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
        const Codec *c = &codecs[i];

        if (size < 8 || memcmp(data, c->magic, c->magic_len)) {
            continue;
        }
        *codec = c->name;
        if (!c->unpack(data, size, &out, &err)) {
            g_propagate_error(error, g_steal_pointer(&err));
            g_free(out.data);
            return NULL;
        }
        return g_bytes_new_take(out.data, out.len);
    }
    g_set_error_literal(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_UNSUPPORTED,
                        "the payload is compressed in an unknown way");
    return NULL;
}

bool mtrace_image_is_bzimage(const uint8_t *data, size_t size)
{
    return size >= BOOT_HEADER_END && data[BOOT_FLAG] == 0x55 &&
           data[BOOT_FLAG + 1] == 0xaa && !memcmp(data + BOOT_HEADER_MAGIC, "HdrS", 4);
}

GBytes *mtrace_image_unpack(const uint8_t *data, size_t size,
                            const char **codec, GError **error)
{
    unsigned version = data[BOOT_VERSION] | data[BOOT_VERSION + 1] << 8;
    unsigned sectors = data[BOOT_SETUP_SECTS] ? data[BOOT_SETUP_SECTS] : 4;
    uint64_t start = (sectors + 1) * 512ull + read_le32(data + BOOT_PAYLOAD_OFFSET);
    uint64_t length = read_le32(data + BOOT_PAYLOAD_LENGTH);

    if (version < 0x208) {
        g_set_error(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_UNSUPPORTED,
                    "bzImage of boot protocol %u.%02u, 2.08 or later is needed",
                    version >> 8, version & 0xff);
        return NULL;
    }
    if (start > size || length > size - start || length < 8) {
        g_set_error_literal(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_DAMAGED,
                            "the payload lies outside the file");
        return NULL;
    }

    GBytes *elf = mtrace_image_decompress(data + start, length, codec, error);
    if (!elf) {
        return NULL;
    }
    gsize n;
    const uint8_t *bytes = g_bytes_get_data(elf, &n);
    if (n < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG)) {
        g_set_error_literal(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_FORMAT,
                            "the payload of the bzImage is not an ELF file");
        g_bytes_unref(elf);
        return NULL;
    }
    return elf;
}
