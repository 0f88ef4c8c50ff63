/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * summary: what the log holds.
 *
 * Everything is counted as it passes by. Lists that a guest can make as long
 * as it likes (errors, losses, counters) are kept up to a bound and counted
 * beyond it. A CPU's instructions are the greatest count any of its records
 * has, so they are complete only up to its last record, unless the recorder
 * left a counter "insns".
 */
#include "mscan.h"
#include <string.h>

#define N_TYPES 256     /* record types that are told apart */
#define N_KINDS 4       /* of access; 0 stands for what is not known */
#define N_ORIGINS 8     /* the last one stands for what is not known */
#define MAX_EVENTS 1000 /* rows kept of each list */

typedef struct CpuTotals {
    uint64_t records, insns, accesses;
    uint64_t loads, stores, moves;
} CpuTotals;

typedef struct AccessTotals {
    uint64_t count, moves, locked, split;
} AccessTotals;

/* Something that happened: order, CPU, a number or address, and a text. */
typedef struct Event {
    uint64_t order;
    uint16_t cpu;
    uint64_t pc;
    uint64_t value;
    char text[MTRACE_STR_MAX + 8];
} Event;

typedef struct Summary {
    GArray *cpus; /* CpuTotals */
    CpuTotals devices;
    uint64_t by_type[N_TYPES];
    AccessTotals by_kind[N_KINDS][N_ORIGINS];
    AccessTotals all;
    GArray *counters, *errors, *losses, *discontinuities; /* Event */
    uint64_t records, first_order, last_order, lost;
    MtraceRecordMachine machine; /* of type 0 when there was none */
} Summary;

static void summary_free(void *state)
{
    Summary *summary = state;

    g_array_free(summary->cpus, TRUE);
    g_array_free(summary->counters, TRUE);
    g_array_free(summary->errors, TRUE);
    g_array_free(summary->losses, TRUE);
    g_array_free(summary->discontinuities, TRUE);
    g_free(summary);
}

static void *summary_begin(MscanContext *context, const MscanOptions *options,
                           GError **error)
{
    Summary *summary = g_new0(Summary, 1);

    (void)context;
    (void)options;
    (void)error;
    summary->cpus = g_array_new(FALSE, TRUE, sizeof(CpuTotals));
    summary->counters = g_array_new(FALSE, FALSE, sizeof(Event));
    summary->errors = g_array_new(FALSE, FALSE, sizeof(Event));
    summary->losses = g_array_new(FALSE, FALSE, sizeof(Event));
    summary->discontinuities = g_array_new(FALSE, FALSE, sizeof(Event));
    return summary;
}

/* ---- counting ---------------------------------------------------------- */

static CpuTotals *cpu_totals(Summary *summary, unsigned cpu)
{
    if (cpu >= MSCAN_MAX_CPUS) {
        return &summary->devices;
    }
    if (cpu >= summary->cpus->len) {
        g_array_set_size(summary->cpus, cpu + 1);
    }
    return &g_array_index(summary->cpus, CpuTotals, cpu);
}

static void count_access(Summary *summary, CpuTotals *cpu,
                         const MtraceRecordAccess *access)
{
    unsigned kind = access->kind < N_KINDS ? access->kind : 0;
    unsigned origin = MIN(access->origin, N_ORIGINS - 1);
    AccessTotals *totals[] = { &summary->by_kind[kind][origin],
                               &summary->all };
    uint64_t moved = !!(access->flags & MTRACE_ACCESS_MOVED);

    cpu->loads += kind == MTRACE_ACCESS_LOAD;
    cpu->stores += kind == MTRACE_ACCESS_STORE;
    cpu->moves += moved;
    for (unsigned i = 0; i < G_N_ELEMENTS(totals); i++) {
        totals[i]->count++;
        totals[i]->moves += moved;
        totals[i]->locked += !!(access->flags & MTRACE_ACCESS_LOCKED);
        totals[i]->split += !!(access->flags & MTRACE_ACCESS_SPLIT);
    }
}

static void add_event(GArray *events, const MtraceRecord *record, uint64_t pc,
                      uint64_t value, const char *text)
{
    Event event = { record->order, record->cpu, pc, value, "" };

    if (events->len < MAX_EVENTS) {
        g_strlcpy(event.text, text, sizeof(event.text));
        g_array_append_val(events, event);
    }
}

static void count_counter(Summary *summary, CpuTotals *cpu,
                          const MtraceRecordCounter *counter)
{
    if (!strcmp(counter->name, "insns")) {
        cpu->insns = MAX(cpu->insns, counter->value);
    }
    add_event(summary->counters, &counter->h, 0, counter->value,
              counter->name);
}

