# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the bare-metal guests: make -f tests/guests/guests.mk [OUT=DIR]
# Each C file of this directory becomes the ELF program OUT/NAME; those named
# *32.c become 32-bit programs with the small runtime of their own.

here := $(dir $(lastword $(MAKEFILE_LIST)))
top := $(here)../..
OUT ?= $(top)/build/tools/tests/guests
CC := gcc

flags := -std=gnu11 -O2 -g -Wall -Wextra -Werror -ffreestanding \
	-fno-pic -fno-pie -fno-stack-protector -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fcf-protection=none \
	-fno-tree-loop-distribute-patterns -mgeneral-regs-only \
	-I$(top)/include -I$(here)runtime -MMD -MP
flags64 := -m64 -mno-red-zone -mcmodel=small
flags32 := -m32 -march=i686
link := -nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack \
	-Wl,-z,max-page-size=4096,--no-warn-rwx-segments

runtime64 := boot vectors cpu memory console expect script calls
runtime32 := boot32 console calls
guests32 := $(patsubst $(here)%.c,%,$(wildcard $(here)*32.c))
guests64 := $(filter-out $(guests32),$(patsubst $(here)%.c,%,$(wildcard $(here)*.c)))

all: $(addprefix $(OUT)/,$(guests64) $(guests32))

$(OUT)/o64/%.o: $(here)%.c | $(OUT)/o64
	$(CC) $(flags) $(flags64) -c $< -o $@
$(OUT)/o64/%.o: $(here)runtime/%.c | $(OUT)/o64
	$(CC) $(flags) $(flags64) -c $< -o $@
$(OUT)/o64/%.o: $(here)runtime/%.S | $(OUT)/o64
	$(CC) $(flags) $(flags64) -c $< -o $@
$(OUT)/o32/%.o: $(here)%.c | $(OUT)/o32
	$(CC) $(flags) $(flags32) -c $< -o $@
$(OUT)/o32/%.o: $(here)runtime/%.c | $(OUT)/o32
	$(CC) $(flags) $(flags32) -c $< -o $@
$(OUT)/o32/%.o: $(here)runtime/%.S | $(OUT)/o32
	$(CC) $(flags) $(flags32) -c $< -o $@

$(addprefix $(OUT)/,$(guests64)): $(OUT)/%: $(OUT)/o64/%.o \
		$(runtime64:%=$(OUT)/o64/%.o) $(here)runtime/guest.ld
	$(CC) -m64 $(link) -T $(here)runtime/guest.ld $(filter %.o,$^) -o $@
$(addprefix $(OUT)/,$(guests32)): $(OUT)/%: $(OUT)/o32/%.o \
		$(runtime32:%=$(OUT)/o32/%.o) $(here)runtime/guest.ld
	$(CC) -m32 $(link) -T $(here)runtime/guest.ld $(filter %.o,$^) -o $@

$(OUT)/o64 $(OUT)/o32:
	mkdir -p $@

-include $(wildcard $(OUT)/o64/*.d $(OUT)/o32/*.d)
.PHONY: all
.SECONDARY:
