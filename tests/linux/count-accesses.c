/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCG plug-in that counts memory accesses by QEMU's own memory callbacks, so
 * that the recorder's totals can be checked by something that is not ours.
 *
 * Only the total is right: without parallel TCG, QEMU's plug-in core takes the
 * translating vCPU's index for the executing one's. For the same reason its
 * scoreboards crash there, so the counter is a plain one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static uint64_t accesses;

static void accessed(unsigned int vcpu, qemu_plugin_meminfo_t info,
                     uint64_t vaddr, void *unused)
{
    __atomic_add_fetch(&accesses, 1, __ATOMIC_RELAXED);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i),
                                         accessed, QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, NULL);
    }
}

static void ended(qemu_plugin_id_t id, void *unused)
{
    char line[64];

    snprintf(line, sizeof(line), "plugin-accesses=%" PRIu64 "\n",
             __atomic_load_n(&accesses, __ATOMIC_RELAXED));
    qemu_plugin_outs(line);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                                           const qemu_info_t *info, int argc,
                                           char **argv)
{
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
