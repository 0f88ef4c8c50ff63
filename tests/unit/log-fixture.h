/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the log library share: random records made from the table of
 * record types, logs in memory, and reading a log into arrays.
 */
#ifndef LOG_FIXTURE_H
#define LOG_FIXTURE_H

#include "mtrace/log.h"
#include "../../mtrace/log/record-types.h"

/* How random the fields of a record are. */
typedef enum FixtureKind {
    FIXTURE_WILD,      /* any bit pattern */
    FIXTURE_EDGES,     /* zeros, all ones, and powers of two */
    FIXTURE_PLAUSIBLE, /* small numbers, few pages and sites */
} FixtureKind;

/* Fills in a record of @type; header fields but order are random too. */
void fixture_record(GRand *rand, unsigned type, FixtureKind kind,
                    uint64_t order, MtraceAnyRecord *out);

/* A file in memory; the descriptor is duplicated for writer and reader. */
typedef struct FixtureFile {
    int fd;
    char path[32];
} FixtureFile;

FixtureFile fixture_file(const void *data, size_t len);
void fixture_file_free(FixtureFile *f);
MtraceLogWriter *fixture_writer(const FixtureFile *f);
/* Contents of the file. */
GByteArray *fixture_bytes(const FixtureFile *f);

/* Everything that reading a log gave. */
typedef struct FixtureLog {
    GError *error;
    GPtrArray *records;     /* of MtraceRecord, copies */
    char *session;          /* META and images as text */
    char *damage_text;
    MtraceLogDamage damage;
} FixtureLog;

FixtureLog *fixture_read(const char *path);
void fixture_log_free(FixtureLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FixtureLog, fixture_log_free)

/* Asserts that two records are equal; prints both when they are not. */
void fixture_assert_same(const MtraceRecord *a, const MtraceRecord *b);
bool fixture_same(const MtraceRecord *a, const MtraceRecord *b);

static inline const MtraceRecord *fixture_at(const FixtureLog *log, guint i)
{
    return g_ptr_array_index(log->records, i);
}

#endif /* LOG_FIXTURE_H */
