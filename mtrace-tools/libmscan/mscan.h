/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an analysis sees of mscan, and the only header it includes.
 *
 * An analysis is one file that ends in one MscanAnalysis. It is handed the
 * records it wants, in the global order, together with a context that knows
 * what a record alone does not say (recordings, labelled objects, names of
 * addresses). It never prints: its finish function adds typed rows to the
 * report, which becomes text or JSON in one place.
 *
 * Everything here runs in one thread.
 */
#ifndef MSCAN_H
#define MSCAN_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include "mtrace/format.h"

G_BEGIN_DECLS

/* CPU numbers are below this, but for MTRACE_CPU_NONE. */
#define MSCAN_MAX_CPUS 4096

#define MSCAN_ERROR (mscan_error_quark())
GQuark mscan_error_quark(void);

typedef enum MscanError {
    MSCAN_ERROR_USAGE, /* what the user asked for makes no sense for this log */
    MSCAN_ERROR_IO,    /* a file could not be read or written */
} MscanError;

typedef struct MscanContext MscanContext;

/* ---- options ----------------------------------------------------------- */

typedef enum MscanOptionType {
    MSCAN_OPTION_FLAG,   /* takes no value */
    MSCAN_OPTION_U64,    /* a number; decimal, or hexadecimal with 0x */
    MSCAN_OPTION_TEXT,
    MSCAN_OPTION_CHOICE, /* one of choices */
    MSCAN_OPTION_CPUS,   /* CPU numbers and ranges: 0,2-3 */
} MscanOptionType;

/**
 * struct MscanOption - one row of an analysis's table of options
 * @name: without the dashes; NULL ends a table
 * @metavar: what the value is called in --help; NULL for FLAG
 * @help: one line, no full stop
 * @choices: for CHOICE: "a|b|c"; the first is the default
 */
typedef struct MscanOption {
    const char *name;
    MscanOptionType type;
    const char *metavar;
    const char *help;
    const char *choices;
} MscanOption;

/* Values that the user gave. Names that were not given have no value. */
typedef struct MscanOptions MscanOptions;

bool mscan_options_has(const MscanOptions *options, const char *name);

/* The number given for @name, or @otherwise. */
uint64_t mscan_options_u64(const MscanOptions *options, const char *name,
                           uint64_t otherwise);

/* The text given for @name, or NULL. Owned by @options. */
const char *mscan_options_text(const MscanOptions *options, const char *name);

/* Position of the value of a CHOICE among its choices; 0 when not given. */
unsigned mscan_options_choice(const MscanOptions *options,
                              const MscanOption *table, const char *name);

/* ---- which accesses ---------------------------------------------------- */

/* Rows that an analysis puts into its table to get an MscanFilter. */
#define MSCAN_FILTER_OPTIONS                                                  \
    { "cpu", MSCAN_OPTION_CPUS, "LIST",                                       \
      "only accesses by these CPUs, for example 0,2-3", NULL },               \
    { "kernel-only", MSCAN_OPTION_FLAG, NULL,                                 \
      "only accesses at privilege levels 0 to 2", NULL },                     \
    { "user-only", MSCAN_OPTION_FLAG, NULL,                                   \
      "only accesses at privilege level 3", NULL },                           \
    { "recording", MSCAN_OPTION_TEXT, "NAME",                                 \
      "only accesses made during the recording of that name", NULL },         \
    { "from", MSCAN_OPTION_U64, "ORDER",                                      \
      "only accesses from this record on, by m2text's number", NULL },        \
    { "to", MSCAN_OPTION_U64, "ORDER",                                        \
      "only accesses up to this record", NULL }

typedef struct MscanFilter MscanFilter;

/**
 * mscan_filter_new - the filter that the options describe
 * @options: values for the rows of MSCAN_FILTER_OPTIONS
 * @error: MSCAN_ERROR_USAGE
 *
 * Returns: the filter, freed with mscan_filter_free(); NULL when the options
 * contradict each other.
 */
MscanFilter *mscan_filter_new(const MscanOptions *options, GError **error);
void mscan_filter_free(MscanFilter *filter);

