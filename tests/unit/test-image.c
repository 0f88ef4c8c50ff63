/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of mtrace/image.h: ELF symbols against nm(1), every codec of a bzImage,
 * kallsyms in its three layouts against tables that the test makes, a stock
 * kernel, and damaged input.
 */
#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include "mtrace/image.h"
#include "test-image-util.h"

/* ---- ELF ---- */

static const char program[] =
    "int counter = 3; static char buffer[100]; const char message[] = \"hello\";\n"
    "__attribute__((noinline)) static int add(int a) { return buffer[a] + counter; }\n"
    "int twice(int a) { return 2 * add(a); }\n"
    "int main(int c, char **v) { buffer[1] = c; return twice(c) + message[c]; }\n";

static char *compile(const char *dir, const char *flags)
{
    g_autofree char *source = scratch_write(dir, "p.c", program, -1);
    g_autofree char *cmd = g_strdup_printf("gcc %s -o p p.c", flags);

    g_free(run(dir, cmd));
    return g_build_filename(dir, "p", NULL);
}

/* Is there a line "ADDRESS TYPE NAME" or "ADDRESS TYPE NAME SIZE" in the text? */
static bool has_line(const MtraceImage *image, const char *line)
{
    size_t len;
    const char *text = mtrace_image_symbols(image, &len);
    g_autofree char *with_lf = g_strdup_printf("%s\n", line);
    const char *at = strstr(text, with_lf);

    return at && (at == text || at[-1] == '\n');
}

static void test_symtab(void)
{
    char *dir = scratch_new();
    g_autofree char *path = compile(dir, "-O1 -g -no-pie -Wl,--build-id");
    g_autofree char *nm = run(dir, "nm -S p");
    g_autofree char *notes = run(dir, "readelf -n p");
    g_autoptr(GError) error = NULL;
    g_autoptr(MtraceImage) image = mtrace_image_open(path, &error);
    g_auto(GStrv) lines = g_strsplit(nm, "\n", -1);
    unsigned checked = 0;

    g_assert_no_error(error);
    g_assert_cmpint(mtrace_image_format(image), ==, MTRACE_IMAGE_FORMAT_ELF);
    g_assert_cmpstr(mtrace_image_codec(image), ==, "none");
    g_assert_cmpstr(mtrace_image_path(image), ==, path);
    g_assert_cmpint(mtrace_image_symbols_from(image), ==, MTRACE_IMAGE_SYMBOLS_SYMTAB);
    g_assert_cmpuint(mtrace_image_bits(image), ==, 64);
    g_assert_true(mtrace_image_has_dwarf(image));
    g_assert_nonnull(mtrace_image_build_id(image));
    g_assert_nonnull(strstr(notes, mtrace_image_build_id(image)));
    for (int i = 0; lines[i]; i++) { /* "ADDRESS SIZE TYPE NAME" */
        g_auto(GStrv) f = g_strsplit(lines[i], " ", -1);

        if (g_strv_length(f) == 4 && strchr("TtDdBbRr", f[2][0])) {
            g_autofree char *line =
                g_strdup_printf("%s %s %s %" G_GINT64_MODIFIER "x", f[0], f[2], f[3],
                                g_ascii_strtoull(f[1], NULL, 16));

            if (!has_line(image, line)) {
                g_test_message("missing: %s", line);
                g_test_fail();
            }
            checked++;
        }
    }
    g_assert_cmpuint(checked, >=, 6);
    scratch_remove(dir);
}

static void test_elf_variants(void)
{
    char *dir = scratch_new();
    g_autofree char *path = compile(dir, "-O1 -no-pie -s -Wl,--build-id=none");
    g_autoptr(MtraceImage) image = mtrace_image_open(path, NULL);
    size_t len;

    g_assert_nonnull(image);
    g_assert_false(mtrace_image_has_dwarf(image));
    g_assert_null(mtrace_image_build_id(image));
    g_assert_null(mtrace_image_btf(image, &len));
    g_assert_cmpuint(len, ==, 0);
    g_assert_cmpstr(mtrace_image_symbols(image, &len), ==, "");
    g_assert_cmpuint(mtrace_image_symbol_count(image), ==, 0);
    g_assert_nonnull(mtrace_image_symbols_note(image));

    g_autofree char *src = scratch_write(dir, "a.s",
        ".globl _start\n.text\n_start: nop\nlabel: nop\nnop\n.data\nd: .long 1\n", -1);
    g_free(run(dir, "gcc -m32 -nostdlib -static -Wl,-Ttext=0x100000 -o a a.s"));
    g_autofree char *path32 = g_build_filename(dir, "a", NULL);
    g_autoptr(MtraceImage) image32 = mtrace_image_open(path32, NULL);
    g_assert_nonnull(image32);
    g_assert_cmpuint(mtrace_image_bits(image32), ==, 32);
    g_assert_cmpuint(mtrace_image_machine(image32), ==, 3);
    g_assert_true(has_line(image32, "0000000000100000 T _start 1"));
    g_assert_true(has_line(image32, "0000000000100001 t label 2")); /* to section end */
    scratch_remove(dir);
}

