/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The -mtrace-* options of the command line: one table, checked here.
 *
 * Their help text is QEMU's, in qemu-options.hx.patch.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/cutils.h"
#include "recorder.h"

bool mtrace_enabled;
MtraceOptions mtrace_options = { .sample = 1 };

static const char *const mode_names[] = {
    [MTRACE_MODE_DISABLE] = "disable",
    [MTRACE_MODE_MOVEMENT] = "movement",
    [MTRACE_MODE_ASCOPE] = "ascope",
    [MTRACE_MODE_KERNELSCOPE] = "kernelscope",
};

int mtrace_mode_from_name(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(mode_names); i++) {
        if (g_str_equal(name, mode_names[i])) {
            return i;
        }
    }
    return -1;
}

const char *mtrace_mode_missing(MtraceMode mode)
{
    switch (mode) {
    case MTRACE_MODE_DISABLE:
    case MTRACE_MODE_MOVEMENT:
        return NULL;
    case MTRACE_MODE_ASCOPE:
        return "mode ascope is not recorded by this version";
    case MTRACE_MODE_KERNELSCOPE:
        return "mode kernelscope is not recorded by this version";
    }
    return "no such mode";
}

static void set_file(const char *arg)
{
    if (*arg == '\0') {
        error_report("wants the name of a file");
        exit(1);
    }
    g_free(mtrace_options.file);
    mtrace_options.file = g_strdup(arg);
}

static void set_mode(const char *arg)
{
    int mode = mtrace_mode_from_name(arg);

    if (mode < 0) {
        error_report("there is no such mode; the modes are disable, movement, "
                     "ascope and kernelscope");
        exit(1);
    }
    mtrace_options.mode = mode;
}

/*
 * A positive decimal or 0x number that fits in 63 bits.  Here and above, QEMU
 * puts the option and its argument in front of the message.
 */
static uint64_t positive_number(const char *arg)
{
    uint64_t value;

    if (!g_ascii_isdigit(*arg) || qemu_strtou64(arg, NULL, 0, &value) < 0 ||
        value == 0 || value > INT64_MAX) {
        error_report("wants a whole number from 1");
        exit(1);
    }
    return value;
}

static void set_sample(const char *arg)
{
    mtrace_options.sample = positive_number(arg);
}

static void set_quantum(const char *arg)
{
    mtrace_options.quantum = positive_number(arg);
}

static void set_enable(const char *arg)
{
    mtrace_enabled = true;
}

static void set_all(const char *arg)
{
    mtrace_options.all = true;
}

static void set_locked(const char *arg)
{
    mtrace_options.locked = true;
}

static void set_calls(const char *arg)
{
    mtrace_options.calls = true;
}

static const struct {
    const char *name;
    void (*set)(const char *arg);
} option_table[] = {
    { "mtrace-enable", set_enable },
    { "mtrace-file", set_file },
    { "mtrace-mode", set_mode },
    { "mtrace-all", set_all },
    { "mtrace-locked", set_locked },
    { "mtrace-calls", set_calls },
    { "mtrace-sample", set_sample },
    { "mtrace-quantum", set_quantum },
};

/* First option seen, to be named when -mtrace-enable is missing. */
static const char *first_option;

bool mtrace_option(const char *name, const char *arg)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(option_table); i++) {
        if (g_str_equal(name, option_table[i].name)) {
            if (!first_option) {
                first_option = option_table[i].name;
            }
            option_table[i].set(arg);
            return true;
        }
    }
    return false;
}

/* Options that this version knows, but cannot do yet. */
static const char *missing_option(void)
{
    if (mtrace_options.all) {
        return "-mtrace-all: this version records moved lines only";
    }
    if (mtrace_options.locked) {
        return "-mtrace-locked: this version records moved lines only";
    }
    if (mtrace_options.calls) {
        return "-mtrace-calls: this version does not record calls";
    }
    if (mtrace_options.sample > 1) {
        return "-mtrace-sample: this version records every move; only 1 is "
               "possible";
    }
    if (mtrace_options.quantum) {
        return "-mtrace-quantum: this version cannot bound a vCPU's slice";
    }
    return mtrace_mode_missing(mtrace_options.mode);
}

void mtrace_check_options(void)
{
    const char *missing;

    if (!mtrace_enabled) {
        if (first_option) {
            error_report("-%s needs -mtrace-enable", first_option);
            exit(1);
        }
        return;
    }
    missing = missing_option();
    if (missing) {
        error_report("%s", missing);
        exit(1);
    }
}
