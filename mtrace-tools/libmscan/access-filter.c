/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which accesses an analysis looks at: by CPU, privilege level, recording, and
 * place in the log. An access passes when it passes every condition given.
 */
#include "mscan-internal.h"
#include <string.h>

struct MscanFilter {
    bool *cpus;      /* MSCAN_MAX_CPUS of them, or NULL for all */
    char *recording; /* or NULL */
    uint64_t from;
    uint64_t to;
    bool kernel_only;
    bool user_only;
};

MscanFilter *mscan_filter_new(const MscanOptions *options, GError **error)
{
    MscanFilter *filter = g_new0(MscanFilter, 1);
    const char *cpus = mscan_options_text(options, "cpu");

    filter->from = mscan_options_u64(options, "from", 0);
    filter->to = mscan_options_u64(options, "to", UINT64_MAX);
    filter->kernel_only = mscan_options_has(options, "kernel-only");
    filter->user_only = mscan_options_has(options, "user-only");
    filter->recording = g_strdup(mscan_options_text(options, "recording"));
    if (filter->kernel_only && filter->user_only) {
        g_set_error(error, MSCAN_ERROR, MSCAN_ERROR_USAGE,
                    "--kernel-only and --user-only exclude each other");
    } else if (filter->from > filter->to) {
        g_set_error(error, MSCAN_ERROR, MSCAN_ERROR_USAGE,
                    "--from is behind --to");
    } else if (!cpus || (filter->cpus = mscan_parse_cpus(cpus, error))) {
        return filter;
    }
    mscan_filter_free(filter);
    return NULL;
}

void mscan_filter_free(MscanFilter *filter)
{
    if (filter) {
        g_free(filter->cpus);
        g_free(filter->recording);
        g_free(filter);
    }
}

static bool in_recording(const MscanFilter *filter, MscanContext *context)
{
    const MscanRecording *now = mscan_context_current_recording(context);

    return now && !strcmp(now->name, filter->recording);
}

bool mscan_filter_pass(const MscanFilter *filter, MscanContext *context,
                       const MtraceRecordAccess *access)
{
    uint16_t cpu = access->h.cpu;

    return access->h.order >= filter->from && access->h.order <= filter->to &&
           !(filter->kernel_only && access->cpl == 3) &&
           !(filter->user_only && access->cpl != 3) &&
           (!filter->cpus || (cpu < MSCAN_MAX_CPUS && filter->cpus[cpu])) &&
           (!filter->recording || in_recording(filter, context));
}

bool mscan_filter_check(const MscanFilter *filter, MscanContext *context,
                        GError **error)
{
    unsigned n = mscan_context_n_recordings(context);
    g_autoptr(GString) names = g_string_new(NULL);

    if (!filter->recording) {
        return true;
    }
    for (unsigned i = 0; i < n; i++) {
        const char *name = mscan_context_recording(context, i)->name;

        if (!strcmp(name, filter->recording)) {
            return true;
        }
        if (i < 10) {
            g_autofree char *escaped = g_strescape(name, NULL);

            g_string_append_printf(names, "%s'%s'", i ? ", " : "", escaped);
        }
    }
    g_set_error(error, MSCAN_ERROR, MSCAN_ERROR_USAGE,
                "the log has no recording '%s'; it has %s%s",
                filter->recording, n ? names->str : "none",
                n > 10 ? ", ..." : "");
    return false;
}
