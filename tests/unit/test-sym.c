/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of sym.h on programs that the test compiles and runs: the program itself
 * says, by offsetof() and addresses, where its fields are, and addr2line(1) says
 * what its code is. DWARF 4, DWARF 5 and BTF must all agree. Then symbol text
 * rules, and damaged input.
 */
#include <stdlib.h>
#include "sym.h"
#include "test-image-util.h"

/*
 * With ROWS 3 for BTF: gcc 12 writes the dimensions of an array the wrong way round.
 *
 * Prints "T TYPE OFFSET PATH SIZE", "B TYPE OFFSET PATH BIT WIDTH" for a bit-field
 * (found by setting it and looking), "D ADDRESS PATH".
 */
static const char program[] =
    "#include <stdio.h>\n"
    "#include <stddef.h>\n"
    "#include <string.h>\n"
    "typedef struct { int x; short y[3]; } pair_t;\n"
    "struct inner { char c; union { long whole; struct { int low, high; }; };\n"
    "    pair_t grid[ROWS][3]; };\n"
    "union either { unsigned char raw[8]; double d; };\n"
    "struct outer { const char *name; struct inner in; struct { int a; struct { int b; };\n"
    "    } named; union either e; unsigned f1:3, f2:7, f3:12, f4:10; unsigned long g:33;\n"
    "    struct inner *const next; void (*call)(int); int tail_n; pair_t tail[]; };\n"
    "struct outer one; struct inner many[5]; static pair_t hidden[4];\n"
    "int plain; volatile int *pointer;\n"
    "struct big { char pad[4096]; pair_t last; } big_one;\n"
    "enum color { RED } paint;\n"
    "static inline __attribute__((always_inline)) int leaf(int a)\n"
    "{ return many[a & 3].grid[1][2].x * plain + hidden[a & 3].x; }\n"
    "static inline __attribute__((always_inline)) int middle(int a)\n"
    "{ int r = 0; for (int i = 0; i < a; i++) { r += leaf(i); pointer = &plain; }\n"
    "  return r; }\n"
    "__attribute__((noinline)) int outermost(int a)\n"
    "{ static int calls; calls += a; if (a > 3) { return middle(a) + leaf(calls); }\n"
    "  return middle(a + 1); }\n"
    "__attribute__((cold, noinline)) int unlikely_one(int a) { return leaf(a) + 7; }\n"
    "#define T(type, path) printf(\"T|%s|%zu|.%s|%zu\\n\", #type, offsetof(type, path), #path,\\\n"
    "    sizeof(((type *)0)->path))\n"
    "#define B(type, field) do { type v; unsigned char *p = (void *)&v; int bit = 0, n = 0;\\\n"
    "    memset(p, 0, sizeof(v)); v.field = ~0; while (!(p[bit / 8] >> bit % 8 & 1)) bit++;\\\n"
    "    while (p[(bit + n) / 8] >> (bit + n) % 8 & 1) n++;\\\n"
    "    printf(\"B|%s|%d|.%s|%d|%d\\n\", #type, bit / 8, #field, bit % 8, n); } while (0)\n"
    "#define D(var, path) printf(\"D|%lx|%s\\n\", (unsigned long)&(var path), #var #path)\n"
    "struct bits { unsigned f1:3, f2:7, f3:12, f4:10; unsigned long g:33; };\n"
    "int main(int c, char **v)\n"
    "{\n"
    "  static struct bits sb; (void)sb;\n"
    "  T(struct outer, name); T(struct outer, in.c); T(struct outer, in.grid[1][2].y[1]);\n"
    "  T(struct outer, in.low); T(struct outer, in.high); T(struct outer, named.b);\n"
    "  T(struct outer, e.raw[5]); T(struct outer, next); T(struct outer, call);\n"
    "  T(struct outer, tail[9].x); T(struct outer, tail_n); T(struct inner, grid[0][2].x);\n"
    "  T(pair_t, y[2]); T(union either, raw[7]); T(struct big, last.y[0]);\n"
    "  B(struct bits, f1); B(struct bits, f2); B(struct bits, f3); B(struct bits, f4);\n"
    "  B(struct bits, g);\n"
    "  D(one, .in.grid[1][1].x); D(many, [3].grid[0][1].y[2]); D(hidden, [2].x);\n"
    "  D(plain, ); D(pointer, ); D(one, .tail_n); D(big_one, .last.y[1]); D(paint, );\n"
    "  return outermost(c) + unlikely_one(c) == 12345 && v[0][0] + sb.f1;\n"
    "}\n";

