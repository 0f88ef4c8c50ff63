/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports as text: aligned columns, numbers to the right, then for each row
 * that has tables of its own its heading and those tables, indented.
 *
 * Nothing of the guest's reaches a terminal raw: every byte of a string that
 * is not printable ASCII is written as \xNN.
 */
#include "mscan-internal.h"
#include <string.h>

typedef struct TextWriter {
    FILE *out;
    bool colour;
} TextWriter;

static char *escape(const char *text)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (; *text; text++) {
        if (g_ascii_isprint(*text)) {
            g_string_append_c(out, *text);
        } else {
            g_string_append_printf(out, "\\x%02x", (unsigned char)*text);
        }
    }
    return g_strdup(out->str);
}

static void write_title(const TextWriter *w, unsigned indent,
                        const char *title)
{
    fprintf(w->out, "%*s%s%s%s\n", (int)indent, "", w->colour ? "\033[1m" : "",
            title, w->colour ? "\033[0m" : "");
}

static char *counts_text(const MscanCell *cell)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (uint64_t i = 0; i < cell->number; i++) {
        g_string_append_printf(out, "%s%" PRIu64, i ? " " : "",
                               cell->numbers[i]);
    }
    return g_strdup(out->str);
}

static char *cpus_text(const MscanCell *cell)
{
    g_autoptr(GString) out = g_string_new(NULL);

    mscan_format_cpus(out, cell->numbers, cell->number);
    return g_strdup(out->len ? out->str : "-");
}

static char *cell_text(const MscanCell *cell, MscanColumnType type)
{
    uint64_t hundredths;

    if (!cell->set) {
        return g_strdup("-");
    }
    switch (type) {
    case MSCAN_COLUMN_U64:
        return g_strdup_printf("%" PRIu64, cell->number);
    case MSCAN_COLUMN_ADDRESS:
        return g_strdup_printf("0x%" PRIx64, cell->number);
    case MSCAN_COLUMN_PERCENT:
        hundredths = mscan_percent_hundredths(cell->number, cell->whole);
        return g_strdup_printf("%" PRIu64 ".%02" PRIu64 "%%",
                               hundredths / 100, hundredths % 100);
    case MSCAN_COLUMN_BOOL:
        return g_strdup(cell->boolean ? "yes" : "no");
    case MSCAN_COLUMN_STRING:
        return escape(cell->string);
    case MSCAN_COLUMN_COUNTS:
        return counts_text(cell);
    case MSCAN_COLUMN_CPUS:
        return cpus_text(cell);
    case MSCAN_COLUMN_TABLE:
        break;
    }
    g_assert_not_reached();
}

static bool in_grid(const MscanColumn *column)
{
    return !(column->flags & (MSCAN_NO_TEXT | MSCAN_HEADING)) &&
           column->type != MSCAN_COLUMN_TABLE;
}

static bool right_aligned(const MscanColumn *column)
{
    return column->type == MSCAN_COLUMN_U64 ||
           column->type == MSCAN_COLUMN_ADDRESS ||
           column->type == MSCAN_COLUMN_PERCENT;
}

static unsigned rows_shown(const MscanTable *table)
{
    unsigned limit = table->def->text_limit;

    return limit ? MIN(limit, table->rows->len) : table->rows->len;
}

/* ---- one table --------------------------------------------------------- */

static void write_grid_row(const TextWriter *w, unsigned indent,
                           const MscanColumn *columns, char *const *texts,
                           const size_t *widths)
{
    g_autoptr(GString) line = g_string_new(NULL);

    for (unsigned i = 0; columns[i].key; i++) {
        size_t pad;

        if (!in_grid(&columns[i])) {
            continue;
        }
        pad = widths[i] - strlen(texts[i]);
        if (line->len) {
            g_string_append(line, "  ");
        }
        if (right_aligned(&columns[i])) {
            g_string_append_printf(line, "%*s%s", (int)pad, "", texts[i]);
        } else {
            g_string_append_printf(line, "%s%*s", texts[i], (int)pad, "");
        }
    }
    fprintf(w->out, "%*s%s\n", (int)indent, "", g_strchomp(line->str));
}