/* Does the filter let this access through? */
bool mscan_filter_pass(const MscanFilter *filter, MscanContext *context,
                       const MtraceRecordAccess *access);

/**
 * mscan_filter_check - did the log have what the filter names?
 * @error: MSCAN_ERROR_USAGE, naming the recordings that there are
 *
 * For the finish function. Returns: false when --recording named none of them.
 */
bool mscan_filter_check(const MscanFilter *filter, MscanContext *context,
                        GError **error);

/* ---- context ----------------------------------------------------------- */

/* What an analysis needs beyond the records; the rest is not computed. */
typedef enum MscanService {
    MSCAN_SERVICE_SYMBOLS = 1 << 0,    /* names of addresses */
    MSCAN_SERVICE_OBJECTS = 1 << 1,    /* labelled objects */
    MSCAN_SERVICE_RECORDINGS = 1 << 2, /* recordings, and the one in force */
} MscanService;

/**
 * struct MscanRecording - from one enable_set call of the guest to the next
 * @name: as the guest gave it
 * @mode: MtraceMode, never DISABLE
 * @first_order: order of the record that started it
 * @last_order: order of the record that ended it; UINT64_MAX: never ended
 * @accesses: access records within
 */
typedef struct MscanRecording {
    const char *name;
    uint64_t mode;
    uint64_t first_order;
    uint64_t last_order;
    uint64_t accesses;
} MscanRecording;

/**
 * struct MscanImage - a guest program of which the log or the user has symbols
 * @name: what it is called, or its path
 * @build_id: hexadecimal, or NULL
 * @from_file: read from a file, not from the log
 */
typedef struct MscanImage {
    const char *name;
    const char *build_id;
    bool from_file;
    bool has_types;
    bool has_lines;
    uint64_t symbols;
} MscanImage;

/* Path of the log, as the user gave it. */
const char *mscan_context_log_name(MscanContext *context);

/* META keys of the log, NULL-terminated, and the value of one (or NULL). */
const char *const *mscan_context_meta_keys(MscanContext *context);
const char *mscan_context_meta(MscanContext *context, const char *key);

/* Bytes of a cache line in this log: a power of two. */
unsigned mscan_context_line_size(MscanContext *context);

/* Number of CPUs: as the machine record says, or as seen in the records. */
unsigned mscan_context_n_cpus(MscanContext *context);

/* Records passed over since their CPU cannot exist on this machine. */
uint64_t mscan_context_bad_cpus(MscanContext *context);

/* One sentence on what the log lacks, or NULL. Complete in finish. */
const char *mscan_context_damage(MscanContext *context);

/* Recordings begun so far; the last may be in force. Service RECORDINGS. */
unsigned mscan_context_n_recordings(MscanContext *context);
const MscanRecording *mscan_context_recording(MscanContext *context,
                                              unsigned i);

/* The recording in force, or NULL. Service RECORDINGS. */
const MscanRecording *mscan_context_current_recording(MscanContext *context);

/* Images, and sentences about them that a user should know. Service SYMBOLS. */
unsigned mscan_context_n_images(MscanContext *context);
void mscan_context_image(MscanContext *context, unsigned i, MscanImage *image);
const char *const *mscan_context_symbol_notes(MscanContext *context);

/* Name of a record type ("access"), or NULL when it is unknown. */
const char *mscan_record_type_name(unsigned type);

/* ---- objects ----------------------------------------------------------- */

/**
 * struct MscanObject - where in a labelled object an address falls
 * @name: the label's type or object name; interned, valid as long as the
 *        context, so it may be compared and kept by pointer
 * @offset: bytes from the start of the object
 * @base: guest-virtual address of its start
 * @alloc_pc: where it was allocated, as the guest gave it
 * @birth: order of the record that labelled it: tells objects of one address
 *         apart
 * @label_type: 1 heap, 2 block, 3 static, 4 per-CPU
 */
typedef struct MscanObject {
    const char *name;
    uint64_t offset;
    uint64_t base;
    uint64_t alloc_pc;
    uint64_t birth;
    uint32_t label_type;
} MscanObject;

/* Are there any live objects? Cheap; spares lookups. Service OBJECTS. */
bool mscan_context_has_objects(MscanContext *context);