static char *build(const char *dir, const char *flags)
{
    g_autofree char *source = scratch_write(dir, "p.c", program, -1);
    g_autofree char *cmd = g_strdup_printf("gcc -w -no-pie -DROWS=%d %s -o p p.c",
                                           strstr(flags, "gbtf") ? 3 : 2, flags);

    g_free(run(dir, cmd));
    return g_build_filename(dir, "p", NULL);
}

static SymSpace *open_space(const char *path)
{
    g_autoptr(GError) error = NULL;
    SymSpace *space = sym_space_new();

    sym_space_add_file(space, path, &error);
    g_assert_no_error(error);
    return space;
}

static void check_type(SymSpace *space, char **f)
{
    guint64 offset = g_ascii_strtoull(f[2], NULL, 10);
    SymField field;

    g_assert_true(sym_type_lookup(space, f[1], offset, &field));
    g_assert_cmpstr(field.path, ==, f[3]);
    g_assert_cmpuint(field.offset, ==, offset);
    if (*f[0] == 'B') {
        g_assert_cmpuint(field.bit_offset, ==, atoi(f[4]));
        g_assert_cmpuint(field.bit_size, ==, atoi(f[5]));
    } else {
        g_assert_cmpuint(field.bit_size, ==, 0);
        g_assert_cmpuint(field.size, ==, g_ascii_strtoull(f[4], NULL, 10));
    }
    /* And back. */
    g_assert_true(sym_type_field(space, f[1], f[3], &field));
    g_assert_cmpuint(field.offset, ==, offset);
    g_assert_true(sym_type_field(space, f[1], f[3] + 1, &field));
    g_assert_cmpuint(field.offset, ==, offset);
    g_assert_cmpstr(field.path, ==, f[3] + 1);
}

static void check_variable(SymSpace *space, char **f, gint64 slide)
{
    SymData data;

    g_assert_true(sym_lookup_data(space, g_ascii_strtoull(f[1], NULL, 16) + slide, &data));
    g_assert_cmpstr(data.path, ==, f[2]);
    g_assert_cmpint(data.cpu, ==, -1);
}

/* Ask about everything that the program says of itself; how many lines it was. */
static unsigned check_program(SymSpace *space, const char *dir, bool variables,
                              gint64 slide)
{
    g_autofree char *out = run(dir, "./p");
    g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
    unsigned checked = 0;

    for (int i = 0; lines[i]; i++) {
        g_auto(GStrv) f = g_strsplit(lines[i], "|", -1);

        if (f[0] && (*f[0] == 'T' || *f[0] == 'B')) {
            /* A bit-field that starts inside a byte shares it with the one before. */
            if (*f[0] == 'B' && atoi(f[4]) != 0) {
                SymField field;

                g_assert_true(sym_type_field(space, f[1], f[3], &field));
                g_assert_cmpuint(field.offset, ==, atoi(f[2]));
                g_assert_cmpuint(field.bit_offset, ==, atoi(f[4]));
                g_assert_cmpuint(field.bit_size, ==, atoi(f[5]));
            } else {
                check_type(space, f);
            }
            checked++;
        } else if (f[0] && *f[0] == 'D' && variables) {
            check_variable(space, f, slide);
            checked++;
        }
    }
    return checked;
}

