/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Line state against a model that is slow and plain: of each line, the set of
 * vCPUs that hold it, as an array of bool, under the normative rule.
 *
 * The addresses are never read or written, so the memory need not exist; only
 * the line words do.
 */
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include "mtrace/line-state.h"

#define LINE MTRACE_LINE_SIZE
#define PAGE 4096
/* Where the memory seems to be: lines on both sides of a page of line words. */
#define BASE ((uintptr_t)0x7f1234567000 & -(uintptr_t)(512 * LINE))

/* ---- the model ---------------------------------------------------------- */

typedef struct Model {
    unsigned n_cpus;
    unsigned n_lines;
    bool *holds; /* [line * n_cpus + cpu] */
} Model;

static Model *model_new(unsigned n_cpus, unsigned n_lines)
{
    Model *m = g_new0(Model, 1);

    m->n_cpus = n_cpus;
    m->n_lines = n_lines;
    m->holds = g_new(bool, (gsize)n_cpus * n_lines);
    memset(m->holds, true, (gsize)n_cpus * n_lines);
    return m;
}

static void model_free(Model *m)
{
    g_free(m->holds);
    g_free(m);
}

static void model_reset(Model *m, unsigned first, unsigned n)
{
    memset(m->holds + (gsize)first * m->n_cpus, true, (gsize)n * m->n_cpus);
}

static bool model_moves(const Model *m, unsigned line, unsigned cpu,
                        bool store)
{
    const bool *holds = m->holds + (gsize)line * m->n_cpus;
    unsigned others = 0;

    for (unsigned c = 0; c < m->n_cpus; c++) {
        others += c != cpu && holds[c];
    }
    return !holds[cpu] || (store && others);
}

static bool model_access(Model *m, unsigned line, unsigned cpu, bool store)
{
    bool *holds = m->holds + (gsize)line * m->n_cpus;
    bool moves = model_moves(m, line, cpu, store);

    if (moves && store) {
        memset(holds, false, m->n_cpus);
    }
    holds[cpu] = true;
    return moves;
}

/* ---- one thread --------------------------------------------------------- */

static MtraceLines *lines_new(unsigned n_cpus, unsigned n_lines,
                              uint64_t *order)
{
    g_autoptr(GError) error = NULL;
    MtraceLines *lines = mtrace_lines_new(n_cpus, order);

    g_assert_true(mtrace_lines_add(lines, (void *)BASE, n_lines * LINE,
                                   &error));
    g_assert_no_error(error);
    return lines;
}

/* What generated code decides from the constants of a vCPU. */
static bool inline_moves(const MtraceLines *lines, uintptr_t host,
                         unsigned cpu, bool store)
{
    MtraceCPU c = { 0 };
    uint64_t word;

    mtrace_lines_setup_cpu(lines, cpu, &c);
    word = *(uint64_t *)((c.shadow + (host >> MTRACE_LINE_BITS)) * 8);
    return store ? word != c.store_value : (word & c.load_mask) != 0;
}

static bool line_moves(const MtraceLines *lines, uintptr_t host, unsigned cpu,
                       bool store)
{
    MtraceCPU constants;

    mtrace_lines_setup_cpu(lines, cpu, &constants);
    return mtrace_line_moves(&constants, host, store);
}

static bool line_access(MtraceLines *lines, uintptr_t host, unsigned cpu,
                        bool store, uint64_t *ticket)
{
    MtraceCPU constants;

    mtrace_lines_setup_cpu(lines, cpu, &constants);
    return mtrace_line_access(lines, &constants, host, cpu, store, ticket);
}

/* The line's state is the model's, whoever asks. */
static void check_line(const MtraceLines *lines, const Model *m, unsigned line)
{
    uintptr_t host = BASE + (uintptr_t)line * LINE;

    for (unsigned cpu = 0; cpu < m->n_cpus; cpu++) {
        for (int store = 0; store < 2; store++) {
            bool want = model_moves(m, line, cpu, store);

            g_assert_cmpint(line_moves(lines, host, cpu, store), ==, want);
            g_assert_cmpint(inline_moves(lines, host, cpu, store), ==, want);
        }
    }
}

/* One access by both, which must agree on it and on its ticket. */
static void access_both(MtraceLines *lines, Model *m, unsigned line,
                        unsigned cpu, bool store, uint64_t *order)
{
    uintptr_t host = BASE + (uintptr_t)line * LINE +
                     g_test_rand_int_range(0, LINE);
    uint64_t before = *order;
    uint64_t ticket = UINT64_MAX;
    bool want = model_access(m, line, cpu, store);

    g_assert_cmpint(line_moves(lines, host, cpu, store), ==, want);
    g_assert_cmpint(line_access(lines, host, cpu, store, &ticket), ==, want);
    g_assert_cmpuint(ticket, ==, want ? before : UINT64_MAX);
    g_assert_cmpuint(*order, ==, before + want);
    g_assert_false(line_moves(lines, host, cpu, store));
    g_assert_false(inline_moves(lines, host, cpu, store));
}

