/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text on the debug console, port 0xe9, a byte at a time.
 */
#include "guest.h"

#define DEBUG_CONSOLE 0xe9

static void put_char(char c)
{
    __asm__ volatile("outb %0, %1" : : "a" (c), "Nd" (DEBUG_CONSOLE));
}

void put_str(const char *s)
{
    while (*s) {
        put_char(*s++);
    }
}

void put_hex(uint64_t value)
{
    int shift = 60;

    put_str("0x");
    while (shift && !(value >> shift)) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        put_char("0123456789abcdef"[(value >> shift) & 15]);
    }
}

void put_dec(uint64_t value)
{
    char digits[21];
    char *p = digits + 20;

    *p = 0;
    do {
        uint64_t rest = value;
        uint64_t quotient = 0;

        /* No 64-bit division in a freestanding 32-bit program. */
        for (int bit = 60; bit >= 0; bit--) {
            if ((rest >> bit) >= 10) {
                rest -= (uint64_t)10 << bit;
                quotient |= (uint64_t)1 << bit;
            }
        }
        *--p = '0' + (char)rest;
        value = quotient;
    } while (value);
    put_str(p);
}