static void check_special_types(SymSpace *space, unsigned rows)
{
    g_autofree char *grid = g_strdup_printf("pair_t[%u][3]", rows);
    g_autofree char *outside = g_strdup_printf("grid[%u][0].x", rows);
    SymField field;
    uint64_t size = 0;

    g_assert_true(sym_type_size(space, "pair_t", &size));
    g_assert_cmpuint(size, ==, 12);
    g_assert_true(sym_type_size(space, "outer", &size)); /* a bare tag */
    g_assert_false(sym_type_size(space, "struct nowhere", &size));
    g_assert_false(sym_type_lookup(space, "struct nowhere", 0, &field));
    g_assert_false(sym_type_lookup(space, "struct inner", 1 << 20, &field));
    g_assert_false(sym_type_field(space, "struct inner", outside, &field));
    g_assert_false(sym_type_field(space, "struct inner", "nothing", &field));
    g_assert_false(sym_type_field(space, "struct inner", "c.x", &field));
    g_assert_false(sym_type_field(space, "struct inner", "grid[1", &field));

    g_assert_true(sym_type_lookup(space, "struct inner", 4, &field)); /* padding */
    g_assert_cmpstr(field.path, ==, "");
    g_assert_cmpstr(field.type, ==, "struct inner");
    g_assert_true(sym_type_field(space, "struct outer", "call", &field));
    g_assert_cmpstr(field.type, ==, "void (*)()");
    g_assert_true(sym_type_field(space, "struct outer", "next", &field));
    g_assert_cmpstr(field.type, ==, "struct inner *const");
    g_assert_true(sym_type_field(space, "struct outer", "name", &field));
    g_assert_cmpstr(field.type, ==, "const char *");
    g_assert_true(sym_type_field(space, "struct inner", "grid", &field));
    g_assert_cmpstr(field.type, ==, grid);
    g_assert_cmpuint(field.size, ==, rows * 3 * 12);
    g_assert_true(sym_type_lookup(space, "struct inner", 9, &field)); /* inside .low */
    g_assert_cmpstr(field.path, ==, ".low");
    g_assert_cmpuint(field.offset, ==, 8);
}

static void test_types(gconstpointer flags)
{
    char *dir = scratch_new();
    g_autofree char *path = build(dir, flags);
    g_autoptr(SymSpace) space = open_space(path);
    bool dwarf = strstr(flags, "gdwarf") != NULL;
    SymImageInfo info;

    g_assert_true(sym_space_image(space, 0, &info));
    g_assert_cmpint(info.has_dwarf, ==, dwarf);
    g_assert_cmpint(info.has_btf, ==, !dwarf);
    g_assert_cmpuint(check_program(space, dir, true, 0), ==, 28);
    check_special_types(space, dwarf ? 2 : 3);

    /* The same with everything moved. */
    sym_space_set_slide(space, 0x7f0000000000);
    g_assert_cmpuint(check_program(space, dir, true, 0x7f0000000000), ==, 28);
    scratch_remove(dir);
}

static void test_static_local(gconstpointer flags)
{
    char *dir = scratch_new();
    g_autofree char *path = build(dir, flags);
    g_autoptr(SymSpace) space = open_space(path);
    g_autofree char *nm = run(dir, "nm p");
    g_auto(GStrv) halves = g_strsplit(nm, " b calls.", 2);
    SymData data;

    g_assert_cmpuint(g_strv_length(halves), ==, 2);
    const char *line = strrchr(halves[0], '\n');
    guint64 addr = g_ascii_strtoull(line, NULL, 16);
    g_assert_true(sym_lookup_data(space, addr, &data));
    g_assert_cmpstr(data.type, ==, "int");
    g_assert_true(g_str_has_prefix(data.path, "calls."));
    scratch_remove(dir);
}

/* ---- code ---- */

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;

    return slash ? slash + 1 : path ? path : "??";
}

/* addr2line's "FUNCTION LF FILE:LINE LF" for each frame. */
static char *frames_text(const SymCode *code)
{
    GString *s = g_string_new(NULL);

    for (uint32_t i = 0; i < code->n_frames; i++) {
        const SymFrame *f = &code->frames[i];

        g_assert_cmpint(f->inlined, ==, i + 1 < code->n_frames);
        g_string_append_printf(s, "%s\n%s:%u\n", f->function, base_name(f->file), f->line);
    }
    return g_string_free(s, FALSE);
}

static char *addr2line(const char *dir, guint64 pc)
{
    g_autofree char *cmd = g_strdup_printf("addr2line -s -i -f -e p %" G_GINT64_MODIFIER "x",
                                           pc);
    g_autofree char *out = run(dir, cmd);
    GString *s = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(out, "\n", -1);

    for (int i = 0; lines[i]; i++) {
        char *discriminator = strstr(lines[i], " (disc");

        if (discriminator) {
            *discriminator = 0;
        }
        if (*lines[i]) {
            g_string_append_printf(s, "%s\n", lines[i]);
        }
    }
    return g_string_free(s, FALSE);
}

static void test_code(gconstpointer flags)
{
    static const char *const functions[] = { "outermost", "unlikely_one" };
    char *dir = scratch_new();
    g_autofree char *path = build(dir, flags);
    g_autoptr(SymSpace) space = open_space(path);
    unsigned deepest = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        uint64_t start;
        SymCode code;

        g_assert_true(sym_address(space, functions[i], &start));
        g_assert_true(sym_lookup_code(space, start, &code));
        uint64_t size = code.size;
        g_assert_cmpuint(size, >, 8);
        for (uint64_t pc = start; pc < start + size; pc++) {
            g_autofree char *expected = addr2line(dir, pc);

            g_assert_true(sym_lookup_code(space, pc, &code));
            g_autofree char *got = frames_text(&code);
            g_assert_cmpstr(code.symbol, ==, functions[i]);
            g_assert_cmpuint(code.offset, ==, pc - start);
            g_assert_cmpstr(got, ==, expected);
            g_assert_true(code.file == code.frames[0].file);
            g_assert_cmpuint(code.line, ==, code.frames[0].line);
            deepest = MAX(deepest, code.n_frames);
        }
    }
    g_assert_cmpuint(deepest, ==, 3); /* leaf in middle in outermost */
    scratch_remove(dir);
}

static void test_format(void)
{
    char *dir = scratch_new();
    g_autofree char *path = build(dir, "-g -O0");
    g_autoptr(SymSpace) space = open_space(path);
    uint64_t start;

    g_assert_true(sym_address(space, "outermost", &start));
    const char *text = sym_format_code(space, start);
    g_assert_cmpstr(text, ==, "outermost+0x0 (p.c:21)");
    g_assert_true(text == sym_format_code(space, start)); /* interned */
    g_assert_cmpstr(sym_format_code(space, 0x10), ==, "0x10");
    scratch_remove(dir);
}

/* ---- symbol text ---- */

static SymSpace *space_of(const char *text)
{
    g_autoptr(GError) error = NULL;
    SymSpace *space = sym_space_new();

    sym_space_add_parts(space, "parts", text, strlen(text), NULL, 0, "0123", &error);
    g_assert_no_error(error);
    return space;
}

static const char zero_based[] =
    "0000000000000000 A __per_cpu_start\n"
    "0000000000001000 A cpu_thing\n"
    "0000000000001040 A other_thing\n"
    "0000000000002000 A __per_cpu_end\n"
    "ffffffff81000000 T _stext\n"
    "ffffffff81000000 T first\n"
    "ffffffff81000040 t second\n"
    "ffffffff81000040 t second_alias\n"
    "ffffffff81000100 T _etext\n"
    "ffffffff82000000 R constant\n"
    "ffffffff82000010 D variable\n"
    "ffffffff82000020 B zeroed\n"
    "ffffffff82001000 B _end\n"
    "ffffffffc0000000 t module_code\t[some]\n";

static void expect_code(SymSpace *space, guint64 addr, const char *expected)
{
    g_assert_cmpstr(sym_format_code(space, addr), ==, expected);
}

static void expect_data(SymSpace *space, guint64 addr, const char *path, int cpu)
{
    SymData data;
    bool found = sym_lookup_data(space, addr, &data);

    g_assert_cmpstr(data.path, ==, path);
    g_assert_cmpint(found, ==, path != NULL);
    if (found) {
        g_assert_cmpint(data.cpu, ==, cpu);
    }
}

static void test_text_rules(void)
{
    g_autoptr(SymSpace) space = space_of(zero_based);
    SymCode code;

    expect_code(space, 0xffffffff81000000, "first+0x0");
    expect_code(space, 0xffffffff8100003f, "first+0x3f");
    expect_code(space, 0xffffffff81000041, "second+0x1");
    expect_code(space, 0xffffffff810000ff, "second+0xbf");
    g_assert_false(sym_lookup_code(space, 0xffffffff81000100, &code)); /* past _etext */
    g_assert_false(sym_lookup_code(space, 0xffffffff82000010, &code)); /* data */
    g_assert_false(sym_lookup_code(space, 0xffffffff80ffffff, &code));
    g_assert_null(code.symbol);
    expect_code(space, 0xffffffffc0000fff, "module_code+0xfff");
    g_assert_false(sym_lookup_code(space, 0xffffffffc0001000, &code)); /* its page */
    expect_data(space, 0xffffffff82000fff, "zeroed+0xfdf", -1);
    expect_data(space, 0xffffffff82001000, NULL, -1); /* past _end */
    expect_data(space, 0xffffffff81200000, NULL, -1);
    expect_data(space, 0x1000, NULL, -1); /* a low address is not per-CPU */

    g_assert_cmpint(sym_classify(space, 0xffffffff81000000), ==, SYM_KIND_TEXT);
    g_assert_cmpint(sym_classify(space, 0xffffffff82000000), ==, SYM_KIND_RODATA);
    g_assert_cmpint(sym_classify(space, 0xffffffff82000010), ==, SYM_KIND_DATA);
    g_assert_cmpint(sym_classify(space, 0xffffffff82000020), ==, SYM_KIND_DATA);
    g_assert_cmpint(sym_classify(space, 0xffffffff82001000), ==, SYM_KIND_UNKNOWN);
}

static void test_sized_text(void)
{
    g_autoptr(SymSpace) space = space_of("0000000000100000 T whole 100\n"
                                         "0000000000100020 t inside 10\n"
                                         "0000000000100100 T mark\n"
                                         "0000000000200000 D after 8\n");
    SymCode code;

    expect_code(space, 0x10001f, "whole+0x1f");
    expect_code(space, 0x100020, "inside+0x0");
    expect_code(space, 0x100030, "whole+0x30"); /* the one around it again */
    g_assert_false(sym_lookup_code(space, 0x100100, &code));
    expect_data(space, 0x200007, "after+0x7", -1);
    expect_data(space, 0x200008, NULL, -1);
}

