/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compared memory and its page table; and the two functions that a
 * compiler may call of its own accord.
 */
#include "machine.h"

#define PTE_FLAGS 7             /* present, writable, user */
#define PTE_USER 4

uint8_t data[DATA_PAGES * PAGE_SIZE]
    __attribute__((section(".mtrace_data"), aligned(PAGE_SIZE)));

static uint64_t *data_pte(unsigned page)
{
    return &data_page_table[((uint64_t)data >> 12 & 511) + page];
}

static void set_pte(unsigned page, uint64_t pte)
{
    *(volatile uint64_t *)data_pte(page) = pte;
    __asm__ volatile("invlpg %0" : : "m" (data[page * PAGE_SIZE]) : "memory");
}

void data_map(unsigned page, unsigned target)
{
    set_pte(page, (uint64_t)&data[target * PAGE_SIZE] | PTE_FLAGS);
}

void data_unmap(unsigned page)
{
    set_pte(page, 0);
}

void data_protect(unsigned page)
{
    set_pte(page, *data_pte(page) & ~(uint64_t)PTE_USER);
}

uint64_t data_paddr(const void *va)
{
    uint64_t offset = (uint64_t)va - (uint64_t)data;

    return (*data_pte(offset / PAGE_SIZE) & ~0xffful) | offset % PAGE_SIZE;
}

void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((volatile char *)to)[i] = ((const char *)from)[i];
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((volatile char *)to)[i] = value;
    }
    return to;
}
