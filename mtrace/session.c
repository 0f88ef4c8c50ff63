/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a recording session: open the log while QEMU still has its
 * directory, start the writer when the machine is there, switch modes, and
 * leave a complete log whichever way QEMU ends.
 *
 * Closing can race with vCPU threads that still run (a guest that ends QEMU
 * from one vCPU).  So closing raises session->closed, then waits for every
 * vCPU that is in the middle of an append; see enter() in access.c.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/cutils.h"
#include "qapi/error.h"
#include "exec/ramlist.h"
#include "exec/translation-block.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "system/cpus.h"
#include "system/runstate.h"
#include "system/system.h"
#include "system/tcg.h"
#include "mtrace/image.h"
#include "session.h"

static MtraceSession session;
static int log_fd = -1;
static char *new_log;     /* path of the log, when there was no such file */
static GThread *image_thread; /* embeds the guest's symbols */

MtraceSession *mtrace_session(void)
{
    return mtrace_enabled ? &session : NULL;
}

MtraceVCPU *mtrace_vcpu(CPUState *cpu)
{
    return mtrace_enabled && cpu->cpu_index < MTRACE_MAX_CPUS
               ? session.vcpus[cpu->cpu_index] : NULL;
}

/* ---- modes -------------------------------------------------------------- */

static void set_cpu_mode(CPUState *cpu, MtraceVCPU *v, MtraceMode mode)
{
    bool on = mode != MTRACE_MODE_DISABLE;

    cpu->neg.mtrace.recorder = on ? v : NULL;
    cpu->tcg_cflags = (cpu->tcg_cflags & ~CF_MTRACE) | (on ? CF_MTRACE : 0);
    /* A block that is already decided on is of the same variant. */
    if (cpu->cflags_next_tb != -1) {
        cpu->cflags_next_tb = (cpu->cflags_next_tb & ~CF_MTRACE) |
                              (on ? CF_MTRACE : 0);
    }
}

/* Runs with every vCPU outside generated code. */
static void set_mode_now(MtraceMode mode)
{
    CPUState *cpu;

    mtrace_lines_reset(session.lines);
    session.mode = mode;
    CPU_FOREACH(cpu) {
        MtraceVCPU *v = mtrace_vcpu(cpu);

        set_cpu_mode(cpu, v, mode);
    }
}

static uint64_t total_insns(void)
{
    uint64_t total = 0;
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        total += cpu->neg.mtrace.insns;
    }
    return total;
}

static void set_mode_work(CPUState *cpu, run_on_cpu_data data)
{
    g_autofree MtraceRecordHost *record = data.host_ptr;

    record->global_ts = total_insns();
    mtrace_append(mtrace_vcpu(cpu), &record->h);
    set_mode_now(record->value);
}

void mtrace_session_set_mode(CPUState *cpu, const MtraceRecordHost *record)
{
    async_safe_run_on_cpu(cpu, set_mode_work,
                          RUN_ON_CPU_HOST_PTR(g_memdup2(record,
                                                        sizeof(*record))));
}

/* ---- guest calls -------------------------------------------------------- */

/* Different refusals that are logged; further ones are only counted. */
#define MAX_REFUSALS 4096

void mtrace_refuse(MtraceVCPU *v, const MtraceSite *site,
                   const MtraceCall *call, const char *why)
{
    MtraceRecordGuestError r;
    g_autofree char *key = g_strdup_printf("%" PRIx64 " %s", site->pc, why);
    bool is_new;

    v->counts[MTRACE_COUNT_REFUSED]++;
    g_mutex_lock(&session.refused_lock);
    if (!session.refused) {
        session.refused = g_hash_table_new_full(g_str_hash, g_str_equal,
                                                g_free, NULL);
    }
    is_new = g_hash_table_size(session.refused) < MAX_REFUSALS &&
             g_hash_table_add(session.refused, g_strdup(key));
    g_mutex_unlock(&session.refused_lock);
    if (!is_new) {
        return;
    }
    mtrace_record_init(&r, MTRACE_RECORD_GUEST_ERROR, sizeof(r), v->index);
    r.h.insns = site->insns;
    r.h.accesses = v->inline_state->accesses;
    r.pc = site->pc;
    r.entry_addr = call->entry;
    r.entry_type = call->type;
    r.entry_len = call->len;
    pstrcpy(r.str, sizeof(r.str), why);
    mtrace_append(v, &r.h);
    warn_report("mtrace: guest call at 0x%" PRIx64 ": %s", site->pc, why);
}

