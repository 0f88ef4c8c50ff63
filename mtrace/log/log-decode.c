/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decodes the payload of a RECORDS chunk.
 *
 * The type column says how large each record is, hence where all of them go in
 * one block of memory, which starts as zeros; every further column is decoded
 * into an array of numbers and scattered over the records it belongs to.
 * Everything that is read is checked against what the type column said.
 */
#include "log-records.h"

/* Stands for the place of a record whose type is unknown. */
#define NOWHERE UINT32_MAX

struct LogDecoder {
    LogAccessDecoder *access;
    size_t cap;             /* records that the arrays have room for */
    uint64_t *values;
    uint32_t sizes[MTRACE_RECORD_TYPE_LIMIT];   /* of structures, 0: unknown */
    uint16_t *types;        /* of each record */
    uint32_t *offsets;      /* of each record, or NOWHERE */
    uint32_t *by_type;      /* of known ones, sorted by type */
    uint32_t start[MTRACE_RECORD_TYPE_LIMIT];   /* of a type, in by_type */
    uint32_t count[MTRACE_RECORD_TYPE_LIMIT];
    bool seen[MTRACE_RECORD_TYPE_LIMIT];        /* its section was decoded */
};

LogDecoder *log_decoder_new(void)
{
    LogDecoder *d = g_new0(LogDecoder, 1);

    d->access = log_access_decoder_new();
    for (unsigned i = 0; i < mtrace_n_record_infos; i++) {
        d->sizes[mtrace_record_infos[i].type] = mtrace_record_infos[i].size;
    }
    return d;
}

void log_decoder_free(LogDecoder *d)
{
    if (d) {
        log_access_decoder_free(d->access);
        g_free(d->values);
        g_free(d->types);
        g_free(d->offsets);
        g_free(d->by_type);
        g_free(d);
    }
}

static void decoder_reserve(LogDecoder *d, size_t n)
{
    /* One more, so that there are arrays even for no records. */
    if (n + 1 > d->cap) {
        d->cap = n + 1;
        d->values = g_renew(uint64_t, d->values, d->cap);
        d->types = g_renew(uint16_t, d->types, d->cap);
        d->offsets = g_renew(uint32_t, d->offsets, d->cap);
        d->by_type = g_renew(uint32_t, d->by_type, d->cap);
    }
}

void log_decoded_clear(LogDecoded *out)
{
    g_free(out->data);
    *out = (LogDecoded){ 0 };
}

/* ---- where the records go ----------------------------------------------- */

/* Gives each record its place, and counts the types. */
static bool place_records(LogDecoder *d, uint32_t n, LogDecoded *out)
{
    size_t len = 0;

    memset(d->count, 0, sizeof(d->count));
    memset(d->seen, 0, sizeof(d->seen));
    for (uint32_t i = 0; i < n; i++) {
        uint64_t type = d->values[i];
        uint32_t size = type < MTRACE_RECORD_TYPE_LIMIT ? d->sizes[type] : 0;

        if (type > UINT16_MAX) {
            return false;
        }
        d->types[i] = type;
        d->offsets[i] = size ? len : NOWHERE;
        if (size) {
            d->count[type]++;
            out->n_records++;
        }
        len += size;
        if (len > LOG_MAX_DECODED) {
            return false;
        }
    }
    out->n_unknown = n - out->n_records;
    out->len = len;
    return true;
}

static void sort_by_type(LogDecoder *d, uint32_t n)
{
    uint32_t next[MTRACE_RECORD_TYPE_LIMIT];
    uint32_t sum = 0;

    for (unsigned t = 0; t < MTRACE_RECORD_TYPE_LIMIT; t++) {
        d->start[t] = next[t] = sum;
        sum += d->count[t];
    }
    for (uint32_t i = 0; i < n; i++) {
        if (d->offsets[i] != NOWHERE) {
            d->by_type[next[d->types[i]]++] = d->offsets[i];
        }
    }
}

/* Zeroed memory, with type and size of each record filled in. */
static void make_records(LogDecoder *d, uint32_t n, LogDecoded *out)
{
    if (out->len > out->cap || !out->data) {
        g_free(out->data);
        out->cap = MAX(out->len, sizeof(MtraceAnyRecord));
        out->data = g_malloc(out->cap);
    }
    memset(out->data, 0, out->len);
    for (uint32_t i = 0; i < n; i++) {
        if (d->offsets[i] != NOWHERE) {
            MtraceRecord *r = (MtraceRecord *)(out->data + d->offsets[i]);

            r->type = d->types[i];
            r->size = d->sizes[r->type];
        }
    }
}

/* ---- columns ------------------------------------------------------------ */

/* One loop per width; every value must fit. */
#define SCATTER(ctype) \
    for (size_t i = 0; i < n; i++) { \
        any |= values[i]; \
        if (G_LIKELY(offsets[i] != NOWHERE)) { \
            *(ctype *)(base + offsets[i]) = values[i]; \
        } \
    } \
    return any <= (ctype)-1

