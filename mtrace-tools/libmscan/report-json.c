/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports as one JSON object:
 *
 *     { "mscan": { version, log, complete, damage, notes: { NAME: [ … ] } },
 *       JSON-KEY: what the analysis says, … }
 *
 * A report whose only table bears the analysis's JSON key is that table; the
 * others are an object with a member for each table. A table is an array of
 * objects, or one object when it is single. Each row of a main table is a line
 * of its own, generated and written by itself, so that the JSON tree of a large
 * report never exists as a whole. Strings are made valid UTF-8; numbers beyond what JSON readers
 * take for integers (2^63 and up) are decimal strings.
 */
#include "mscan-internal.h"
#include "mscan-analyses.h"
#include <json-glib/json-glib.h>
#include <string.h>

static JsonNode *string_node(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    JsonNode *node = json_node_new(JSON_NODE_VALUE);

    json_node_set_string(node, valid);
    return node;
}

static JsonNode *number_node(uint64_t value)
{
    JsonNode *node = json_node_new(JSON_NODE_VALUE);

    if (value <= INT64_MAX) {
        json_node_set_int(node, value);
    } else {
        g_autofree char *text = g_strdup_printf("%" PRIu64, value);

        json_node_set_string(node, text);
    }
    return node;
}

static JsonNode *address_node(uint64_t value)
{
    char text[24];

    g_snprintf(text, sizeof(text), "0x%" PRIx64, value);
    return string_node(text);
}

static JsonNode *numbers_node(const MscanCell *cell)
{
    JsonArray *array = json_array_sized_new(cell->number);
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);

    for (uint64_t i = 0; i < cell->number; i++) {
        json_array_add_element(array, number_node(cell->numbers[i]));
    }
    json_node_take_array(node, array);
    return node;
}

static JsonNode *percent_node(const MscanCell *cell)
{
    JsonNode *node = json_node_new(JSON_NODE_VALUE);

    json_node_set_double(node, mscan_percent_hundredths(cell->number,
                                                        cell->whole) / 100.0);
    return node;
}

static JsonNode *bool_node(bool value)
{
    JsonNode *node = json_node_new(JSON_NODE_VALUE);

    json_node_set_boolean(node, value);
    return node;
}

static JsonNode *row_node(const MscanRow *row);

static JsonNode *table_node(const MscanTable *table)
{
    JsonArray *array = json_array_sized_new(table->rows->len);
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);

    for (unsigned i = 0; i < table->rows->len; i++) {
        json_array_add_element(array, row_node(table->rows->pdata[i]));
    }
    json_node_take_array(node, array);
    return node;
}

static JsonNode *cell_node(const MscanCell *cell, MscanColumnType type)
{
    if (!cell->set) {
        return json_node_new(JSON_NODE_NULL);
    }
    switch (type) {
    case MSCAN_COLUMN_U64:
        return number_node(cell->number);
    case MSCAN_COLUMN_ADDRESS:
        return address_node(cell->number);
    case MSCAN_COLUMN_PERCENT:
        return percent_node(cell);
    case MSCAN_COLUMN_BOOL:
        return bool_node(cell->boolean);
    case MSCAN_COLUMN_STRING:
        return string_node(cell->string);
    case MSCAN_COLUMN_COUNTS:
    case MSCAN_COLUMN_CPUS:
        return numbers_node(cell);
    case MSCAN_COLUMN_TABLE:
        return table_node(cell->table);
    }
    g_assert_not_reached();
}

static JsonNode *row_node(const MscanRow *row)
{
    const MscanColumn *columns = row->def->columns;
    JsonObject *object = json_object_new();
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    for (unsigned i = 0; columns[i].key; i++) {
        if (!(columns[i].flags & (MSCAN_NO_JSON | MSCAN_HEADING))) {
            json_object_set_member(object, columns[i].key,
                                   cell_node(&row->cells[i],
                                             columns[i].type));
        }
    }
    json_node_take_object(node, object);
    return node;
}

