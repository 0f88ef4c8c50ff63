/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make-log: writes a small mtrace log from a text script, for the tests.
 *
 *     make-log SCRIPT LOG
 *
 * A line is a command: "meta KEY VALUE"; "image SECTION TEXT" (a section of the
 * log's one image); "symbol ADDRESS LETTER NAME [SIZE]" (added to its
 * "symbols"); "random SEED COUNT CPUS LINES ALL" (random accesses; ALL 1: also
 * ones that move nothing); "flush"; or "TYPE field=value ..." for a record,
 * whose order is one more than the last one's. Strings may be quoted, with C's
 * escapes. Lines are by symbolic field names of the table below; "#" begins a
 * comment.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include "mtrace/log.h"

typedef struct Field {
    uint16_t type; /* 0: every record */
    const char *name;
    size_t offset;
    size_t width;
    bool string;
} Field;

#define NUMBER(type, name, structure, member)                                 \
    { type, name, offsetof(structure, member),                                \
      sizeof(((structure *)0)->member), false }
#define STRING(type, name, structure, member)                                 \
    { type, name, offsetof(structure, member),                                \
      sizeof(((structure *)0)->member), true }

static const Field fields[] = {
    NUMBER(0, "cpu", MtraceRecord, cpu),
    NUMBER(0, "order", MtraceRecord, order),
    NUMBER(0, "insns", MtraceRecord, insns),
    NUMBER(0, "accesses", MtraceRecord, accesses),
    NUMBER(MTRACE_RECORD_ACCESS, "pc", MtraceRecordAccess, pc),
    NUMBER(MTRACE_RECORD_ACCESS, "vaddr", MtraceRecordAccess, vaddr),
    NUMBER(MTRACE_RECORD_ACCESS, "paddr", MtraceRecordAccess, paddr),
    NUMBER(MTRACE_RECORD_ACCESS, "kind", MtraceRecordAccess, kind),
    NUMBER(MTRACE_RECORD_ACCESS, "size", MtraceRecordAccess, size),
    NUMBER(MTRACE_RECORD_ACCESS, "bytes", MtraceRecordAccess, bytes),
    NUMBER(MTRACE_RECORD_ACCESS, "origin", MtraceRecordAccess, origin),
    NUMBER(MTRACE_RECORD_ACCESS, "flags", MtraceRecordAccess, flags),
    NUMBER(MTRACE_RECORD_ACCESS, "cpl", MtraceRecordAccess, cpl),
    NUMBER(MTRACE_RECORD_LABEL, "guest_addr", MtraceRecordLabel, guest_addr),
    NUMBER(MTRACE_RECORD_LABEL, "paddr", MtraceRecordLabel, paddr),
    NUMBER(MTRACE_RECORD_LABEL, "bytes", MtraceRecordLabel, bytes),
    NUMBER(MTRACE_RECORD_LABEL, "offset", MtraceRecordLabel, offset),
    NUMBER(MTRACE_RECORD_LABEL, "pc", MtraceRecordLabel, pc),
    NUMBER(MTRACE_RECORD_LABEL, "label_type", MtraceRecordLabel, label_type),
    STRING(MTRACE_RECORD_LABEL, "str", MtraceRecordLabel, str),
    NUMBER(MTRACE_RECORD_HOST, "host_type", MtraceRecordHost, host_type),
    NUMBER(MTRACE_RECORD_HOST, "value", MtraceRecordHost, value),
    STRING(MTRACE_RECORD_HOST, "str", MtraceRecordHost, str),
    NUMBER(MTRACE_RECORD_TASK, "tid", MtraceRecordTask, tid),
    STRING(MTRACE_RECORD_TASK, "str", MtraceRecordTask, str),
    NUMBER(MTRACE_RECORD_MACHINE, "num_cpus", MtraceRecordMachine, num_cpus),
    NUMBER(MTRACE_RECORD_MACHINE, "num_ram", MtraceRecordMachine, num_ram),
    NUMBER(MTRACE_RECORD_MACHINE, "quantum", MtraceRecordMachine, quantum),
    NUMBER(MTRACE_RECORD_MACHINE, "sample", MtraceRecordMachine, sample),
    NUMBER(MTRACE_RECORD_REGISTER, "reg", MtraceRecordRegister, reg),
    NUMBER(MTRACE_RECORD_REGISTER, "value", MtraceRecordRegister, value),
    NUMBER(MTRACE_RECORD_COUNTER, "value", MtraceRecordCounter, value),
    STRING(MTRACE_RECORD_COUNTER, "name", MtraceRecordCounter, name),
    NUMBER(MTRACE_RECORD_GUEST_ERROR, "pc", MtraceRecordGuestError, pc),
    NUMBER(MTRACE_RECORD_GUEST_ERROR, "entry_type", MtraceRecordGuestError,
           entry_type),
    STRING(MTRACE_RECORD_GUEST_ERROR, "str", MtraceRecordGuestError, str),
    STRING(MTRACE_RECORD_DISCONTINUITY, "str", MtraceRecordDiscontinuity, str),
    NUMBER(MTRACE_RECORD_LOSS, "count", MtraceRecordLoss, count),
    STRING(MTRACE_RECORD_LOSS, "str", MtraceRecordLoss, str),
};