static bool scatter(const MtraceField *field, uint8_t *data,
                    const uint32_t *offsets, size_t n, const uint64_t *values)
{
    uint8_t *base = data + field->offset;
    uint64_t any = 0;

    switch (field->width) {
    case 1:
        SCATTER(uint8_t);
    case 2:
        SCATTER(uint16_t);
    case 4:
        SCATTER(uint32_t);
    case 8:
        SCATTER(uint64_t);
    default:
        g_assert_not_reached();
    }
}

static bool get_strings(const LogColumn *column, const MtraceField *field,
                        uint8_t *data, const uint32_t *offsets, size_t n)
{
    LogCursor c = { column->data, column->data + column->len };

    if (column->codec != MTRACE_CODEC_STRING || column->n != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *str;
        uint64_t len;

        if (!log_get_varint(&c, &len) || len > MTRACE_STR_MAX) {
            return false;
        }
        str = log_get_bytes(&c, len);
        if (!str) {
            return false;
        }
        memcpy(data + offsets[i] + field->offset, str, len);
    }
    return c.p == c.end;
}

static bool get_field(LogDecoder *d, const LogColumn *column,
                      const MtraceField *field, uint8_t *data,
                      const uint32_t *offsets, size_t n)
{
    if (field->codec == MTRACE_CODEC_STRING) {
        return get_strings(column, field, data, offsets, n);
    }
    return log_column_decode(column, d->values, n)
           && scatter(field, data, offsets, n, d->values);
}

/* The type column, which decides about everything else. */
static bool get_types(LogDecoder *d, LogCursor *c, uint32_t n, LogDecoded *out)
{
    LogColumn column;

    if (!log_column_get(c, &column)
        || !log_column_decode(&column, d->values, n)
        || !place_records(d, n, out)) {
        return false;
    }
    sort_by_type(d, n);
    make_records(d, n, out);
    return true;
}

static bool get_common(LogDecoder *d, LogCursor *c, uint32_t n,
                       LogDecoded *out)
{
    uint64_t n_columns;
    LogColumn column;

    if (!log_get_varint(c, &n_columns)
        || n_columns < 1 + MTRACE_N_COMMON_FIELDS
        || !get_types(d, c, n, out)) {
        return false;
    }
    for (uint64_t i = 0; i + 1 < n_columns; i++) {
        if (!log_column_get(c, &column)) {
            return false;
        }
        if (i < MTRACE_N_COMMON_FIELDS
            && !get_field(d, &column, &mtrace_common_fields[i], out->data,
                          d->offsets, n)) {
            return false;
        }
        if (i == 0 && n) {
            out->first_order = d->values[0];
            out->last_order = d->values[n - 1];
        }
    }
    return true;
}

/* Reads the columns of a section that is known; further ones are passed over. */
static bool get_section(LogDecoder *d, const MtraceRecordInfo *info,
                        LogCursor *c, uint64_t n_columns, LogDecoded *out)
{
    const uint32_t *offsets = d->by_type + d->start[info->type];
    uint32_t n = d->count[info->type];
    bool access = info->type == MTRACE_RECORD_ACCESS;
    LogColumn columns[LOG_ACCESS_N_COLUMNS], column;
    size_t n_known = 0;

    for (uint64_t i = 0; i < n_columns; i++) {
        if (!log_column_get(c, &column)) {
            return false;
        }
        if (access && n_known < LOG_ACCESS_N_COLUMNS) {
            columns[n_known++] = column;
        } else if (!access && i < info->n_fields
                   && !get_field(d, &column, &info->fields[i], out->data,
                                 offsets, n)) {
            return false;
        }
    }
    return !access || log_access_decode(d->access, columns, n_known, out->data,
                                        offsets, n);
}

static bool get_sections(LogDecoder *d, LogCursor *c, LogDecoded *out)
{
    while (c->p < c->end) {
        const MtraceRecordInfo *info;
        uint64_t type, n, n_columns;
        LogColumn column;

        if (!log_get_varint(c, &type) || !log_get_varint(c, &n)
            || !log_get_varint(c, &n_columns)) {
            return false;
        }
        info = type < MTRACE_RECORD_TYPE_LIMIT ? mtrace_record_info(type)
                                               : NULL;
        if (info) {
            if (d->seen[type] || n != d->count[type]
                || !get_section(d, info, c, n_columns, out)) {
                return false;
            }
            d->seen[type] = true;
            continue;
        }
        while (n_columns--) {
            if (!log_column_get(c, &column)) {
                return false;
            }
        }
    }
    return true;
}

bool log_decode_records(LogDecoder *d, const uint8_t *raw, size_t len,
                        uint32_t n_records, LogDecoded *out)
{
    LogCursor c = { raw, raw + len };
    uint64_t n;

    out->len = 0;
    out->n_records = out->n_unknown = 0;
    out->first_order = out->last_order = 0;
    decoder_reserve(d, n_records);
    if (log_get_varint(&c, &n) && n == n_records
        && get_common(d, &c, n_records, out) && get_sections(d, &c, out)) {
        return true;
    }
    out->len = 0;
    out->n_records = out->n_unknown = 0;
    return false;
}