/* ---- bzImage ---- */

static size_t pack_gzip(const guint8 *in, size_t n, guint8 *out, size_t room)
{
    z_stream s = { .next_in = (Bytef *)in, .avail_in = n, .next_out = out,
                   .avail_out = room };

    deflateInit2(&s, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    g_assert_cmpint(deflate(&s, Z_FINISH), ==, Z_STREAM_END);
    deflateEnd(&s);
    return room - s.avail_out;
}

static size_t pack_xz(const guint8 *in, size_t n, guint8 *out, size_t room)
{
    size_t pos = 0;

    g_assert_cmpint(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, in, n, out, &pos,
                                            room), ==, LZMA_OK);
    return pos;
}

static size_t pack_lzma(const guint8 *in, size_t n, guint8 *out, size_t room)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_options_lzma options;

    lzma_lzma_preset(&options, 1);
    g_assert_cmpint(lzma_alone_encoder(&s, &options), ==, LZMA_OK);
    s.next_in = in;
    s.avail_in = n;
    s.next_out = out;
    s.avail_out = room;
    g_assert_cmpint(lzma_code(&s, LZMA_FINISH), ==, LZMA_STREAM_END);
    lzma_end(&s);
    return room - s.avail_out;
}

static size_t pack_bzip2(const guint8 *in, size_t n, guint8 *out, size_t room)
{
    unsigned len = room;

    g_assert_cmpint(BZ2_bzBuffToBuffCompress((char *)out, &len, (char *)in, n, 9, 0, 0),
                    ==, BZ_OK);
    return len;
}

static size_t pack_lz4(const guint8 *in, size_t n, guint8 *out, size_t room)
{
    static const guint8 magic[] = { 0x02, 0x21, 0x4c, 0x18 };
    const size_t block = 8 << 20;
    size_t pos = 4;

    memcpy(out, magic, 4);
    for (size_t at = 0; at < n; at += block) {
        int len = LZ4_compress_default((const char *)in + at, (char *)out + pos + 4,
                                       MIN(block, n - at), room - pos - 4);
        guint32 le = GUINT32_TO_LE(len);

        g_assert_cmpint(len, >, 0);
        memcpy(out + pos, &le, 4);
        pos += 4 + len;
    }
    return pos;
}

static size_t pack_zstd(const guint8 *in, size_t n, guint8 *out, size_t room)
{
    size_t len = ZSTD_compress(out, room, in, n, 3);

    g_assert_false(ZSTD_isError(len));
    return len;
}

static const struct {
    const char *name;
    size_t (*pack)(const guint8 *in, size_t n, guint8 *out, size_t room);
} codecs[] = {
    { "gzip", pack_gzip },   { "xz", pack_xz },   { "lzma", pack_lzma },
    { "bzip2", pack_bzip2 }, { "lz4", pack_lz4 }, { "zstd", pack_zstd },
};

#define SETUP_SIZE 1024 /* one sector of setup after the boot sector */
#define PAYLOAD_AT 64

static void put32(guint8 *p, guint32 value)
{
    value = GUINT32_TO_LE(value);
    memcpy(p, &value, 4);
}

/* A bzImage around @elf, as the kernel's build makes it, size appended. */
static GBytes *make_bzimage(const guint8 *elf, size_t n, int codec)
{
    size_t room = n + n / 2 + 65536;
    guint8 *out = g_malloc0(SETUP_SIZE + PAYLOAD_AT + room + 4);
    size_t len = codecs[codec].pack(elf, n, out + SETUP_SIZE + PAYLOAD_AT, room);

    put32(out + SETUP_SIZE + PAYLOAD_AT + len, n);
    out[0x1f1] = 1;
    out[0x1fe] = 0x55;
    out[0x1ff] = 0xaa;
    memcpy(out + 0x202, "HdrS", 4);
    out[0x206] = 0x0f;
    out[0x207] = 0x02;
    put32(out + 0x248, PAYLOAD_AT);
    put32(out + 0x24c, len + 4);
    return g_bytes_new_take(out, SETUP_SIZE + PAYLOAD_AT + len + 4);
}