static void count_event(Summary *summary, CpuTotals *cpu,
                        const MtraceRecord *record)
{
    const MtraceAnyRecord *any = (const MtraceAnyRecord *)record;

    switch (record->type) {
    case MTRACE_RECORD_MACHINE:
        summary->machine = any->machine;
        break;
    case MTRACE_RECORD_COUNTER:
        count_counter(summary, cpu, &any->counter);
        break;
    case MTRACE_RECORD_GUEST_ERROR:
        add_event(summary->errors, record, any->guest_error.pc,
                  any->guest_error.entry_type, any->guest_error.str);
        break;
    case MTRACE_RECORD_LOSS:
        summary->lost += any->loss.count;
        add_event(summary->losses, record, 0, any->loss.count, any->loss.str);
        break;
    case MTRACE_RECORD_DISCONTINUITY:
        add_event(summary->discontinuities, record, 0, 0,
                  any->discontinuity.str);
        break;
    }
}

static void summary_record(void *state, MscanContext *context,
                           const MtraceRecord *record)
{
    Summary *summary = state;
    CpuTotals *cpu = cpu_totals(summary, record->cpu);

    (void)context;
    if (!summary->records++) {
        summary->first_order = record->order;
    }
    summary->last_order = record->order;
    summary->by_type[MIN(record->type, N_TYPES - 1)]++;
    cpu->records++;
    cpu->insns = MAX(cpu->insns, record->insns);
    cpu->accesses = MAX(cpu->accesses, record->accesses);
    if (record->type == MTRACE_RECORD_ACCESS) {
        count_access(summary, cpu, (const MtraceRecordAccess *)record);
    } else {
        count_event(summary, cpu, record);
    }
}

/* ---- what the tables look like ----------------------------------------- */

static const MscanColumn total_columns[] = {
    { "total-instructions", "instructions", MSCAN_COLUMN_U64, 0, NULL },
    { "cpus", "CPUs", MSCAN_COLUMN_U64, 0, NULL },
    { "ram-bytes", "guest RAM in bytes", MSCAN_COLUMN_U64, 0, NULL },
    { "quantum", "instructions per slice", MSCAN_COLUMN_U64, 0, NULL },
    { "sample", "accesses per one kept", MSCAN_COLUMN_U64, 0, NULL },
    { "line-size", "bytes of a line", MSCAN_COLUMN_U64, 0, NULL },
    { "records", "records", MSCAN_COLUMN_U64, 0, NULL },
    { "accesses", "access records", MSCAN_COLUMN_U64, 0, NULL },
    { "moves", "moved lines", MSCAN_COLUMN_U64, 0, NULL },
    { "locked", "LOCKed accesses", MSCAN_COLUMN_U64, 0, NULL },
    { "first-order", "first order", MSCAN_COLUMN_U64, 0, NULL },
    { "last-order", "last order", MSCAN_COLUMN_U64, 0, NULL },
    { "labels", "labels", MSCAN_COLUMN_U64, 0, NULL },
    { "live-labels", "labels never removed", MSCAN_COLUMN_U64, 0, NULL },
    { "unknown-removals", "removals of no label", MSCAN_COLUMN_U64, 0, NULL },
    { "overlapping-labels", "labels over others", MSCAN_COLUMN_U64, 0, NULL },
    { "lost-records", "lost records", MSCAN_COLUMN_U64, 0, NULL },
    { NULL }
};

static const MscanColumn meta_columns[] = {
    { "key", "key", MSCAN_COLUMN_STRING, 0, NULL },
    { "value", "value", MSCAN_COLUMN_STRING, 0, NULL },
    { NULL }
};

static const MscanColumn cpu_columns[] = {
    { "cpu", "CPU", MSCAN_COLUMN_STRING, 0, NULL },
    { "instructions", "instructions", MSCAN_COLUMN_U64, 0, NULL },
    { "accesses", "accesses made", MSCAN_COLUMN_U64, 0, NULL },
    { "records", "records", MSCAN_COLUMN_U64, 0, NULL },
    { "loads", "loads", MSCAN_COLUMN_U64, 0, NULL },
    { "stores", "stores", MSCAN_COLUMN_U64, 0, NULL },
    { "moves", "moves", MSCAN_COLUMN_U64, 0, NULL },
    { NULL }
};

static const MscanColumn type_columns[] = {
    { "type", "type", MSCAN_COLUMN_STRING, 0, NULL },
    { "count", "records", MSCAN_COLUMN_U64, 0, NULL },
    { NULL }
};

