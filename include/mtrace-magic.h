/* SPDX-License-Identifier: MIT */
/*
 * The mtrace guest ABI: how a program that runs inside the machine tells the
 * recorder what it is doing (labels, scopes, tasks, locks, start and stop).
 *
 * A guest call is the instruction `xchg %bx,%bx` with four registers loaded:
 *
 *   rax (eax)  1; any other value makes the instruction an ordinary no-op
 *   rbx (ebx)  guest-virtual address of an entry, one of the structures below
 *   rcx (ecx)  type of the entry, mtrace_entry_t
 *   rdx (edx)  bytes of the entry, which must be those of its type
 *
 * It works in every privilege level, in 64- and 32-bit code.  The recorder
 * reads the entry, fills in its header and logs it; guest memory and registers
 * stay as they are.  Entries are packed and little-endian; where no recorder
 * listens, the call does nothing.
 *
 * The header wants C or C++, GCC or Clang, and <stdint.h>; no library is
 * needed: strings are copied here, through volatile bytes, so that a compiler
 * does not turn the copy into a call of memcpy or strlen.
 *
 * A host defines QEMU_MTRACE before including this and gets types only.
 */
#ifndef MTRACE_MAGIC_H
#define MTRACE_MAGIC_H

#include <stdint.h>

/* The value of rax that makes `xchg %bx,%bx` a guest call. */
#define MTRACE_ENTRY_REGISTER 1

/* Bytes of an entry's string, its terminating NUL included. */
#define MTRACE_ENTRY_STR_SIZE 64

/* "The CPU that makes the call", for calls that name a CPU. */
#define MTRACE_THIS_CPU (~0ul)

/* Type of an entry: which structure it is. */
typedef enum {
    mtrace_entry_label = 1,
    mtrace_entry_access = 2,
    mtrace_entry_host = 3,
    mtrace_entry_fcall = 4,
    mtrace_entry_segment = 5,
    mtrace_entry_call = 6,
    mtrace_entry_lock = 7,
    mtrace_entry_task = 8,
    mtrace_entry_sched = 9,
    mtrace_entry_machine = 10,
    mtrace_entry_appdata = 11,
    mtrace_entry_ascope = 12,
    mtrace_entry_avar = 13,
    mtrace_entry_gc = 14,
    mtrace_entry_gcepoch = 15,

    mtrace_num_entries = 16     /* one more than the largest of the above */
} mtrace_entry_t;

/* What kind of memory a label or a segment names. */
typedef enum {
    mtrace_label_heap = 1,      /* an object of an allocator */
    mtrace_label_block = 2,     /* pages that an allocator carves up */
    mtrace_label_static = 3,    /* a variable of the program */
    mtrace_label_percpu = 4,    /* memory that belongs to one CPU */

    mtrace_label_end = 5        /* one more than the largest of the above */
} mtrace_label_t;

/* Kind of a memory access. */
typedef enum {
    mtrace_access_ld = 1,       /* a CPU reads */
    mtrace_access_st = 2,       /* a CPU writes */
    mtrace_access_iw = 3        /* a device writes RAM */
} mtrace_access_t;

/* What a host entry asks for. */
typedef enum {
    mtrace_access_all_cpu = 1,    /* set the mode of recording, everywhere */
    mtrace_call_clear_cpu = 2,    /* stop recording calls on a CPU */
    mtrace_call_set_cpu = 3,      /* record calls on a CPU */
    mtrace_disable_count_cpu = 4, /* stop counting accesses on this CPU */
    mtrace_enable_count_cpu = 5   /* count accesses on this CPU again */
} mtrace_host_t;

/* Which accesses are recorded. */
typedef enum {
    mtrace_record_disable = 0,
    mtrace_record_movement = 1,   /* those that move a line between CPUs */
    mtrace_record_ascope = 2,     /* all, while in an abstract scope */
    mtrace_record_kernelscope = 3 /* all outside ring 3 */
} mtrace_record_mode_t;

/* What happens to a call stack. */
typedef enum {
    mtrace_start = 1,
    mtrace_done = 2,
    mtrace_done_value = 3,
    mtrace_resume = 4,
    mtrace_pause = 5
} mtrace_call_state_t;

/* What happens to a lock. */
typedef enum {
    mtrace_lockop_acquire = 1,  /* about to take it, may wait */
    mtrace_lockop_acquired = 2, /* has it */
    mtrace_lockop_release = 3
} mtrace_lockop_t;

