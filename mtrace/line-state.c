/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cache-line state; see line-state.h for the words and their meaning. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <glib.h>
#include "line-state.h"

/*
 * The word of a line of host address A in group g is at
 * SHADOW_TOP - g * SHADOW_STEP + A / 8.  User-space addresses of x86-64 are
 * below 2^47, so a group's words are within SHADOW_STEP; the heap, the stack,
 * the libraries and this program are elsewhere.
 */
#define SHADOW_TOP ((uintptr_t)1 << 46)
#define SHADOW_STEP ((uintptr_t)1 << 44)
#define STRIPES 1024
#define OTHERS_BIT ((uint64_t)1 << 63)

typedef struct Range {
    uintptr_t start;
    uintptr_t end;
} Range;

/* A lock that fills a cache line, so that neighbours do not share one. */
typedef struct Stripe {
    int held;
    char pad[60];
} Stripe;

struct MtraceLines {
    unsigned n_cpus;
    unsigned groups;
    uint64_t *order;
    GArray *mapped; /* of Range: shadow pages that exist, any order */
    GMutex mapped_lock; /* memory can be plugged while a mode is entered */
    Stripe stripes[STRIPES];
};

static uint64_t *line_word(unsigned group, uintptr_t host)
{
    uintptr_t at = (host >> MTRACE_LINE_BITS) * sizeof(uint64_t);

    return (uint64_t *)(SHADOW_TOP - group * SHADOW_STEP + at);
}

static uint64_t own_bit(unsigned index)
{
    return (uint64_t)1 << (index % MTRACE_GROUP_CPUS);
}

MtraceLines *mtrace_lines_new(unsigned n_cpus, uint64_t *order)
{
    MtraceLines *lines = g_new0(MtraceLines, 1);

    g_assert(n_cpus >= 1 && n_cpus <= MTRACE_MAX_CPUS);
    lines->n_cpus = n_cpus;
    lines->groups = (n_cpus + MTRACE_GROUP_CPUS - 1) / MTRACE_GROUP_CPUS;
    lines->order = order;
    lines->mapped = g_array_new(FALSE, FALSE, sizeof(Range));
    return lines;
}

void mtrace_lines_free(MtraceLines *lines)
{
    for (guint i = 0; i < lines->mapped->len; i++) {
        Range *r = &g_array_index(lines->mapped, Range, i);

        munmap((void *)r->start, r->end - r->start);
    }
    g_array_free(lines->mapped, TRUE);
    g_free(lines);
}

/* Moves *start past the mapped pages it is in; lowers *end to the next ones. */
static void clip_to_hole(const MtraceLines *lines, uintptr_t *start,
                         uintptr_t *end)
{
    bool again = true;

    while (again) {
        again = false;
        for (guint i = 0; i < lines->mapped->len; i++) {
            const Range *r = &g_array_index(lines->mapped, Range, i);

            if (*start >= r->start && *start < r->end) {
                *start = r->end;
                again = true;
            }
        }
    }
    for (guint i = 0; i < lines->mapped->len; i++) {
        const Range *r = &g_array_index(lines->mapped, Range, i);

        if (r->start > *start && r->start < *end) {
            *end = r->start;
        }
    }
}

/* Maps the pages of [start, end) that are not mapped yet. */
static bool map_pages(MtraceLines *lines, uintptr_t start, uintptr_t end,
                      GError **error)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                      MAP_FIXED_NOREPLACE;

    while (start < end) {
        Range hole = { start, end };
        void *at;

        clip_to_hole(lines, &hole.start, &hole.end);
        if (hole.start >= end) {
            break;
        }
        at = mmap((void *)hole.start, hole.end - hole.start,
                  PROT_READ | PROT_WRITE, flags, -1, 0);
        if (at != (void *)hole.start) {
            int err = at == MAP_FAILED ? errno : EEXIST;

            if (at != MAP_FAILED) {
                munmap(at, hole.end - hole.start);
            }
            g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(err),
                        "cannot map %zu bytes of cache-line state: %s",
                        (size_t)(hole.end - hole.start), g_strerror(err));
            return false;
        }
        madvise(at, hole.end - hole.start, MADV_DONTDUMP);
        /* QEMU asks for huge pages for guest RAM: its words need them too. */
        madvise(at, hole.end - hole.start, MADV_HUGEPAGE);
        g_array_append_val(lines->mapped, hole);
        start = hole.end;
    }
    return true;
}

