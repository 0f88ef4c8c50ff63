# SPDX-License-Identifier: GPL-2.0-or-later
# Booting the demo guest, for the tests of this directory. Sourced; needs the environment of tests/run.
set -u
: "${MTRACE_ROOT:?run me through make check-linux}" "${MTRACE_QEMU:?}" "${MTRACE_TEST_VMLINUZ:?}"
m2text=$MTRACE_BUILD/mtrace-tools/m2text
mscan=$MTRACE_BUILD/mtrace-tools/mscan
initramfs=$("$MTRACE_ROOT/scripts/demo-initramfs")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

# ok STATUS WHAT: one test; a STATUS of 0 is good.
ok() {
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
    fi
}

# is GOT WANTED WHAT
is() {
    [ "$1" = "$2" ]
    ok $? "$3"
    [ "$1" = "$2" ] || echo "# got $1, wanted $2"
}

# boot ROUNDS QEMU-OPTION...: the demo guest on four vCPUs; its console goes to $work/console.
boot() {
    rounds=$1
    shift
    timeout 300 "$MTRACE_QEMU" "$@" -smp 4 -m 512 -kernel "$MTRACE_TEST_VMLINUZ" -initrd "$initramfs" \
        -append "console=ttyS0 quiet panic=-1 rdinit=/init ROUNDS=$rounds" \
        -nodefaults -display none -no-reboot -serial "file:$work/console" < /dev/null > "$work/qemu.log" 2>&1
    status=$?
    [ $status -eq 0 ] || sed 's/^/# qemu: /' "$work/qemu.log"
    return $status
}

# counter LOG NAME: sum over the vCPUs of one of the totals at the end of a log.
counter() {
    "$m2text" --type=counter "$1" | sed -n "s/.* value=\([0-9]*\) name=\"$2\"\$/\1/p" |
        awk '{ sum += $1 } END { printf "%d\n", sum }'
}
