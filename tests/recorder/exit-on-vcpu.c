/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCG plug-in that calls exit() on the thread of a vCPU, as a device model
 * may in an error, while the other vCPUs run.
 *
 * It counts the executed blocks of the guest ends.S, which lies above 1 MiB,
 * and leaves alone those of the firmware.
 */
#include <stdint.h>
#include <stdlib.h>
#include <qemu-plugin.h>

#define GUEST_START 0x100000
#define GUEST_END 0x110000
#define BLOCKS 30000000
#define STATUS 7

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static uint64_t executed_blocks;

static void executed(unsigned int vcpu, void *unused)
{
    if (__atomic_add_fetch(&executed_blocks, 1, __ATOMIC_RELAXED) == BLOCKS) {
        exit(STATUS);
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    uint64_t start = qemu_plugin_tb_vaddr(tb);

    if (start >= GUEST_START && start < GUEST_END) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, executed,
                                             QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                                           const qemu_info_t *info, int argc,
                                           char **argv)
{
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
