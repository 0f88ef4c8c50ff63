/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports: tables of typed cells, which analyses fill in.
 *
 * A cell is found by its column's key, and its setter must be the one of the
 * column's type; both are asserted, being ours. Contents are kept as they came:
 * escaping is the business of what writes them.
 */
#include "mscan-internal.h"
#include <string.h>

#define TEXT_ROWS 20 /* of the main table, when --limit is not given */

unsigned mscan_columns_count(const MscanColumn *columns)
{
    unsigned n = 0;

    while (columns[n].key) {
        n++;
    }
    return n;
}

static void cell_clear(MscanCell *cell, MscanColumnType type);

static void row_free(void *data)
{
    MscanRow *row = data;
    const MscanColumn *columns = row->def->columns;

    for (unsigned i = 0; columns[i].key; i++) {
        cell_clear(&row->cells[i], columns[i].type);
    }
    g_free(row->cells);
    g_free(row);
}

static void table_free(void *data)
{
    MscanTable *table = data;

    g_ptr_array_free(table->rows, TRUE);
    g_free(table);
}

static void cell_clear(MscanCell *cell, MscanColumnType type)
{
    switch (type) {
    case MSCAN_COLUMN_STRING:
        g_free(cell->string);
        break;
    case MSCAN_COLUMN_COUNTS:
    case MSCAN_COLUMN_CPUS:
        g_free(cell->numbers);
        break;
    case MSCAN_COLUMN_TABLE:
        g_clear_pointer(&cell->table, table_free);
        break;
    default:
        break;
    }
    memset(cell, 0, sizeof(*cell));
}

static MscanTable *table_new(MscanReport *report, const MscanTableDef *def)
{
    MscanTable *table = g_new0(MscanTable, 1);

    table->def = def;
    table->report = report;
    table->rows = g_ptr_array_new_with_free_func(row_free);
    return table;
}

MscanReport *mscan_report_new(const MscanAnalysis *analysis,
                              MscanFormat format)
{
    MscanReport *report = g_new0(MscanReport, 1);

    report->analysis = analysis;
    report->format = format;
    report->notes = g_ptr_array_new_with_free_func(g_free);
    report->tables = g_ptr_array_new_with_free_func(table_free);
    return report;
}

void mscan_report_free(MscanReport *report)
{
    if (report) {
        g_ptr_array_free(report->notes, TRUE);
        g_ptr_array_free(report->tables, TRUE);
        g_free(report);
    }
}

void mscan_report_note(MscanReport *report, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(report->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

uint64_t mscan_report_limit(MscanReport *report, const MscanOptions *options)
{
    uint64_t otherwise = report->format == MSCAN_FORMAT_TEXT ? TEXT_ROWS : 0;
    uint64_t limit = mscan_options_u64(options, "limit", otherwise);

    return limit ? limit : UINT64_MAX;
}

MscanTable *mscan_report_table(MscanReport *report, const MscanTableDef *def)
{
    MscanTable *table = table_new(report, def);

    g_ptr_array_add(report->tables, table);
    return table;
}

void mscan_table_set_total(MscanTable *table, uint64_t total)
{
    table->total = total;
}

MscanRow *mscan_table_row(MscanTable *table)
{
    MscanRow *row = g_new0(MscanRow, 1);

    row->def = table->def;
    row->report = table->report;
    row->cells = g_new0(MscanCell, mscan_columns_count(table->def->columns));
    g_ptr_array_add(table->rows, row);
    return row;
}

/* ---- cells ------------------------------------------------------------- */

static MscanCell *cell_at(MscanRow *row, const char *key, MscanColumnType type)
{
    const MscanColumn *columns = row->def->columns;

    for (unsigned i = 0; columns[i].key; i++) {
        if (!strcmp(columns[i].key, key)) {
            g_assert(columns[i].type == type);
            return &row->cells[i];
        }
    }
    g_assert_not_reached();
}

static MscanCell *fresh_cell(MscanRow *row, const char *key,
                             MscanColumnType type)
{
    MscanCell *cell = cell_at(row, key, type);

    cell_clear(cell, type);
    cell->set = true;
    return cell;
}

void mscan_row_u64(MscanRow *row, const char *key, uint64_t value)
{
    fresh_cell(row, key, MSCAN_COLUMN_U64)->number = value;
}

void mscan_row_address(MscanRow *row, const char *key, uint64_t value)
{
    fresh_cell(row, key, MSCAN_COLUMN_ADDRESS)->number = value;
}

void mscan_row_percent(MscanRow *row, const char *key, uint64_t part,
                       uint64_t whole)
{
    MscanCell *cell = fresh_cell(row, key, MSCAN_COLUMN_PERCENT);

    cell->number = part;
    cell->whole = whole;
}

void mscan_row_bool(MscanRow *row, const char *key, bool value)
{
    fresh_cell(row, key, MSCAN_COLUMN_BOOL)->boolean = value;
}

void mscan_row_string(MscanRow *row, const char *key, const char *value)
{
    MscanCell *cell = fresh_cell(row, key, MSCAN_COLUMN_STRING);

    cell->string = g_strdup(value);
    cell->set = value != NULL;
}

static void set_numbers(MscanCell *cell, const uint64_t *values, size_t n)
{
    cell->numbers = g_memdup2(values, n * sizeof(*values));
    cell->number = n;
}

void mscan_row_counts(MscanRow *row, const char *key, const uint64_t *values,
                      size_t n)
{
    set_numbers(fresh_cell(row, key, MSCAN_COLUMN_COUNTS), values, n);
}

void mscan_row_cpus(MscanRow *row, const char *key, const uint64_t *cpus,
                    size_t n)
{
    set_numbers(fresh_cell(row, key, MSCAN_COLUMN_CPUS), cpus, n);
}

MscanTable *mscan_row_table(MscanRow *row, const char *key)
{
    const MscanColumn *columns = row->def->columns;
    MscanCell *cell = cell_at(row, key, MSCAN_COLUMN_TABLE);

    if (!cell->set) {
        cell->set = true;
        cell->table = table_new(row->report,
                                columns[cell - row->cells].table);
    }
    return cell->table;
}

/* ---- shared by the writers --------------------------------------------- */

uint64_t mscan_percent_hundredths(uint64_t part, uint64_t whole)
{
    return whole ? (uint64_t)(part * 10000.0 / whole + 0.5) : 0;
}

void mscan_format_cpus(GString *out, const uint64_t *cpus, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t last = i;

        while (last + 1 < n && cpus[last + 1] == cpus[last] + 1) {
            last++;
        }
        g_string_append_printf(out, "%s%" PRIu64, i ? "," : "", cpus[i]);
        if (last > i) {
            g_string_append_printf(out, "%c%" PRIu64,
                                   last > i + 1 ? '-' : ',', cpus[last]);
        }
        i = last;
    }
}
