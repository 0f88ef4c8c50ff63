/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of analyses: rows of a table, and the values that the user gave.
 *
 * A value is checked against its row when it is set, so that reading it later
 * cannot fail. Analyses that run together share one set of values.
 */
#include "mscan-internal.h"
#include <errno.h>
#include <string.h>

G_DEFINE_QUARK(mscan-error-quark, mscan_error)

struct MscanOptions {
    GHashTable *values; /* name -> text ("" for a flag) */
};

MscanOptions *mscan_options_new(void)
{
    MscanOptions *options = g_new0(MscanOptions, 1);

    options->values = g_hash_table_new_full(g_str_hash, g_str_equal,
                                            g_free, g_free);
    return options;
}

void mscan_options_free(MscanOptions *options)
{
    if (options) {
        g_hash_table_destroy(options->values);
        g_free(options);
    }
}

unsigned mscan_options_count(const MscanOptions *options)
{
    return g_hash_table_size(options->values);
}

static bool parse_u64(const char *text, uint64_t *value)
{
    char *end;

    if (!g_ascii_isdigit(text[0])) {
        return false;
    }
    errno = 0;
    *value = g_ascii_strtoull(text, &end,
                              g_str_has_prefix(text, "0x") ? 16 : 10);
    return !*end && !errno;
}

bool *mscan_parse_cpus(const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    g_autofree bool *cpus = g_new0(bool, MSCAN_MAX_CPUS);

    for (char **part = parts; *part || part == parts; part++) {
        g_auto(GStrv) ends = g_strsplit(*part ? *part : "", "-", 2);
        uint64_t first, last;

        if (!ends[0] || !parse_u64(ends[0], &first) ||
            !parse_u64(ends[1] ? ends[1] : ends[0], &last) ||
            first > last || last >= MSCAN_MAX_CPUS) {
            g_set_error(error, MSCAN_ERROR, MSCAN_ERROR_USAGE,
                        "'%s' is not a list of CPUs such as 0,2-3", text);
            return NULL;
        }
        for (uint64_t cpu = first; cpu <= last; cpu++) {
            cpus[cpu] = true;
        }
    }
    return g_steal_pointer(&cpus);
}

static int choice_index(const MscanOption *row, const char *value)
{
    g_auto(GStrv) choices = g_strsplit(row->choices, "|", -1);

    for (int i = 0; choices[i]; i++) {
        if (!strcmp(choices[i], value)) {
            return i;
        }
    }
    return -1;
}

static bool check_value(const MscanOption *row, const char *value,
                        GError **error)
{
    uint64_t number;

    switch (row->type) {
    case MSCAN_OPTION_FLAG:
    case MSCAN_OPTION_TEXT:
        return true;
    case MSCAN_OPTION_U64:
        if (parse_u64(value, &number)) {
            return true;
        }
        g_set_error(error, MSCAN_ERROR, MSCAN_ERROR_USAGE,
                    "--%s wants a number, not '%s'", row->name, value);
        return false;
    case MSCAN_OPTION_CHOICE:
        if (choice_index(row, value) >= 0) {
            return true;
        }
        g_set_error(error, MSCAN_ERROR, MSCAN_ERROR_USAGE,
                    "--%s wants one of %s, not '%s'", row->name, row->choices,
                    value);
        return false;
    case MSCAN_OPTION_CPUS: {
        g_autofree bool *cpus = mscan_parse_cpus(value, error);

        g_prefix_error(error, "--%s: ", row->name);
        return cpus != NULL;
    }
    }
    g_assert_not_reached();
}

bool mscan_options_set(MscanOptions *options, const MscanOption *row,
                       const char *value, GError **error)
{
    if (!check_value(row, value ? value : "", error)) {
        return false;
    }
    g_hash_table_replace(options->values, g_strdup(row->name),
                         g_strdup(value ? value : ""));
    return true;
}

bool mscan_options_has(const MscanOptions *options, const char *name)
{
    return g_hash_table_contains(options->values, name);
}

const char *mscan_options_text(const MscanOptions *options, const char *name)
{
    return g_hash_table_lookup(options->values, name);
}

uint64_t mscan_options_u64(const MscanOptions *options, const char *name,
                           uint64_t otherwise)
{
    const char *text = mscan_options_text(options, name);
    uint64_t value;

    return text && parse_u64(text, &value) ? value : otherwise;
}

const MscanOption *mscan_option_find(const MscanOption *table,
                                     const char *name)
{
    for (; table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

unsigned mscan_options_choice(const MscanOptions *options,
                              const MscanOption *table, const char *name)
{
    const char *text = mscan_options_text(options, name);
    const MscanOption *row = mscan_option_find(table, name);

    return text && row ? MAX(choice_index(row, text), 0) : 0;
}

static bool known_to_any(const char *name,
                         const MscanAnalysis *const *analyses, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (mscan_option_find(analyses[i]->options, name)) {
            return true;
        }
    }
    return false;
}

const char *mscan_options_unknown(const MscanOptions *options,
                                  const MscanAnalysis *const *analyses,
                                  unsigned n)
{
    GHashTableIter iter;
    gpointer key;
    const char *first = NULL;

    g_hash_table_iter_init(&iter, options->values);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        if (!known_to_any(key, analyses, n) &&
            (!first || strcmp(key, first) < 0)) {
            first = key;
        }
    }
    return first;
}

void mscan_options_help(GString *out, const MscanOption *table)
{
    for (; table->name; table++) {
        g_autofree char *left =
            table->metavar ? g_strdup_printf("--%s=%s", table->name,
                                             table->metavar)
                           : g_strdup_printf("--%s", table->name);

        g_string_append_printf(out, "  %-22s %s\n", left, table->help);
        if (table->choices) {
            g_auto(GStrv) choices = g_strsplit(table->choices, "|", -1);
            g_autofree char *list = g_strjoinv(", ", choices);

            g_string_append_printf(out, "  %-22s (%s)\n", "", list);
        }
    }
}
