/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses META, IMAGE and END chunks (see log-session.h, and
 * docs/log-format.md).  Invariant: meta_keys holds each key of meta once.
 */
#include "log-codec.h"
#include "log-session.h"

/* Most bytes of all META and IMAGE chunks together, uncompressed. */
#define MAX_SESSION_BYTES (512u << 20)

void log_session_init(LogSession *s)
{
    *s = (LogSession){ 0 };
    s->meta = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    s->meta_keys = g_ptr_array_new();
    g_ptr_array_add(s->meta_keys, NULL);
    s->images = g_ptr_array_new_with_free_func(
        (GDestroyNotify)g_hash_table_unref);
}

void log_session_clear(LogSession *s)
{
    g_hash_table_unref(s->meta);
    g_ptr_array_unref(s->meta_keys);
    g_ptr_array_unref(s->images);
}

static char *unescape(const char *value)
{
    GString *out = g_string_new(NULL);

    for (const char *p = value; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
            g_string_append_c(out, *p == 'n' ? '\n' : *p);
        } else {
            g_string_append_c(out, *p);
        }
    }
    return g_string_free(out, FALSE);
}

static void set_meta(LogSession *s, const char *key, const char *value)
{
    gpointer old;

    if (g_hash_table_lookup_extended(s->meta, key, NULL, &old)) {
        /* The first key stays: meta_keys points to it. */
        g_hash_table_insert(s->meta, g_strdup(key), unescape(value));
    } else {
        char *copy = g_strdup(key);

        g_hash_table_insert(s->meta, copy, unescape(value));
        g_ptr_array_index(s->meta_keys, s->meta_keys->len - 1) = copy;
        g_ptr_array_add(s->meta_keys, NULL);
    }
}

/* Calls @take for every "key=value" line; others are ignored. */
static void each_line(LogSession *s, const uint8_t *raw, size_t len,
                      void (*take)(LogSession *, const char *, const char *))
{
    g_autofree char *text = g_strndup((const char *)raw, len);
    char *line = text;

    while (*line) {
        char *end = strchr(line, '\n');
        char *equals;

        if (end) {
            *end = '\0';
        }
        equals = strchr(line, '=');
        if (equals) {
            *equals = '\0';
            take(s, line, equals + 1);
        }
        if (!end) {
            break;
        }
        line = end + 1;
    }
}

static void take_end_line(LogSession *s, const char *key, const char *value)
{
    if (!strcmp(key, "records")) {
        s->end_records = g_ascii_strtoull(value, NULL, 10);
    }
}

static bool get_section(LogCursor *c, GHashTable *image)
{
    const uint8_t *name, *data;
    uint64_t name_len, len;
    char *copy;

    if (!log_get_varint(c, &name_len)) {
        return false;
    }
    name = log_get_bytes(c, name_len);
    if (!name || !log_get_varint(c, &len)) {
        return false;
    }
    data = log_get_bytes(c, len);
    if (!data) {
        return false;
    }
    copy = g_malloc(len + 1);
    memcpy(copy, data, len);
    copy[len] = '\0';
    g_hash_table_insert(image, g_strndup((const char *)name, name_len),
                        g_bytes_new_take(copy, len + 1));
    return true;
}

static bool add_image(LogSession *s, const uint8_t *raw, size_t len)
{
    g_autoptr(GHashTable) image = g_hash_table_new_full(
        g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    LogCursor c = { raw, raw + len };

    while (c.p < c.end) {
        if (!get_section(&c, image)) {
            return false;
        }
    }
    g_ptr_array_add(s->images, g_steal_pointer(&image));
    return true;
}

bool log_session_add(LogSession *s, MtraceChunkKind kind, const uint8_t *raw,
                     size_t len)
{
    s->bytes += len;
    if (s->bytes > MAX_SESSION_BYTES) {
        return false;
    }
    switch (kind) {
    case MTRACE_CHUNK_META:
        each_line(s, raw, len, set_meta);
        return true;
    case MTRACE_CHUNK_IMAGE:
        return add_image(s, raw, len);
    case MTRACE_CHUNK_END:
        each_line(s, raw, len, take_end_line);
        s->ended = true;
        return true;
    default:
        g_assert_not_reached();
    }
}
