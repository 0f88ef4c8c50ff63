/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sharing: the lines that two or more CPUs touched and at least one wrote.
 *
 * The pass only counts, by line and by (pc, address, CPU, kind, size) in it.
 * At the end the lines are ranked, and only those that are reported get names:
 * the sites of a line are sorted once by field and once by code, and equal
 * neighbours become a row. A device is no CPU: its writes are shown, but make
 * no line shared. All orders are total, so that equal logs give equal reports.
 */
#include "mscan.h"
#include <stdlib.h>
#include <string.h>

/* A line that is shared, and its totals. */
typedef struct Shared {
    const MscanLine *line;
    uint64_t moves;
    uint64_t reads;
    uint64_t writes;
    unsigned n_cpus;
} Shared;

typedef struct Sharing {
    const MscanOptions *options;
    MscanFilter *filter;
    MscanLineTable *lines;
    unsigned unit_size;
    unsigned line_size;
    unsigned sort;
    uint64_t seen;    /* accesses in the log */
    uint64_t counted; /* of them, those that the filter let through */
    uint64_t moves;
    uint32_t n_lines; /* units touched, shared or not */
    bool all_mode;    /* accesses that moved nothing are in the log */
} Sharing;

enum { SORT_MOVES, SORT_ACCESSES, SORT_READS, SORT_WRITES, SORT_CPUS,
       SORT_ADDRESS };

static const MscanOption sharing_options[] = {
    { "limit", MSCAN_OPTION_U64, "N",
      "report N lines, 0 for all (text: 20, JSON: all)", NULL },
    { "sort", MSCAN_OPTION_CHOICE, "KEY", "rank lines by",
      "moves|accesses|reads|writes|cpus|address" },
    { "granularity", MSCAN_OPTION_TEXT, "UNIT",
      "shared is a line (default), a byte, or 2 to 4096 bytes", NULL },
    MSCAN_FILTER_OPTIONS,
    { NULL }
};

/* ---- the pass ---------------------------------------------------------- */

static bool parse_granularity(Sharing *sharing, GError **error)
{
    const char *text = mscan_options_text(sharing->options, "granularity");
    uint64_t value;
    char *end;

    sharing->unit_size = sharing->line_size;
    if (!text || !strcmp(text, "line")) {
        return true;
    }
    value = !strcmp(text, "byte") ? 1 : g_ascii_strtoull(text, &end, 10);
    if (value < 1 || value > 4096 || (value & (value - 1)) ||
        (strcmp(text, "byte") && *end)) {
        g_set_error(error, MSCAN_ERROR, MSCAN_ERROR_USAGE,
                    "--granularity wants byte, line, or a power of two up to "
                    "4096, not '%s'", text);
        return false;
    }
    sharing->unit_size = value;
    return true;
}

static void sharing_free(void *state)
{
    Sharing *sharing = state;

    mscan_filter_free(sharing->filter);
    mscan_line_table_free(sharing->lines);
    g_free(sharing);
}

static void *sharing_begin(MscanContext *context, const MscanOptions *options,
                           GError **error)
{
    Sharing *sharing = g_new0(Sharing, 1);

    sharing->options = options;
    sharing->line_size = mscan_context_line_size(context);
    sharing->sort = mscan_options_choice(options, sharing_options, "sort");
    sharing->filter = mscan_filter_new(options, error);
    if (!sharing->filter || !parse_granularity(sharing, error)) {
        sharing_free(sharing);
        return NULL;
    }
    sharing->lines = mscan_line_table_new(sharing->unit_size);
    return sharing;
}

static void sharing_record(void *state, MscanContext *context,
                           const MtraceRecord *record)
{
    const MtraceRecordAccess *access = (const MtraceRecordAccess *)record;
    Sharing *sharing = state;
    bool moved = access->flags & MTRACE_ACCESS_MOVED;

    sharing->seen++;
    sharing->all_mode |= !moved;
    if (mscan_filter_pass(sharing->filter, context, access)) {
        sharing->counted++;
        sharing->moves += moved;
        mscan_line_table_add(sharing->lines, context, access);
    }
}

/* ---- which lines, in which order --------------------------------------- */

