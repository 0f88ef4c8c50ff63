/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of mscan say to each other; analyses do not include it.
 *
 * Order of a run: the command line fills an MscanJob (main.c, options.c), the
 * pass reads the log once (pass.c) while the context follows it (context.c,
 * objects.c, symbols.c), then each analysis fills its report (report.c), and
 * report-text.c or report-json.c writes them.
 */
#ifndef MSCAN_INTERNAL_H
#define MSCAN_INTERNAL_H

#include <stdio.h>
#include "mscan.h"
#include "mtrace/log.h"

G_BEGIN_DECLS

/* ---- registry ---------------------------------------------------------- */

/* Every analysis, in alphabetical order, NULL-terminated. */
const MscanAnalysis *const *mscan_registry(void);

/* The analysis of that name, or NULL. */
const MscanAnalysis *mscan_registry_find(const char *name);

/* ---- options ----------------------------------------------------------- */

MscanOptions *mscan_options_new(void);
void mscan_options_free(MscanOptions *options);

/* Number of values given. */
unsigned mscan_options_count(const MscanOptions *options);

/**
 * mscan_options_set - check a value against its row, and keep it
 * @value: NULL for a FLAG
 * @error: MSCAN_ERROR_USAGE
 */
bool mscan_options_set(MscanOptions *options, const MscanOption *row,
                       const char *value, GError **error);

/* The first name that was given but is in none of the @n tables, or NULL. */
const char *mscan_options_unknown(const MscanOptions *options,
                                  const MscanAnalysis *const *analyses,
                                  unsigned n);

/* The row of that name, or NULL. */
const MscanOption *mscan_option_find(const MscanOption *table,
                                     const char *name);

/* Append the table as --help prints it. */
void mscan_options_help(GString *out, const MscanOption *table);

/**
 * mscan_parse_cpus - "0,2-3"
 * @error: MSCAN_ERROR_USAGE
 *
 * Returns: MSCAN_MAX_CPUS booleans, freed with g_free(), or NULL.
 */
bool *mscan_parse_cpus(const char *text, GError **error);

/* ---- context ----------------------------------------------------------- */

/**
 * mscan_context_new - the context of a log
 * @reader: outlives the context
 * @log_name: of the log, for reports
 * @services: MscanService of all analyses together
 * @kernels: -k files, NULL-terminated
 * @error: a -k file that cannot be used
 */
MscanContext *mscan_context_new(MtraceLogReader *reader, const char *log_name,
                                unsigned services, const char *const *kernels,
                                GError **error);
void mscan_context_free(MscanContext *context);

/**
 * mscan_context_record - follow the log
 *
 * To be called for each record before any analysis sees it.
 * Returns: false when the record's CPU is impossible: it is to be ignored.
 */
bool mscan_context_record(MscanContext *context, const MtraceRecord *record);

/* The log has been read; fix what the reader says about its damage. */
void mscan_context_end(MscanContext *context);

/* Is the log whole? After mscan_context_end(). */
bool mscan_context_complete(MscanContext *context);

/* ---- objects (objects.c) ----------------------------------------------- */

typedef struct MscanObjects MscanObjects;

/* @names: interns the names, outlives the objects. */
MscanObjects *mscan_objects_new(GStringChunk *names);
void mscan_objects_free(MscanObjects *objects);
void mscan_objects_label(MscanObjects *objects, const MtraceRecordLabel *label);
bool mscan_objects_find(MscanObjects *objects, uint64_t vaddr, uint64_t paddr,
                        MscanObject *object);
void mscan_objects_counts(MscanObjects *objects, MscanObjectCounts *counts);

/* ---- symbols (symbols.c) ----------------------------------------------- */

typedef struct MscanSymbols MscanSymbols;

/* As mscan_context_new(). */
MscanSymbols *mscan_symbols_new(MtraceLogReader *reader, GStringChunk *names,
                                const char *const *kernels, GError **error);
void mscan_symbols_free(MscanSymbols *symbols);
void mscan_symbols_register(MscanSymbols *symbols,
                            const MtraceRecordRegister *record);
unsigned mscan_symbols_n_images(MscanSymbols *symbols);
void mscan_symbols_image(MscanSymbols *symbols, unsigned i, MscanImage *image);
const char *const *mscan_symbols_notes(MscanSymbols *symbols);
void mscan_symbols_place(MscanSymbols *symbols, uint64_t vaddr, unsigned cpl,
                         const char *label, uint64_t offset,
                         MscanPlace *place);
void mscan_symbols_code(MscanSymbols *symbols, uint64_t pc, unsigned cpl,
                        MscanCode *code);

/* ---- report ------------------------------------------------------------ */

typedef enum MscanFormat {
    MSCAN_FORMAT_TEXT,
    MSCAN_FORMAT_JSON,
} MscanFormat;

typedef struct MscanCell {
    bool set;
    bool boolean;
    uint64_t number; /* or part of a percentage, or length of @numbers */
    uint64_t whole;
    union {
        char *string;
        uint64_t *numbers;
        MscanTable *table;
    };
} MscanCell;

struct MscanRow {
    const MscanTableDef *def;
    MscanReport *report;
    MscanCell *cells; /* one per column */
};

struct MscanTable {
    const MscanTableDef *def;
    MscanReport *report;
    GPtrArray *rows;  /* MscanRow */
    uint64_t total;   /* rows there would be without the limit */
};

struct MscanReport {
    const MscanAnalysis *analysis;
    MscanFormat format;
    GPtrArray *notes;  /* char * */
    GPtrArray *tables; /* MscanTable */
};

MscanReport *mscan_report_new(const MscanAnalysis *analysis,
                              MscanFormat format);
void mscan_report_free(MscanReport *report);

/* Number of columns. */
unsigned mscan_columns_count(const MscanColumn *columns);

/* Percentage in hundredths, rounded; 0 of nothing is 0. */
uint64_t mscan_percent_hundredths(uint64_t part, uint64_t whole);

/* "0-2,5" */
void mscan_format_cpus(GString *out, const uint64_t *cpus, size_t n);

/**
 * mscan_report_write_text - all reports as text
 * @reports: @n of them
 * @colour: the reader has a terminal
 */
void mscan_report_write_text(FILE *out, MscanContext *context,
                             MscanReport *const *reports, unsigned n,
                             bool colour);

/* All reports as one JSON object. */
void mscan_report_write_json(FILE *out, MscanContext *context,
                             MscanReport *const *reports, unsigned n);

/* ---- the pass ---------------------------------------------------------- */

/**
 * struct MscanJob - what the command line asks for
 * @n_analyses: of @analyses, in the order given, each once
 * @progress: show it on stderr
 */
typedef struct MscanJob {
    GPtrArray *analyses; /* const MscanAnalysis * */
    MscanOptions *options;
    GPtrArray *kernels;  /* char *, NULL-terminated */
    char *input;
    char *output;        /* NULL: standard output */
    MscanFormat format;
    bool progress;
} MscanJob;

/**
 * mscan_run - read the log, run the analyses, write the reports
 * @complete: set to whether the log was whole
 * @error: MTRACE_LOG_ERROR, MSCAN_ERROR, …
 */
bool mscan_run(const MscanJob *job, bool *complete, GError **error);

G_END_DECLS

#endif /* MSCAN_INTERNAL_H */
