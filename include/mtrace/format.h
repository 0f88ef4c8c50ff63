/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mtrace log: constants of the file on disk and the records it carries.
 *
 * docs/log-format.md is the specification; this header gives its numbers C
 * names, and gives every record a C structure.  The structures are what the
 * recorder fills in and what the reader hands out; on disk their fields are
 * stored as columns (see mtrace/log/record-types.c, the one table of types).
 */
#ifndef MTRACE_FORMAT_H
#define MTRACE_FORMAT_H

#include <stdint.h>

/* ---- the file ---------------------------------------------------------- */

/* First eight bytes of every log. */
#define MTRACE_LOG_MAGIC "\x8aMTRACE\n"
/* A reader refuses another major version; a minor version only adds. */
#define MTRACE_LOG_VERSION_MAJOR 1
#define MTRACE_LOG_VERSION_MINOR 0

/* First four bytes of every chunk. */
#define MTRACE_CHUNK_MAGIC "MTCK"
/* Bytes of the header in front of each chunk's payload. */
#define MTRACE_CHUNK_HEADER_SIZE 64
/* Most payload bytes of one chunk, before compression. */
#define MTRACE_CHUNK_MAX_RAW (256u << 20)
/* Most records of one chunk. */
#define MTRACE_CHUNK_MAX_RECORDS (1u << 20)

typedef enum MtraceChunkKind {
    MTRACE_CHUNK_META = 1,    /* "key=value\n" lines that describe the session */
    MTRACE_CHUNK_RECORDS = 2, /* records of one stream, in rising order */
    MTRACE_CHUNK_IMAGE = 3,   /* symbols and types of a guest program */
    MTRACE_CHUNK_END = 4,     /* the log was closed in an orderly way */
} MtraceChunkKind;

/* Stream, and the cpu of a record, that belong to no vCPU (devices, host). */
#define MTRACE_CPU_NONE 0xffff

/* ---- records ----------------------------------------------------------- */

/*
 * Numbers below 32 are the guest ABI's entry types (include/mtrace-magic.h);
 * 64 and up are the recorder's own.
 */
typedef enum MtraceRecordType {
    MTRACE_RECORD_LABEL = 1,
    MTRACE_RECORD_ACCESS = 2,
    MTRACE_RECORD_HOST = 3,
    MTRACE_RECORD_FCALL = 4,
    MTRACE_RECORD_SEGMENT = 5,
    MTRACE_RECORD_CALL = 6,
    MTRACE_RECORD_LOCK = 7,
    MTRACE_RECORD_TASK = 8,
    MTRACE_RECORD_SCHED = 9,
    MTRACE_RECORD_MACHINE = 10,
    MTRACE_RECORD_APPDATA = 11,
    MTRACE_RECORD_ASCOPE = 12,
    MTRACE_RECORD_AVAR = 13,
    MTRACE_RECORD_GC = 14,
    MTRACE_RECORD_GCEPOCH = 15,
    MTRACE_RECORD_REGISTER = 64,
    MTRACE_RECORD_COUNTER = 65,
    MTRACE_RECORD_GUEST_ERROR = 66,
    MTRACE_RECORD_DISCONTINUITY = 67,
    MTRACE_RECORD_LOSS = 68,
} MtraceRecordType;

/* Longest string of a record, without its terminating NUL. */
#define MTRACE_STR_MAX 64

/**
 * struct MtraceRecord - what every record begins with
 * @type: MtraceRecordType
 * @cpu: index of the vCPU it happened on, or MTRACE_CPU_NONE
 * @size: bytes of the whole C structure, a multiple of 8
 * @order: position in the global order of all records; unique, gaps allowed
 * @insns: instructions this vCPU had retired before the instruction at hand
 * @accesses: guest-RAM data accesses this vCPU had made while recording
 */
typedef struct MtraceRecord {
    uint16_t type;
    uint16_t cpu;
    uint32_t size;
    uint64_t order;
    uint64_t insns;
    uint64_t accesses;
} MtraceRecord;

typedef enum MtraceAccessKind {
    MTRACE_ACCESS_LOAD = 1,
    MTRACE_ACCESS_STORE = 2,
    MTRACE_ACCESS_DEVICE_WRITE = 3,
} MtraceAccessKind;

/* Which path of the emulator made an access. */
typedef enum MtraceOrigin {
    MTRACE_ORIGIN_INLINE = 0,   /* generated code */
    MTRACE_ORIGIN_HELPER = 1,   /* a helper that generated code called */
    MTRACE_ORIGIN_ATOMIC = 2,   /* an atomic helper of multi-threaded TCG */
    MTRACE_ORIGIN_DIRECT = 3,   /* a helper through a host pointer */
    MTRACE_ORIGIN_DELIVERY = 4, /* interrupt or exception delivery */
    MTRACE_ORIGIN_WALKER = 5,   /* page-table walk */
    MTRACE_ORIGIN_DMA = 6,      /* a device */
} MtraceOrigin;