static void write_grid(const TextWriter *w, unsigned indent,
                       const MscanTable *table)
{
    const MscanColumn *columns = table->def->columns;
    unsigned n = mscan_columns_count(columns), shown = rows_shown(table);
    g_autofree size_t *widths = g_new0(size_t, n);
    g_autofree char **titles = g_new0(char *, n);
    g_autoptr(GPtrArray) lines =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

    for (unsigned i = 0; i < n; i++) {
        titles[i] = (char *)columns[i].title;
        widths[i] = in_grid(&columns[i]) ? strlen(titles[i]) : 0;
    }
    for (unsigned r = 0; r < shown; r++) {
        const MscanRow *row = table->rows->pdata[r];
        char **texts = g_new0(char *, n + 1);

        for (unsigned i = 0; i < n; i++) {
            texts[i] = in_grid(&columns[i])
                           ? cell_text(&row->cells[i], columns[i].type)
                           : g_strdup("");
            widths[i] = MAX(widths[i], strlen(texts[i]));
        }
        g_ptr_array_add(lines, texts);
    }
    write_grid_row(w, indent, columns, titles, widths);
    for (unsigned r = 0; r < shown; r++) {
        write_grid_row(w, indent, columns, lines->pdata[r], widths);
    }
}

static void write_single(const TextWriter *w, unsigned indent,
                         const MscanTable *table)
{
    const MscanColumn *columns = table->def->columns;
    const MscanRow *row = table->rows->len ? table->rows->pdata[0] : NULL;
    int width = 0;

    for (unsigned i = 0; columns[i].key; i++) {
        if (in_grid(&columns[i])) {
            width = MAX(width, (int)strlen(columns[i].title));
        }
    }
    for (unsigned i = 0; row && columns[i].key; i++) {
        if (in_grid(&columns[i]) && row->cells[i].set) {
            g_autofree char *text = cell_text(&row->cells[i],
                                              columns[i].type);

            fprintf(w->out, "%*s%-*s  %s\n", (int)indent, "", width,
                    columns[i].title, text);
        }
    }
}

static void write_more(const TextWriter *w, unsigned indent,
                       const MscanTable *table)
{
    uint64_t total = MAX(table->total, table->rows->len);
    unsigned shown = rows_shown(table);

    if (total > shown) {
        fprintf(w->out, "%*s... and %" PRIu64 " more\n", (int)indent, "",
                total - shown);
    }
}

static void write_table(const TextWriter *w, unsigned indent,
                        const MscanTable *table);

/* ---- tables of a row --------------------------------------------------- */

static void write_heading(const TextWriter *w, unsigned indent,
                          const MscanRow *row)
{
    const MscanColumn *columns = row->def->columns;

    for (unsigned i = 0; columns[i].key; i++) {
        if ((columns[i].flags & MSCAN_HEADING) && row->cells[i].set) {
            g_autofree char *text = escape(row->cells[i].string);

            write_title(w, indent, text);
        }
    }
}

static void write_row_tables(const TextWriter *w, unsigned indent,
                             const MscanRow *row)
{
    const MscanColumn *columns = row->def->columns;
    bool any = false;

    for (unsigned i = 0; columns[i].key; i++) {
        if (columns[i].type != MSCAN_COLUMN_TABLE || !row->cells[i].set ||
            (columns[i].flags & MSCAN_NO_TEXT)) {
            continue;
        }
        if (!any) {
            fprintf(w->out, "\n");
            write_heading(w, indent, row);
            any = true;
        }
        write_table(w, indent + 2, row->cells[i].table);
    }
}

static void write_table(const TextWriter *w, unsigned indent,
                        const MscanTable *table)
{
    if (table->def->title) {
        write_title(w, indent, table->def->title);
    }
    if (table->def->single) {
        write_single(w, indent + 2, table);
    } else if (!table->rows->len) {
        fprintf(w->out, "%*snone\n", (int)indent + 2, "");
    } else {
        write_grid(w, indent + 2, table);
        write_more(w, indent + 2, table);
    }
    for (unsigned r = 0; r < rows_shown(table); r++) {
        write_row_tables(w, indent, table->rows->pdata[r]);
    }
}

static void write_note(const TextWriter *w, const char *note)
{
    g_autofree char *text = escape(note);

    fprintf(w->out, "  %s\n", text);
}

void mscan_report_write_text(FILE *out, MscanContext *context,
                             MscanReport *const *reports, unsigned n,
                             bool colour)
{
    TextWriter w = { out, colour };
    g_autofree char *name = escape(mscan_context_log_name(context));
    const char *damage = mscan_context_damage(context);

    for (unsigned i = 0; i < n; i++) {
        const MscanReport *report = reports[i];
        g_autofree char *title = g_strdup_printf("%s of %s",
                                                 report->analysis->name, name);

        if (i) {
            fprintf(out, "\n");
        }
        write_title(&w, 0, title);
        if (damage) {
            g_autofree char *text = g_strdup_printf("The log is not whole: %s",
                                                    damage);
            write_note(&w, text);
        }
        for (unsigned k = 0; k < report->notes->len; k++) {
            write_note(&w, report->notes->pdata[k]);
        }
        for (unsigned k = 0; k < report->tables->len; k++) {
            fprintf(out, "\n");
            write_table(&w, 0, report->tables->pdata[k]);
        }
    }
}