/**
 * mscan_context_object - the live object at an address
 * @vaddr: guest-virtual address
 * @paddr: guest-physical address of the same byte; it decides, but for labels
 *         on memory that was not mapped when it was labelled
 * @object: filled in
 *
 * Heap objects win over the blocks they lie in. Service OBJECTS.
 * Returns: false when no labelled object is there now.
 */
bool mscan_context_object(MscanContext *context, uint64_t vaddr,
                          uint64_t paddr, MscanObject *object);

/* Labels so far, removals of what had no label, labels that ended others. */
typedef struct MscanObjectCounts {
    uint64_t labels;
    uint64_t live;
    uint64_t unknown_removals;
    uint64_t overlaps;
} MscanObjectCounts;

void mscan_context_object_counts(MscanContext *context,
                                 MscanObjectCounts *counts);

/* ---- names of addresses (service SYMBOLS; meant for finish) ------------- */

typedef enum MscanPlaceKind {
    MSCAN_PLACE_UNKNOWN, /* nothing is known of the address */
    MSCAN_PLACE_USER,    /* accessed by user code, and in its half */
    MSCAN_PLACE_LABEL,   /* in an object that the guest labelled */
    MSCAN_PLACE_STATIC,  /* a variable of the guest's kernel */
    MSCAN_PLACE_PERCPU,  /* a per-CPU variable */
    MSCAN_PLACE_TEXT,    /* code, accessed as data */
} MscanPlaceKind;

/**
 * struct MscanPlace - what a data address is
 * @name: "runqueues.nr_running (cpu 2)", "dentry.d_lockref", or "unknown
 *        kernel address 0x…"; never NULL
 * @type: of the field, or NULL
 *
 * Strings are valid as long as the context; the same text is the same pointer.
 */
typedef struct MscanPlace {
    MscanPlaceKind kind;
    const char *name;
    const char *type;
} MscanPlace;

/**
 * mscan_context_place - name a data address
 * @vaddr: guest-virtual address
 * @cpl: privilege level of the access
 * @label: name of the labelled object there, or NULL
 * @offset: bytes from that object's start
 */
void mscan_context_place(MscanContext *context, uint64_t vaddr, unsigned cpl,
                         const char *label, uint64_t offset,
                         MscanPlace *place);

/**
 * struct MscanCode - what a code address is
 * @text: all of it in one string: "vfs_open+0x1c (open.c:12)", "user:0x401000"
 * @function: "vfs_open", inlined ones first ("a < b"); else as @text
 * @file_line: "open.c:12", or NULL
 */
typedef struct MscanCode {
    const char *text;
    const char *function;
    const char *file_line;
} MscanCode;

/**
 * mscan_context_code - name a code address
 * @pc: address of the instruction
 * @cpl: privilege level; code at level 3 has no symbols here
 *
 * Strings as in MscanPlace.
 */
void mscan_context_code(MscanContext *context, uint64_t pc, unsigned cpl,
                        MscanCode *code);

/* ---- report ------------------------------------------------------------ */

typedef struct MscanReport MscanReport;   /* of one analysis */
typedef struct MscanTable MscanTable;
typedef struct MscanRow MscanRow;

typedef enum MscanColumnType {
    MSCAN_COLUMN_U64,
    MSCAN_COLUMN_ADDRESS, /* hexadecimal, in JSON a string */
    MSCAN_COLUMN_PERCENT,
    MSCAN_COLUMN_BOOL,
    MSCAN_COLUMN_STRING,
    MSCAN_COLUMN_COUNTS,  /* numbers by index */
    MSCAN_COLUMN_CPUS,    /* a set of CPUs; text writes ranges */
    MSCAN_COLUMN_TABLE,   /* rows below this row */
} MscanColumnType;

#define MSCAN_NO_TEXT (1u << 0) /* column is for JSON only */
#define MSCAN_NO_JSON (1u << 1) /* column is for text only */
#define MSCAN_HEADING (1u << 2) /* string, above the row's own tables; text only */

typedef struct MscanTableDef MscanTableDef;

/**
 * struct MscanColumn - one column of a table
 * @key: in JSON; NULL ends the array
 * @title: in text
 * @table: of the nested rows, for TABLE
 */