bool mtrace_lines_add(MtraceLines *lines, const void *host, size_t len,
                      GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lines->mapped_lock);
    uintptr_t page = sysconf(_SC_PAGESIZE);

    (void)locker;
    for (unsigned g = 0; g < lines->groups; g++) {
        uintptr_t first = (uintptr_t)line_word(g, (uintptr_t)host);
        uintptr_t last = (uintptr_t)line_word(g, (uintptr_t)host + len - 1);
        uintptr_t start = first & -page;
        uintptr_t end = (last + sizeof(uint64_t) + page - 1) & -page;

        if (!map_pages(lines, start, end, error)) {
            return false;
        }
        memset((void *)first, 0, MIN(page - (first - start),
                                     last + sizeof(uint64_t) - first));
        if (end - start > 2 * page) {
            madvise((void *)(start + page), end - start - 2 * page,
                    MADV_DONTNEED);
        }
        if (end - start > page) {
            memset((void *)(end - page), 0,
                   last + sizeof(uint64_t) - (end - page));
        }
    }
    return true;
}

void mtrace_lines_reset(MtraceLines *lines)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lines->mapped_lock);

    (void)locker;
    for (guint i = 0; i < lines->mapped->len; i++) {
        Range *r = &g_array_index(lines->mapped, Range, i);

        madvise((void *)r->start, r->end - r->start, MADV_DONTNEED);
    }
}

void mtrace_lines_setup_cpu(const MtraceLines *lines, unsigned index,
                            MtraceCPU *cpu)
{
    unsigned group = index / MTRACE_GROUP_CPUS;

    g_assert(index < lines->n_cpus);
    cpu->shadow = (uintptr_t)line_word(group, 0) / sizeof(uint64_t);
    cpu->load_mask = own_bit(index);
    /* Alone in its machine, a vCPU holds every line alone: words stay zero. */
    cpu->store_value = lines->n_cpus > 1 ? ~own_bit(index) : 0;
}

/* S := { index } */
static void hold_alone(MtraceLines *lines, uintptr_t host, unsigned index)
{
    unsigned own = index / MTRACE_GROUP_CPUS;

    for (unsigned g = 0; g < lines->groups; g++) {
        uint64_t word = g == own ? ~own_bit(index) : ~OTHERS_BIT;

        __atomic_store_n(line_word(g, host), word, __ATOMIC_RELAXED);
    }
}

/* S := S + { index } */
static void hold_too(MtraceLines *lines, uintptr_t host, unsigned index)
{
    unsigned own = index / MTRACE_GROUP_CPUS;

    for (unsigned g = 0; g < lines->groups; g++) {
        uint64_t clear = g == own ? own_bit(index) : OTHERS_BIT;

        __atomic_and_fetch(line_word(g, host), ~clear, __ATOMIC_RELAXED);
    }
}

bool mtrace_line_access(MtraceLines *lines, const MtraceCPU *cpu,
                        uintptr_t host, unsigned index, bool store,
                        uint64_t *ticket)
{
    Stripe *stripe = &lines->stripes[(host >> MTRACE_LINE_BITS) % STRIPES];
    bool moves;

    while (__atomic_exchange_n(&stripe->held, 1, __ATOMIC_ACQUIRE)) {
        __builtin_ia32_pause();
    }
    moves = mtrace_line_moves(cpu, host, store);
    if (moves) {
        if (store) {
            hold_alone(lines, host, index);
        } else {
            hold_too(lines, host, index);
        }
        *ticket = __atomic_fetch_add(lines->order, 1, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&stripe->held, 0, __ATOMIC_RELEASE);
    return moves;
}