/* Most lines are touched by one CPU only; tell those cheaply. */
static bool one_cpu(const MscanLine *line)
{
    const MscanSite *first = NULL;

    for (uint32_t i = 0; i < line->n_sites; i++) {
        const MscanSite *site = &line->sites[i];

        if (mscan_site_by_cpu(site)) {
            if (first && first->cpu != site->cpu) {
                return false;
            }
            first = site;
        }
    }
    return true;
}

/* Sum up a line. Returns: whether it is shared. */
static bool sum_up(const MscanLine *line, Shared *shared)
{
    MscanCpuSet cpus;

    if (one_cpu(line)) {
        return false;
    }
    *shared = (Shared) { .line = line };
    for (uint32_t i = 0; i < line->n_sites; i++) {
        const MscanSite *site = &line->sites[i];

        shared->moves += site->moves;
        if (mscan_site_by_cpu(site)) {
            bool store = site->kind == MTRACE_ACCESS_STORE;

            *(store ? &shared->writes : &shared->reads) += site->count;
        }
    }
    mscan_line_cpus(line, &cpus);
    shared->n_cpus = mscan_cpu_set_count(&cpus);
    return shared->writes;
}

static uint64_t sort_key(const Shared *shared, unsigned sort)
{
    switch (sort) {
    case SORT_MOVES:
        return shared->moves;
    case SORT_ACCESSES:
        return shared->reads + shared->writes;
    case SORT_READS:
        return shared->reads;
    case SORT_WRITES:
        return shared->writes;
    case SORT_CPUS:
        return shared->n_cpus;
    default: /* by address: all equal but for the tie-break */
        return 0;
    }
}

static int compare_shared(const void *a, const void *b, void *sharing)
{
    const Shared *x = a, *y = b;
    unsigned sort = ((const Sharing *)sharing)->sort;
    int order = mscan_compare_u64(sort_key(y, sort), sort_key(x, sort));

    if (!order && sort != SORT_ADDRESS) {
        order = mscan_compare_u64(y->moves, x->moves);
    }
    return order ? order : mscan_compare_u64(x->line->unit, y->line->unit);
}

static GArray *find_shared(Sharing *sharing)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(Shared));
    const MscanLine *lines;
    Shared shared;

    lines = mscan_line_table_lines(sharing->lines, &sharing->n_lines);
    for (uint32_t i = 0; i < sharing->n_lines; i++) {
        if (sum_up(&lines[i], &shared)) {
            g_array_append_val(found, shared);
        }
    }
    g_array_sort_with_data(found, compare_shared, sharing);
    return found;
}

/* ---- rows -------------------------------------------------------------- */

static const MscanColumn field_columns[] = {
    { "offset", "offset", MSCAN_COLUMN_U64, 0, NULL },
    { "size", "size", MSCAN_COLUMN_U64, 0, NULL },
    { "reads", "reads", MSCAN_COLUMN_U64, 0, NULL },
    { "writes", "writes", MSCAN_COLUMN_U64, 0, NULL },
    { "moves", "moves", MSCAN_COLUMN_U64, 0, NULL },
    { "readers", "read by", MSCAN_COLUMN_CPUS, 0, NULL },
    { "writers", "written by", MSCAN_COLUMN_CPUS, 0, NULL },
    { "name", "field", MSCAN_COLUMN_STRING, 0, NULL },
    { "type", "type", MSCAN_COLUMN_STRING, MSCAN_NO_TEXT, NULL },
    { NULL }
};

static const MscanColumn code_columns[] = {
    { "op", "op", MSCAN_COLUMN_STRING, 0, NULL },
    { "count", "count", MSCAN_COLUMN_U64, 0, NULL },
    { "moves", "moves", MSCAN_COLUMN_U64, 0, NULL },
    { "cpus", "CPUs", MSCAN_COLUMN_CPUS, 0, NULL },
    { "pc", "pc", MSCAN_COLUMN_ADDRESS, 0, NULL },
    { "function", "function", MSCAN_COLUMN_STRING, 0, NULL },
    { "file-line", "at", MSCAN_COLUMN_STRING, 0, NULL },
    { NULL }
};