static void test_random(gconstpointer opaque)
{
    enum { LINES = 6, STEPS = 4000 };
    unsigned n_cpus = GPOINTER_TO_UINT(opaque);
    uint64_t order = 1000;
    MtraceLines *lines = lines_new(n_cpus, LINES, &order);
    Model *m = model_new(n_cpus, LINES);

    for (unsigned line = 0; line < LINES; line++) {
        check_line(lines, m, line);
    }
    for (int step = 0; step < STEPS; step++) {
        unsigned line = g_test_rand_int_range(0, LINES);

        /* Few enough vCPUs at a time that some hold a line for a while. */
        unsigned cpu = (g_test_rand_int_range(0, 4) * 61 + step / 500) % n_cpus;

        access_both(lines, m, line, cpu, g_test_rand_int_range(0, 3) == 0,
                    &order);
        if (step % 40 == 0) {
            check_line(lines, m, line);
        }
    }
    for (unsigned line = 0; line < LINES; line++) {
        check_line(lines, m, line);
    }
    model_free(m);
    mtrace_lines_free(lines);
}

/* All pairs of vCPUs at the edges of groups: store by one, load by the other. */
static void test_pairs(void)
{
    static const unsigned edges[] = {
        0, 1, 61, 62, 63, 64, 125, 126, 127, 188, 189, 190, 251, 252, 255,
    };
    uint64_t order = 0;
    MtraceLines *lines = lines_new(MTRACE_MAX_CPUS, 1, &order);
    Model *m = model_new(MTRACE_MAX_CPUS, 1);

    for (unsigned i = 0; i < G_N_ELEMENTS(edges); i++) {
        for (unsigned j = 0; j < G_N_ELEMENTS(edges); j++) {
            access_both(lines, m, 0, edges[i], true, &order);
            check_line(lines, m, 0);
            access_both(lines, m, 0, edges[j], false, &order);
            check_line(lines, m, 0);
            access_both(lines, m, 0, edges[i], true, &order);
            check_line(lines, m, 0);
        }
    }
    model_free(m);
    mtrace_lines_free(lines);
}

/* Alone, a vCPU never moves anything, and generated code knows it. */
static void test_alone(void)
{
    uint64_t order = 0;
    MtraceLines *lines = lines_new(1, 2, &order);
    uint64_t ticket;

    for (int i = 0; i < 10; i++) {
        g_assert_false(inline_moves(lines, BASE, 0, i & 1));
        g_assert_false(line_access(lines, BASE, 0, i & 1, &ticket));
    }
    g_assert_cmpuint(order, ==, 0);
    mtrace_lines_free(lines);
}

static void test_reset(void)
{
    enum { LINES = 3000, CPUS = 130 };
    uint64_t order = 7;
    MtraceLines *lines = lines_new(CPUS, LINES, &order);
    Model *m = model_new(CPUS, LINES);

    for (int round = 0; round < 3; round++) {
        for (unsigned line = 0; line < LINES; line++) {
            access_both(lines, m, line, g_test_rand_int_range(0, CPUS), true,
                        &order);
        }
        mtrace_lines_reset(lines);
        model_reset(m, 0, LINES);
        for (unsigned line = 0; line < LINES; line += 1 + line % 97) {
            check_line(lines, m, line);
        }
        check_line(lines, m, LINES - 1);
    }
    model_free(m);
    mtrace_lines_free(lines);
}

/* ---- memory that comes and goes ----------------------------------------- */

/* Random ranges of pages: theirs are held by all again, others' stay. */
static void test_add(void)
{
    enum { PAGES = 64, LINES = PAGES * PAGE / LINE, CPUS = 70 };
    uint64_t order = 0;
    MtraceLines *lines = mtrace_lines_new(CPUS, &order);
    Model *m = model_new(CPUS, LINES);
    bool added[PAGES] = { false };

    for (int step = 0; step < 300; step++) {
        unsigned first = g_test_rand_int_range(0, PAGES);
        unsigned n = g_test_rand_int_range(1, MIN(30, PAGES - first) + 1);
        g_autoptr(GError) error = NULL;

        g_assert_true(mtrace_lines_add(lines,
                                       (void *)(BASE + first * PAGE),
                                       n * PAGE, &error));
        g_assert_no_error(error);
        memset(added + first, true, n);
        model_reset(m, first * PAGE / LINE, n * PAGE / LINE);
        for (unsigned line = 0; line < LINES; line++) {
            if (added[line * LINE / PAGE] && (line + step) % 7 == 0) {
                access_both(lines, m, line, g_test_rand_int_range(0, CPUS),
                            g_test_rand_bit(), &order);
            }
        }
    }
    for (unsigned line = 0; line < LINES; line++) {
        if (added[line * LINE / PAGE]) {
            check_line(lines, m, line);
        }
    }
    model_free(m);
    mtrace_lines_free(lines);
}