static const MscanColumn access_columns[] = {
    { "kind", "kind", MSCAN_COLUMN_STRING, 0, NULL },
    { "origin", "origin", MSCAN_COLUMN_STRING, 0, NULL },
    { "count", "records", MSCAN_COLUMN_U64, 0, NULL },
    { "moves", "moves", MSCAN_COLUMN_U64, 0, NULL },
    { "locked", "locked", MSCAN_COLUMN_U64, 0, NULL },
    { "split", "split", MSCAN_COLUMN_U64, 0, NULL },
    { NULL }
};

static const MscanColumn recording_columns[] = {
    { "name", "name", MSCAN_COLUMN_STRING, 0, NULL },
    { "mode", "mode", MSCAN_COLUMN_STRING, 0, NULL },
    { "first-order", "from", MSCAN_COLUMN_U64, 0, NULL },
    { "last-order", "to", MSCAN_COLUMN_U64, 0, NULL },
    { "accesses", "accesses", MSCAN_COLUMN_U64, 0, NULL },
    { NULL }
};

static const MscanColumn counter_columns[] = {
    { "cpu", "CPU", MSCAN_COLUMN_STRING, 0, NULL },
    { "name", "counter", MSCAN_COLUMN_STRING, 0, NULL },
    { "value", "value", MSCAN_COLUMN_U64, 0, NULL },
    { NULL }
};

static const MscanColumn error_columns[] = {
    { "order", "order", MSCAN_COLUMN_U64, 0, NULL },
    { "cpu", "CPU", MSCAN_COLUMN_STRING, 0, NULL },
    { "pc", "pc", MSCAN_COLUMN_ADDRESS, 0, NULL },
    { "entry-type", "entry type", MSCAN_COLUMN_U64, 0, NULL },
    { "what", "what", MSCAN_COLUMN_STRING, 0, NULL },
    { NULL }
};

static const MscanColumn loss_columns[] = {
    { "order", "order", MSCAN_COLUMN_U64, 0, NULL },
    { "count", "records", MSCAN_COLUMN_U64, 0, NULL },
    { "why", "why", MSCAN_COLUMN_STRING, 0, NULL },
    { NULL }
};

static const MscanColumn discontinuity_columns[] = {
    { "order", "order", MSCAN_COLUMN_U64, 0, NULL },
    { "what", "what", MSCAN_COLUMN_STRING, 0, NULL },
    { NULL }
};

static const MscanColumn image_columns[] = {
    { "name", "name", MSCAN_COLUMN_STRING, 0, NULL },
    { "build-id", "build-id", MSCAN_COLUMN_STRING, 0, NULL },
    { "symbols", "symbols", MSCAN_COLUMN_U64, 0, NULL },
    { "types", "types", MSCAN_COLUMN_BOOL, 0, NULL },
    { "lines", "lines", MSCAN_COLUMN_BOOL, 0, NULL },
    { "from-file", "from a file", MSCAN_COLUMN_BOOL, 0, NULL },
    { NULL }
};

static const MscanTableDef total_table = {
    "summary", "Totals", total_columns, true, 0
};
static const MscanTableDef meta_table = {
    "meta", "Session", meta_columns, false, 0
};
static const MscanTableDef cpu_table = {
    "per-cpu", "CPUs", cpu_columns, false, 0
};
static const MscanTableDef type_table = {
    "records-by-type", "Records", type_columns, false, 0
};
static const MscanTableDef access_table = {
    "accesses-by-kind", "Accesses", access_columns, false, 0
};
static const MscanTableDef recording_table = {
    "recordings", "Recordings", recording_columns, false, 50
};
static const MscanTableDef counter_table = {
    "counters", "Counters", counter_columns, false, 0
};
static const MscanTableDef error_table = {
    "guest-errors", "Refused guest calls", error_columns, false, 20
};
static const MscanTableDef loss_table = {
    "losses", "Losses", loss_columns, false, 20
};
static const MscanTableDef discontinuity_table = {
    "discontinuities", "Discontinuities", discontinuity_columns, false, 20
};
static const MscanTableDef image_table = {
    "images", "Guest programs", image_columns, false, 0
};

/* ---- the report -------------------------------------------------------- */

static void row_cpu(MscanRow *row, unsigned cpu)
{
    char text[16];

    g_snprintf(text, sizeof(text), "%u", cpu);
    mscan_row_string(row, "cpu", cpu < MSCAN_MAX_CPUS ? text : "none");
}