/* ---- writing ----------------------------------------------------------- */

/* Write @node on one line, and free it. */
static void write_node(FILE *out, JsonNode *node)
{
    g_autofree char *text = json_to_string(node, FALSE);

    fputs(text, out);
    json_node_unref(node);
}

static void write_key(FILE *out, const char *key, unsigned indent, bool first)
{
    fprintf(out, "%s\n%*s\"%s\": ", first ? "" : ",", (int)indent, "", key);
}

static void write_rows(FILE *out, const MscanTable *table, unsigned indent)
{
    if (table->def->single) {
        g_assert(table->rows->len == 1);
        write_node(out, row_node(table->rows->pdata[0]));
        return;
    }
    fprintf(out, "[");
    for (unsigned i = 0; i < table->rows->len; i++) {
        fprintf(out, "%s\n%*s", i ? "," : "", (int)indent + 1, "");
        write_node(out, row_node(table->rows->pdata[i]));
    }
    fprintf(out, "%s%*s]", table->rows->len ? "\n" : "",
            table->rows->len ? (int)indent : 0, "");
}

/* The single table that bears the analysis's own key lends its members. */
static void write_members(FILE *out, const MscanTable *table, bool *first)
{
    const MscanRow *row = table->rows->pdata[0];
    const MscanColumn *columns = table->def->columns;

    for (unsigned i = 0; columns[i].key; i++) {
        if (!(columns[i].flags & (MSCAN_NO_JSON | MSCAN_HEADING))) {
            write_key(out, columns[i].key, 2, *first);
            write_node(out, cell_node(&row->cells[i], columns[i].type));
            *first = false;
        }
    }
}

static void write_report(FILE *out, const MscanReport *report)
{
    const char *json_key = report->analysis->json_key;
    const MscanTable *main_table = report->tables->pdata[0];
    bool first = true;

    write_key(out, json_key, 1, false);
    if (report->tables->len == 1 && !strcmp(main_table->def->key, json_key)) {
        write_rows(out, main_table, 1);
        return;
    }
    fprintf(out, "{");
    for (unsigned i = 0; i < report->tables->len; i++) {
        const MscanTable *table = report->tables->pdata[i];

        if (table->def->single && !strcmp(table->def->key, json_key)) {
            write_members(out, table, &first);
            continue;
        }
        write_key(out, table->def->key, 2, first);
        write_rows(out, table, 2);
        first = false;
    }
    fprintf(out, "\n }");
}

static JsonNode *notes_node(MscanReport *const *reports, unsigned n)
{
    JsonObject *object = json_object_new();
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    for (unsigned i = 0; i < n; i++) {
        JsonArray *array = json_array_new();

        for (unsigned k = 0; k < reports[i]->notes->len; k++) {
            json_array_add_element(array,
                                   string_node(reports[i]->notes->pdata[k]));
        }
        json_object_set_array_member(object, reports[i]->analysis->name,
                                     array);
    }
    json_node_take_object(node, object);
    return node;
}

void mscan_report_write_json(FILE *out, MscanContext *context,
                             MscanReport *const *reports, unsigned n)
{
    JsonObject *head = json_object_new();
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);
    const char *damage = mscan_context_damage(context);

    json_object_set_string_member(head, "version", MSCAN_VERSION);
    json_object_set_member(head, "log",
                           string_node(mscan_context_log_name(context)));
    json_object_set_boolean_member(head, "complete", !damage);
    json_object_set_member(head, "damage",
                           damage ? string_node(damage)
                                  : json_node_new(JSON_NODE_NULL));
    json_object_set_member(head, "notes", notes_node(reports, n));
    json_node_take_object(node, head);

    fprintf(out, "{");
    write_key(out, "mscan", 1, true);
    write_node(out, node);
    for (unsigned i = 0; i < n; i++) {
        write_report(out, reports[i]);
    }
    fprintf(out, "\n}\n");
}
