/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every guest call from 32-bit code, in ring 0 and ring 3.
 */
#include "call-list.h"

void guest_main(void)
{
    make_all_calls();
    expect_all_calls();
    run_in_ring3(make_all_calls);
    expect_all_calls();
    make_access_call();
    expect_access_call();
}
