/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mscan: says what the memory accesses in an mtrace log mean.
 *
 * This file is the command line: options in, messages and exit status out.
 * Exit status: 0 done, 1 done but the log is not whole, 2 wrong usage,
 * 3 a file that cannot be read or written.
 */
#include "mscan-internal.h"
#include "mscan-analyses.h"
#include <locale.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_WHOLE = 0,
    EXIT_DAMAGED = 1,
    EXIT_USAGE = 2,
    EXIT_UNREADABLE = 3,
};

typedef struct CommandLine {
    char **analyses;
    char **kernels;
    char **inputs;     /* -i, --mtrace-log-file */
    char **positional;
    char *format;
    char *output;
    gboolean list;
    gboolean help;
    gboolean version;
    GPtrArray *by_flag; /* MscanAnalysis, chosen by an old flag */
    MscanOptions *options;
} CommandLine;

static gboolean set_old_flag(const char *flag, const char *value, void *data,
                             GError **error)
{
    CommandLine *line = data;
    const MscanAnalysis *const *all = mscan_registry();

    (void)value;
    (void)error;
    for (; *all; all++) {
        if (!g_strcmp0((*all)->old_flag, flag + 2)) {
            g_ptr_array_add(line->by_flag, (void *)*all);
        }
    }
    return TRUE;
}