typedef struct MakeLog {
    MtraceLogWriter *writer;
    GString *symbols;
    GPtrArray *section_names;
    GPtrArray *section_texts;
    uint64_t order;
    unsigned line;
} MakeLog;

static void G_GNUC_NORETURN G_GNUC_PRINTF(2, 3)
die(const MakeLog *make, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "make-log: line %u: ", make->line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    exit(1);
}

static void append(MakeLog *make, MtraceRecord *record)
{
    make->order = record->order;
    mtrace_log_append(mtrace_log_writer_stream(make->writer, record->cpu),
                      record);
}

static void set_field(const MakeLog *make, MtraceAnyRecord *any,
                      const char *name, const char *value)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
        const Field *field = &fields[i];
        char *place = (char *)any + field->offset;
        uint64_t number;

        if ((field->type && field->type != any->h.type) ||
            strcmp(field->name, name)) {
            continue;
        }
        if (field->string) {
            g_autofree char *text = g_strcompress(value);

            g_strlcpy(place, text, MIN(field->width, MTRACE_STR_MAX + 1));
            return;
        }
        number = g_ascii_strtoull(value, NULL, 0);
        memcpy(place, &number, field->width); /* little-endian host */
        return;
    }
    die(make, "no field '%s'", name);
}

static void add_record(MakeLog *make, char **words)
{
    unsigned type = mtrace_record_type_from_name(words[0]);
    MtraceAnyRecord any;

    if (!type) {
        die(make, "no record type '%s'", words[0]);
    }
    memset(&any, 0, sizeof(any));
    mtrace_record_init(&any, type, mtrace_record_type_size(type), 0);
    any.h.order = make->order + 1;
    for (char **word = words + 1; *word; word++) {
        char *equals = strchr(*word, '=');

        if (!equals) {
            die(make, "'%s' is not field=value", *word);
        }
        *equals = '\0';
        set_field(make, &any, *word, equals + 1);
    }
    if (type == MTRACE_RECORD_ACCESS && !any.access.bytes) {
        any.access.bytes = any.access.size;
    }
    append(make, &any.h);
}