static void test_percpu(void)
{
    const guint64 cpu0 = 0xffff888000000000, cpu3 = 0xffff888000100000;
    g_autoptr(SymSpace) space = space_of(zero_based);
    uint64_t addr;

    expect_data(space, cpu0 + 0x1004, NULL, -1);
    sym_space_set_percpu_base(space, 3, cpu3);
    sym_space_set_percpu_base(space, 0, cpu0);
    sym_space_set_percpu_base(space, 1, 0);            /* ignored */
    sym_space_set_percpu_base(space, 1 << 20, 0x1000); /* ignored */
    expect_data(space, cpu0 + 0x1004, "cpu_thing+0x4", 0);
    expect_data(space, cpu3 + 0x1fff, "other_thing+0xfbf", 3);
    expect_data(space, cpu3 + 0x2000, NULL, -1);
    expect_data(space, 0x2004, NULL, -1);
    g_assert_cmpint(sym_classify(space, cpu3 + 0x1000), ==, SYM_KIND_PERCPU);

    sym_space_set_percpu_base(space, 0, cpu0 + 0x800000); /* moves; the old one stays */
    expect_data(space, cpu0 + 0x801000, "cpu_thing", 0);
    expect_data(space, cpu0 + 0x1000, "cpu_thing", 0);
    sym_space_set_percpu_base(space, 7, cpu0); /* and is taken over by another */
    expect_data(space, cpu0 + 0x1000, "cpu_thing", 7);

    sym_space_set_slide(space, 0x5000000); /* symbols at zero do not slide */
    expect_data(space, cpu3 + 0x1000, "cpu_thing", 3);
    expect_data(space, 0xffffffff87000010, "variable", -1);
    g_assert_true(sym_address(space, "cpu_thing", &addr));
    g_assert_cmphex(addr, ==, 0x1000);
    g_assert_true(sym_address(space, "variable", &addr));
    g_assert_cmphex(addr, ==, 0xffffffff87000010);
}

/* Later kernels: per-CPU symbols have addresses and the base is a difference. */
static void test_percpu_linked(void)
{
    g_autoptr(SymSpace) space = space_of("ffffffff81000000 T first\n"
                                         "ffffffff83000000 D __per_cpu_start\n"
                                         "ffffffff83000100 D cpu_thing\n"
                                         "ffffffff83002000 D __per_cpu_end\n");
    const guint64 area = 0xffff888012340000, other = 0xffff888022340000;

    sym_space_set_percpu_base(space, 2, area - 0xffffffff83000000);
    expect_data(space, area + 0x104, "cpu_thing+0x4", 2);
    expect_data(space, area + 0x2000, NULL, -1);
    expect_data(space, 0xffffffff83000104, "cpu_thing+0x4", -1); /* the template */

    sym_space_set_slide(space, 0x10000000);
    sym_space_set_percpu_base(space, 2, other - 0xffffffff93000000);
    expect_data(space, other + 0x104, "cpu_thing+0x4", 2);
}

static void test_anchor(void)
{
    g_autoptr(SymSpace) space = space_of(zero_based);

    g_assert_false(sym_space_set_anchor(space, "nothing", 0xffffffff91000040));
    g_assert_false(sym_space_set_anchor(space, "second", 0xffffffff91000048));
    g_assert_false(sym_space_set_anchor(space, "cpu_thing", 0xffff888000001000));
    g_assert_cmpint(sym_space_slide(space), ==, 0);
    g_assert_true(sym_space_set_anchor(space, "second", 0xffffffff91000040));
    g_assert_cmpint(sym_space_slide(space), ==, 0x10000000);
    expect_code(space, 0xffffffff91000041, "second+0x1");
    expect_code(space, 0xffffffff81000041, "0xffffffff81000041");
}

/* A vmlinux added after a log's parts brings lines and types to them. */
static void test_two_images(void)
{
    char *dir = scratch_new();
    g_autofree char *path = build(dir, "-g -O2");
    g_autofree char *nm = run(dir, "nm -n --defined-only p");
    g_autoptr(SymSpace) space = space_of(nm);
    g_autoptr(GError) error = NULL;
    SymImageInfo info;
    uint64_t addr;
    SymCode code;

    g_assert_true(sym_address(space, "outermost", &addr));
    g_assert_true(sym_lookup_code(space, addr, &code));
    g_assert_cmpuint(code.n_frames, ==, 0);
    g_assert_true(sym_space_add_file(space, path, &error));
    g_assert_true(sym_lookup_code(space, addr, &code)); /* not the cached answer */
    g_assert_cmpuint(code.n_frames, >, 0);
    g_assert_cmpstr(code.image, ==, path);
    g_assert_cmpuint(sym_space_image_count(space), ==, 2);
    g_assert_true(sym_space_image(space, 0, &info));
    g_assert_cmpstr(info.build_id, ==, "0123");
    g_assert_false(sym_space_image(space, 2, &info));
    scratch_remove(dir);
}