/* ---- guest memory ------------------------------------------------------- */

static void ram_added(RAMBlockNotifier *n, void *host, size_t size,
                      size_t max_size)
{
    g_autoptr(GError) error = NULL;

    if (!mtrace_lines_add(session.lines, host, MAX(size, max_size), &error)) {
        error_report("mtrace: %s", error->message);
        exit(1);
    }
}

static void ram_removed(RAMBlockNotifier *n, void *host, size_t size,
                        size_t max_size)
{
    /* Its line words stay mapped; memory added there again is reset. */
}

static RAMBlockNotifier ram_notifier = {
    .ram_block_added = ram_added,
    .ram_block_removed = ram_removed,
};

/* ---- start -------------------------------------------------------------- */

void mtrace_cpu_realize(CPUState *cpu)
{
    MtraceVCPU *v;

    if (!mtrace_enabled) {
        return;
    }
    if (cpu->cpu_index < 0) {
        error_report("mtrace cannot record machine %s: its vCPUs have no "
                     "numbers", MACHINE_GET_CLASS(current_machine)->name);
        exit(1);
    }
    if (current_machine->smp.max_cpus > MTRACE_MAX_CPUS ||
        cpu->cpu_index >= MTRACE_MAX_CPUS) {
        error_report("mtrace records %u vCPUs at most", MTRACE_MAX_CPUS);
        exit(1);
    }
    if (!session.lines) {
        session.lines = mtrace_lines_new(current_machine->smp.max_cpus,
                                         &session.order);
        ram_block_notifier_add(&ram_notifier);
    }
    /* A block must have one pc: its accesses are named by it. */
    cpu->tcg_cflags &= ~CF_PCREL;
    v = session.vcpus[cpu->cpu_index];
    if (!v) {
        v = g_new0(MtraceVCPU, 1);
        v->sites = g_new0(MtraceSiteEntry, MTRACE_SITE_CACHE);
        v->session = &session;
        v->index = cpu->cpu_index;
        session.vcpus[cpu->cpu_index] = v;
    }
    v->cpu = cpu;
    v->inline_state = &cpu->neg.mtrace;
    mtrace_lines_setup_cpu(session.lines, v->index, &cpu->neg.mtrace);
    if (session.writer) {
        v->stream = mtrace_log_writer_stream(session.writer, v->index);
    }
    set_cpu_mode(cpu, v, session.mode);
}

/* The symbols of the guest, read while the machine already runs. */
static gpointer embed_image(gpointer path)
{
    g_autofree char *file = path;
    g_autofree char *name = g_path_get_basename(file);
    g_autoptr(GError) error = NULL;
    MtraceImage *image = mtrace_image_open(file, &error);
    MtraceLogSection sections[8];
    unsigned n = 0;
    const char *text, *build_id;
    const uint8_t *btf;
    size_t len;

    if (!image) {
        warn_report("mtrace: no symbols go into the log: %s", error->message);
        return NULL;
    }
    sections[n++] = (MtraceLogSection) { "name", name, strlen(name) };
    sections[n++] = (MtraceLogSection) { "path", file, strlen(file) };
    build_id = mtrace_image_build_id(image);
    if (build_id) {
        sections[n++] = (MtraceLogSection) { "build-id", build_id,
                                             strlen(build_id) };
    }
    text = mtrace_image_symbols(image, &len);
    sections[n++] = (MtraceLogSection) { "symbols", text, len };
    btf = mtrace_image_btf(image, &len);
    if (btf && len) {
        sections[n++] = (MtraceLogSection) { "btf", btf, len };
    }
    mtrace_log_writer_add_image(session.writer, sections, n);
    mtrace_image_free(image);
    return NULL;
}

