/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of sym.h on a stock kernel, from its vmlinuz alone: every symbol, fields
 * of task_struct and others at the offsets measured in Debian's kernels, per-CPU
 * variables with their field paths.
 */
#include <stdio.h>
#include "sym.h"
#include "mtrace/image.h"
#include "test-image-util.h"

typedef struct Offsets {
    const char *type, *path;
    guint64 v6_1, v6_12, v7_2;
} Offsets;

static const Offsets offsets[] = {
    { "struct task_struct", "pid", 2416, 2432, 2808 },
    { "struct task_struct", "tgid", 2420, 2436, 2812 },
    { "struct task_struct", "comm", 2976, 2976, 3344 },
    { "struct task_struct", "stack", 32, 32, 32 },
    { "struct task_struct", "mm", 2272, 2304, 2680 },
    { "struct task_struct", "active_mm", 2280, 2312, 2688 },
    { "struct kmem_cache", "name", 96, 96, 88 },
    { "struct kmem_cache", "object_size", 28, 28, 28 },
    { "struct kmem_cache", "size", 24, 24, 24 },
    { "struct mm_struct", "pgd", 72, 120, 120 },
    { "struct slab", "slab_cache", 24, 8, 8 },
};

/* 601 for 6.1, 612 for 6.12; 0 when the image does not say. */
static unsigned kernel_version(const char *path)
{
    static const char banner[] = "Linux version ";
    g_autoptr(MtraceImage) image = mtrace_image_open(path, NULL);
    unsigned major = 0, minor = 0;
    size_t len;

    g_assert_nonnull(image);
    const guint8 *elf = mtrace_image_elf(image, &len);
    for (const char *at = (const char *)elf, *end = at + len - 64;
         (at = memmem(at, end - at, banner, strlen(banner))); at++) {
        if (sscanf(at + strlen(banner), "%u.%u", &major, &minor) == 2) {
            return major * 100 + minor;
        }
    }
    return 0;
}

/* The space with the stock kernel; NULL when the test cannot run and has failed. */
static SymSpace *kernel_space(const char **path)
{
    g_autoptr(GError) error = NULL;

    *path = test_vmlinuz();
    if (!*path) {
        return NULL;
    }
    SymSpace *space = sym_space_new();
    sym_space_add_file(space, *path, &error);
    g_assert_no_error(error);
    return space;
}

static void test_fields(void)
{
    const char *path;
    g_autoptr(SymSpace) space = kernel_space(&path);

    if (!space) {
        return;
    }
    unsigned version = kernel_version(path);
    for (size_t i = 0; i < G_N_ELEMENTS(offsets); i++) {
        const Offsets *o = &offsets[i];
        SymField field, back;

        g_assert_true(sym_type_field(space, o->type, o->path, &field));
        if (version == 601) {
            g_assert_cmpuint(field.offset, ==, o->v6_1);
        } else if (version == 612) {
            g_assert_cmpuint(field.offset, ==, o->v6_12);
        } else if (version == 702) {
            g_assert_cmpuint(field.offset, ==, o->v7_2);
        }
        g_assert_true(sym_type_lookup(space, o->type, field.offset, &back));
        g_assert_cmpuint(back.offset, ==, field.offset);
        /* slab is a union of layouts, where another member may be the first. */
        if (strcmp(o->type, "struct slab")) {
            g_assert_true(g_str_has_prefix(back.path + 1, o->path));
        }
    }

    SymField lock;
    g_assert_true(sym_type_field(space, "struct dentry", "d_lockref.lock", &lock));
    g_assert_true(sym_type_lookup(space, "struct dentry", lock.offset, &lock));
    g_assert_true(g_str_has_prefix(lock.path, ".d_lockref.lock."));
}