/* What happens to a task. */
typedef enum {
    mtrace_task_init = 1,
    mtrace_task_update = 2,     /* its name or group is another one now */
    mtrace_task_exit = 3
} mtrace_task_t;

/* Bits of an access entry's flags. */
#define MTRACE_ACCESS_FLAG_TRAFFIC 1
#define MTRACE_ACCESS_FLAG_LOCK    2
#define MTRACE_ACCESS_FLAG_DEPS    4

/* Bits of a machine entry's flags. */
#define MTRACE_MACHINE_FLAG_LOCKED 1
#define MTRACE_MACHINE_FLAG_CALLS  2

#define MTRACE_PACKED __attribute__((__packed__))

/* What every entry begins with.  The host fills it in. */
struct mtrace_entry_header {
    uint32_t type;              /* mtrace_entry_t */
    uint16_t size;              /* bytes of the whole entry */
    uint16_t cpu;
    uint64_t access_count;      /* accesses so far */
    uint64_t ts;                /* instructions this CPU has retired */
} MTRACE_PACKED;

/* Gives a range of memory a name; bytes 0 takes the name at guest_addr back. */
struct mtrace_label_entry {
    struct mtrace_entry_header h;
    uint64_t host_addr;         /* filled in by the host */
    uint32_t label_type;        /* mtrace_label_t */
    char str[MTRACE_ENTRY_STR_SIZE];
    uint64_t guest_addr;
    uint64_t bytes;
    uint64_t pc;                /* code that allocated the memory */
} MTRACE_PACKED;

/* A memory access; only the host makes these. */
struct mtrace_access_entry {
    struct mtrace_entry_header h;
    uint32_t access_type;       /* mtrace_access_t */
    uint8_t flags;              /* MTRACE_ACCESS_FLAG_* */
    uint64_t pc;
    uint64_t host_addr;
    uint64_t guest_addr;
    uint8_t bytes;
} MTRACE_PACKED;

/* Sets the mode of recording: a host entry of type mtrace_access_all_cpu. */
struct mtrace_host_access {
    uint32_t mode;              /* mtrace_record_mode_t */
    char str[MTRACE_ENTRY_STR_SIZE];
} MTRACE_PACKED;

/* Concerns one CPU: a host entry of any other type. */
struct mtrace_host_call {
    uint64_t cpu;               /* all ones: the CPU that makes the call */
} MTRACE_PACKED;

/* Controls recording. */
struct mtrace_host_entry {
    struct mtrace_entry_header h;
    uint32_t host_type;         /* mtrace_host_t */
    uint64_t global_ts;         /* filled in by the host */
    __extension__ union {
        struct mtrace_host_access access;
        struct mtrace_host_call call;
        uint8_t reserved[72];   /* 4 bytes more than access: the ABI */
    } MTRACE_PACKED;
} MTRACE_PACKED;

/* A call stack, named by its tag, starts, pauses, resumes or ends. */
struct mtrace_fcall_entry {
    struct mtrace_entry_header h;
    uint64_t tid;
    uint64_t pc;                /* function at its bottom */
    uint64_t tag;               /* unique among the stacks of a recording */
    uint16_t depth;             /* nesting inside one thread */
    uint32_t state;             /* mtrace_call_state_t */
} MTRACE_PACKED;

/* Memory [baseaddr, endaddr) that belongs to one CPU. */
struct mtrace_segment_entry {
    struct mtrace_entry_header h;
    uint64_t baseaddr;
    uint64_t endaddr;
    uint16_t cpu;
    uint32_t object_type;       /* mtrace_label_t */
} MTRACE_PACKED;

/* A call or a return; as a rule the host makes these. */
struct mtrace_call_entry {
    struct mtrace_entry_header h;
    uint64_t target_pc;
    uint64_t return_pc;
    int32_t ret;
} MTRACE_PACKED;

/* A lock is asked for, taken or released. */
struct mtrace_lock_entry {
    struct mtrace_entry_header h;
    uint64_t pc;
    uint64_t lock;              /* address of the lock */
    char str[MTRACE_ENTRY_STR_SIZE];
    uint32_t op;                /* mtrace_lockop_t */
    uint8_t read;               /* 1: shared, 0: exclusive */
} MTRACE_PACKED;