static const MscanColumn cpu_columns[] = {
    { "cpu", "CPU", MSCAN_COLUMN_U64, 0, NULL },
    { "reads", "reads", MSCAN_COLUMN_U64, 0, NULL },
    { "writes", "writes", MSCAN_COLUMN_U64, 0, NULL },
    { NULL }
};

static const MscanColumn access_columns[] = {
    { "addr", "addr", MSCAN_COLUMN_STRING, 0, NULL },
    { "rawaddr", "rawaddr", MSCAN_COLUMN_ADDRESS, 0, NULL },
    { "pc", "pc", MSCAN_COLUMN_STRING, 0, NULL },
    { "rawpc", "rawpc", MSCAN_COLUMN_ADDRESS, 0, NULL },
    { "size", "size", MSCAN_COLUMN_U64, 0, NULL },
    { "type", "type", MSCAN_COLUMN_STRING, 0, NULL },
    { "count", "count", MSCAN_COLUMN_U64, 0, NULL },
    { "moves", "moves", MSCAN_COLUMN_U64, 0, NULL },
    { "cpus", "CPUs", MSCAN_COLUMN_CPUS, 0, NULL },
    { NULL }
};

static const MscanTableDef field_table = {
    "fields", "fields", field_columns, false, 16
};
static const MscanTableDef code_table = {
    "code", "code", code_columns, false, 16
};
static const MscanTableDef cpu_table = {
    "per-cpu", "CPUs", cpu_columns, false, 64
};
static const MscanTableDef access_table = {
    "accesses", NULL, access_columns, false, 0
};

static const MscanColumn line_columns[] = {
    { "rank", "rank", MSCAN_COLUMN_U64, 0, NULL },
    { "share", "of moves", MSCAN_COLUMN_PERCENT, 0, NULL },
    { "moves", "moves", MSCAN_COLUMN_U64, 0, NULL },
    { "reads", "reads", MSCAN_COLUMN_U64, 0, NULL },
    { "writes", "writes", MSCAN_COLUMN_U64, 0, NULL },
    { "cpus", "CPUs", MSCAN_COLUMN_CPUS, 0, NULL },
    { "n-fields", "fields", MSCAN_COLUMN_U64, 0, NULL },
    { "name", "what", MSCAN_COLUMN_STRING, 0, NULL },
    { "function", "top function", MSCAN_COLUMN_STRING, 0, NULL },
    { "line", "line", MSCAN_COLUMN_ADDRESS, MSCAN_NO_TEXT, NULL },
    { "heading", "", MSCAN_COLUMN_STRING, MSCAN_HEADING, NULL },
    { "fields", "", MSCAN_COLUMN_TABLE, 0, &field_table },
    { "code", "", MSCAN_COLUMN_TABLE, 0, &code_table },
    { "per-cpu", "", MSCAN_COLUMN_TABLE, MSCAN_NO_JSON, &cpu_table },
    { "accesses", "", MSCAN_COLUMN_TABLE, MSCAN_NO_TEXT, &access_table },
    { "cpureads", "", MSCAN_COLUMN_COUNTS, MSCAN_NO_TEXT, NULL },
    { "cpuwrites", "", MSCAN_COLUMN_COUNTS, MSCAN_NO_TEXT, NULL },
    { NULL }
};

static const MscanTableDef line_table = {
    "shared_cachelines", "Shared lines", line_columns, false, 0
};

static void add_fields(MscanRow *line_row, const GArray *groups)
{
    MscanTable *table = mscan_row_table(line_row, "fields");

    for (unsigned i = 0; i < groups->len; i++) {
        const MscanUseGroup *group = &g_array_index(groups, MscanUseGroup, i);
        MscanRow *row = mscan_table_row(table);

        mscan_row_u64(row, "offset", group->first->offset);
        mscan_row_u64(row, "size", group->first->site->size);
        mscan_row_string(row, "name", group->first->place.name);
        mscan_row_string(row, "type", group->first->place.type);
        mscan_row_u64(row, "reads", group->reads);
        mscan_row_u64(row, "writes", group->writes);
        mscan_row_u64(row, "moves", group->moves);
        mscan_row_cpu_set(row, "readers", &group->readers);
        mscan_row_cpu_set(row, "writers", &group->writers);
    }
}

