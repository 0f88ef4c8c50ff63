#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Accesses that the recorder counts, against those that QEMU's plug-in interface counts in the same run. The plug-in
# sees neither interrupt delivery nor, of an access to a device that is executed twice, the first time; it does see
# accesses to devices, which the recorder counts apart.
. "${0%/*}/lib.sh"

plugin=$work/count-accesses.so
# shellcheck disable=SC2046
${CC:-gcc} -shared -fPIC -O2 $(pkg-config --cflags glib-2.0) -I"$MTRACE_ROOT/build/qemu-src/include/qemu" \
    -o "$plugin" "${0%/*}/count-accesses.c"
ok $? "the plug-in compiles"

compare() {
    name=$1
    shift
    boot 0 "$@" -mtrace-enable -mtrace-mode movement -mtrace-file "$work/log" \
        -plugin "$plugin" -d plugin -D "$work/plugin.txt"
    ok $? "$name: the guest boots and powers off"
    counted=$(sed -n 's/^plugin-accesses=//p' "$work/plugin.txt")
    expected=$(($(counter "$work/log" accesses) + $(counter "$work/log" device-accesses) -
                $(counter "$work/log" direct-accesses) - $(counter "$work/log" delivery-accesses) -
                $(counter "$work/log" io-recompiles)))
    [ "${counted:-0}" -gt 100000000 ]
    ok $? "$name: a whole boot was counted"
    is "$expected" "$counted" "$name: recorder and plug-in agree on every access"
}

compare "round-robin" -accel tcg,thread=single
compare "multi-threaded" -accel tcg,thread=multi
compare "instruction-counted" -icount shift=4,sleep=off -rtc clock=vm,base=2024-01-01T00:00:00
echo "1..$number"