#define MTRACE_ACCESS_MOVED  (1u << 0) /* changed the set of holders of its line */
#define MTRACE_ACCESS_LOCKED (1u << 1) /* by a LOCKed instruction or XCHG */
#define MTRACE_ACCESS_SPLIT  (1u << 2) /* one line's part of an access to two */

/**
 * struct MtraceRecordAccess - a data access to one cache line of guest RAM
 * @pc: linear address of the instruction; of the interrupted one for DELIVERY
 * @vaddr: guest-virtual address of the first byte in this line
 * @paddr: guest-physical address of the same byte
 * @kind: MtraceAccessKind
 * @size: bytes of the whole access, 1 to 64
 * @bytes: bytes of it in this line; less than @size only when SPLIT
 * @origin: MtraceOrigin
 * @flags: MTRACE_ACCESS_*
 * @cpl: privilege level of the vCPU, 0 to 3
 */
typedef struct MtraceRecordAccess {
    MtraceRecord h;
    uint64_t pc;
    uint64_t vaddr;
    uint64_t paddr;
    uint8_t kind;
    uint8_t size;
    uint8_t bytes;
    uint8_t origin;
    uint8_t flags;
    uint8_t cpl;
    uint8_t reserved[2];
} MtraceRecordAccess;

/*
 * Guest calls.  Field meanings are those of mtrace-magic.h; strings are always
 * terminated, and are cut at MTRACE_STR_MAX bytes.
 */

/**
 * struct MtraceRecordLabel - names a range of memory; bytes 0 removes it
 * @label_type: 1 heap, 2 block, 3 static, 4 per-CPU
 * @paddr: guest-physical address of this piece (all ones: not mapped)
 * @guest_addr: guest-virtual address of this piece
 * @bytes: bytes of this piece; a label whose pages are not contiguous in
 *         physical memory becomes one record per contiguous piece
 * @offset: bytes from the start of the whole label to this piece
 * @pc: allocation site, as the guest gave it
 * @str: type or object name
 */
typedef struct MtraceRecordLabel {
    MtraceRecord h;
    uint64_t guest_addr;
    uint64_t paddr;
    uint64_t bytes;
    uint64_t offset;
    uint64_t pc;
    uint32_t label_type;
    char str[MTRACE_STR_MAX + 4];
} MtraceRecordLabel;

typedef enum MtraceHostType {
    MTRACE_HOST_ACCESS_ALL_CPU = 1, /* value: MtraceMode now in force; str: name */
    MTRACE_HOST_CALL_CLEAR_CPU = 2, /* value: cpu, as the guest gave it */
    MTRACE_HOST_CALL_SET_CPU = 3,
    MTRACE_HOST_DISABLE_COUNT_CPU = 4,
    MTRACE_HOST_ENABLE_COUNT_CPU = 5,
} MtraceHostType;

/* Values of enable_set, and of "mode". */
typedef enum MtraceMode {
    MTRACE_MODE_DISABLE = 0,
    MTRACE_MODE_MOVEMENT = 1,
    MTRACE_MODE_ASCOPE = 2,
    MTRACE_MODE_KERNELSCOPE = 3,
} MtraceMode;

/**
 * struct MtraceRecordHost - recording started, stopped or changed
 * @host_type: MtraceHostType
 * @value: mode or cpu, see MtraceHostType
 * @global_ts: instructions retired by all vCPUs together
 * @str: name of the recording, for ACCESS_ALL_CPU
 */
typedef struct MtraceRecordHost {
    MtraceRecord h;
    uint64_t global_ts;
    uint64_t value;
    uint32_t host_type;
    char str[MTRACE_STR_MAX + 4];
} MtraceRecordHost;

typedef struct MtraceRecordFcall {
    MtraceRecord h;
    uint64_t tid;
    uint64_t pc;
    uint64_t tag;
    uint32_t state; /* 1 start, 2 done, 3 done with value, 4 resume, 5 pause */
    uint16_t depth;
    uint8_t reserved[2];
} MtraceRecordFcall;

typedef struct MtraceRecordSegment {
    MtraceRecord h;
    uint64_t base;
    uint64_t end;
    uint32_t object_type;
    uint16_t segment_cpu;
    uint8_t reserved[2];
} MtraceRecordSegment;

typedef struct MtraceRecordCall {
    MtraceRecord h;
    uint64_t target_pc;
    uint64_t return_pc;
    int64_t ret;
} MtraceRecordCall;

typedef struct MtraceRecordLock {
    MtraceRecord h;
    uint64_t pc;
    uint64_t lock;
    uint32_t op; /* 1 acquire, 2 acquired, 3 release */
    uint8_t read;
    char str[MTRACE_STR_MAX + 3];
} MtraceRecordLock;