static const char *op_name(unsigned kind)
{
    return kind == MTRACE_ACCESS_STORE ? "write"
           : kind == MTRACE_ACCESS_DEVICE_WRITE ? "device write" : "read";
}

static void add_code(MscanRow *line_row, const GArray *groups)
{
    MscanTable *table = mscan_row_table(line_row, "code");

    for (unsigned i = 0; i < groups->len; i++) {
        const MscanUseGroup *group = &g_array_index(groups, MscanUseGroup, i);
        const MscanUse *use = group->first;
        MscanRow *row = mscan_table_row(table);

        mscan_row_string(row, "op", op_name(use->site->kind));
        mscan_row_u64(row, "count", group->count);
        mscan_row_u64(row, "moves", group->moves);
        mscan_row_cpu_set(row, "cpus", &group->cpus);
        mscan_row_address(row, "pc", use->site->pc);
        mscan_row_string(row, "function", use->code.function);
        mscan_row_string(row, "file-line", use->code.file_line);
    }
}

static void add_accesses(MscanRow *line_row, GArray *uses)
{
    g_autoptr(GArray) groups = mscan_group_uses(uses, mscan_compare_accesses);
    MscanTable *table = mscan_row_table(line_row, "accesses");

    for (unsigned i = 0; i < groups->len; i++) {
        const MscanUseGroup *group = &g_array_index(groups, MscanUseGroup, i);
        const MscanUse *use = group->first;
        bool named = use->place.kind != MSCAN_PLACE_UNKNOWN &&
                     use->place.kind != MSCAN_PLACE_USER;
        g_autofree char *raw = g_strdup_printf("0x%" PRIx64,
                                               use->site->vaddr);
        MscanRow *row = mscan_table_row(table);

        mscan_row_string(row, "addr", named ? use->place.name : raw);
        mscan_row_address(row, "rawaddr", use->site->vaddr);
        mscan_row_string(row, "pc", use->code.text);
        mscan_row_address(row, "rawpc", use->site->pc);
        mscan_row_u64(row, "size", use->site->size);
        mscan_row_string(row, "type",
                         use->site->kind == MTRACE_ACCESS_LOAD ? "r" : "w");
        mscan_row_u64(row, "count", group->count);
        mscan_row_u64(row, "moves", group->moves);
        mscan_row_cpu_set(row, "cpus", &group->cpus);
    }
}

static void add_cpus(MscanRow *line_row, const MscanLine *line, unsigned n)
{
    g_autofree uint64_t *reads = g_new0(uint64_t, n + 1);
    g_autofree uint64_t *writes = g_new0(uint64_t, n + 1);
    MscanTable *table = mscan_row_table(line_row, "per-cpu");

    for (uint32_t i = 0; i < line->n_sites; i++) {
        const MscanSite *site = &line->sites[i];

        if (mscan_site_by_cpu(site) && site->cpu < n) {
            bool store = site->kind == MTRACE_ACCESS_STORE;

            (store ? writes : reads)[site->cpu] += site->count;
        }
    }
    mscan_row_counts(line_row, "cpureads", reads, n);
    mscan_row_counts(line_row, "cpuwrites", writes, n);
    for (unsigned cpu = 0; cpu < n; cpu++) {
        if (reads[cpu] || writes[cpu]) {
            MscanRow *row = mscan_table_row(table);

            mscan_row_u64(row, "cpu", cpu);
            mscan_row_u64(row, "reads", reads[cpu]);
            mscan_row_u64(row, "writes", writes[cpu]);
        }
    }
}

