/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints a record as one line of text, as the table of record types says.
 * Whatever a guest puts into a string, the line stays one line of printable
 * ASCII.
 */
#include "mtrace/log.h"
#include "record-types.h"

static void put_number(GString *out, uint64_t v)
{
    char digits[20];
    char *p = digits + sizeof(digits);

    do {
        *--p = '0' + v % 10;
        v /= 10;
    } while (v);
    g_string_append_len(out, p, digits + sizeof(digits) - p);
}

static void put_hex(GString *out, uint64_t v)
{
    char digits[18];
    char *p = digits + sizeof(digits);

    do {
        *--p = "0123456789abcdef"[v & 15];
        v >>= 4;
    } while (v);
    *--p = 'x';
    *--p = '0';
    g_string_append_len(out, p, digits + sizeof(digits) - p);
}

static void put_signed(GString *out, int64_t v)
{
    if (v < 0) {
        g_string_append_c(out, '-');
    }
    put_number(out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static void put_enum(GString *out, const MtraceField *field, uint64_t v)
{
    if (v < field->n_names && field->names[v]) {
        g_string_append(out, field->names[v]);
    } else {
        put_number(out, v);
    }
}

static void put_flags(GString *out, const MtraceField *field, uint64_t v)
{
    const char *separator = "";

    for (unsigned bit = 0; bit < field->n_names; bit++) {
        if (v >> bit & 1) {
            g_string_append(out, separator);
            g_string_append(out, field->names[bit]);
            separator = "|";
        }
    }
    v &= ~((1ull << field->n_names) - 1);
    if (v || !*separator) {
        g_string_append(out, separator);
        put_hex(out, v);
    }
}

static void put_string(GString *out, const char *s, size_t max)
{
    g_string_append_c(out, '"');
    for (size_t i = 0; i < max && s[i]; i++) {
        unsigned char c = s[i];

        if (c == '"' || c == '\\') {
            g_string_append_c(out, '\\');
            g_string_append_c(out, c);
        } else if (c >= ' ' && c < 0x7f) {
            g_string_append_c(out, c);
        } else {
            g_string_append_printf(out, "\\x%02x", c);
        }
    }
    g_string_append_c(out, '"');
}

static uint64_t field_value(const MtraceField *field, const uint8_t *record)
{
    const uint8_t *p = record + field->offset;

    switch (field->width) {
    case 1:
        return *p;
    case 2:
        return *(const uint16_t *)p;
    case 4:
        return *(const uint32_t *)p;
    default:
        return *(const uint64_t *)p;
    }
}

static void put_field(GString *out, const MtraceField *field,
                      const uint8_t *record)
{
    g_string_append_c(out, ' ');
    g_string_append(out, field->name);
    g_string_append_c(out, '=');
    switch ((MtraceStyle)field->style) {
    case MTRACE_STYLE_DECIMAL:
        put_number(out, field_value(field, record));
        break;
    case MTRACE_STYLE_SIGNED:
        put_signed(out, field_value(field, record));
        break;
    case MTRACE_STYLE_HEX:
        put_hex(out, field_value(field, record));
        break;
    case MTRACE_STYLE_ENUM:
        put_enum(out, field, field_value(field, record));
        break;
    case MTRACE_STYLE_FLAGS:
        put_flags(out, field, field_value(field, record));
        break;
    case MTRACE_STYLE_STRING:
        put_string(out, (const char *)record + field->offset, field->width);
        break;
    }
}

void mtrace_record_print(GString *out, const MtraceRecord *record)
{
    const MtraceRecordInfo *info = mtrace_record_info(record->type);

    put_number(out, record->order);
    if (record->cpu == MTRACE_CPU_NONE) {
        g_string_append(out, " cpu=none");
    } else {
        g_string_append(out, " cpu=");
        put_number(out, record->cpu);
    }
    g_string_append(out, " insns=");
    put_number(out, record->insns);
    g_string_append(out, " accesses=");
    put_number(out, record->accesses);
    g_string_append_c(out, ' ');
    if (!info) {
        g_string_append(out, "type-");
        put_number(out, record->type);
        return;
    }
    g_string_append(out, info->name);
    for (unsigned i = 0; i < info->n_fields; i++) {
        put_field(out, &info->fields[i], (const uint8_t *)record);
    }
}