/* Memory of some size: its first and last lines, and those just outside. */
static void test_edges(void)
{
    enum { BEFORE = 512, AFTER = 512 };
    static const unsigned sizes[] = { 1, 8, 511, 512, 513, 1024, 1536, 5000 };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint64_t order = 0;
        unsigned n = BEFORE + sizes[i] + AFTER;
        MtraceLines *lines = lines_new(2, n, &order);
        Model *m = model_new(2, n);
        unsigned first = BEFORE - g_test_rand_int_range(0, 3) * 64;

        for (unsigned line = 0; line < n; line++) {
            access_both(lines, m, line, 1, true, &order);
        }
        g_assert_true(mtrace_lines_add(lines, (void *)(BASE + first * LINE),
                                       sizes[i] * LINE, NULL));
        model_reset(m, first, sizes[i]);
        for (unsigned line = 0; line < n; line++) {
            check_line(lines, m, line);
        }
        model_free(m);
        mtrace_lines_free(lines);
    }
}

/* Freed memory's words are gone; the next session gets the place, clean. */
static void test_free(void)
{
    uint64_t order = 0;
    uint64_t ticket;

    for (int i = 0; i < 20; i++) {
        MtraceLines *lines = lines_new(200, 5000, &order);

        g_assert_true(line_access(lines, BASE, 199, true, &ticket));
        g_assert_true(line_access(lines, BASE + 4999 * LINE, 0, true,
                                  &ticket));
        mtrace_lines_free(lines);
    }
}

/* Something else is where the words belong: an error, not an overwrite. */
static void test_refused(void)
{
    uint64_t order = 0;
    MtraceLines *lines = lines_new(2, 1, &order);
    uint8_t *there;
    MtraceCPU c = { 0 };
    g_autoptr(GError) error = NULL;

    mtrace_lines_setup_cpu(lines, 0, &c);
    mtrace_lines_free(lines);
    there = mmap((void *)((c.shadow + BASE / LINE) * 8 + PAGE), PAGE,
                 PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    g_assert_true(there != MAP_FAILED);
    memset(there, 0xa5, PAGE);

    lines = mtrace_lines_new(2, &order);
    g_assert_false(mtrace_lines_add(lines, (void *)BASE, 4 * 512 * LINE,
                                    &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, "cache-line state"));
    mtrace_lines_free(lines);
    for (int i = 0; i < PAGE; i++) {
        g_assert_cmpuint(there[i], ==, 0xa5);
    }
    munmap(there, PAGE);
}

/* ---- many threads ------------------------------------------------------- */

#define THREADS 8
#define HOT_LINES 4

/* An access that a thread made; the order counter before and after it. */
typedef struct Access {
    uint64_t before;
    uint64_t after;
    uint64_t ticket;
    uint8_t line;
    bool store;
    bool recorded;
} Access;

typedef struct Hammer {
    MtraceLines *lines;
    uint64_t *order;
    int *go;
    unsigned bit;   /* in the model's sets */
    unsigned cpu;
    unsigned n;
    guint32 seed;
    Access *accesses;
} Hammer;

/* Half of the accesses look first, as the recorder does. */
static gpointer hammer(gpointer opaque)
{
    Hammer *h = opaque;
    g_autoptr(GRand) rand = g_rand_new_with_seed(h->seed);

    while (!__atomic_load_n(h->go, __ATOMIC_ACQUIRE)) {
        g_thread_yield();
    }
    for (unsigned i = 0; i < h->n; i++) {
        guint32 r = g_rand_int(rand);
        Access *a = &h->accesses[i];
        uintptr_t host;

        a->line = r % HOT_LINES;
        a->store = (r >> 8) % 3 == 0;
        host = BASE + a->line * LINE + (r >> 16) % LINE;
        a->before = __atomic_load_n(h->order, __ATOMIC_SEQ_CST);
        if ((r >> 30) == 0 ||
            line_moves(h->lines, host, h->cpu, a->store)) {
            a->recorded = line_access(h->lines, host, h->cpu, a->store,
                                      &a->ticket);
        }
        a->after = __atomic_load_n(h->order, __ATOMIC_SEQ_CST);
        if (i % 200 == 0) {
            g_thread_yield();
        }
    }
    return NULL;
}

/* A recorded access, and who holds its line from its ticket on. */
typedef struct Move {
    uint64_t ticket;
    uint32_t holders;
    uint8_t line;
    uint8_t bit;
    bool store;
} Move;

static bool set_moves(uint32_t holders, unsigned bit, bool store)
{
    uint32_t own = 1u << bit;

    return store ? holders != own : !(holders & own);
}

/*
 * All tickets, by number: each is drawn once, and each record, in the order of
 * the tickets, is one of an access that moved the line.
 */
static Move *replay(const Hammer *hammers, uint64_t n_moves)
{
    Move *moves = g_new0(Move, n_moves);
    bool *drawn = g_new0(bool, n_moves);
    uint32_t holders[HOT_LINES];
    uint64_t n = 0;

    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < hammers[t].n; i++) {
            const Access *a = &hammers[t].accesses[i];

            if (a->recorded) {
                g_assert_cmpuint(a->ticket, >=, a->before);
                g_assert_cmpuint(a->ticket, <, a->after);
                g_assert_false(drawn[a->ticket]);
                drawn[a->ticket] = true;
                moves[a->ticket] = (Move) {
                    a->ticket, 0, a->line, hammers[t].bit, a->store,
                };
                n++;
            }
        }
    }
    g_assert_cmpuint(n, ==, n_moves);
    memset(holders, 0xff, sizeof(holders));
    for (uint64_t i = 0; i < n_moves; i++) {
        uint32_t own = 1u << moves[i].bit;
        uint32_t *h = &holders[moves[i].line];

        g_assert_true(set_moves(*h, moves[i].bit, moves[i].store));
        *h = moves[i].store ? own : *h | own;
        moves[i].holders = *h;
    }
    g_free(drawn);
    return moves;
}