static void test_symbols(void)
{
    const char *path;
    g_autoptr(SymSpace) space = kernel_space(&path);
    SymImageInfo info;
    SymCode code;
    uint64_t addr, start, end;

    if (!space) {
        return;
    }
    g_assert_true(sym_space_image(space, 0, &info));
    g_assert_cmpuint(info.n_symbols, >, 80000);
    g_assert_true(info.has_btf);
    g_assert_null(info.note);
    static const char *const functions[] = { "do_syscall_64", "kfree", "vfs_read",
                                             "entry_SYSCALL_64", "schedule" };
    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        g_assert_true(sym_address(space, functions[i], &addr));
        g_assert_true(sym_lookup_code(space, addr + 5, &code));
        g_assert_cmpstr(code.symbol, ==, functions[i]);
        g_assert_cmpuint(code.offset, ==, 5);
        g_assert_cmpint(sym_classify(space, addr), ==, SYM_KIND_TEXT);
    }
    /* Past the end of the image there is nothing. */
    g_assert_true(sym_address(space, "_end", &addr));
    g_assert_cmpint(sym_classify(space, addr + 0x100000), ==, SYM_KIND_UNKNOWN);
    g_assert_false(sym_lookup_code(space, 0x1000, &code));

    /* All of the text has names, moved too; but for padding after an end mark. */
    unsigned all = 0, nameless = 0;
    g_assert_true(sym_address(space, "entry_SYSCALL_64", &addr));
    g_assert_true(sym_space_set_anchor(space, "entry_SYSCALL_64", addr + 0x1a000000));
    g_assert_true(sym_address(space, "_stext", &start));
    g_assert_true(sym_address(space, "_etext", &end));
    for (uint64_t pc = start; pc < end; pc += 97) {
        all++;
        nameless += !sym_lookup_code(space, pc, &code);
    }
    g_assert_cmpuint(all, >, 100000);
    g_assert_cmpuint(nameless, <, all / 1000);
}

static void expect_percpu(SymSpace *space, guint64 area, guint64 start, const char *name,
                          const char *field, guint64 offset, int cpu)
{
    g_autofree char *path = g_strdup_printf("%s%s", name, field);
    SymData data;
    uint64_t addr;

    g_assert_true(sym_address(space, name, &addr));
    g_assert_true(sym_lookup_data(space, area + (addr - start) + offset, &data));
    g_assert_cmpstr(data.path, ==, path);
    g_assert_cmpstr(data.symbol, ==, name);
    g_assert_cmpint(data.cpu, ==, cpu);
    g_assert_cmpint(sym_classify(space, area + (addr - start)), ==, SYM_KIND_PERCPU);
}

static void test_percpu(void)
{
    const char *path;
    g_autoptr(SymSpace) space = kernel_space(&path);
    const guint64 areas[] = { 0xffff88807dc00000, 0xffff88807dd00000 };
    SymField field;
    uint64_t start;

    if (!space) {
        return;
    }
    g_assert_true(sym_address(space, "__per_cpu_start", &start));
    for (int cpu = 0; cpu < 2; cpu++) {
        sym_space_set_percpu_base(space, cpu, areas[cpu] - start);
    }
    for (int cpu = 0; cpu < 2; cpu++) {
        g_assert_true(sym_type_field(space, "struct rq", "nr_running", &field));
        expect_percpu(space, areas[cpu], start, "runqueues", ".nr_running", field.offset,
                      cpu);
        g_assert_true(sym_type_field(space, "struct rq", "cfs.nr_running", &field) ||
                      sym_type_field(space, "struct rq", "cfs.nr_queued", &field));
        g_autofree char *cfs = g_strdup_printf(".%s", field.path);
        expect_percpu(space, areas[cpu], start, "runqueues", cfs, field.offset, cpu);
        /* Through an array of structs, whose tree root became a linked one in 7.x. */
        g_assert_true(sym_type_field(space, "struct hrtimer_cpu_base",
                                     "clock_base[3].active.rb_leftmost", &field) ||
                      sym_type_field(space, "struct hrtimer_cpu_base",
                                     "clock_base[3].active.rb_root.rb_leftmost", &field));
        SymData data;
        uint64_t addr;
        g_assert_true(sym_address(space, "hrtimer_bases", &addr));
        g_assert_true(sym_lookup_data(space, areas[cpu] + addr - start + field.offset,
                                      &data));
        g_assert_true(g_str_has_prefix(data.path, "hrtimer_bases.clock_base[3].active."));
        g_assert_cmpstr(data.type, ==, "struct hrtimer_cpu_base");
        g_assert_cmpint(data.cpu, ==, cpu);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sym/kernel/fields", test_fields);
    g_test_add_func("/sym/kernel/symbols", test_symbols);
    g_test_add_func("/sym/kernel/percpu", test_percpu);
    return g_test_run();
}
