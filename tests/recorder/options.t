#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The -mtrace-* options: help, every bad value, what does not go together, what is not recorded yet, and which file is
# written. A refusal is one sentence that opens with the program's name and names what it refuses once, and status 1.
set -u
root=${MTRACE_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
qemu=${MTRACE_QEMU:-$root/x86_64-softmmu/qemu-system-x86_64}
m2text=${MTRACE_M2TEXT:-${MTRACE_BUILD:-$root}/mtrace-tools/m2text}
for program in "$qemu" "$m2text"; do
    [ -x "$program" ] || { echo "Bail out! $program is not built"; exit 1; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
export LC_ALL=C
name=${qemu##*/}
number=0
failed=0

# ok STATUS WHAT: one test; a STATUS of 0 is good.
ok() {
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        [ ! -s err ] || sed 's/^/# stderr: /' err
        failed=1
    fi
}

# start OPTION...: QEMU with a stopped machine, told to quit; leaves $status, out and err.
start() {
    echo quit | timeout 60 "$qemu" -S -m 16 -nodefaults -display none -monitor stdio "$@" >out 2>err
    status=$?
}

# said PATTERN: err is one sentence of the program, and matches.
said() {
    [ "$(wc -l <err)" -eq 1 ] && grep -q "^$name: " err && grep -Eq -e "$1" err
}

# once OPTION VALUE: the sentence about this bad value names the option once.
once() {
    start -mtrace-enable "$1" "$2"
    [ "$(grep -o -e "$1" err | wc -l)" -eq 1 ]
    ok $? "a refusal names $1 once"
}

# refused WHAT PATTERN OPTION...: no start, one sentence, and a log that is there stays as it is.
refused() {
    what=$1
    pattern=$2
    shift 2
    echo 'a log of yesterday' >mtrace.out
    start "$@"
    [ $status -eq 1 ] && said "$pattern"
    ok $? "refused: $what"
    [ "$(cat mtrace.out)" = 'a log of yesterday' ]
    ok $? "  and mtrace.out is left alone"
    rm -f mtrace.out
}

# cannot WHAT PATTERN OPTION...: the machine turns out not to be one that can be recorded.
cannot() {
    what=$1
    pattern=$2
    shift 2
    start "$@"
    [ $status -eq 1 ] && said "$pattern"
    ok $? "refused: $what"
    rm -f mtrace.out
}

# bad OPTION VALUE PATTERN: a bad value, on a line that has -mtrace-enable too.
bad() {
    refused "-$1 '$2'" "$3" -mtrace-enable "-$1" "$2"
}

# accepted WHAT FILE OPTION...: QEMU starts, and leaves a whole log of that name, alone.
accepted() {
    what=$1
    file=$2
    shift 2
    start "$@"
    [ $status -eq 0 ] && [ ! -s err ]
    ok $? "accepted: $what"
    "$m2text" "$file" >text 2>err && grep -Eq '^0 .* machine .*num_cpus=' text
    ok $? "  and $file is a whole log"
    others=$(find . -type f ! -name out ! -name err ! -name text ! -name "$file")
    [ -z "$others" ]
    ok $? "  and nothing else was written"
    rm -f "$file"
}

# ---- help ----------------------------------------------------------------
"$qemu" -help >help 2>err
for option in enable 'file file' 'mode disable|movement|ascope|kernelscope' all locked calls 'sample n' 'quantum n'; do
    grep -A 1 -e "^-mtrace-$option\( .*\)\{0,1\}\$" help | tr '\n' ' ' | grep -Eq -e "^-mtrace-$option +[a-z]"
    ok $? "-help explains -mtrace-$option"
done
[ "$(grep -c '^-mtrace-' help)" -eq 8 ]
ok $? "-help has no other"

# ---- bad values ----------------------------------------------------------
for value in nonsense '' Movement 'movement,' 1 'movement '; do
    bad mtrace-mode "$value" 'there is no such mode; the modes are disable, movement, ascope and kernelscope$'
done
for value in 0 0x0 -1 +1 '' many 2x 1.5 ' 1' '1 ' 0x 1e3 9223372036854775808 18446744073709551616 \
    -18446744073709551615; do
    bad mtrace-sample "$value" 'wants a whole number from 1$'
    bad mtrace-quantum "$value" 'wants a whole number from 1$'
done
bad mtrace-file '' 'wants the name of a file$'
once -mtrace-mode nonsense
once -mtrace-sample 0
once -mtrace-quantum 0
once -mtrace-file ''

for option in file mode sample quantum; do
    refused "-mtrace-$option without a value" "-mtrace-$option: requires an argument\$" -mtrace-enable "-mtrace-$option"
done
refused 'an option that does not exist' '-mtrace-nonesuch: invalid option$' -mtrace-enable -mtrace-nonesuch

# ---- the log's file ------------------------------------------------------
echo text >plain
refused 'a log in no directory' 'cannot write the log nowhere/log: No such file or directory$' \
    -mtrace-enable -mtrace-file nowhere/log
refused 'a log below a file' 'cannot write the log plain/log: Not a directory$' -mtrace-enable -mtrace-file plain/log
refused 'a directory' 'cannot write the log \.: Is a directory$' -mtrace-enable -mtrace-file .
refused 'a device that is full' 'cannot write /dev/full: No space left on device$' -mtrace-enable -mtrace-file /dev/full
rm plain

# ---- without -mtrace-enable ----------------------------------------------
for option in 'file log' 'mode movement' 'mode disable' all locked calls 'sample 1' 'quantum 1000'; do
    # shellcheck disable=SC2086
    refused "-mtrace-$option alone" "^$name: -mtrace-${option%% *} needs -mtrace-enable\$" -mtrace-$option
done
[ ! -e log ]
ok $? "no log was written by those"

# ---- not recorded yet ----------------------------------------------------
refused -mtrace-all '-mtrace-all: .' -mtrace-enable -mtrace-all
refused -mtrace-locked '-mtrace-locked: .' -mtrace-enable -mtrace-locked
refused -mtrace-calls '-mtrace-calls: .' -mtrace-enable -mtrace-calls
for value in 2 0x2 9223372036854775807; do
    refused "-mtrace-sample $value" '-mtrace-sample: .' -mtrace-enable -mtrace-sample $value
    refused "-mtrace-quantum $value" '-mtrace-quantum: .' -mtrace-enable -mtrace-quantum $value
done
refused '-mtrace-mode ascope' 'mode ascope is not recorded' -mtrace-enable -mtrace-mode ascope
refused '-mtrace-mode kernelscope' 'mode kernelscope is not recorded' -mtrace-mode kernelscope -mtrace-enable

# ---- machines that cannot be recorded ------------------------------------
cannot 'an accelerator that is not TCG' 'accel tcg is needed$' -mtrace-enable -accel qtest
cannot 'a machine without vCPUs' 'machine without vCPUs$' -mtrace-enable -M none
cannot 'more than 256 vCPUs' '256 vCPUs at most$' -mtrace-enable -M q35 -m 64 -smp 257
cannot 'room for more than 256 vCPUs' '256 vCPUs at most$' -mtrace-enable -M q35 -m 64 -smp 1,maxcpus=257

# ---- what is accepted, and which file is written -------------------------
start
[ $status -eq 0 ] && [ -z "$(find . -type f ! -name out ! -name err ! -name help)" ]
ok $? "no file is written without -mtrace options"
rm help
accepted '-mtrace-enable' mtrace.out -mtrace-enable
accepted '-mtrace-file' other -mtrace-file other -mtrace-enable
accepted 'the last of two -mtrace-file' second -mtrace-enable -mtrace-file first -mtrace-file second
accepted '-mtrace-sample 1' mtrace.out -mtrace-enable -mtrace-sample 1
accepted '-mtrace-sample 0x1' mtrace.out -mtrace-enable -mtrace-sample 0x1
accepted '-mtrace-mode disable' mtrace.out -mtrace-enable -mtrace-mode disable
accepted '256 vCPUs' mtrace.out -mtrace-enable -M q35 -m 64 -smp 1,maxcpus=256
accepted '-mtrace-mode movement' mtrace.out -mtrace-mode movement -mtrace-enable
grep -q ' host .* value=1 host_type=access_all_cpu ' text
ok $? "  and recording is on from the start"

echo "1..$number"
exit $failed