static gboolean set_option(const char *flag, const char *value, void *data,
                           GError **error)
{
    CommandLine *line = data;
    const MscanAnalysis *const *all = mscan_registry();

    for (; *all; all++) {
        const MscanOption *row = mscan_option_find((*all)->options, flag + 2);

        if (row && !mscan_options_set(line->options, row, value, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- the parser's tables ----------------------------------------------- */

static void add_main_entries(GOptionContext *parser, CommandLine *line)
{
    const GOptionEntry entries[] = {
        { "analysis", 'a', 0, G_OPTION_ARG_STRING_ARRAY, &line->analyses,
          NULL, NULL },
        { "kernel", 'k', 0, G_OPTION_ARG_FILENAME_ARRAY, &line->kernels,
          NULL, NULL },
        { "input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &line->inputs,
          NULL, NULL },
        { "mtrace-log-file", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &line->inputs,
          NULL, NULL },
        { "format", 0, 0, G_OPTION_ARG_STRING, &line->format, NULL, NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &line->output,
          NULL, NULL },
        { "list", 0, 0, G_OPTION_ARG_NONE, &line->list, NULL, NULL },
        { "help", 'h', 0, G_OPTION_ARG_NONE, &line->help, NULL, NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &line->version, NULL, NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY,
          &line->positional, NULL, NULL },
        { NULL }
    };

    g_option_context_add_main_entries(parser, entries, NULL);
}

static void add_entry(GOptionGroup *group, GHashTable *known,
                      const char *name, bool takes_value, GOptionArgFunc set)
{
    const GOptionEntry entries[] = {
        { name, 0, takes_value ? 0 : G_OPTION_FLAG_NO_ARG,
          G_OPTION_ARG_CALLBACK, (gpointer)set, NULL, NULL },
        { NULL }
    };

    if (name && g_hash_table_add(known, (gpointer)name)) {
        g_option_group_add_entries(group, entries);
    }
}

static void add_analysis_entries(GOptionContext *parser, CommandLine *line)
{
    GOptionGroup *group = g_option_group_new("analysis", "", "", line, NULL);
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    const MscanAnalysis *const *all = mscan_registry();

    for (; *all; all++) {
        const MscanOption *row = (*all)->options;

        add_entry(group, known, (*all)->old_flag, false, set_old_flag);
        for (; row->name; row++) {
            add_entry(group, known, row->name, row->metavar != NULL,
                      set_option);
        }
    }
    g_option_context_add_group(parser, group);
}

/* ---- what to do -------------------------------------------------------- */

static bool usage_error(GError **error, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

static bool usage_error(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(MSCAN_ERROR,
                                                MSCAN_ERROR_USAGE,
                                                format, args));
    va_end(args);
    return false;
}

static void choose(MscanJob *job, const MscanAnalysis *analysis)
{
    if (!g_ptr_array_find(job->analyses, analysis, NULL)) {
        g_ptr_array_add(job->analyses, (void *)analysis);
    }
}

static bool choose_analyses(const CommandLine *line, MscanJob *job,
                            GError **error)
{
    for (char **arg = line->analyses; arg && *arg; arg++) {
        g_auto(GStrv) names = g_strsplit(*arg, ",", -1);

        for (char **name = names; *name; name++) {
            const MscanAnalysis *analysis = mscan_registry_find(*name);

            if (!analysis) {
                return usage_error(error, "there is no analysis '%s'; mscan "
                                   "--list names them", *name);
            }
            choose(job, analysis);
        }
    }
    for (unsigned i = 0; i < line->by_flag->len; i++) {
        choose(job, line->by_flag->pdata[i]);
    }
    return true;
}

static bool choose_format(const CommandLine *line, MscanJob *job,
                          GError **error)
{
    const char *format = line->format ? line->format : "text";

    if (!strcmp(format, "html")) {
        return usage_error(error, "--format=html is not there yet; text and "
                           "json are");
    }
    if (strcmp(format, "text") && strcmp(format, "json")) {
        return usage_error(error, "--format wants text or json, not '%s'",
                           format);
    }
    job->format = !strcmp(format, "json") ? MSCAN_FORMAT_JSON
                                          : MSCAN_FORMAT_TEXT;
    return true;
}

static bool choose_input(const CommandLine *line, MscanJob *job,
                         GError **error)
{
    unsigned n = line->inputs ? g_strv_length(line->inputs) : 0;
    unsigned more = line->positional ? g_strv_length(line->positional) : 0;

    if (n + more > 1) {
        return usage_error(error, "one log at a time; '%s' is a second one",
                           more ? line->positional[more - 1]
                                : line->inputs[n - 1]);
    }
    job->input = g_strdup(n ? line->inputs[0]
                            : more ? line->positional[0] : "mtrace.out");
    return true;
}

static bool check_options(const CommandLine *line, const MscanJob *job,
                          GError **error)
{
    const char *unknown = mscan_options_unknown(
        line->options, (const MscanAnalysis *const *)job->analyses->pdata,
        job->analyses->len);

    if (unknown) {
        const MscanAnalysis *first = job->analyses->pdata[0];

        return usage_error(error, "--%s is no option of analysis %s%s",
                           unknown, first->name,
                           job->analyses->len > 1 ? " or the others" : "");
    }
    return true;
}

static bool make_job(CommandLine *line, MscanJob *job, GError **error)
{
    job->options = line->options;
    job->output = line->output;
    job->progress = isatty(STDERR_FILENO);
    for (char **kernel = line->kernels; kernel && *kernel; kernel++) {
        g_ptr_array_add(job->kernels, *kernel);
    }
    g_ptr_array_add(job->kernels, NULL);
    if (!job->analyses->len) {
        return usage_error(error, "say --analysis=NAME; mscan --list names "
                           "them, mscan --help tells more");
    }
    return choose_format(line, job, error) && choose_input(line, job, error) &&
           check_options(line, job, error);
}

/* ---- help -------------------------------------------------------------- */

static void print_main_help(void)
{
    printf("Usage: mscan --analysis=NAME[,NAME...] [OPTION...] [FILE]\n"
           "\n"
           "Says what the memory accesses in FILE, an mtrace log (mtrace.out"
           " when not\n"
           "given, - for standard input), mean.\n"
           "\n"
           "  -a, --analysis=NAME    run this analysis; several in one pass,"
           " with commas\n"
           "  -k, --kernel=FILE      take symbols, lines and types from this"
           " vmlinux or\n"
           "                         vmlinuz before the log's own; may be"
           " repeated\n"
           "  -i, --input=FILE       the log (also --mtrace-log-file=FILE)\n"
           "      --format=FORMAT    text (the default) or json\n"
           "  -o, --output=FILE      write the report there\n"
           "      --list             list the analyses\n"
           "  -h, --help             this, or with --analysis=NAME the"
           " options of NAME\n"
           "      --version          print the version\n"
           "\n"
           "Exit status: 0 done, 1 done but the log is damaged or cut short,"
           " 2 wrong usage,\n"
           "3 a file that cannot be read or written.\n");
}

static void print_analysis_help(const MscanAnalysis *analysis)
{
    g_autoptr(GString) options = g_string_new(NULL);

    mscan_options_help(options, analysis->options);
    printf("%s - %s\n\n%s\n\nOptions:\n%s", analysis->name, analysis->summary,
           analysis->help, options->len ? options->str : "  none\n");
    if (analysis->old_flag) {
        printf("\nThe first mtrace's --%s does the same.\n",
               analysis->old_flag);
    }
}

static void print_help(const MscanJob *job)
{
    if (!job->analyses->len) {
        print_main_help();
    }
    for (unsigned i = 0; i < job->analyses->len; i++) {
        printf("%s", i ? "\n" : "");
        print_analysis_help(job->analyses->pdata[i]);
    }
}

static void print_list(void)
{
    for (const MscanAnalysis *const *all = mscan_registry(); *all; all++) {
        printf("%-20s %s\n", (*all)->name, (*all)->summary);
    }
}

/* ---- main -------------------------------------------------------------- */

static int status_of(const GError *error)
{
    return error->domain == G_OPTION_ERROR ||
           g_error_matches(error, MSCAN_ERROR, MSCAN_ERROR_USAGE)
               ? EXIT_USAGE : EXIT_UNREADABLE;
}

static int run(CommandLine *line, MscanJob *job, GError **error)
{
    bool complete;

    if (line->version) {
        printf("mscan %s (log format %d.%d)\n", MSCAN_VERSION,
               MTRACE_LOG_VERSION_MAJOR, MTRACE_LOG_VERSION_MINOR);
        return EXIT_WHOLE;
    }
    if (line->list) {
        print_list();
        return EXIT_WHOLE;
    }
    if (!choose_analyses(line, job, error)) {
        return EXIT_USAGE;
    }
    if (line->help) {
        print_help(job);
        return EXIT_WHOLE;
    }
    if (!make_job(line, job, error) || !mscan_run(job, &complete, error)) {
        return status_of(*error);
    }
    return complete ? EXIT_WHOLE : EXIT_DAMAGED;
}

int main(int argc, char **argv)
{
    CommandLine line = {
        .by_flag = g_ptr_array_new(),
        .options = mscan_options_new(),
    };
    MscanJob job = {
        .analyses = g_ptr_array_new(),
        .kernels = g_ptr_array_new(),
    };
    GOptionContext *parser = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    int status;

    setlocale(LC_CTYPE, "");
    g_option_context_set_help_enabled(parser, FALSE);
    add_main_entries(parser, &line);
    add_analysis_entries(parser, &line);
    if (!g_option_context_parse(parser, &argc, &argv, &error)) {
        status = status_of(error);
    } else {
        status = run(&line, &job, &error);
    }
    if (error) {
        fprintf(stderr, "mscan: %s\n", error->message);
    } else if (fflush(stdout)) {
        fprintf(stderr, "mscan: standard output: cannot write\n");
        status = EXIT_UNREADABLE;
    }
    g_option_context_free(parser);
    g_ptr_array_free(line.by_flag, TRUE);
    g_ptr_array_free(job.analyses, TRUE);
    g_ptr_array_free(job.kernels, TRUE);
    mscan_options_free(line.options);
    g_strfreev(line.analyses);
    g_strfreev(line.kernels);
    g_strfreev(line.inputs);
    g_strfreev(line.positional);
    g_free(line.format);
    g_free(line.output);
    g_free(job.input);
    return status;
}