static void report_totals(const Summary *summary, MscanContext *context,
                          MscanReport *report)
{
    MscanRow *row = mscan_table_row(mscan_report_table(report, &total_table));
    MscanObjectCounts objects;
    uint64_t insns = 0;

    for (unsigned i = 0; i < summary->cpus->len; i++) {
        insns += g_array_index(summary->cpus, CpuTotals, i).insns;
    }
    mscan_context_object_counts(context, &objects);
    mscan_row_u64(row, "total-instructions", insns);
    mscan_row_u64(row, "cpus", mscan_context_n_cpus(context));
    if (summary->machine.h.type) {
        mscan_row_u64(row, "ram-bytes", summary->machine.num_ram);
        mscan_row_u64(row, "quantum", summary->machine.quantum);
        mscan_row_u64(row, "sample", MAX(summary->machine.sample, 1));
    }
    mscan_row_u64(row, "line-size", mscan_context_line_size(context));
    mscan_row_u64(row, "records", summary->records);
    mscan_row_u64(row, "accesses", summary->all.count);
    mscan_row_u64(row, "moves", summary->all.moves);
    mscan_row_u64(row, "locked", summary->all.locked);
    mscan_row_u64(row, "first-order", summary->first_order);
    mscan_row_u64(row, "last-order", summary->last_order);
    mscan_row_u64(row, "labels", objects.labels);
    mscan_row_u64(row, "live-labels", objects.live);
    mscan_row_u64(row, "unknown-removals", objects.unknown_removals);
    mscan_row_u64(row, "overlapping-labels", objects.overlaps);
    mscan_row_u64(row, "lost-records", summary->lost);
}

static void report_meta(MscanContext *context, MscanReport *report)
{
    MscanTable *table = mscan_report_table(report, &meta_table);
    const char *const *keys = mscan_context_meta_keys(context);

    for (; keys && *keys; keys++) {
        MscanRow *row = mscan_table_row(table);

        mscan_row_string(row, "key", *keys);
        mscan_row_string(row, "value", mscan_context_meta(context, *keys));
    }
}

static void report_cpu(MscanTable *table, unsigned cpu, const CpuTotals *totals)
{
    MscanRow *row = mscan_table_row(table);

    row_cpu(row, cpu);
    mscan_row_u64(row, "instructions", totals->insns);
    mscan_row_u64(row, "accesses", totals->accesses);
    mscan_row_u64(row, "records", totals->records);
    mscan_row_u64(row, "loads", totals->loads);
    mscan_row_u64(row, "stores", totals->stores);
    mscan_row_u64(row, "moves", totals->moves);
}

static void report_cpus(const Summary *summary, MscanReport *report)
{
    MscanTable *table = mscan_report_table(report, &cpu_table);

    for (unsigned i = 0; i < summary->cpus->len; i++) {
        report_cpu(table, i, &g_array_index(summary->cpus, CpuTotals, i));
    }
    if (summary->devices.records) {
        report_cpu(table, MTRACE_CPU_NONE, &summary->devices);
    }
}

static void report_types(const Summary *summary, MscanReport *report)
{
    MscanTable *table = mscan_report_table(report, &type_table);

    for (unsigned type = 0; type < N_TYPES; type++) {
        if (summary->by_type[type]) {
            MscanRow *row = mscan_table_row(table);

            mscan_row_string(row, "type", mscan_record_type_name(type));
            mscan_row_u64(row, "count", summary->by_type[type]);
        }
    }
}

static void report_accesses(const Summary *summary, MscanReport *report)
{
    static const char *const kinds[N_KINDS] = {
        "unknown", "load", "store", "device write",
    };
    static const char *const origins[N_ORIGINS] = {
        "inline", "helper", "atomic", "direct", "delivery", "walker", "DMA",
        "unknown",
    };
    MscanTable *table = mscan_report_table(report, &access_table);

    for (unsigned i = 0; i < N_KINDS * N_ORIGINS; i++) {
        unsigned kind = i / N_ORIGINS, origin = i % N_ORIGINS;
        const AccessTotals *totals = &summary->by_kind[kind][origin];

        if (totals->count) {
            MscanRow *row = mscan_table_row(table);

            mscan_row_string(row, "kind", kinds[kind]);
            mscan_row_string(row, "origin", origins[origin]);
            mscan_row_u64(row, "count", totals->count);
            mscan_row_u64(row, "moves", totals->moves);
            mscan_row_u64(row, "locked", totals->locked);
            mscan_row_u64(row, "split", totals->split);
        }
    }
}