static void describe(void)
{
    MachineState *ms = current_machine;
    g_autofree char *cmdline = NULL;
    g_autofree char *number = NULL;
    gsize len = 0;

    if (g_file_get_contents("/proc/self/cmdline", &cmdline, &len, NULL)) {
        for (gsize i = 0; i + 1 < len; i++) {
            cmdline[i] = cmdline[i] ? cmdline[i] : ' ';
        }
        mtrace_log_writer_set_meta(session.writer, "command", cmdline);
    }
    mtrace_log_writer_set_meta(session.writer, "qemu", QEMU_VERSION);
    mtrace_log_writer_set_meta(session.writer, "arch", "x86_64");
    mtrace_log_writer_set_meta(session.writer, "tcg",
                               qemu_tcg_mttcg_enabled() ? "multi" : "single");
    number = g_strdup_printf("%u", MTRACE_LINE_SIZE);
    mtrace_log_writer_set_meta(session.writer, "line", number);
    if (ms->kernel_filename) {
        mtrace_log_writer_set_meta(session.writer, "kernel",
                                   ms->kernel_filename);
    }
}

static void append_machine(void)
{
    MtraceRecordMachine r;

    mtrace_record_init(&r, MTRACE_RECORD_MACHINE, sizeof(r), 0);
    r.num_cpus = current_machine->smp.cpus;
    r.num_ram = current_machine->ram_size;
    r.sample = session.options.sample;
    mtrace_append(session.vcpus[0], &r.h);
}

/* As if the guest had asked for it with its first instruction. */
static void start_mode(void)
{
    MtraceRecordHost r;

    if (session.options.mode == MTRACE_MODE_DISABLE) {
        return;
    }
    mtrace_record_init(&r, MTRACE_RECORD_HOST, sizeof(r), 0);
    r.host_type = MTRACE_HOST_ACCESS_ALL_CPU;
    r.value = session.options.mode;
    pstrcpy(r.str, sizeof(r.str), "whole run");
    mtrace_append(session.vcpus[0], &r.h);
    set_mode_now(session.options.mode);
}

/*
 * A snapshot is about to replace the guest's memory, unseen: say so, and start
 * over with every line held by all.  The vCPUs stand still.
 */
static void vm_state_changed(void *opaque, bool running, RunState state)
{
    MtraceRecordDiscontinuity r;

    if (running || state != RUN_STATE_RESTORE_VM) {
        return;
    }
    mtrace_record_init(&r, MTRACE_RECORD_DISCONTINUITY, sizeof(r), 0);
    pstrcpy(r.str, sizeof(r.str), "loadvm replaces the guest's memory");
    mtrace_append(session.vcpus[0], &r.h);
    mtrace_lines_reset(session.lines);
}

static void machine_ready(Notifier *n, void *unused)
{
    g_autoptr(GError) error = NULL;
    struct stat status;

    if (!tcg_enabled()) {
        error_report("mtrace records what TCG executes: -accel tcg is needed");
        exit(1);
    }
    if (!session.vcpus[0]) {
        error_report("mtrace cannot record a machine without vCPUs");
        exit(1);
    }
    /* From here on the machine starts: an older log has had its time. */
    if (fstat(log_fd, &status) == 0 && S_ISREG(status.st_mode) &&
        ftruncate(log_fd, 0) < 0) {
        error_report("cannot truncate the log %s: %s", session.options.file,
                     strerror(errno));
        exit(1);
    }
    session.writer = mtrace_log_writer_new(log_fd, session.options.file,
                                           &error);
    if (!session.writer) {
        error_report("%s", error->message);
        exit(1);
    }
    describe();
    for (unsigned i = 0; i < MTRACE_MAX_CPUS; i++) {
        if (session.vcpus[i]) {
            session.vcpus[i]->stream =
                mtrace_log_writer_stream(session.writer, i);
        }
    }
    append_machine();
    qemu_add_vm_change_state_handler(vm_state_changed, NULL);
    if (current_machine->kernel_filename) {
        image_thread = g_thread_new("mtrace-image", embed_image,
                                    g_strdup(current_machine->kernel_filename));
    }
    start_mode();
    /* QEMU does this later only; from here on a signal must end it well. */
    os_setup_signal_handling();
}

/* ---- end ---------------------------------------------------------------- */

