/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logs of every released format version, kept in tests/data, read as they always
 * were.  NAME.mtrace is a log and NAME.txt what m2text makes of it; the lines
 * that describe the session (they start with '#') are left to m2text.t.
 *
 * With --make-log=FILE the program writes a log with a record of every type
 * instead: that is how a version's file is made, once, when it is released.
 */
#include <fcntl.h>
#include <unistd.h>
#include "log-fixture.h"

static void check_log(gconstpointer opaque)
{
    const char *name = opaque;
    g_autofree char *log_path = g_strdup_printf("%s/%s.mtrace", TEST_DATA,
                                                name);
    g_autofree char *text_path = g_strdup_printf("%s/%s.txt", TEST_DATA, name);
    g_autofree char *wanted = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(FixtureLog) log = fixture_read(log_path);
    GError *error = NULL;
    const char *records;

    g_assert_no_error(log->error);
    g_assert_cmpstr(log->damage_text, ==, NULL);
    g_file_get_contents(text_path, &wanted, NULL, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < log->records->len; i++) {
        mtrace_record_print(text, fixture_at(log, i));
        g_string_append_c(text, '\n');
    }
    for (records = wanted; *records == '#'; ) {
        records = strchr(records, '\n') + 1;
    }
    g_assert_cmpstr(text->str, ==, records);
}

/* Three records of each type, in four streams. */
static int make_log(const char *path)
{
    static const MtraceLogSection sections[] = {
        { "name", "vmlinux", 7 }, { "btf", "BTF", 3 },
        { "symbols", "ffffffff81000000 T _stext\n", 26 },
    };
    g_autoptr(GRand) rand = g_rand_new_with_seed(6);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    MtraceLogWriter *w;
    uint64_t order = 0;

    if (fd < 0) {
        g_printerr("cannot create %s\n", path);
        return 1;
    }
    w = mtrace_log_writer_new(fd, path, NULL);
    mtrace_log_writer_set_meta(w, "arch", "x86_64");
    mtrace_log_writer_set_meta(w, "command", "qemu-system-x86_64\n\\");
    mtrace_log_writer_add_image(w, sections, G_N_ELEMENTS(sections));
    for (unsigned kind = 0; kind < 3; kind++) {
        for (unsigned i = 0; i < mtrace_n_record_infos; i++) {
            uint16_t cpu = order % 4 == 3 ? MTRACE_CPU_NONE : order % 4;
            MtraceAnyRecord r;

            fixture_record(rand, mtrace_record_infos[i].type, kind, order++,
                           &r);
            r.h.cpu = cpu;
            mtrace_log_append(mtrace_log_writer_stream(w, cpu), &r.h);
        }
    }
    return !mtrace_log_writer_close(w, NULL, NULL);
}

int main(int argc, char **argv)
{
    if (argc == 2 && g_str_has_prefix(argv[1], "--make-log=")) {
        return make_log(strchr(argv[1], '=') + 1);
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/log-data/1.0", "log-1.0", check_log);
    return g_test_run();
}