static void test_bad_parts(void)
{
    static const char *const bad[] = {
        "hello\n", "ffffffff81000000\n", "ffffffff81000000 T\n", "ffffffff81000000 T \n",
        "zz T name\n", "11112222333344445 T name\n", "1 T name xyz\n", "1 T name 1 2\n",
        "1 7 name\n",
    };
    g_autoptr(SymSpace) space = sym_space_new();

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(sym_space_add_parts(space, "bad", bad[i], strlen(bad[i]), NULL, 0,
                                           NULL, &error));
        g_assert_error(error, SYM_ERROR, SYM_ERROR_DAMAGED);
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(sym_space_add_parts(space, "bad", NULL, 0, "not BTF, no", 11, NULL,
                                       &error));
    g_assert_error(error, SYM_ERROR, SYM_ERROR_DAMAGED);
    g_assert_cmpuint(sym_space_image_count(space), ==, 0);
}

/* BTF in which types contain themselves; libbpf takes it. */
static void test_endless_types(void)
{
    enum { PTR = 2, ARRAY = 3, STRUCT = 4, TYPEDEF = 8 };
    static const char strings[] = "\0loop\0own\0box\0m";
    static const guint32 types[] = {
        1, TYPEDEF << 24, 1,                   /* 1: typedef loop loop */
        6, STRUCT << 24 | 1, 8, 14, 2, 0,      /* 2: struct own { struct own m; } */
        0, ARRAY << 24, 0, 3, 3, 2,            /* 3: an array of itself */
        10, STRUCT << 24 | 2, 8, 14, 3, 0,     /* 4: struct box { it m; ... */
        14, 5, 0,                              /*    pointer m; } */
        0, PTR << 24, 5,                       /* 5: a pointer to itself */
    };
    guint32 header[6] = { 0x0001eb9f, 24, 0, sizeof(types), sizeof(types), sizeof(strings) };
    g_autoptr(GByteArray) btf = g_byte_array_new();
    g_autoptr(SymSpace) space = sym_space_new();
    g_autoptr(GError) error = NULL;
    SymField field;
    uint64_t size;

    g_byte_array_append(btf, (guint8 *)header, sizeof(header));
    g_byte_array_append(btf, (guint8 *)types, sizeof(types));
    g_byte_array_append(btf, (const guint8 *)strings, sizeof(strings));
    sym_space_add_parts(space, "endless", NULL, 0, btf->data, btf->len, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(sym_type_size(space, "loop", &size));
    g_assert_cmpuint(size, ==, 0);
    g_assert_false(sym_type_lookup(space, "loop", 0, &field));
    g_assert_true(sym_type_lookup(space, "struct own", 4, &field));
    g_assert_true(g_str_has_prefix(field.path, ".m.m.m.m"));
    g_assert_true(sym_type_lookup(space, "struct box", 4, &field));
    g_assert_true(sym_type_field(space, "struct box", "m", &field));
}

/* ---- damaged files ---- */

static void ask_everything(SymSpace *space)
{
    static const char *const types[] = { "struct outer", "struct inner", "pair_t",
                                         "struct bits", "union either" };
    SymField field;
    SymCode code;
    SymData data;

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        for (uint64_t offset = 0; offset < 200; offset += 7) {
            sym_type_lookup(space, types[i], offset, &field);
        }
    }
    for (uint64_t addr = 0x401000; addr < 0x406000; addr += 13) {
        sym_lookup_code(space, addr, &code);
        sym_lookup_data(space, addr, &data);
    }
}

