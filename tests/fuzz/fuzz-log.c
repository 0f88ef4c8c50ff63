/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: any bytes may be handed to the log reader.
 *
 * The first byte chooses what the others are: a file; a file whose checksums are
 * put right first, so that what lies behind them is reached; or the payload of a
 * RECORDS chunk.  Records that are read are printed; a payload that is accepted
 * must come out the same when it is encoded and decoded again.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../mtrace/log/log-chunk.h"
#include "../../mtrace/log/log-records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = v >> (8 * i);
    }
}

/* Puts the checksums of everything that looks like a chunk right. */
static void repair(uint8_t *data, size_t size)
{
    for (size_t at = 0; size - at >= MTRACE_CHUNK_HEADER_SIZE; ) {
        uint8_t *h = data + at;
        size_t left = size - at - MTRACE_CHUNK_HEADER_SIZE;
        uint32_t stored;

        if (memcmp(h, MTRACE_CHUNK_MAGIC, 4)) {
            at++;
            continue;
        }
        stored = log_load32(h + 12);
        if (stored <= left) {
            put32(h + 48, log_crc(h + MTRACE_CHUNK_HEADER_SIZE, stored));
        }
        put32(h + 60, log_crc(h, 60));
        at += MTRACE_CHUNK_HEADER_SIZE + (stored <= left ? stored : 0);
    }
}

static void read_session(MtraceLogReader *r)
{
    static const char *const sections[] = { "name", "symbols", "btf" };
    const char *const *key = mtrace_log_reader_meta_keys(r);
    size_t len;

    for (; *key; key++) {
        g_assert(mtrace_log_reader_meta(r, *key));
    }
    for (unsigned i = 0; i < mtrace_log_reader_n_images(r); i++) {
        for (unsigned k = 0; k < G_N_ELEMENTS(sections); k++) {
            const char *s = mtrace_log_reader_image(r, i, sections[k], &len);

            g_assert(!s || s[len] == '\0');
        }
    }
}

static void read_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("log", 0);
    char path[32];
    MtraceLogReader *r;
    const MtraceRecord *record;
    g_autoptr(GString) text = g_string_new(NULL);

    g_assert(write(fd, data, size) == (ssize_t)size);
    g_snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    r = mtrace_log_reader_open(path, NULL);
    if (r) {
        read_session(r);
        while ((record = mtrace_log_reader_next(r))) {
            g_assert(record->size == mtrace_record_type_size(record->type));
            g_string_truncate(text, 0);
            mtrace_record_print(text, record);
        }
        g_free(mtrace_log_reader_damage_text(r));
        mtrace_log_reader_free(r);
    }
    close(fd);
}

/* Encodes accepted records again, and wants the same back. */
static void check_again(const LogDecoded *first)
{
    LogEncoder *e = log_encoder_new();
    LogDecoder *d = log_decoder_new();
    LogDecoded second = { 0 };
    LogEncoded info;
    LogBuf raw = { 0 };

    log_encode_records(e, first->data, first->len, &raw, &info);
    g_assert(info.n_records == first->n_records);
    g_assert(log_decode_records(d, raw.data, raw.len, info.n_records,
                                &second));
    g_assert(second.len == first->len);
    for (size_t at = 0; at < first->len; ) {
        g_autoptr(GString) a = g_string_new(NULL), b = g_string_new(NULL);
        const MtraceRecord *r = (const MtraceRecord *)(first->data + at);

        mtrace_record_print(a, r);
        mtrace_record_print(b, (const MtraceRecord *)(second.data + at));
        g_assert(!strcmp(a->str, b->str));
        at += r->size;
    }
    log_encoder_free(e);
    log_decoder_free(d);
    log_decoded_clear(&second);
    log_buf_clear(&raw);
}

static void read_payload(const uint8_t *data, size_t size)
{
    LogDecoder *d = log_decoder_new();
    LogDecoded got = { 0 };
    LogCursor c = { data, data + size };
    uint64_t n;

    if (log_get_varint(&c, &n) && n <= 4096
        && log_decode_records(d, data, size, n, &got) && got.n_records) {
        check_again(&got);
    }
    log_decoded_clear(&got);
    log_decoder_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree uint8_t *copy = NULL;

    if (!size) {
        return 0;
    }
    copy = g_memdup2(data, size);
    switch (*data % 3) {
    case 0:
        read_file(copy + 1, size - 1);
        break;
    case 1:
        repair(copy + 1, size - 1);
        read_file(copy + 1, size - 1);
        break;
    default:
        read_payload(copy + 1, size - 1);
        break;
    }
    return 0;
}