static void report_recordings(MscanContext *context, MscanReport *report)
{
    static const char *const modes[] = {
        "disable", "movement", "ascope", "kernelscope",
    };
    MscanTable *table = mscan_report_table(report, &recording_table);

    for (unsigned i = 0; i < mscan_context_n_recordings(context); i++) {
        const MscanRecording *recording = mscan_context_recording(context, i);
        MscanRow *row = mscan_table_row(table);

        mscan_row_string(row, "name", recording->name);
        mscan_row_string(row, "mode", recording->mode < G_N_ELEMENTS(modes)
                                          ? modes[recording->mode]
                                          : "unknown");
        mscan_row_u64(row, "first-order", recording->first_order);
        if (recording->last_order != UINT64_MAX) {
            mscan_row_u64(row, "last-order", recording->last_order);
        }
        mscan_row_u64(row, "accesses", recording->accesses);
    }
}

/* One row per event; @value and @pc name their columns, NULL for none. */
static void report_events(MscanReport *report, const MscanTableDef *def,
                          const GArray *events, uint64_t total,
                          const char *text, const char *value, bool with_cpu)
{
    MscanTable *table = mscan_report_table(report, def);

    mscan_table_set_total(table, total);
    for (unsigned i = 0; i < events->len; i++) {
        const Event *event = &g_array_index(events, Event, i);
        MscanRow *row = mscan_table_row(table);

        mscan_row_string(row, text, event->text);
        if (value) {
            mscan_row_u64(row, value, event->value);
        }
        if (with_cpu) {
            row_cpu(row, event->cpu);
        }
        if (def == &error_table) {
            mscan_row_address(row, "pc", event->pc);
        }
        if (def != &counter_table) {
            mscan_row_u64(row, "order", event->order);
        }
    }
}

static void report_images(MscanContext *context, MscanReport *report)
{
    MscanTable *table = mscan_report_table(report, &image_table);
    MscanImage image;

    for (unsigned i = 0; i < mscan_context_n_images(context); i++) {
        MscanRow *row = mscan_table_row(table);

        mscan_context_image(context, i, &image);
        mscan_row_string(row, "name", image.name);
        mscan_row_string(row, "build-id", image.build_id);
        mscan_row_u64(row, "symbols", image.symbols);
        mscan_row_bool(row, "types", image.has_types);
        mscan_row_bool(row, "lines", image.has_lines);
        mscan_row_bool(row, "from-file", image.from_file);
    }
}

static bool summary_finish(void *state, MscanContext *context,
                           MscanReport *report, GError **error)
{
    Summary *summary = state;
    const char *const *notes = mscan_context_symbol_notes(context);

    (void)error;
    for (; *notes; notes++) {
        mscan_report_note(report, "Symbols: %s.", *notes);
    }
    report_totals(summary, context, report);
    report_meta(context, report);
    report_cpus(summary, report);
    report_types(summary, report);
    report_accesses(summary, report);
    report_recordings(context, report);
    report_events(report, &counter_table, summary->counters,
                  summary->by_type[MTRACE_RECORD_COUNTER], "name", "value",
                  true);
    report_events(report, &error_table, summary->errors,
                  summary->by_type[MTRACE_RECORD_GUEST_ERROR], "what",
                  "entry-type", true);
    report_events(report, &loss_table, summary->losses,
                  summary->by_type[MTRACE_RECORD_LOSS], "why", "count", false);
    report_events(report, &discontinuity_table, summary->discontinuities,
                  summary->by_type[MTRACE_RECORD_DISCONTINUITY], "what", NULL,
                  false);
    report_images(context, report);
    return true;
}

static const MscanOption summary_options[] = {
    { NULL }
};

static const MscanTableDef *const summary_tables[] = {
    &total_table, &meta_table, &cpu_table, &type_table, &access_table,
    &recording_table, &counter_table, &error_table, &loss_table,
    &discontinuity_table, &image_table, NULL
};

const MscanAnalysis mscan_analysis_summary = {
    .name = "summary",
    .summary = "what the log holds, and what it lacks",
    .help = "Counts what is in the log: the session, CPUs and instructions, "
            "records by\ntype, accesses by kind, recordings, counters, what "
            "went wrong, and the guest\nprograms whose symbols are there.",
    .old_flag = "summary",
    .json_key = "summary",
    .options = summary_options,
    .tables = summary_tables,
    .wants = NULL,
    .services = MSCAN_SERVICE_SYMBOLS | MSCAN_SERVICE_OBJECTS |
                MSCAN_SERVICE_RECORDINGS,
    .begin = summary_begin,
    .record = summary_record,
    .finish = summary_finish,
    .free = summary_free,
};
