/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * m2text: prints a log as text, one line per record, for grep and the eye.
 *
 * A shell around mtrace_record_print().  What describes the session comes first,
 * as comments.  Exit status: 0 done, 1 done but the log is damaged or cut short,
 * 2 wrong usage, 3 the log cannot be read or the text not be written.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "mtrace/log.h"

/* Text is written in pieces of about this many bytes. */
#define OUT_SIZE (64u << 10)

typedef enum Exit {
    EXIT_DONE = 0,
    EXIT_DAMAGED = 1,
    EXIT_USAGE = 2,
    EXIT_UNREADABLE = 3,
} Exit;

typedef struct Options {
    char *types;        /* names, separated by commas; NULL for all */
    char *cpu;          /* number or "none"; NULL for all */
    gint64 limit;       /* records to print; below 0 for all */
    gboolean version;
    char **files;
} Options;

/* Which records to print. */
typedef struct Filter {
    bool every_type;
    bool types[UINT16_MAX + 1];
    int cpu;            /* -1 for all */
    uint64_t limit;
} Filter;

typedef struct Output {
    GString *text;
    int error;          /* errno of the first failed write */
} Output;

static void output_flush(Output *out)
{
    size_t done = 0;

    while (!out->error && done < out->text->len) {
        ssize_t put = write(STDOUT_FILENO, out->text->str + done,
                            out->text->len - done);

        if (put >= 0) {
            done += put;
        } else if (errno != EINTR) {
            out->error = errno;
        }
    }
    g_string_truncate(out->text, 0);
}

/* Ends a line; false when nobody takes the text. */
static bool output_line(Output *out)
{
    g_string_append_c(out->text, '\n');
    if (out->text->len >= OUT_SIZE) {
        output_flush(out);
    }
    return !out->error;
}

/* Appends guest- or user-given text so that it stays on its line. */
static void put_plain(GString *text, const char *s)
{
    for (; *s; s++) {
        unsigned char c = *s;

        if (c < ' ' || c >= 0x7f || c == '\\') {
            g_string_append_printf(text, "\\x%02x", c);
        } else {
            g_string_append_c(text, c);
        }
    }
}

static void print_session(MtraceLogReader *log, Output *out)
{
    static const char *const short_sections[] = { "name", "path", "build-id" };
    static const char *const long_sections[] = { "symbols", "btf" };
    const char *const *key = mtrace_log_reader_meta_keys(log);
    size_t len;

    for (; *key; key++) {
        g_string_append(out->text, "# ");
        put_plain(out->text, *key);
        g_string_append_c(out->text, '=');
        put_plain(out->text, mtrace_log_reader_meta(log, *key));
        output_line(out);
    }
    for (unsigned i = 0; i < mtrace_log_reader_n_images(log); i++) {
        for (unsigned k = 0; k < G_N_ELEMENTS(short_sections); k++) {
            const char *value = mtrace_log_reader_image(
                log, i, short_sections[k], &len);

            if (value) {
                g_string_append_printf(out->text, "# image.%u.%s=", i,
                                       short_sections[k]);
                put_plain(out->text, value);
                output_line(out);
            }
        }
        for (unsigned k = 0; k < G_N_ELEMENTS(long_sections); k++) {
            if (mtrace_log_reader_image(log, i, long_sections[k], &len)) {
                g_string_append_printf(out->text, "# image.%u.%s=%zu bytes", i,
                                       long_sections[k], len);
                output_line(out);
            }
        }
    }
}

static void print_records(MtraceLogReader *log, const Filter *filter,
                          Output *out)
{
    const MtraceRecord *r;
    uint64_t printed = 0;

    while (printed < filter->limit && (r = mtrace_log_reader_next(log))) {
        if ((filter->every_type || filter->types[r->type])
            && (filter->cpu < 0 || filter->cpu == r->cpu)) {
            mtrace_record_print(out->text, r);
            printed++;
            if (!output_line(out)) {
                return;
            }
        }
    }
}

