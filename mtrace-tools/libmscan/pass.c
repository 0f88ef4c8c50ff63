/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pass: one reading of the log for all analyses.
 *
 * For each record type there is a list of the analyses that want it, made once,
 * so that a record costs the context's look at it and one call per analysis.
 */
#include "mscan-internal.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_TYPES 128          /* record types above are given to no analysis */
#define PROGRESS_EVERY 65536 /* records between two looks at the clock */
#define PROGRESS_USEC 250000

typedef struct Running {
    const MscanAnalysis *analysis;
    void *state;
} Running;

typedef struct Pass {
    const MscanJob *job;
    MtraceLogReader *reader;
    MscanContext *context;
    unsigned n;
    Running *running;          /* n of them */
    GArray *wanted[N_TYPES];   /* Running, by record type; NULL: nobody */
    GPtrArray *reports;        /* MscanReport */
    int64_t started;
    int64_t shown;
} Pass;

static void pass_clear(Pass *pass)
{
    for (unsigned i = 0; i < pass->n; i++) {
        if (pass->running[i].state) {
            pass->running[i].analysis->free(pass->running[i].state);
        }
    }
    for (unsigned type = 0; type < N_TYPES; type++) {
        if (pass->wanted[type]) {
            g_array_free(pass->wanted[type], TRUE);
        }
    }
    g_clear_pointer(&pass->reports, g_ptr_array_unref);
    g_free(pass->running);
    mscan_context_free(pass->context);
    g_clear_pointer(&pass->reader, mtrace_log_reader_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pass, pass_clear)

static void want(Pass *pass, unsigned type, const Running *running)
{
    if (type < N_TYPES) {
        if (!pass->wanted[type]) {
            pass->wanted[type] = g_array_new(FALSE, FALSE, sizeof(Running));
        }
        g_array_append_vals(pass->wanted[type], running, 1);
    }
}

static void want_all(Pass *pass, const Running *running)
{
    const uint16_t *types = running->analysis->wants;

    if (types) {
        for (; *types; types++) {
            want(pass, *types, running);
        }
        return;
    }
    for (unsigned type = 0; type < N_TYPES; type++) {
        want(pass, type, running);
    }
}

static bool begin(Pass *pass, GError **error)
{
    for (unsigned i = 0; i < pass->n; i++) {
        Running *running = &pass->running[i];

        running->analysis = pass->job->analyses->pdata[i];
        running->state = running->analysis->begin(pass->context,
                                                  pass->job->options, error);
        if (!running->state) {
            return false;
        }
        want_all(pass, running);
    }
    return true;
}

static void show_progress(Pass *pass)
{
    int64_t now = g_get_monotonic_time();
    double done = mtrace_log_reader_progress(pass->reader);
    double seconds = (now - pass->started) / 1e6;

    if (now - pass->shown < PROGRESS_USEC) {
        return;
    }
    pass->shown = now;
    fprintf(stderr, "\rmscan: %3.0f %% read", done * 100);
    if (done > 0.01) {
        fprintf(stderr, ", about %.0f s left ", seconds / done - seconds);
    }
    fflush(stderr);
}

static void read_records(Pass *pass)
{
    const MtraceRecord *record;
    uint64_t n = 0;

    while ((record = mtrace_log_reader_next(pass->reader))) {
        const GArray *wanted;

        if (pass->job->progress && ++n % PROGRESS_EVERY == 0) {
            show_progress(pass);
        }
        if (!mscan_context_record(pass->context, record) ||
            record->type >= N_TYPES) {
            continue;
        }
        wanted = pass->wanted[record->type];
        for (unsigned i = 0; wanted && i < wanted->len; i++) {
            const Running *running = &g_array_index(wanted, Running, i);

            running->analysis->record(running->state, pass->context, record);
        }
    }
    if (pass->shown) {
        fprintf(stderr, "\r%*s\r", 48, "");
    }
    mscan_context_end(pass->context);
}

static bool finish(Pass *pass, GError **error)
{
    pass->reports = g_ptr_array_new_with_free_func(
        (GDestroyNotify)mscan_report_free);
    for (unsigned i = 0; i < pass->n; i++) {
        const Running *running = &pass->running[i];
        MscanReport *report = mscan_report_new(running->analysis,
                                               pass->job->format);

        g_ptr_array_add(pass->reports, report);
        if (!running->analysis->finish(running->state, pass->context, report,
                                       error)) {
            return false;
        }
    }
    return true;
}

/* ---- output ------------------------------------------------------------ */

static bool fail_errno(GError **error, const char *path, const char *doing)
{
    int saved = errno;

    g_set_error(error, MSCAN_ERROR, MSCAN_ERROR_IO, "%s: cannot %s: %s", path,
                doing, g_strerror(saved));
    return false;
}

/* Open before the work, so that a bad name shows at once; do not truncate. */
static FILE *open_output(const MscanJob *job, GError **error)
{
    struct stat in, out;
    FILE *file;
    int fd;

    if (!job->output || !strcmp(job->output, "-")) {
        return stdout;
    }
    fd = open(job->output, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        fail_errno(error, job->output, "open for writing");
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    if (!stat(job->input, &in) && !fstat(fd, &out) &&
        in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
        g_set_error(error, MSCAN_ERROR, MSCAN_ERROR_USAGE,
                    "%s: the report would overwrite the log", job->output);
        fclose(file);
        return NULL;
    }
    return file;
}

static void close_output(FILE *out)
{
    if (out != stdout) {
        fclose(out);
    }
}

static bool write_reports(Pass *pass, FILE *out, GError **error)
{
    MscanReport *const *reports = (MscanReport *const *)pass->reports->pdata;
    const char *name = pass->job->output ? pass->job->output
                                         : "standard output";
    struct stat st;

    if (out != stdout && !fstat(fileno(out), &st) && S_ISREG(st.st_mode) &&
        ftruncate(fileno(out), 0)) {
        return fail_errno(error, name, "truncate");
    }
    if (pass->job->format == MSCAN_FORMAT_JSON) {
        mscan_report_write_json(out, pass->context, reports, pass->n);
    } else {
        mscan_report_write_text(out, pass->context, reports, pass->n,
                                isatty(fileno(out)) && !getenv("NO_COLOR"));
    }
    if (ferror(out) || fflush(out)) {
        return fail_errno(error, name, "write");
    }
    return true;
}

static unsigned all_services(const MscanJob *job)
{
    unsigned services = 0;

    for (unsigned i = 0; i < job->analyses->len; i++) {
        const MscanAnalysis *analysis = job->analyses->pdata[i];

        services |= analysis->services;
    }
    return services;
}

bool mscan_run(const MscanJob *job, bool *complete, GError **error)
{
    g_auto(Pass) pass = { .job = job, .n = job->analyses->len };
    FILE *out;
    bool ok;

    pass.started = g_get_monotonic_time();
    pass.running = g_new0(Running, pass.n);
    pass.reader = mtrace_log_reader_open(job->input, error);
    if (!pass.reader) {
        return false;
    }
    pass.context = mscan_context_new(pass.reader, job->input,
                                     all_services(job),
                                     (const char *const *)job->kernels->pdata,
                                     error);
    if (!pass.context || !begin(&pass, error)) {
        return false;
    }
    out = open_output(job, error);
    if (!out) {
        return false;
    }
    read_records(&pass);
    ok = finish(&pass, error) && write_reports(&pass, out, error);
    *complete = mscan_context_complete(pass.context);
    close_output(out);
    return ok;
}