/* A task exists, has changed, or is gone. */
struct mtrace_task_entry {
    struct mtrace_entry_header h;
    uint64_t tid;
    uint64_t tgid;
    uint32_t task_type;         /* mtrace_task_t */
    char str[MTRACE_ENTRY_STR_SIZE];
} MTRACE_PACKED;

/* Which task this CPU runs from now on. */
struct mtrace_sched_entry {
    struct mtrace_entry_header h;
    uint64_t tid;
} MTRACE_PACKED;

/* The machine; as a rule the host makes this. */
struct mtrace_machine_entry {
    struct mtrace_entry_header h;
    uint16_t num_cpus;
    uint64_t num_ram;           /* bytes */
    uint64_t quantum;           /* instructions of a round-robin slice */
    uint64_t sample;            /* one access in so many is kept */
    uint8_t flags;              /* MTRACE_MACHINE_FLAG_* */
} MTRACE_PACKED;

/* A number that the program wants in the log, say, operations done. */
struct mtrace_appdata_entry {
    struct mtrace_entry_header h;
    uint16_t appdata_type;      /* the program's own */
    uint64_t u64;
} MTRACE_PACKED;

/* An operation, logically, begins or ends; scopes nest on their call stack. */
struct mtrace_ascope_entry {
    struct mtrace_entry_header h;
    uint8_t exit;               /* bit 0: ends */
    char name[MTRACE_ENTRY_STR_SIZE];
} MTRACE_PACKED;

/* What the running operation, logically, reads or writes. */
struct mtrace_avar_entry {
    struct mtrace_entry_header h;
    uint8_t write;              /* bit 0: writes */
    char name[MTRACE_ENTRY_STR_SIZE];
} MTRACE_PACKED;

/* An object was handed to deferred reclamation. */
struct mtrace_gc_entry {
    struct mtrace_entry_header h;
    uint64_t base;
    uint64_t nbytes;
    char name[MTRACE_ENTRY_STR_SIZE];
    uint8_t gc;                 /* bit 0: scheduled for collection */
} MTRACE_PACKED;

/* A read-side critical section of deferred reclamation begins or ends. */
struct mtrace_gcepoch_entry {
    struct mtrace_entry_header h;
    uint8_t begin;              /* bit 0: begins */
} MTRACE_PACKED;

/* Any entry. */
union mtrace_entry {
    struct mtrace_entry_header h;
    struct mtrace_label_entry label;
    struct mtrace_access_entry access;
    struct mtrace_host_entry host;
    struct mtrace_fcall_entry fcall;
    struct mtrace_segment_entry seg;
    struct mtrace_call_entry call;
    struct mtrace_lock_entry lock;
    struct mtrace_task_entry task;
    struct mtrace_sched_entry sched;
    struct mtrace_machine_entry machine;
    struct mtrace_appdata_entry appdata;
    struct mtrace_ascope_entry ascope;
    struct mtrace_avar_entry avar;
    struct mtrace_gc_entry gc;
    struct mtrace_gcepoch_entry gcepoch;
} MTRACE_PACKED;

