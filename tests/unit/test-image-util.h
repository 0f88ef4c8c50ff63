/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of images and symbols: a scratch directory, files, and running a
 * compiler. Everything here fails the test at once when it does not work.
 */
#ifndef TEST_IMAGE_UTIL_H
#define TEST_IMAGE_UTIL_H

#include <string.h>
#include <glib.h>
#include <glib/gstdio.h>

/* A fresh directory, to be removed with scratch_remove(). */
static inline char *scratch_new(void)
{
    g_autoptr(GError) error = NULL;
    char *dir = g_dir_make_tmp("mtrace-test-XXXXXX", &error);

    g_assert_no_error(error);
    return dir;
}

static inline void scratch_remove(char *dir)
{
    GDir *d = g_dir_open(dir, 0, NULL);

    for (const char *name; d && (name = g_dir_read_name(d));) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        g_unlink(path);
    }
    g_clear_pointer(&d, g_dir_close);
    g_rmdir(dir);
    g_free(dir);
}

static inline char *scratch_write(const char *dir, const char *name, const void *data,
                                  gssize size)
{
    g_autoptr(GError) error = NULL;
    char *path = g_build_filename(dir, name, NULL);

    g_file_set_contents(path, data, size, &error);
    g_assert_no_error(error);
    return path;
}

/* Run a command line in @dir; its standard output. It must succeed. */
static inline char *run(const char *dir, const char *command)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) argv = NULL;
    g_autofree char *err = NULL;
    char *out = NULL;
    int status = 0;

    g_shell_parse_argv(command, NULL, &argv, &error);
    g_assert_no_error(error);
    g_spawn_sync(dir, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, &status,
                 &error);
    g_assert_no_error(error);
    if (status) {
        g_error("'%s' failed: %s", command, err);
    }
    return out;
}

/* The kernel that the harness gives, else the test fails. */
static inline const char *test_vmlinuz(void)
{
    const char *path = g_getenv("MTRACE_TEST_VMLINUZ");

    if (!path || !*path) {
        g_test_message("set MTRACE_TEST_VMLINUZ to the path of a Debian cloud kernel's "
                       "vmlinuz");
        g_test_fail();
        return NULL;
    }
    return path;
}

#endif /* TEST_IMAGE_UTIL_H */