/* An ELF of more than one lz4 block: the program with 20 MB of data. */
static GBytes *big_elf(void)
{
    char *dir = scratch_new();
    g_autofree char *path = compile(dir, "-O1 -no-pie");
    g_autofree char *elf = NULL;
    gsize n;

    g_assert_true(g_file_get_contents(path, &elf, &n, NULL));
    guint8 *big = g_malloc(n + (20 << 20));
    memcpy(big, elf, n);
    for (size_t i = 0; i < 20 << 20; i++) {
        big[n + i] = (i * i) >> 7;
    }
    scratch_remove(dir);
    return g_bytes_new_take(big, n + (20 << 20));
}

static void test_codecs(void)
{
    g_autoptr(GBytes) elf = big_elf();
    gsize n;
    const guint8 *bytes = g_bytes_get_data(elf, &n);

    for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
        g_autoptr(GBytes) file = make_bzimage(bytes, n, i);
        g_autoptr(GError) error = NULL;
        g_autoptr(MtraceImage) image = mtrace_image_open_bytes("bz", file, &error);
        size_t len;

        g_assert_no_error(error);
        g_assert_cmpint(mtrace_image_format(image), ==, MTRACE_IMAGE_FORMAT_BZIMAGE);
        g_assert_cmpstr(mtrace_image_codec(image), ==, codecs[i].name);
        const guint8 *inner = mtrace_image_elf(image, &len);
        g_assert_cmpmem(inner, len, bytes, n);
        g_assert_cmpuint(mtrace_image_symbol_count(image), >, 10);
    }
}

