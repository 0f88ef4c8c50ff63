/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Varints and columns (see log-codec.h).  Invariant: encoding then decoding a
 * column gives the same values for every codec and any 64-bit values, because
 * all differences are taken modulo 2^64.
 */
#include "log-codec.h"

void log_buf_reserve(LogBuf *b, size_t more)
{
    if (b->cap - b->len < more) {
        b->cap = MAX(b->len + more, b->cap + b->cap / 2);
        b->data = g_realloc(b->data, b->cap);
    }
}

void log_buf_append(LogBuf *b, const void *data, size_t len)
{
    if (len) {
        log_buf_reserve(b, len);
        memcpy(b->data + b->len, data, len);
        b->len += len;
    }
}

void log_buf_put_varint(LogBuf *b, uint64_t v)
{
    log_buf_reserve(b, LOG_VARINT_MAX);
    b->len = log_varint_store(b->data + b->len, v) - b->data;
}

void log_buf_clear(LogBuf *b)
{
    g_free(b->data);
    *b = (LogBuf){ 0 };
}

/* The cheapest codec that can hold the values. */
static MtraceCodec choose_codec(MtraceCodec codec, const uint64_t *values,
                                size_t n)
{
    uint64_t differ = 0, any = 0;

    for (size_t i = 0; i < n; i++) {
        differ |= values[i] ^ values[0];
        any |= values[i];
    }
    if (!differ) {
        return MTRACE_CODEC_CONST;
    }
    if (any < 256 && codec == MTRACE_CODEC_VARINT) {
        return MTRACE_CODEC_BYTES;
    }
    return codec;
}

static uint8_t *encode_values(uint8_t *p, MtraceCodec codec,
                              const uint64_t *values, size_t n)
{
    uint64_t last = 0;

    switch (codec) {
    case MTRACE_CODEC_CONST:
        return n ? log_varint_store(p, values[0]) : p;
    case MTRACE_CODEC_BYTES:
        for (size_t i = 0; i < n; i++) {
            *p++ = values[i];
        }
        return p;
    case MTRACE_CODEC_VARINT:
        for (size_t i = 0; i < n; i++) {
            p = log_varint_store(p, values[i]);
        }
        return p;
    case MTRACE_CODEC_DELTA:
        for (size_t i = 0; i < n; i++) {
            p = log_varint_store(p, log_zigzag(values[i] - last));
            last = values[i];
        }
        return p;
    case MTRACE_CODEC_RISING:
        for (size_t i = 0; i < n; i++) {
            p = log_varint_store(p, values[i] - last);
            last = values[i];
        }
        return p;
    default:
        g_assert_not_reached();
    }
}

void log_column_put(LogBuf *out, LogBuf *scratch, MtraceCodec codec,
                    const uint64_t *values, size_t n)
{
    codec = choose_codec(codec, values, n);
    scratch->len = 0;
    log_buf_reserve(scratch, MAX(n, 1) * LOG_VARINT_MAX);
    scratch->len = encode_values(scratch->data, codec, values, n)
                   - scratch->data;
    log_column_put_raw(out, codec, n, scratch->data, scratch->len);
}

void log_column_put_raw(LogBuf *out, MtraceCodec codec, size_t n,
                        const void *data, size_t len)
{
    uint8_t tag = codec;

    log_buf_append(out, &tag, 1);
    log_buf_put_varint(out, n);
    log_buf_put_varint(out, len);
    log_buf_append(out, data, len);
}

/* The general case: more than one byte, or close to the end. */
static bool get_long_varint(LogCursor *c, uint64_t *v)
{
    const uint8_t *p = c->p;
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 70 && p < c->end; shift += 7) {
        uint8_t byte = *p++;

        if (shift == 63 && byte > 1) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            c->p = p;
            *v = value;
            return true;
        }
    }
    return false;
}

/*
 * One, two and three bytes are what columns consist of, and are decoded with no
 * loop where at least three bytes are left.
 */
static inline bool get_varint(LogCursor *c, uint64_t *v)
{
    const uint8_t *p = c->p;

    if (G_UNLIKELY(c->end - p < 3)) {
        return get_long_varint(c, v);
    }
    if (p[0] < 0x80) {
        *v = p[0];
        c->p = p + 1;
        return true;
    }
    if (p[1] < 0x80) {
        *v = (p[0] & 0x7f) | (uint64_t)p[1] << 7;
        c->p = p + 2;
        return true;
    }
    if (p[2] < 0x80) {
        *v = (p[0] & 0x7f) | (p[1] & 0x7f) << 7 | (uint64_t)p[2] << 14;
        c->p = p + 3;
        return true;
    }
    return get_long_varint(c, v);
}

bool log_get_varint(LogCursor *c, uint64_t *v)
{
    return get_varint(c, v);
}

const uint8_t *log_get_bytes(LogCursor *c, uint64_t len)
{
    const uint8_t *p = c->p;

    if (len > (uint64_t)(c->end - p)) {
        return NULL;
    }
    c->p = p + len;
    return p;
}

bool log_column_get(LogCursor *c, LogColumn *column)
{
    const uint8_t *codec = log_get_bytes(c, 1);
    uint64_t len;

    if (!codec || !get_varint(c, &column->n) || !get_varint(c, &len)) {
        return false;
    }
    column->codec = *codec;
    column->len = len;
    column->data = log_get_bytes(c, len);
    return column->data != NULL;
}

static bool decode_const(LogCursor *c, uint64_t *out, size_t n)
{
    uint64_t v = 0;

    if (n && !get_varint(c, &v)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = v;
    }
    return true;
}

static bool decode_bytes(LogCursor *c, uint64_t *out, size_t n)
{
    const uint8_t *p = log_get_bytes(c, n);

    if (!p) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = p[i];
    }
    return true;
}

static bool decode_varints(LogCursor *c, uint64_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!get_varint(c, &out[i])) {
            return false;
        }
    }
    return true;
}

static bool decode_delta(LogCursor *c, uint64_t *out, size_t n)
{
    uint64_t last = 0, d;

    for (size_t i = 0; i < n; i++) {
        if (!get_varint(c, &d)) {
            return false;
        }
        out[i] = last += log_unzigzag(d);
    }
    return true;
}

static bool decode_rising(LogCursor *c, uint64_t *out, size_t n)
{
    uint64_t last = 0, d;

    for (size_t i = 0; i < n; i++) {
        if (!get_varint(c, &d)) {
            return false;
        }
        out[i] = last += d;
    }
    return true;
}

bool log_column_decode(const LogColumn *column, uint64_t *out, size_t n)
{
    LogCursor c = { column->data, column->data + column->len };
    bool ok = false;

    if (column->n != n) {
        return false;
    }
    switch (column->codec) {
    case MTRACE_CODEC_CONST:
        ok = decode_const(&c, out, n);
        break;
    case MTRACE_CODEC_BYTES:
        ok = decode_bytes(&c, out, n);
        break;
    case MTRACE_CODEC_VARINT:
        ok = decode_varints(&c, out, n);
        break;
    case MTRACE_CODEC_DELTA:
        ok = decode_delta(&c, out, n);
        break;
    case MTRACE_CODEC_RISING:
        ok = decode_rising(&c, out, n);
        break;
    default:
        break;
    }
    return ok && c.p == c.end;
}