typedef struct MtraceRecordTask {
    MtraceRecord h;
    uint64_t tid;
    uint64_t tgid;
    uint32_t task_type; /* 1 init, 2 update, 3 exit */
    char str[MTRACE_STR_MAX + 4];
} MtraceRecordTask;

typedef struct MtraceRecordSched {
    MtraceRecord h;
    uint64_t tid;
} MtraceRecordSched;

/**
 * struct MtraceRecordMachine - the machine, first record of every log
 * @num_ram: bytes of guest RAM
 * @quantum: instructions per round-robin slice, 0 when not bounded
 * @sample: one access in so many is kept, 0 or 1 for all
 * @num_cpus: vCPUs
 * @flags: bit 0 LOCKed accesses added, bit 1 calls recorded
 */
typedef struct MtraceRecordMachine {
    MtraceRecord h;
    uint64_t num_ram;
    uint64_t quantum;
    uint64_t sample;
    uint16_t num_cpus;
    uint8_t flags;
    uint8_t reserved[5];
} MtraceRecordMachine;

typedef struct MtraceRecordAppdata {
    MtraceRecord h;
    uint64_t value;
    uint16_t appdata_type;
    uint8_t reserved[6];
} MtraceRecordAppdata;

typedef struct MtraceRecordAscope {
    MtraceRecord h;
    uint8_t exit;
    char name[MTRACE_STR_MAX + 7];
} MtraceRecordAscope;

typedef struct MtraceRecordAvar {
    MtraceRecord h;
    uint8_t write;
    char name[MTRACE_STR_MAX + 7];
} MtraceRecordAvar;

typedef struct MtraceRecordGc {
    MtraceRecord h;
    uint64_t base;
    uint64_t nbytes;
    uint8_t scheduled;
    char name[MTRACE_STR_MAX + 7];
} MtraceRecordGc;

typedef struct MtraceRecordGcEpoch {
    MtraceRecord h;
    uint8_t begin;
    uint8_t reserved[7];
} MtraceRecordGcEpoch;

/* Registers whose value the reader needs to make sense of addresses. */
typedef enum MtraceRegister {
    MTRACE_REGISTER_KERNEL_GS_BASE = 1, /* GS base at CPL 0: per-CPU area */
    MTRACE_REGISTER_LSTAR = 2,          /* 64-bit system-call entry point */
} MtraceRegister;

/**
 * struct MtraceRecordRegister - a register of this vCPU has a new value
 * @reg: MtraceRegister
 *
 * Written before the first record that the new value may matter to.
 */
typedef struct MtraceRecordRegister {
    MtraceRecord h;
    uint64_t value;
    uint32_t reg;
    uint32_t reserved;
} MtraceRecordRegister;

/* A total of this vCPU (or of the session), written when recording ends. */
typedef struct MtraceRecordCounter {
    MtraceRecord h;
    uint64_t value;
    char name[MTRACE_STR_MAX + 8];
} MtraceRecordCounter;

/**
 * struct MtraceRecordGuestError - a guest call that was refused
 * @pc: linear address of the call
 * @entry_addr: guest-virtual address of the entry
 * @entry_type: its type, as the guest gave it
 * @entry_len: its length, as the guest gave it
 * @str: what is wrong with it
 */
typedef struct MtraceRecordGuestError {
    MtraceRecord h;
    uint64_t pc;
    uint64_t entry_addr;
    uint64_t entry_type;
    uint64_t entry_len;
    char str[MTRACE_STR_MAX + 8];
} MtraceRecordGuestError;

/* Memory changed in a way that the recorder cannot see; line state is reset. */
typedef struct MtraceRecordDiscontinuity {
    MtraceRecord h;
    char str[MTRACE_STR_MAX + 8];
} MtraceRecordDiscontinuity;

/* @count records of @what could not be written; why is in @str. */
typedef struct MtraceRecordLoss {
    MtraceRecord h;
    uint64_t count;
    char str[MTRACE_STR_MAX + 8];
} MtraceRecordLoss;

/* Any record; large enough for each of them. */
typedef union MtraceAnyRecord {
    MtraceRecord h;
    MtraceRecordAccess access;
    MtraceRecordLabel label;
    MtraceRecordHost host;
    MtraceRecordFcall fcall;
    MtraceRecordSegment segment;
    MtraceRecordCall call;
    MtraceRecordLock lock;
    MtraceRecordTask task;
    MtraceRecordSched sched;
    MtraceRecordMachine machine;
    MtraceRecordAppdata appdata;
    MtraceRecordAscope ascope;
    MtraceRecordAvar avar;
    MtraceRecordGc gc;
    MtraceRecordGcEpoch gcepoch;
    MtraceRecordRegister reg;
    MtraceRecordCounter counter;
    MtraceRecordGuestError guest_error;
    MtraceRecordDiscontinuity discontinuity;
    MtraceRecordLoss loss;
} MtraceAnyRecord;

#endif /* MTRACE_FORMAT_H */