typedef struct MscanColumn {
    const char *key;
    const char *title;
    MscanColumnType type;
    unsigned flags;
    const MscanTableDef *table;
} MscanColumn;

/**
 * struct MscanTableDef - what a table looks like
 * @key: in JSON; the table whose key is the analysis's json_key is the value
 *       of that key, others are members of it
 * @title: above the table in text
 * @columns: ended by a NULL key
 * @single: it has one row: an object in JSON, a list of "title: value" in text
 * @text_limit: most rows shown in text, 0 for all
 */
struct MscanTableDef {
    const char *key;
    const char *title;
    const MscanColumn *columns;
    bool single;
    unsigned text_limit;
};

/* A sentence for the reader of the report; printed above the tables. */
void mscan_report_note(MscanReport *report, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

/**
 * mscan_report_limit - how many rows of the main table are wanted
 * @options: of the analysis; its --limit, when given, decides (0: all)
 *
 * Returns: the number; UINT64_MAX for all. 20 is the default of text, all that
 * of JSON.
 */
uint64_t mscan_report_limit(MscanReport *report, const MscanOptions *options);

/**
 * mscan_report_table - add a table
 * @def: kept by reference
 *
 * Returns: the table, owned by the report, as are its rows.
 */
MscanTable *mscan_report_table(MscanReport *report, const MscanTableDef *def);

/* Say that @table shows only its first rows of @total. */
void mscan_table_set_total(MscanTable *table, uint64_t total);

/* Append a row. Cells that are not set stay empty (null in JSON). */
MscanRow *mscan_table_row(MscanTable *table);

/* Set a cell by its column's key. The key and its type must be the table's. */
void mscan_row_u64(MscanRow *row, const char *key, uint64_t value);
void mscan_row_address(MscanRow *row, const char *key, uint64_t value);
void mscan_row_percent(MscanRow *row, const char *key, uint64_t part,
                       uint64_t whole);
void mscan_row_bool(MscanRow *row, const char *key, bool value);
/* Copied; any bytes; NULL leaves the cell empty. */
void mscan_row_string(MscanRow *row, const char *key, const char *value);
/* Copied. */
void mscan_row_counts(MscanRow *row, const char *key, const uint64_t *values,
                      size_t n);
/* @cpus: in rising order; copied. */
void mscan_row_cpus(MscanRow *row, const char *key, const uint64_t *cpus,
                    size_t n);
/* The nested table of a TABLE column, made at the first call. */
MscanTable *mscan_row_table(MscanRow *row, const char *key);

/* ---- accesses by line -------------------------------------------------- */

/**
 * struct MscanSite - one way in which a unit of memory was touched
 * @unit: physical address divided by the unit's size
 * @count: accesses
 * @moves: those that moved the line
 * @label: name of the labelled object, or NULL; and the @label_offset in it
 * @size: bytes of the access that lie in the line
 * @kind: MtraceAccessKind
 */
typedef struct MscanSite {
    uint64_t unit;
    uint64_t pc;
    uint64_t vaddr;
    uint64_t count;
    uint64_t moves;
    const char *label;
    uint64_t label_offset;
    uint16_t cpu;
    uint8_t kind;
    uint8_t size;
    uint8_t cpl;
} MscanSite;

/* A unit of physical memory, and its sites in the order of first access. */
typedef struct MscanLine {
    uint64_t unit;
    const MscanSite *sites;
    uint32_t n_sites;
} MscanLine;

typedef struct MscanLineTable MscanLineTable;

/* @unit_size: bytes of a unit, a power of two. Freed with mscan_line_table_free. */
MscanLineTable *mscan_line_table_new(unsigned unit_size);
void mscan_line_table_free(MscanLineTable *table);

/**
 * mscan_line_table_add - count an access at every unit it touches
 * @context: asked for the labelled object, if there are any
 */
void mscan_line_table_add(MscanLineTable *table, MscanContext *context,
                          const MtraceRecordAccess *access);

/**
 * mscan_line_table_lines - every unit that was touched, in rising order
 * @n: set to their number
 *
 * Nothing can be added after the first call. Returns: owned by the table.
 */
const MscanLine *mscan_line_table_lines(MscanLineTable *table, uint32_t *n);

/* ---- from a line to rows ----------------------------------------------- */

/* A set of CPUs. */
typedef struct MscanCpuSet {
    uint64_t words[MSCAN_MAX_CPUS / 64];
} MscanCpuSet;

/* Was it a CPU that accessed the memory, and not a device? */
static inline bool mscan_site_by_cpu(const MscanSite *site)
{
    return site->cpu < MSCAN_MAX_CPUS &&
           site->kind != MTRACE_ACCESS_DEVICE_WRITE;
}

/* Set @set to the CPUs that touched the line. */
void mscan_line_cpus(const MscanLine *line, MscanCpuSet *set);

/* Number of members. */
unsigned mscan_cpu_set_count(const MscanCpuSet *set);

/* Set a cell of type CPUS. */
void mscan_row_cpu_set(MscanRow *row, const char *key, const MscanCpuSet *set);

/**
 * struct MscanUse - a site of a line, with its names
 * @offset: of the access within the line, or the unit when that is larger
 */
typedef struct MscanUse {
    const MscanSite *site;
    uint64_t offset;
    MscanPlace place;
    MscanCode code;
} MscanUse;

/* Uses that are equal in what the grouping compared, summed up. */
typedef struct MscanUseGroup {
    const MscanUse *first;
    uint64_t reads, writes, moves, count;
    MscanCpuSet readers, writers, cpus;
} MscanUseGroup;

/**
 * mscan_name_uses - name every site of a line
 * @unit_size: of the line table, in bytes
 *
 * Returns: a new array of MscanUse; it refers to the line's sites.
 */
GArray *mscan_name_uses(MscanContext *context, const MscanLine *line,
                        unsigned unit_size);

/**
 * mscan_group_uses - sum up equal uses
 * @uses: sorted in place; groups made of it before are no longer valid
 * @compare: one of the three below
 *
 * Returns: a new array of MscanUseGroup, at least one, which refers to @uses.
 */
GArray *mscan_group_uses(GArray *uses, GCompareFunc compare);

int mscan_compare_fields(const void *a, const void *b);   /* by offset, size, name */
int mscan_compare_codes(const void *a, const void *b);    /* by pc and kind */
int mscan_compare_accesses(const void *a, const void *b); /* by both */

/* Orders groups by moves, then count, the most active one first. */
int mscan_compare_activity(const void *a, const void *b);

/* The group with most moves; the first one on a tie. */
const MscanUseGroup *mscan_top_group(const GArray *groups);

/* Compares numbers, as qsort() wants it. */
static inline int mscan_compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* ---- the analysis ------------------------------------------------------ */

/**
 * struct MscanAnalysis - everything mscan knows of an analysis
 * @name: of --analysis=NAME, of its file, docs page and golden test
 * @summary: one line for --list
 * @help: paragraphs for --help, lines of at most 78 columns
 * @old_flag: the first mtrace's flag for it, without dashes, or NULL
 * @json_key: top-level key of its result
 * @options: table ended by a NULL name
 * @tables: what it reports: main table first; ended by NULL
 * @wants: record types, ended by 0; NULL for all
 * @services: MscanService
 * @begin: returns the analysis's state, or NULL and MSCAN_ERROR_USAGE
 * @record: called for each wanted record, after the context has seen it
 * @finish: called once after the last record; false and an error when the
 *          options ask for what the log does not have
 * @free: frees the state
 */
typedef struct MscanAnalysis {
    const char *name;
    const char *summary;
    const char *help;
    const char *old_flag;
    const char *json_key;
    const MscanOption *options;
    const MscanTableDef *const *tables;
    const uint16_t *wants;
    unsigned services;
    void *(*begin)(MscanContext *context, const MscanOptions *options,
                   GError **error);
    void (*record)(void *state, MscanContext *context,
                   const MtraceRecord *record);
    bool (*finish)(void *state, MscanContext *context, MscanReport *report,
                   GError **error);
    void (*free)(void *state);
} MscanAnalysis;

G_END_DECLS

#endif /* MSCAN_H */
