/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The context: what the log has said so far, computed once for all analyses.
 *
 * It follows every record before the analyses see it, and keeps only what a
 * requested service needs. The machine record, when there is one, bounds the
 * CPU numbers; a record of another CPU is not taken for true.
 */
#include "mscan-internal.h"
#include <string.h>

struct MscanContext {
    MtraceLogReader *reader;
    char *log_name;
    unsigned services;
    unsigned line_size;
    unsigned cpu_limit;   /* CPU numbers are below it */
    unsigned machine_cpus; /* 0: no machine record yet */
    unsigned seen_cpus;
    uint64_t bad_cpus;
    uint64_t lost;        /* records, by the log's own loss records */
    char *damage;
    GStringChunk *names;
    GArray *recordings;   /* MscanRecording */
    bool recording;       /* the last one is in force */
    bool has_objects;
    MscanObjects *objects;
    MscanSymbols *symbols;
};

static unsigned parse_line_size(const char *text)
{
    uint64_t size = text ? g_ascii_strtoull(text, NULL, 10) : 0;

    return size >= 16 && size <= 4096 && !(size & (size - 1)) ? size : 64;
}

MscanContext *mscan_context_new(MtraceLogReader *reader, const char *log_name,
                                unsigned services, const char *const *kernels,
                                GError **error)
{
    MscanContext *context = g_new0(MscanContext, 1);

    context->reader = reader;
    context->log_name = g_strdup(log_name);
    context->services = services;
    context->line_size = parse_line_size(mtrace_log_reader_meta(reader,
                                                                "line"));
    context->cpu_limit = MSCAN_MAX_CPUS;
    context->names = g_string_chunk_new(4096);
    context->recordings = g_array_new(FALSE, FALSE, sizeof(MscanRecording));
    if (services & MSCAN_SERVICE_OBJECTS) {
        context->objects = mscan_objects_new(context->names);
    }
    if (services & MSCAN_SERVICE_SYMBOLS) {
        context->symbols = mscan_symbols_new(reader, context->names, kernels,
                                             error);
        if (!context->symbols) {
            mscan_context_free(context);
            return NULL;
        }
    }
    return context;
}

void mscan_context_free(MscanContext *context)
{
    if (!context) {
        return;
    }
    mscan_objects_free(context->objects);
    mscan_symbols_free(context->symbols);
    g_array_free(context->recordings, TRUE);
    g_string_chunk_free(context->names);
    g_free(context->damage);
    g_free(context->log_name);
    g_free(context);
}

/* ---- following the log ------------------------------------------------- */

static MscanRecording *last_recording(MscanContext *context)
{
    return context->recording
               ? &g_array_index(context->recordings, MscanRecording,
                                context->recordings->len - 1)
               : NULL;
}

static void follow_mode(MscanContext *context, const MtraceRecordHost *host)
{
    MscanRecording *now = last_recording(context);

    if (host->host_type != MTRACE_HOST_ACCESS_ALL_CPU) {
        return;
    }
    if (now) {
        now->last_order = host->h.order;
        context->recording = false;
    }
    if (host->value != MTRACE_MODE_DISABLE) {
        MscanRecording started = {
            .name = g_string_chunk_insert_const(context->names, host->str),
            .mode = host->value,
            .first_order = host->h.order,
            .last_order = UINT64_MAX,
        };

        g_array_append_val(context->recordings, started);
        context->recording = true;
    }
}

static void follow_machine(MscanContext *context,
                           const MtraceRecordMachine *machine)
{
    if (machine->num_cpus) {
        context->machine_cpus = MIN(machine->num_cpus, MSCAN_MAX_CPUS);
        context->cpu_limit = context->machine_cpus;
    }
}

static void follow(MscanContext *context, const MtraceRecord *record)
{
    switch (record->type) {
    case MTRACE_RECORD_MACHINE:
        follow_machine(context, (const MtraceRecordMachine *)record);
        break;
    case MTRACE_RECORD_HOST:
        follow_mode(context, (const MtraceRecordHost *)record);
        break;
    case MTRACE_RECORD_LABEL:
        if (context->objects) {
            mscan_objects_label(context->objects,
                                (const MtraceRecordLabel *)record);
            context->has_objects = true;
        }
        break;
    case MTRACE_RECORD_REGISTER:
        if (context->symbols) {
            mscan_symbols_register(context->symbols,
                                   (const MtraceRecordRegister *)record);
        }
        break;
    case MTRACE_RECORD_LOSS:
        context->lost += ((const MtraceRecordLoss *)record)->count;
        break;
    }
}

