/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every guest call from ring 0 and ring 3; a label whose pages do not follow
 * each other in physical memory becomes a record for each part that does.
 */
#include "call-list.h"

static void expect_part(unsigned page, unsigned offset, unsigned bytes,
                        unsigned done)
{
    expect_call("label", 0);
    expect_u64("guest_addr", ADDRESS(data + page * PAGE_SIZE + offset));
    expect_u64("paddr", data_paddr(data + page * PAGE_SIZE + offset));
    expect_u64("bytes", bytes);
    expect_u64("offset", done);
    expect_word("label_type", "block");
    expect_str("str", "parts");
    expect_end();
}

static void scattered_label(void)
{
    data_map(5, 9);
    data_map(9, 5);
    mtrace_label_register(mtrace_label_block, data + 3 * PAGE_SIZE + 96,
                          4 * PAGE_SIZE - 96 - 8, "parts", 5, 0);
    expect_part(3, 96, 2 * PAGE_SIZE - 96, 0);
    expect_part(5, 0, PAGE_SIZE, 2 * PAGE_SIZE - 96);
    expect_part(6, 0, PAGE_SIZE - 8, 3 * PAGE_SIZE - 96);
}

void guest_main(void)
{
    make_all_calls();
    expect_all_calls();
    run_in_ring3(make_all_calls);
    expect_all_calls();
    make_access_call();
    expect_access_call();
    scattered_label();
}