static Exit dump(const char *path, const Filter *filter)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *damage = NULL;
    MtraceLogReader *log = mtrace_log_reader_open(path, &error);
    Output out = { .text = g_string_sized_new(2 * OUT_SIZE) };
    Exit status = EXIT_DONE;

    if (!log) {
        g_string_free(out.text, TRUE);
        g_printerr("m2text: %s\n", error->message);
        return EXIT_UNREADABLE;
    }
    print_session(log, &out);
    print_records(log, filter, &out);
    output_flush(&out);
    damage = mtrace_log_reader_damage_text(log);
    if (out.error == EPIPE) {
        status = EXIT_DONE;
    } else if (out.error) {
        g_printerr("m2text: cannot write the text: %s\n",
                   g_strerror(out.error));
        status = EXIT_UNREADABLE;
    } else if (damage) {
        g_printerr("m2text: %s: %s\n", path, damage);
        status = EXIT_DAMAGED;
    }
    g_string_free(out.text, TRUE);
    mtrace_log_reader_free(log);
    return status;
}

static bool set_types(Filter *filter, const char *names, GError **error)
{
    g_auto(GStrv) list = g_strsplit(names ? names : "", ",", -1);

    filter->every_type = names == NULL;
    for (char **name = list; *name; name++) {
        unsigned type = mtrace_record_type_from_name(*name);

        if (!type) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "there is no record type \"%s\"", *name);
            return false;
        }
        filter->types[type] = true;
    }
    return true;
}

static bool set_cpu(Filter *filter, const char *cpu, GError **error)
{
    guint64 n;

    if (!cpu) {
        filter->cpu = -1;
    } else if (!strcmp(cpu, "none")) {
        filter->cpu = MTRACE_CPU_NONE;
    } else if (g_ascii_string_to_unsigned(cpu, 10, 0, UINT16_MAX, &n, NULL)) {
        filter->cpu = n;
    } else {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--cpu takes a number or \"none\", not \"%s\"", cpu);
        return false;
    }
    return true;
}

static bool parse(int *argc, char ***argv, Options *o, GError **error)
{
    const GOptionEntry entries[] = {
        { "type", 0, 0, G_OPTION_ARG_STRING, &o->types,
          "only records of these types", "TYPE[,TYPE]" },
        { "cpu", 0, 0, G_OPTION_ARG_STRING, &o->cpu,
          "only records of this vCPU (\"none\": of no vCPU)", "N" },
        { "limit", 0, 0, G_OPTION_ARG_INT64, &o->limit,
          "stop after so many records", "N" },
        { "version", 0, 0, G_OPTION_ARG_NONE, &o->version,
          "print the version and exit", NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->files,
          NULL, NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(
        "[FILE] - print an mtrace log as text");

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(
        context,
        "FILE is mtrace.out unless given; - is standard input.\n"
        "Exit status: 0 done, 1 the log is damaged or cut short, 2 wrong "
        "usage, 3 unreadable.\n");
    if (!g_option_context_parse(context, argc, argv, error)) {
        return false;
    }
    if (o->files && o->files[0] && o->files[1]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "one log at a time, please (\"%s\" is the second)",
                    o->files[1]);
        return false;
    }
    return true;
}

static void options_clear(Options *o)
{
    g_free(o->types);
    g_free(o->cpu);
    g_strfreev(o->files);
}

int main(int argc, char **argv)
{
    Options o = { .limit = -1 };
    g_autofree Filter *filter = g_new0(Filter, 1);
    g_autoptr(GError) error = NULL;
    Exit status;

    signal(SIGPIPE, SIG_IGN);
    if (!parse(&argc, &argv, &o, &error)
        || !set_types(filter, o.types, &error)
        || !set_cpu(filter, o.cpu, &error)) {
        g_printerr("m2text: %s (m2text --help lists the options)\n",
                   error->message);
        status = EXIT_USAGE;
    } else if (o.version) {
        g_print("m2text %s, log format %u.%u\n", MTRACE_VERSION,
                MTRACE_LOG_VERSION_MAJOR, MTRACE_LOG_VERSION_MINOR);
        status = EXIT_DONE;
    } else {
        filter->limit = o.limit < 0 ? UINT64_MAX : (uint64_t)o.limit;
        status = dump(o.files && o.files[0] ? o.files[0] : "mtrace.out",
                      filter);
    }
    options_clear(&o);
    return status;
}