/* At some moment of an access that left no record, it moved nothing. */
static void check_silent(const Move *moves, const Access *a, unsigned bit)
{
    uint64_t i = a->after;

    while (i > 0) {
        i--;
        if (moves[i].line == a->line) {
            if (!set_moves(moves[i].holders, bit, a->store)) {
                return;
            }
            /* The state before the access began was the last candidate. */
            g_assert_cmpuint(i, >=, a->before);
        }
    }
    g_assert_false(set_moves(UINT32_MAX, bit, a->store));
}

/* @spread: distance of the numbers of two vCPUs that take part. */
static void test_threads(gconstpointer opaque)
{
    enum { ACCESSES = 150000 };
    unsigned spread = GPOINTER_TO_UINT(opaque);
    uint64_t order = 0;
    MtraceLines *lines = lines_new((THREADS - 1) * spread + 1, HOT_LINES,
                                   &order);
    Hammer hammers[THREADS];
    GThread *threads[THREADS];
    Move *moves;
    int go = 0;

    for (unsigned t = 0; t < THREADS; t++) {
        hammers[t] = (Hammer) {
            .lines = lines, .order = &order, .go = &go, .bit = t,
            .cpu = t * spread, .n = ACCESSES, .seed = g_test_rand_int(),
            .accesses = g_new0(Access, ACCESSES),
        };
        threads[t] = g_thread_new("hammer", hammer, &hammers[t]);
    }
    __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
    for (unsigned t = 0; t < THREADS; t++) {
        g_thread_join(threads[t]);
    }
    g_assert_cmpuint(order, >, HOT_LINES * THREADS);
    moves = replay(hammers, order);
    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < ACCESSES; i++) {
            if (!hammers[t].accesses[i].recorded) {
                check_silent(moves, &hammers[t].accesses[i], t);
            }
        }
        g_free(hammers[t].accesses);
    }
    g_test_message("%" G_GUINT64_FORMAT " moves", order);
    g_free(moves);
    mtrace_lines_free(lines);
}

int main(int argc, char **argv)
{
    static const unsigned n_cpus[] = {
        1, 2, 3, 4, 8, 16, 62, 63, 64, 65, 100, 125, 126, 127, 189, 190, 200,
        252, 253, 256,
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(n_cpus); i++) {
        g_autofree char *path = g_strdup_printf("/line-state/random/%u",
                                                n_cpus[i]);

        g_test_add_data_func(path, GUINT_TO_POINTER(n_cpus[i]), test_random);
    }
    g_test_add_func("/line-state/pairs", test_pairs);
    g_test_add_func("/line-state/alone", test_alone);
    g_test_add_func("/line-state/reset", test_reset);
    g_test_add_func("/line-state/add", test_add);
    g_test_add_func("/line-state/edges", test_edges);
    g_test_add_func("/line-state/free", test_free);
    g_test_add_func("/line-state/refused", test_refused);
    g_test_add_data_func("/line-state/threads/one-group", GUINT_TO_POINTER(1),
                         test_threads);
    g_test_add_data_func("/line-state/threads/four-groups",
                         GUINT_TO_POINTER(31), test_threads);
    return g_test_run();
}