bool mscan_context_record(MscanContext *context, const MtraceRecord *record)
{
    if (record->cpu >= context->cpu_limit) {
        if (record->cpu != MTRACE_CPU_NONE) {
            context->bad_cpus++;
            return false;
        }
    } else if (record->cpu >= context->seen_cpus) {
        context->seen_cpus = record->cpu + 1;
    }
    if (G_LIKELY(record->type == MTRACE_RECORD_ACCESS)) {
        if (context->recording) {
            last_recording(context)->accesses++;
        }
    } else {
        follow(context, record);
    }
    return true;
}

void mscan_context_end(MscanContext *context)
{
    g_autofree char *damage = mtrace_log_reader_damage_text(context->reader);
    g_autoptr(GString) text = g_string_new(damage);

    if (context->lost) {
        g_string_append_printf(text, "%sthe recorder could not write %"
                               G_GUINT64_FORMAT " records",
                               text->len ? "; " : "", context->lost);
    }
    if (context->bad_cpus) {
        g_string_append_printf(text, "%s%" G_GUINT64_FORMAT " records are of "
                               "CPUs that this machine does not have",
                               text->len ? "; " : "", context->bad_cpus);
    }
    g_free(context->damage);
    context->damage = text->len ? g_strdup(text->str) : NULL;
}

bool mscan_context_complete(MscanContext *context)
{
    return !context->damage;
}

/* ---- what analyses ask ------------------------------------------------- */

const char *mscan_context_log_name(MscanContext *context)
{
    return context->log_name;
}

const char *const *mscan_context_meta_keys(MscanContext *context)
{
    return mtrace_log_reader_meta_keys(context->reader);
}

const char *mscan_context_meta(MscanContext *context, const char *key)
{
    return mtrace_log_reader_meta(context->reader, key);
}

unsigned mscan_context_line_size(MscanContext *context)
{
    return context->line_size;
}

unsigned mscan_context_n_cpus(MscanContext *context)
{
    return MAX(context->machine_cpus, context->seen_cpus);
}

uint64_t mscan_context_bad_cpus(MscanContext *context)
{
    return context->bad_cpus;
}

const char *mscan_context_damage(MscanContext *context)
{
    return context->damage;
}

unsigned mscan_context_n_recordings(MscanContext *context)
{
    return context->recordings->len;
}

const MscanRecording *mscan_context_recording(MscanContext *context,
                                              unsigned i)
{
    return &g_array_index(context->recordings, MscanRecording, i);
}

const MscanRecording *mscan_context_current_recording(MscanContext *context)
{
    return last_recording(context);
}

const char *mscan_record_type_name(unsigned type)
{
    return mtrace_record_type_name(type);
}

unsigned mscan_context_n_images(MscanContext *context)
{
    return mscan_symbols_n_images(context->symbols);
}

void mscan_context_image(MscanContext *context, unsigned i, MscanImage *image)
{
    mscan_symbols_image(context->symbols, i, image);
}

const char *const *mscan_context_symbol_notes(MscanContext *context)
{
    return mscan_symbols_notes(context->symbols);
}

bool mscan_context_has_objects(MscanContext *context)
{
    return context->has_objects;
}

bool mscan_context_object(MscanContext *context, uint64_t vaddr,
                          uint64_t paddr, MscanObject *object)
{
    return mscan_objects_find(context->objects, vaddr, paddr, object);
}

void mscan_context_object_counts(MscanContext *context,
                                 MscanObjectCounts *counts)
{
    mscan_objects_counts(context->objects, counts);
}

void mscan_context_place(MscanContext *context, uint64_t vaddr, unsigned cpl,
                         const char *label, uint64_t offset,
                         MscanPlace *place)
{
    mscan_symbols_place(context->symbols, vaddr, cpl, label, offset, place);
}

void mscan_context_code(MscanContext *context, uint64_t pc, unsigned cpl,
                        MscanCode *code)
{
    mscan_symbols_code(context->symbols, pc, cpl, code);
}