static void add_line(Sharing *sharing, MscanContext *context,
                     MscanTable *table, const Shared *shared, uint64_t rank)
{
    g_autoptr(GArray) uses = mscan_name_uses(context, shared->line,
                                              sharing->unit_size);
    g_autoptr(GArray) fields = mscan_group_uses(uses, mscan_compare_fields);
    uint64_t address = shared->line->unit * sharing->unit_size;
    const char *what = mscan_top_group(fields)->first->place.name;
    g_autofree char *heading = g_strdup_printf(
        "#%" PRIu64 "  %s  (physical 0x%" PRIx64 ")", rank, what, address);
    g_autoptr(GArray) code = NULL;
    MscanRow *row = mscan_table_row(table);
    MscanCpuSet cpus;

    mscan_row_u64(row, "rank", rank);
    mscan_row_percent(row, "share", shared->moves, sharing->moves);
    mscan_row_u64(row, "moves", shared->moves);
    mscan_row_u64(row, "reads", shared->reads);
    mscan_row_u64(row, "writes", shared->writes);
    mscan_line_cpus(shared->line, &cpus);
    mscan_row_cpu_set(row, "cpus", &cpus);
    mscan_row_u64(row, "n-fields", fields->len);
    mscan_row_string(row, "name", what);
    mscan_row_address(row, "line", address);
    mscan_row_string(row, "heading", heading);
    add_fields(row, fields);
    code = mscan_group_uses(uses, mscan_compare_codes); /* from here on fields are stale */
    mscan_row_string(row, "function", mscan_top_group(code)->first->code.function);
    g_array_sort(code, mscan_compare_activity);
    add_code(row, code);
    add_cpus(row, shared->line, mscan_context_n_cpus(context));
    add_accesses(row, uses);
}

/* ---- the report -------------------------------------------------------- */

static void add_notes(const Sharing *sharing, MscanContext *context,
                      MscanReport *report, const GArray *shared)
{
    const char *const *notes = mscan_context_symbol_notes(context);
    uint64_t moves = 0;

    for (unsigned i = 0; i < shared->len; i++) {
        moves += g_array_index(shared, Shared, i).moves;
    }
    mscan_report_note(report, sharing->all_mode
        ? "The log holds accesses that moved nothing, too: reads and writes "
          "count accesses, moves those that moved a line."
        : "The log holds only accesses that moved a line: every count is a "
          "number of line moves.");
    if (sharing->counted != sharing->seen) {
        mscan_report_note(report, "%" PRIu64 " of %" PRIu64
                          " accesses are looked at.", sharing->counted,
                          sharing->seen);
    }
    mscan_report_note(report, "%u of %u %s of %u bytes were touched by two or "
                      "more CPUs and written by one of them, with %" PRIu64
                      " of %" PRIu64 " moves.", shared->len,
                      sharing->n_lines,
                      sharing->unit_size == sharing->line_size ? "lines"
                                                               : "units",
                      sharing->unit_size, moves, sharing->moves);
    if (!mscan_context_n_images(context)) {
        mscan_report_note(report, "The log holds no symbols; -k FILE takes "
                          "them from a vmlinux.");
    }
    for (; *notes; notes++) {
        mscan_report_note(report, "Symbols: %s.", *notes);
    }
}

static bool sharing_finish(void *state, MscanContext *context,
                           MscanReport *report, GError **error)
{
    Sharing *sharing = state;
    uint64_t limit = mscan_report_limit(report, sharing->options);
    g_autoptr(GArray) shared = NULL;
    MscanTable *table;

    if (!mscan_filter_check(sharing->filter, context, error)) {
        return false;
    }
    shared = find_shared(sharing);
    add_notes(sharing, context, report, shared);
    table = mscan_report_table(report, &line_table);
    mscan_table_set_total(table, shared->len);
    for (unsigned i = 0; i < shared->len && i < limit; i++) {
        add_line(sharing, context, table, &g_array_index(shared, Shared, i),
                 i + 1);
    }
    return true;
}

static const MscanTableDef *const sharing_tables[] = { &line_table, NULL };
static const uint16_t sharing_wants[] = { MTRACE_RECORD_ACCESS, 0 };

const MscanAnalysis mscan_analysis_sharing = {
    .name = "sharing",
    .summary = "lines that several CPUs touch and at least one writes",
    .help = "Ranks the cache lines that moved between CPUs. For each: the "
            "variables and\nfields in it that were touched, the code that "
            "touched them, and the reads and\nwrites of each CPU.",
    .old_flag = "all-sharing",
    .json_key = "shared_cachelines",
    .options = sharing_options,
    .tables = sharing_tables,
    .wants = sharing_wants,
    .services = MSCAN_SERVICE_SYMBOLS | MSCAN_SERVICE_OBJECTS |
                MSCAN_SERVICE_RECORDINGS,
    .begin = sharing_begin,
    .record = sharing_record,
    .finish = sharing_finish,
    .free = sharing_free,
};
