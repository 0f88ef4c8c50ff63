/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of record types: what fields each type has, how they are stored as
 * columns and how they are printed.  Encoder, decoder, printer and tests are
 * driven by it; the order of the fields is the order of the columns on disk.
 */
#ifndef MTRACE_RECORD_TYPES_H
#define MTRACE_RECORD_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mtrace/format.h"

/* How a field becomes a column; numbers are those of docs/log-format.md. */
typedef enum MtraceCodec {
    MTRACE_CODEC_CONST = 0,
    MTRACE_CODEC_BYTES = 1,
    MTRACE_CODEC_VARINT = 2,
    MTRACE_CODEC_DELTA = 3,
    MTRACE_CODEC_RISING = 4,
    MTRACE_CODEC_STRING = 5,
} MtraceCodec;

typedef enum MtraceStyle {
    MTRACE_STYLE_DECIMAL,
    MTRACE_STYLE_SIGNED,
    MTRACE_STYLE_HEX,
    MTRACE_STYLE_ENUM,   /* names[value]; a number when it has no name */
    MTRACE_STYLE_FLAGS,  /* names[bit], joined with '|' */
    MTRACE_STYLE_STRING,
} MtraceStyle;

/**
 * struct MtraceField - one field of a record
 * @name: as printed
 * @offset: bytes from the start of the C structure
 * @width: bytes: 1, 2, 4 or 8; of a string, the size of its array
 * @codec: column encoding that suits it (the encoder may find a better one)
 * @style: how it is printed
 * @names: for ENUM and FLAGS; entries may be NULL
 * @n_names: entries of @names
 */
typedef struct MtraceField {
    const char *name;
    uint16_t offset;
    uint16_t width;
    uint8_t codec;
    uint8_t style;
    const char *const *names;
    unsigned n_names;
} MtraceField;

/**
 * struct MtraceRecordInfo - one type of record
 * @type: MtraceRecordType
 * @name: as printed
 * @size: bytes of the C structure
 * @fields: those after the common header
 */
typedef struct MtraceRecordInfo {
    uint16_t type;
    const char *name;
    uint32_t size;
    const MtraceField *fields;
    unsigned n_fields;
} MtraceRecordInfo;

/* Fields of MtraceRecord that are columns: order, cpu, insns, accesses. */
#define MTRACE_N_COMMON_FIELDS 4
extern const MtraceField mtrace_common_fields[MTRACE_N_COMMON_FIELDS];

/* All types, in rising order of their number. */
extern const MtraceRecordInfo mtrace_record_infos[];
extern const unsigned mtrace_n_record_infos;

/* One more than the largest type number. */
#define MTRACE_RECORD_TYPE_LIMIT 128

/**
 * mtrace_record_info - the table's row of a type
 *
 * Returns: the row, or NULL when @type is unknown.
 */
const MtraceRecordInfo *mtrace_record_info(unsigned type);

#endif /* MTRACE_RECORD_TYPES_H */