static const char *const count_names[MTRACE_COUNT_MAX] = {
    [MTRACE_COUNT_DEVICE] = "device-accesses",
    [MTRACE_COUNT_DELIVERY] = "delivery-accesses",
    [MTRACE_COUNT_ATOMIC] = "atomic-accesses",
    [MTRACE_COUNT_DIRECT] = "direct-accesses",
    [MTRACE_COUNT_SLOW] = "slow-path-accesses",
    [MTRACE_COUNT_RECOMPILE] = "io-recompiles",
    [MTRACE_COUNT_LOADS_MOVED] = "loads-moved",
    [MTRACE_COUNT_STORES_MOVED] = "stores-moved",
    [MTRACE_COUNT_CALLS] = "guest-calls",
    [MTRACE_COUNT_REFUSED] = "guest-calls-refused",
};

/* After stop_appending(): the streams are this thread's. */
static void append_counter(MtraceVCPU *v, const MtraceCPU *state,
                           const char *name, uint64_t value)
{
    MtraceRecordCounter r;

    mtrace_record_init(&r, MTRACE_RECORD_COUNTER, sizeof(r), v->index);
    r.h.order = session.order++;
    r.h.insns = state->insns;
    r.h.accesses = state->accesses;
    pstrcpy(r.name, sizeof(r.name), name);
    r.value = value;
    mtrace_log_append(v->stream, &r.h);
}

static void append_counters(MtraceVCPU *v)
{
    MtraceCPU state = { 0 };
    CPUState *cpu;

    /* One that was unplugged took its instruction counts along. */
    CPU_FOREACH(cpu) {
        if (cpu == v->cpu) {
            state = cpu->neg.mtrace;
        }
    }
    append_counter(v, &state, "insns", state.insns);
    append_counter(v, &state, "accesses", state.accesses);
    for (unsigned i = 0; i < MTRACE_COUNT_MAX; i++) {
        append_counter(v, &state, count_names[i], v->counts[i]);
    }
}

/* No vCPU appends any more when this returns. */
static void stop_appending(void)
{
    __atomic_store_n(&session.closed, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < MTRACE_MAX_CPUS; i++) {
        MtraceVCPU *v = session.vcpus[i];

        while (v && v->cpu != current_cpu &&
               __atomic_load_n(&v->busy, __ATOMIC_SEQ_CST)) {
            g_usleep(100);
        }
    }
}

/* The machine was never ready: do not leave an empty file behind. */
static void forget_log(void)
{
    /* With -daemonize, parents end before their child has any vCPU. */
    if (new_log && (session.lines || !is_daemonized())) {
        unlink(new_log);
    }
}

static void finish(Notifier *n, void *unused)
{
    g_autoptr(GError) error = NULL;

    if (!session.writer) {
        forget_log();
        return;
    }
    stop_appending();
    for (unsigned i = 0; i < MTRACE_MAX_CPUS; i++) {
        if (session.vcpus[i]) {
            append_counters(session.vcpus[i]);
        }
    }
    if (image_thread) {
        g_thread_join(image_thread);
    }
    if (!mtrace_log_writer_close(session.writer, NULL, &error)) {
        error_report("mtrace: the log is not complete: %s", error->message);
    }
    session.writer = NULL;
}

/* ---- set-up ------------------------------------------------------------- */

static Notifier ready_notifier = { .notify = machine_ready };
static Notifier exit_notifier = { .notify = finish };

void mtrace_prepare(void)
{
    mtrace_check_options();
    if (!mtrace_enabled) {
        return;
    }
    if (!mtrace_options.file) {
        mtrace_options.file = g_strdup("mtrace.out");
    }
    log_fd = qemu_open_old(mtrace_options.file,
                           O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (log_fd >= 0) {
        new_log = g_canonicalize_filename(mtrace_options.file, NULL);
    } else if (errno == EEXIST) {
        log_fd = qemu_open_old(mtrace_options.file, O_WRONLY);
    }
    if (log_fd < 0) {
        error_report("cannot write the log %s: %s", mtrace_options.file,
                     strerror(errno));
        exit(1);
    }
    session.options = mtrace_options;
    qemu_add_machine_init_done_notifier(&ready_notifier);
    qemu_add_exit_notifier(&exit_notifier);
}
