/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encodes a buffer of records as columns.
 *
 * One walk over the buffer finds where each record is and sorts the offsets by
 * type (a counting sort, so the order within a type is kept); every column is
 * then one gather loop over such a list and one pass of its codec.
 */
#include "log-records.h"

struct LogEncoder {
    LogAccessEncoder *access;
    LogBuf scratch;
    size_t cap;         /* records that the arrays below have room for */
    uint64_t *values;
    uint32_t *offsets;  /* of each record, in the order of the buffer */
    uint32_t *by_type;  /* the same, sorted by type */
};

LogEncoder *log_encoder_new(void)
{
    LogEncoder *e = g_new0(LogEncoder, 1);

    e->access = log_access_encoder_new();
    return e;
}

void log_encoder_free(LogEncoder *e)
{
    if (e) {
        log_access_encoder_free(e->access);
        log_buf_clear(&e->scratch);
        g_free(e->values);
        g_free(e->offsets);
        g_free(e->by_type);
        g_free(e);
    }
}

static const MtraceRecord *record_at(const uint8_t *records, uint32_t offset)
{
    return (const MtraceRecord *)(records + offset);
}

uint32_t log_count_records(const uint8_t *records, size_t len)
{
    uint32_t n = 0;

    for (size_t at = 0; at < len; at += record_at(records, at)->size) {
        n++;
    }
    return n;
}

/* Room for every record that @len bytes can hold. */
static void encoder_reserve(LogEncoder *e, size_t len)
{
    size_t n = len / sizeof(MtraceRecord) + 1;

    if (n > e->cap) {
        e->cap = n;
        e->values = g_renew(uint64_t, e->values, n);
        e->offsets = g_renew(uint32_t, e->offsets, n);
        e->by_type = g_renew(uint32_t, e->by_type, n);
    }
}

static void index_records(LogEncoder *e, const uint8_t *records, size_t len,
                          LogEncoded *info)
{
    uint32_t n = 0;

    memset(info, 0, sizeof(*info));
    for (size_t at = 0; at < len; ) {
        const MtraceRecord *r = record_at(records, at);

        g_assert(r->type < MTRACE_RECORD_TYPE_LIMIT && r->size
                 && r->size == mtrace_record_type_size(r->type));
        info->per_type[r->type]++;
        e->offsets[n++] = at;
        at += r->size;
        g_assert(at <= len);
    }
    info->n_records = n;
    if (n) {
        info->first_order = record_at(records, e->offsets[0])->order;
        info->last_order = record_at(records, e->offsets[n - 1])->order;
    }
}

static void sort_by_type(LogEncoder *e, const uint8_t *records,
                         const LogEncoded *info)
{
    uint32_t next[MTRACE_RECORD_TYPE_LIMIT];
    uint32_t sum = 0;

    for (unsigned t = 0; t < MTRACE_RECORD_TYPE_LIMIT; t++) {
        next[t] = sum;
        sum += info->per_type[t];
    }
    for (uint32_t i = 0; i < info->n_records; i++) {
        e->by_type[next[record_at(records, e->offsets[i])->type]++] =
            e->offsets[i];
    }
}

static void gather(const MtraceField *field, const uint8_t *records,
                   const uint32_t *offsets, size_t n, uint64_t *values)
{
    const uint8_t *base = records + field->offset;

    switch (field->width) {
    case 1:
        for (size_t i = 0; i < n; i++) {
            values[i] = base[offsets[i]];
        }
        break;
    case 2:
        for (size_t i = 0; i < n; i++) {
            values[i] = *(const uint16_t *)(base + offsets[i]);
        }
        break;
    case 4:
        for (size_t i = 0; i < n; i++) {
            values[i] = *(const uint32_t *)(base + offsets[i]);
        }
        break;
    case 8:
        for (size_t i = 0; i < n; i++) {
            values[i] = *(const uint64_t *)(base + offsets[i]);
        }
        break;
    default:
        g_assert_not_reached();
    }
}

static void put_strings(LogEncoder *e, const MtraceField *field,
                        const uint8_t *records, const uint32_t *offsets,
                        size_t n, LogBuf *out)
{
    LogBuf *s = &e->scratch;

    s->len = 0;
    for (size_t i = 0; i < n; i++) {
        const char *str = (const char *)records + offsets[i] + field->offset;
        size_t len = strnlen(str, MTRACE_STR_MAX);

        log_buf_put_varint(s, len);
        log_buf_append(s, str, len);
    }
    log_column_put_raw(out, MTRACE_CODEC_STRING, n, s->data, s->len);
}

static void put_field(LogEncoder *e, const MtraceField *field,
                      const uint8_t *records, const uint32_t *offsets,
                      size_t n, LogBuf *out)
{
    if (field->codec == MTRACE_CODEC_STRING) {
        put_strings(e, field, records, offsets, n, out);
    } else {
        gather(field, records, offsets, n, e->values);
        log_column_put(out, &e->scratch, field->codec, e->values, n);
    }
}

static void put_common(LogEncoder *e, const uint8_t *records, size_t n,
                       LogBuf *out)
{
    static const MtraceField type_field = {
        .offset = offsetof(MtraceRecord, type), .width = 2,
        .codec = MTRACE_CODEC_VARINT,
    };

    log_buf_put_varint(out, n);
    log_buf_put_varint(out, 1 + MTRACE_N_COMMON_FIELDS);
    put_field(e, &type_field, records, e->offsets, n, out);
    for (unsigned i = 0; i < MTRACE_N_COMMON_FIELDS; i++) {
        put_field(e, &mtrace_common_fields[i], records, e->offsets, n, out);
    }
}

static void put_section(LogEncoder *e, const MtraceRecordInfo *info,
                        const uint8_t *records, const uint32_t *offsets,
                        size_t n, LogBuf *out)
{
    bool access = info->type == MTRACE_RECORD_ACCESS;

    log_buf_put_varint(out, info->type);
    log_buf_put_varint(out, n);
    log_buf_put_varint(out, access ? LOG_ACCESS_N_COLUMNS : info->n_fields);
    if (access) {
        log_access_encode(e->access, records, offsets, n, out);
        return;
    }
    for (unsigned i = 0; i < info->n_fields; i++) {
        put_field(e, &info->fields[i], records, offsets, n, out);
    }
}

void log_encode_records(LogEncoder *e, const uint8_t *records, size_t len,
                        LogBuf *out, LogEncoded *info)
{
    const uint32_t *offsets;

    g_assert(len <= LOG_MAX_DECODED);
    encoder_reserve(e, len);
    offsets = e->by_type;
    index_records(e, records, len, info);
    sort_by_type(e, records, info);

    out->len = 0;
    put_common(e, records, info->n_records, out);
    for (unsigned i = 0; i < mtrace_n_record_infos; i++) {
        const MtraceRecordInfo *row = &mtrace_record_infos[i];
        uint32_t n = info->per_type[row->type];

        if (n) {
            put_section(e, row, records, offsets, n, out);
            offsets += n;
        }
    }
}
