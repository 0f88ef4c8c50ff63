/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines that say which record a guest call must leave: "call TYPE", the CPU,
 * then name=value of the fields that are compared; and lines for counters.
 */
#include "guest.h"

void expect_call(const char *type, unsigned cpu)
{
    put_str("call ");
    put_str(type);
    expect_u64("cpu", cpu);
}

void expect_u64(const char *name, uint64_t value)
{
    put_str(" ");
    put_str(name);
    put_str("=");
    put_dec(value);
}

void expect_word(const char *name, const char *value)
{
    put_str(" ");
    put_str(name);
    put_str("=");
    put_str(value);
}

void expect_str(const char *name, const char *value)
{
    put_str(" ");
    put_str(name);
    put_str("=\"");
    put_str(value);
    put_str("\"");
}

void expect_end(void)
{
    put_str("\n");
}

void expect_counter(const char *name, uint64_t value)
{
    put_str("counter");
    expect_str("name", name);
    expect_u64("value", value);
    expect_end();
}