/*
 * The layout is the ABI: guests of any age depend on every size and offset.
 * An array of negative size stops compilers that have no static assertion.
 */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define MTRACE_ASSERT(name, cond) static_assert(cond, #name)
#elif !defined(__cplusplus) && defined(__STDC_VERSION__) && \
      __STDC_VERSION__ >= 201112L
#define MTRACE_ASSERT(name, cond) _Static_assert(cond, #name)
#else
#define MTRACE_ASSERT(name, cond) \
    typedef char mtrace_assert_##name[(cond) ? 1 : -1]
#endif

#define MTRACE_ASSERT_SIZE(entry, bytes) \
    MTRACE_ASSERT(size_of_##entry, \
                  sizeof(struct mtrace_##entry) == (bytes))
#define MTRACE_ASSERT_AT(entry, field, name, offset) \
    MTRACE_ASSERT(offset_of_##entry##_##name, \
                  __builtin_offsetof(struct mtrace_##entry, field) == (offset))

MTRACE_ASSERT_SIZE(entry_header, 24);
MTRACE_ASSERT_AT(entry_header, size, size, 4);
MTRACE_ASSERT_AT(entry_header, cpu, cpu, 6);
MTRACE_ASSERT_AT(entry_header, access_count, access_count, 8);
MTRACE_ASSERT_AT(entry_header, ts, ts, 16);
MTRACE_ASSERT_SIZE(label_entry, 124);
MTRACE_ASSERT_AT(label_entry, str, str, 36);
MTRACE_ASSERT_AT(label_entry, pc, pc, 116);
MTRACE_ASSERT_SIZE(access_entry, 54);
MTRACE_ASSERT_AT(access_entry, pc, pc, 29);
MTRACE_ASSERT_AT(access_entry, bytes, bytes, 53);
MTRACE_ASSERT_SIZE(host_entry, 108);
MTRACE_ASSERT_AT(host_entry, global_ts, global_ts, 28);
MTRACE_ASSERT_AT(host_entry, access.mode, mode, 36);
MTRACE_ASSERT_AT(host_entry, access.str, str, 40);
MTRACE_ASSERT_AT(host_entry, call.cpu, cpu, 36);
MTRACE_ASSERT_SIZE(fcall_entry, 54);
MTRACE_ASSERT_AT(fcall_entry, state, state, 50);
MTRACE_ASSERT_SIZE(segment_entry, 46);
MTRACE_ASSERT_AT(segment_entry, object_type, object_type, 42);
MTRACE_ASSERT_SIZE(call_entry, 44);
MTRACE_ASSERT_AT(call_entry, ret, ret, 40);
MTRACE_ASSERT_SIZE(lock_entry, 109);
MTRACE_ASSERT_AT(lock_entry, op, op, 104);
MTRACE_ASSERT_SIZE(task_entry, 108);
MTRACE_ASSERT_AT(task_entry, str, str, 44);
MTRACE_ASSERT_SIZE(sched_entry, 32);
MTRACE_ASSERT_SIZE(machine_entry, 51);
MTRACE_ASSERT_AT(machine_entry, flags, flags, 50);
MTRACE_ASSERT_SIZE(appdata_entry, 34);
MTRACE_ASSERT_AT(appdata_entry, u64, u64, 26);
MTRACE_ASSERT_SIZE(ascope_entry, 89);
MTRACE_ASSERT_SIZE(avar_entry, 89);
MTRACE_ASSERT_SIZE(gc_entry, 105);
MTRACE_ASSERT_AT(gc_entry, name, name, 40);
MTRACE_ASSERT_AT(gc_entry, gc, gc, 104);
MTRACE_ASSERT_SIZE(gcepoch_entry, 25);

#ifndef QEMU_MTRACE

/**
 * mtrace_magic() - the instruction itself
 * @ax: MTRACE_ENTRY_REGISTER
 * @bx: address of the entry
 * @cx: type of the entry
 * @dx: bytes of the entry
 * @si: not used
 * @di: not used
 *
 * All memory that the program has written so far is in place when the host
 * looks; the call changes no register and no flag.
 */
static inline void mtrace_magic(unsigned long ax, unsigned long bx,
                                unsigned long cx, unsigned long dx,
                                unsigned long si, unsigned long di)
{
    __asm__ __volatile__("xchg %%bx, %%bx"
                         :
                         : "a" (ax), "b" (bx), "c" (cx), "d" (dx),
                           "S" (si), "D" (di)
                         : "memory");
}

/**
 * mtrace_entry_register() - hand an entry to the host
 * @h: header of the entry; the caller has filled in what follows it
 * @type: mtrace_entry_t that says which entry it is
 * @len: sizeof() that entry
 */
static inline void mtrace_entry_register(volatile struct mtrace_entry_header *h,
                                         mtrace_entry_t type,
                                         unsigned long len)
{
    mtrace_magic(MTRACE_ENTRY_REGISTER, (unsigned long)h,
                 (unsigned long)type, len, 0, 0);
}

/*
 * Copies up to @n bytes of @src, cut to fit, and terminates @dst.  Bytes of
 * @dst beyond the NUL keep what they had: the host does not read them.  @src
 * may be null, meaning "".
 */
static inline void mtrace_copy_str(volatile char *dst, const char *src,
                                   unsigned long n)
{
    unsigned long i;

    if (n > MTRACE_ENTRY_STR_SIZE - 1) {
        n = MTRACE_ENTRY_STR_SIZE - 1;
    }
    for (i = 0; src && i < n && src[i]; i++) {
        dst[i] = src[i];
    }
    dst[i] = 0;
}

/**
 * mtrace_enable_set() - start or stop recording, on all CPUs
 * @mode: mtrace_record_mode_t; mtrace_record_disable stops
 * @name: what to call the recording
 *
 * When recording starts, every line counts as held by all CPUs.
 */
static inline void mtrace_enable_set(unsigned long mode, const char *name)
{
    struct mtrace_host_entry entry;

    entry.host_type = mtrace_access_all_cpu;
    entry.global_ts = 0;
    entry.access.mode = (uint32_t)mode;
    mtrace_copy_str(entry.access.str, name, MTRACE_ENTRY_STR_SIZE);
    mtrace_entry_register(&entry.h, mtrace_entry_host, sizeof(entry));
}

/* A host entry of a type that concerns one CPU. */
static inline void mtrace_host_cpu_set(mtrace_host_t type, unsigned long cpu)
{
    struct mtrace_host_entry entry;

    entry.host_type = type;
    entry.global_ts = 0;
    entry.call.cpu = cpu == MTRACE_THIS_CPU ? ~(uint64_t)0 : cpu;
    mtrace_entry_register(&entry.h, mtrace_entry_host, sizeof(entry));
}

/**
 * mtrace_call_set() - start or stop recording calls and returns on a CPU
 * @on: not 0 to start
 * @cpu: number of the CPU, or MTRACE_THIS_CPU
 */
static inline void mtrace_call_set(unsigned long on, unsigned long cpu)
{
    mtrace_host_cpu_set(on ? mtrace_call_set_cpu : mtrace_call_clear_cpu, cpu);
}

/** mtrace_enable_count() - count this CPU's accesses again */
static inline void mtrace_enable_count(void)
{
    mtrace_host_cpu_set(mtrace_enable_count_cpu, MTRACE_THIS_CPU);
}

/** mtrace_disable_count() - do not count this CPU's accesses for a while */
static inline void mtrace_disable_count(void)
{
    mtrace_host_cpu_set(mtrace_disable_count_cpu, MTRACE_THIS_CPU);
}

/**
 * mtrace_label_register() - name a range of memory, or take the name back
 * @type: kind of memory
 * @addr: where it begins
 * @bytes: how long it is; 0 removes the label at @addr
 * @str: its name, say, of its type; may be null when @n is 0
 * @n: most bytes of @str to use
 * @call_site: address of the code that allocated the memory
 */
static inline void mtrace_label_register(mtrace_label_t type,
                                         const volatile void *addr,
                                         unsigned long bytes,
                                         const char *str, unsigned long n,
                                         unsigned long call_site)
{
    struct mtrace_label_entry entry;

    entry.host_addr = 0;
    entry.label_type = type;
    mtrace_copy_str(entry.str, str, n);
    entry.guest_addr = (unsigned long)addr;
    entry.bytes = bytes;
    entry.pc = call_site;
    mtrace_entry_register(&entry.h, mtrace_entry_label, sizeof(entry));
}

/**
 * mtrace_segment_register() - say that memory belongs to one CPU
 * @base: where it begins
 * @end: first byte behind it
 * @type: kind of memory, as a rule mtrace_label_percpu
 * @cpu: number of the CPU
 */
static inline void mtrace_segment_register(unsigned long base,
                                           unsigned long end,
                                           mtrace_label_t type,
                                           unsigned long cpu)
{
    struct mtrace_segment_entry entry;

    entry.baseaddr = base;
    entry.endaddr = end;
    entry.cpu = (uint16_t)cpu;
    entry.object_type = type;
    mtrace_entry_register(&entry.h, mtrace_entry_segment, sizeof(entry));
}

/**
 * mtrace_fcall_register() - a call stack starts, pauses, resumes or ends
 * @tid: task that it runs on
 * @pc: function at its bottom
 * @tag: name of the stack, unique in the recording
 * @depth: nesting inside the task, 0 for the outermost
 * @state: what happens
 */
static inline void mtrace_fcall_register(unsigned long tid, unsigned long pc,
                                         unsigned long tag,
                                         unsigned int depth,
                                         mtrace_call_state_t state)
{
    struct mtrace_fcall_entry entry;

    entry.tid = tid;
    entry.pc = pc;
    entry.tag = tag;
    entry.depth = (uint16_t)depth;
    entry.state = state;
    mtrace_entry_register(&entry.h, mtrace_entry_fcall, sizeof(entry));
}

/**
 * mtrace_lock_register() - a lock is asked for, taken or released
 * @pc: code that does it
 * @lock: the lock
 * @str: its name
 * @op: what happens
 * @is_read: not 0 when the lock is, or is to be, shared with other readers
 */
static inline void mtrace_lock_register(unsigned long pc,
                                        const volatile void *lock,
                                        const char *str, mtrace_lockop_t op,
                                        unsigned long is_read)
{
    struct mtrace_lock_entry entry;

    entry.pc = pc;
    entry.lock = (unsigned long)lock;
    mtrace_copy_str(entry.str, str, MTRACE_ENTRY_STR_SIZE);
    entry.op = op;
    entry.read = is_read != 0;
    mtrace_entry_register(&entry.h, mtrace_entry_lock, sizeof(entry));
}

/**
 * mtrace_task_register() - a task exists, has changed, or is gone
 * @tid: the task
 * @tgid: its group (its process)
 * @type: what happens
 * @name: name of the task
 */
static inline void mtrace_task_register(unsigned long tid, unsigned long tgid,
                                        mtrace_task_t type, const char *name)
{
    struct mtrace_task_entry entry;

    entry.tid = tid;
    entry.tgid = tgid;
    entry.task_type = type;
    mtrace_copy_str(entry.str, name, MTRACE_ENTRY_STR_SIZE);
    mtrace_entry_register(&entry.h, mtrace_entry_task, sizeof(entry));
}

/**
 * mtrace_sched_record() - this CPU runs another task from now on
 * @tid: the task
 */
static inline void mtrace_sched_record(unsigned long tid)
{
    struct mtrace_sched_entry entry;

    entry.tid = tid;
    mtrace_entry_register(&entry.h, mtrace_entry_sched, sizeof(entry));
}

/**
 * mtrace_appdata_register() - put a number of the program into the log
 * @appdata: entry with its own fields filled in; it stays as it is
 */
static inline void
mtrace_appdata_register(const struct mtrace_appdata_entry *appdata)
{
    struct mtrace_appdata_entry entry;

    entry.appdata_type = appdata->appdata_type;
    entry.u64 = appdata->u64;
    mtrace_entry_register(&entry.h, mtrace_entry_appdata, sizeof(entry));
}

/**
 * mtrace_avar_register() - the operation, logically, reads or writes something
 * @is_write: not 0 when it writes
 * @name: name of what it reads or writes
 */
static inline void mtrace_avar_register(int is_write, const char *name)
{
    struct mtrace_avar_entry entry;

    entry.write = is_write != 0;
    mtrace_copy_str(entry.name, name, MTRACE_ENTRY_STR_SIZE);
    mtrace_entry_register(&entry.h, mtrace_entry_avar, sizeof(entry));
}

/**
 * mtrace_ascope_register() - an operation begins or ends
 * @is_exit: not 0 when it ends
 * @name: name of the operation
 */
static inline void mtrace_ascope_register(int is_exit, const char *name)
{
    struct mtrace_ascope_entry entry;

    entry.exit = is_exit != 0;
    mtrace_copy_str(entry.name, name, MTRACE_ENTRY_STR_SIZE);
    mtrace_entry_register(&entry.h, mtrace_entry_ascope, sizeof(entry));
}

/**
 * mtrace_gc_register() - an object was handed to deferred reclamation
 * @base: where it begins
 * @nbytes: how long it is
 * @name: name of its type
 * @is_gc: not 0 when it is scheduled for collection
 */
static inline void mtrace_gc_register(unsigned long base, unsigned long nbytes,
                                      const char *name, int is_gc)
{
    struct mtrace_gc_entry entry;

    entry.base = base;
    entry.nbytes = nbytes;
    mtrace_copy_str(entry.name, name, MTRACE_ENTRY_STR_SIZE);
    entry.gc = is_gc != 0;
    mtrace_entry_register(&entry.h, mtrace_entry_gc, sizeof(entry));
}

/**
 * mtrace_gcepoch_register() - a read-side critical section begins or ends
 * @is_begin: not 0 when it begins
 */
static inline void mtrace_gcepoch_register(int is_begin)
{
    struct mtrace_gcepoch_entry entry;

    entry.begin = is_begin != 0;
    mtrace_entry_register(&entry.h, mtrace_entry_gcepoch, sizeof(entry));
}

#endif /* !QEMU_MTRACE */
#endif /* MTRACE_MAGIC_H */