/* A repeatable generator; its quality is of no importance. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 33;
}

static void add_random(MakeLog *make, char **words)
{
    uint64_t state = strtoull(words[1], NULL, 0);
    uint64_t count = strtoull(words[2], NULL, 0);
    uint64_t cpus = strtoull(words[3], NULL, 0);
    uint64_t lines = strtoull(words[4], NULL, 0);
    bool all = words[5] && atoi(words[5]);

    for (uint64_t i = 0; i < count; i++) {
        MtraceRecordAccess access;
        uint64_t line = next_random(&state) % lines;
        unsigned code = next_random(&state) % 50;
        unsigned size = 1u << code % 4;
        unsigned offset = code * 8 % 64;

        line = next_random(&state) % 2 ? line : line / 8;
        mtrace_record_init(&access, MTRACE_RECORD_ACCESS, sizeof(access),
                           next_random(&state) % cpus);
        access.h.order = make->order + 1 + next_random(&state) % 3;
        access.h.insns = i * 3;
        access.pc = 0xffffffff81000000ull + code * 4;
        access.paddr = 0x100000 + line * 64 + offset;
        access.vaddr = 0xffff888000000000ull + access.paddr;
        access.size = access.bytes = size;
        access.kind = next_random(&state) % 3 ? MTRACE_ACCESS_LOAD
                                              : MTRACE_ACCESS_STORE;
        if (next_random(&state) % 50 == 0) {
            access.kind = MTRACE_ACCESS_DEVICE_WRITE;
            access.h.cpu = MTRACE_CPU_NONE;
        }
        access.cpl = next_random(&state) % 5 ? 0 : 3;
        access.flags = !all || next_random(&state) % 3 ? MTRACE_ACCESS_MOVED
                                                       : 0;
        append(make, &access.h);
    }
}

static void add_symbol(MakeLog *make, char **words)
{
    g_string_append_printf(make->symbols, "%016" G_GINT64_MODIFIER "x %s %s",
                           g_ascii_strtoull(words[1], NULL, 0), words[2],
                           words[3]);
    g_string_append_printf(make->symbols, "%s%s\n", words[4] ? " " : "",
                           words[4] ? words[4] : "");
}

static void add_section(MakeLog *make, char **words)
{
    g_ptr_array_add(make->section_names, g_strdup(words[1]));
    g_ptr_array_add(make->section_texts, g_strdup(words[2]));
}

static void finish_image(MakeLog *make)
{
    unsigned n = make->section_names->len;
    g_autofree MtraceLogSection *sections = NULL;

    if (!n && !make->symbols->len) {
        return;
    }
    sections = g_new0(MtraceLogSection, n + 1);
    for (unsigned i = 0; i < n; i++) {
        const char *text = make->section_texts->pdata[i];

        sections[i] = (MtraceLogSection) {
            make->section_names->pdata[i], text, strlen(text)
        };
    }
    sections[n] = (MtraceLogSection) {
        "symbols", make->symbols->str, make->symbols->len
    };
    mtrace_log_writer_add_image(make->writer, sections, n + 1);
}

static void run_line(MakeLog *make, const char *line)
{
    g_auto(GStrv) words = NULL;
    int n = 0;

    if (!g_shell_parse_argv(line, &n, &words, NULL)) {
        return; /* empty, or a comment */
    }
    if (!strcmp(words[0], "meta") && n == 3) {
        mtrace_log_writer_set_meta(make->writer, words[1], words[2]);
    } else if (!strcmp(words[0], "image") && n == 3) {
        add_section(make, words);
    } else if (!strcmp(words[0], "symbol") && n >= 4) {
        add_symbol(make, words);
    } else if (!strcmp(words[0], "random") && n >= 5) {
        add_random(make, words);
    } else if (!strcmp(words[0], "flush")) {
        mtrace_log_writer_flush(make->writer);
    } else {
        add_record(make, words);
    }
}

int main(int argc, char **argv)
{
    MakeLog make = {
        .symbols = g_string_new(NULL),
        .section_names = g_ptr_array_new_with_free_func(g_free),
        .section_texts = g_ptr_array_new_with_free_func(g_free),
    };
    g_autoptr(GError) error = NULL;
    g_autofree char *script = NULL;
    g_auto(GStrv) lines = NULL;
    int fd;

    if (argc != 3 || !g_file_get_contents(argv[1], &script, NULL, NULL) ||
        (fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0666)) < 0) {
        fprintf(stderr, "usage: make-log SCRIPT LOG\n");
        return 1;
    }
    make.writer = mtrace_log_writer_new(fd, argv[2], &error);
    lines = g_strsplit(script, "\n", -1);
    for (char **line = lines; make.writer && *line; line++) {
        make.line++;
        run_line(&make, *line);
    }
    if (make.writer) {
        finish_image(&make);
        mtrace_log_writer_close(make.writer, NULL, &error);
    }
    if (error) {
        fprintf(stderr, "make-log: %s\n", error->message);
        return 1;
    }
    g_ptr_array_free(make.section_names, TRUE);
    g_ptr_array_free(make.section_texts, TRUE);
    g_string_free(make.symbols, TRUE);
    return 0;
}