static void test_damaged_bzimage(void)
{
    char *dir = scratch_new();
    g_autofree char *path = compile(dir, "-O1 -no-pie");
    g_autofree char *elf = NULL;
    gsize n, size;

    g_assert_true(g_file_get_contents(path, &elf, &n, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
        g_autoptr(GBytes) file = make_bzimage((guint8 *)elf, n, i);
        const guint8 *good = g_bytes_get_data(file, &size);

        /* The payload ends early, the header does not say so. */
        g_autofree guint8 *copy = g_memdup2(good, size);
        put32(copy + 0x24c, (size - SETUP_SIZE - PAYLOAD_AT) / 2);
        g_autoptr(GBytes) half = g_bytes_new(copy, size);
        g_autoptr(GError) error = NULL;
        g_assert_null(mtrace_image_open_bytes("half", half, &error));
        g_assert_error(error, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_DAMAGED);

        g_autoptr(GBytes) cut = g_bytes_new(good, SETUP_SIZE + PAYLOAD_AT + 10);
        g_autoptr(GError) error2 = NULL;
        g_assert_null(mtrace_image_open_bytes("cut", cut, &error2));
        g_assert_error(error2, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_DAMAGED);
        g_assert_nonnull(strstr(error2->message, "outside the file"));
    }
    scratch_remove(dir);
}

/* ---- kallsyms ---- */

typedef enum Layout { LAYOUT_OLD, LAYOUT_MIDDLE, LAYOUT_NEW } Layout;

#define N_SYMS 700
#define N_PERCPU 20 /* the first ones, linked at zero, in the old layouts */

static void sym_name(int i, GString *out)
{
    g_string_printf(out, "%s_%s%d", i % 7 == 3 ? "__pfx" : "fn",
                    i % 5 ? "short" : "a_rather_long_name_of_a_function", i);
    if (i == 42) { /* a length that needs two bytes */
        for (int k = 0; k < 20; k++) {
            g_string_append(out, "_another_ten");
        }
    }
}

static bool is_percpu(Layout layout, int i)
{
    return layout != LAYOUT_NEW && i < N_PERCPU;
}

static void emit_names(GString *s)
{
    g_autoptr(GString) name = g_string_new(NULL);
    g_autoptr(GArray) markers = g_array_new(FALSE, FALSE, sizeof(guint));
    guint pos = 0;

    g_string_append_printf(s, ".balign 8\n.long %d\n.balign 8\n", N_SYMS);
    for (int i = 0; i < N_SYMS; i++) {
        sym_name(i, name);
        guint len = name->len + 1;

        if (i % 256 == 0) {
            g_array_append_val(markers, pos);
        }
        if (len > 127) {
            g_string_append_printf(s, ".byte %u,%u\n", (len & 0x7f) | 0x80, len >> 7);
        } else {
            g_string_append_printf(s, ".byte %u\n", len);
        }
        g_string_append_printf(s, ".ascii \"%c%s\"\n", i % 2 ? 'T' : 't', name->str);
        pos += len + (len > 127 ? 2 : 1);
    }
    g_string_append(s, ".balign 8\n");
    for (guint i = 0; i < markers->len; i++) {
        g_string_append_printf(s, ".long %u\n", g_array_index(markers, guint, i));
    }
}

/* Each token is its own character; those that cannot be one are two letters. */
static void emit_tokens(GString *s)
{
    g_autoptr(GString) index = g_string_new(".balign 8\n");
    guint pos = 0;

    g_string_append(s, ".balign 8\n");
    for (int i = 0; i < 256; i++) {
        bool plain = g_ascii_isalnum(i) || i == '_';

        g_string_append_printf(index, ".short %u\n", pos);
        g_string_append_printf(s, plain ? ".asciz \"%c\"\n" : ".asciz \"q%c\"\n",
                               plain ? i : 'a' + i % 26);
        pos += plain ? 2 : 3;
    }
    g_string_append(s, index->str);
}

static void emit_offsets(GString *s, Layout layout)
{
    g_string_append(s, layout == LAYOUT_NEW ? ".balign 4\n" : ".balign 8\n");
    for (int i = 0; i < N_SYMS; i++) {
        if (layout == LAYOUT_NEW) {
            g_string_append_printf(s, ".long code + %d - .\n", 16 * i);
        } else {
            g_string_append_printf(s, ".long %d\n", is_percpu(layout, i) ? 8 * i
                                                                         : -1 - 16 * i);
        }
    }
    if (layout != LAYOUT_NEW) {
        g_string_append(s, ".balign 8\n.quad code\n");
    }
}

static char *make_kallsyms(const char *dir, Layout layout)
{
    g_autoptr(GString) s = g_string_new(".globl _start\n.text\n_start:\ncode:\n");

    g_string_append_printf(s, ".skip %d\n.section .rodata\n.skip 8192, 1\n", 16 * N_SYMS);
    if (layout == LAYOUT_OLD) {
        emit_offsets(s, layout);
    }
    emit_names(s);
    emit_tokens(s);
    if (layout != LAYOUT_OLD) {
        emit_offsets(s, layout);
    }
    g_string_append(s, ".skip 8192, 1\n");
    g_autofree char *source = scratch_write(dir, "k.s", s->str, s->len);
    g_free(run(dir, "gcc -nostdlib -static -s -Wl,--build-id=none,-Ttext=0x40000000 "
                    "-Wl,--section-start=.rodata=0x48000000 -o k k.s"));
    return g_build_filename(dir, "k", NULL);
}

static void test_kallsyms_layout(gconstpointer data)
{
    Layout layout = GPOINTER_TO_INT(data);
    char *dir = scratch_new();
    g_autofree char *path = make_kallsyms(dir, layout);
    g_autoptr(GError) error = NULL;
    g_autoptr(MtraceImage) image = mtrace_image_open(path, &error);
    g_autoptr(GString) expected = g_string_new(NULL);
    g_autoptr(GString) name = g_string_new(NULL);
    size_t len;

    g_assert_no_error(error);
    g_assert_cmpstr(mtrace_image_symbols_note(image), ==, NULL);
    for (int i = 0; i < N_SYMS; i++) {
        guint64 addr = is_percpu(layout, i) ? 8 * i : 0x40000000 + 16 * i;

        sym_name(i, name);
        if (!g_str_has_prefix(name->str, "__pfx_")) {
            g_string_append_printf(expected, "%016" G_GINT64_MODIFIER "x %c %s\n", addr,
                                   i % 2 ? 'T' : 't', name->str);
        }
    }
    g_assert_cmpint(mtrace_image_symbols_from(image), ==,
                    MTRACE_IMAGE_SYMBOLS_KALLSYMS);
    g_assert_cmpstr(mtrace_image_symbols(image, &len), ==, expected->str);
    g_assert_cmpuint(len, ==, expected->len);
    scratch_remove(dir);
}

/* Every damaged copy either opens or is refused; nothing else may happen. */
static void open_damaged(const guint8 *good, gsize n, int rounds)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(n); /* the same damage every time */
    g_autofree guint8 *copy = g_malloc(n);

    for (int round = 0; round < rounds; round++) {
        gsize len = round % 3 ? n : (gsize)g_rand_int_range(rand, 0, n);

        memcpy(copy, good, n);
        for (int k = 0; k < 8; k++) {
            gsize at = round % 2 ? g_rand_int_range(rand, 0, n)
                                 : g_rand_int_range(rand, 0, MIN(n, 512));
            copy[at] = g_rand_int(rand);
        }
        g_autoptr(GBytes) bytes = g_bytes_new(copy, len);
        g_autoptr(GError) error = NULL;
        g_autoptr(MtraceImage) image = mtrace_image_open_bytes("x", bytes, &error);
        g_assert_true((image != NULL) != (error != NULL));
    }
}