/* A DIE whose next sibling is itself. */
static void test_endless_siblings(void)
{
    static const char source[] =
        ".globl _start\n.text\n_start: nop\n"
        ".section .debug_abbrev,\"\",@progbits\n"
        ".byte 1, 0x11, 1, 0, 0\n"             /* a compilation unit */
        ".byte 2, 0x39, 0, 0x01, 0x13, 0, 0\n" /* a namespace with DW_AT_sibling */
        ".byte 0\n"
        ".section .debug_info,\"\",@progbits\n"
        ".long 2f - 1f\n1: .value 4\n.long 0\n.byte 8\n"
        ".byte 1\n.byte 2\n.long 12\n.byte 2\n.long 12\n.byte 0\n2:\n";
    char *dir = scratch_new();
    g_autofree char *at = scratch_write(dir, "s.s", source, -1);
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    SymField field;

    g_free(run(dir, "gcc -nostdlib -static -o s s.s"));
    g_autoptr(SymSpace) space = open_space(path);
    g_assert_false(sym_type_lookup(space, "struct any", 0, &field)); /* ends, that is all */
    scratch_remove(dir);
}

static void test_damaged(gconstpointer flags)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(2026); /* the same damage every time */
    char *dir = scratch_new();
    g_autofree char *path = build(dir, flags);
    g_autofree char *good = NULL;
    gsize n;

    g_assert_true(g_file_get_contents(path, &good, &n, NULL));
    for (int round = 0; round < 200; round++) {
        g_autofree char *copy = g_memdup2(good, n);
        g_autoptr(SymSpace) space = sym_space_new();

        for (int k = 0; k < 20; k++) {
            copy[g_rand_int_range(rand, round % 4 ? 0x2000 : 0, n)] = g_rand_int(rand);
        }
        g_autofree char *bad = scratch_write(dir, "bad", copy, n);
        if (sym_space_add_file(space, bad, NULL)) {
            ask_everything(space);
        }
    }
    scratch_remove(dir);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *flags;
    } builds[] = {
        { "dwarf4", "-gdwarf-4 -O2" },
        { "dwarf5", "-gdwarf-5 -O2" },
        { "dwarf4-old", "-gdwarf-4 -gstrict-dwarf -O2" },
        { "dwarf4-one-range", "-gdwarf-4 -O2 -fno-reorder-functions" }, /* a base address */
        { "btf", "-gbtf -O2" },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(builds); i++) {
        g_autofree char *types = g_strdup_printf("/sym/types/%s", builds[i].name);
        g_autofree char *code = g_strdup_printf("/sym/code/%s", builds[i].name);
        g_autofree char *local = g_strdup_printf("/sym/static-local/%s", builds[i].name);
        g_autofree char *damaged = g_strdup_printf("/sym/damaged/%s", builds[i].name);

        g_test_add_data_func(types, builds[i].flags, test_types);
        g_test_add_data_func(damaged, builds[i].flags, test_damaged);
        if (strstr(builds[i].flags, "dwarf")) {
            g_test_add_data_func(code, builds[i].flags, test_code);
            g_test_add_data_func(local, builds[i].flags, test_static_local);
        }
    }
    g_test_add_func("/sym/format", test_format);
    g_test_add_func("/sym/endless-types", test_endless_types);
    g_test_add_func("/sym/endless-siblings", test_endless_siblings);
    g_test_add_func("/sym/text/rules", test_text_rules);
    g_test_add_func("/sym/text/sized", test_sized_text);
    g_test_add_func("/sym/text/bad", test_bad_parts);
    g_test_add_func("/sym/percpu/zero-based", test_percpu);
    g_test_add_func("/sym/percpu/linked", test_percpu_linked);
    g_test_add_func("/sym/anchor", test_anchor);
    g_test_add_func("/sym/two-images", test_two_images);
    return g_test_run();
}