static void test_damaged(void)
{
    char *dir = scratch_new();
    gsize n;

    for (int which = 0; which < 4; which++) {
        g_autofree char *path = which ? make_kallsyms(dir, which - 1)
                                      : compile(dir, "-g -O1 -no-pie");
        g_autofree char *bytes = NULL;

        g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
        open_damaged((guint8 *)bytes, n, 300);
    }
    scratch_remove(dir);
}

static void expect_error(const char *path, GQuark domain, int code)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(mtrace_image_open(path, &error));
    g_assert_error(error, domain, code);
    g_assert_nonnull(strstr(error->message, path));
}

static void test_errors(void)
{
    char *dir = scratch_new();
    g_autofree char *empty = scratch_write(dir, "empty", "", 0);
    g_autofree char *text = scratch_write(dir, "text", "not a kernel\n", -1);
    g_autofree char *stub = scratch_write(dir, "stub", "\177ELF\2\1\1", 7);
    g_autofree char *none = g_build_filename(dir, "none", NULL);

    expect_error(empty, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_FORMAT);
    expect_error(text, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_FORMAT);
    expect_error(stub, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_DAMAGED);
    expect_error(dir, MTRACE_IMAGE_ERROR, MTRACE_IMAGE_ERROR_FORMAT);
    expect_error(none, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    scratch_remove(dir);
}

/* ---- a stock kernel ---- */

static void test_kernel(void)
{
    static const char *const names[] = {
        "entry_SYSCALL_64", "do_syscall_64", "runqueues", "__per_cpu_offset", "kfree",
        "_raw_spin_lock", "__per_cpu_start", "__per_cpu_end", "_stext", "_etext", "_end",
        "init_task",
    };
    const char *path = test_vmlinuz();
    g_autoptr(GError) error = NULL;
    size_t len, elf_len;

    if (!path) {
        return;
    }
    g_autoptr(MtraceImage) image = mtrace_image_open(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(mtrace_image_format(image), ==, MTRACE_IMAGE_FORMAT_BZIMAGE);
    g_assert_cmpint(mtrace_image_symbols_from(image), ==,
                    MTRACE_IMAGE_SYMBOLS_KALLSYMS);
    g_assert_cmpuint(mtrace_image_symbol_count(image), >, 80000);
    g_assert_cmpuint(strlen(mtrace_image_build_id(image)), ==, 40);
    g_assert_nonnull(mtrace_image_btf(image, &len));
    g_assert_cmpuint(len, >, 1 << 20);

    const char *text = mtrace_image_symbols(image, &len);
    g_assert_cmpuint(strlen(text), ==, len);
    g_assert_null(strstr(text, " __pfx_"));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *find = g_strdup_printf(" %s\n", names[i]);

        g_assert_nonnull(strstr(text, find));
    }

    guint64 before = 0;
    size_t lines = 0;
    for (const char *p = text; *p; p = strchr(p, '\n') + 1) {
        guint64 addr = g_ascii_strtoull(p, NULL, 16);

        g_assert_cmphex(addr, >=, before);
        before = addr;
        lines++;
    }
    g_assert_cmpuint(lines, ==, mtrace_image_symbol_count(image));

    /* 6.1.192 of Debian 12, counted in the running guest's /proc/kallsyms. */
    const guint8 *elf = mtrace_image_elf(image, &elf_len);
    static const char banner[] = "Linux version 6.1.0-56-cloud-amd64";
    if (memmem(elf, elf_len, banner, strlen(banner))) {
        g_assert_cmpuint(lines, ==, 87347);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/elf/symtab", test_symtab);
    g_test_add_func("/image/elf/variants", test_elf_variants);
    g_test_add_func("/image/bzimage/codecs", test_codecs);
    g_test_add_func("/image/bzimage/damaged", test_damaged_bzimage);
    g_test_add_data_func("/image/kallsyms/old", GINT_TO_POINTER(LAYOUT_OLD),
                         test_kallsyms_layout);
    g_test_add_data_func("/image/kallsyms/middle", GINT_TO_POINTER(LAYOUT_MIDDLE),
                         test_kallsyms_layout);
    g_test_add_data_func("/image/kallsyms/new", GINT_TO_POINTER(LAYOUT_NEW),
                         test_kallsyms_layout);
    g_test_add_func("/image/damaged", test_damaged);
    g_test_add_func("/image/errors", test_errors);
    g_test_add_func("/image/kernel", test_kernel);
    return g_test_run();
}
