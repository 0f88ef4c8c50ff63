#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# m2text from the outside: what it prints, its options, its exit statuses and its one sentence on standard error.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
m2text=${MTRACE_BUILD:-$here}/mtrace-tools/m2text
data=$here/tests/data
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export LC_ALL=C
count=0
failed=0

# check WHAT STATUS OUT ERR ARG...: runs m2text and compares its exit status, its output with the file OUT and its
# standard error with the text ERR. OUT may be - for output that does not matter.
check() {
    what=$1 status=$2 out=$3 err=$4
    shift 4
    count=$((count + 1))
    "$m2text" "$@" >"$dir/out" 2>"$dir/err"
    got=$?
    printf '%s' "${err:+$err
}" >"$dir/wanted-err"
    if [ "$got" = "$status" ] && cmp -s "$dir/err" "$dir/wanted-err" &&
       { [ "$out" = - ] || cmp -s "$dir/out" "$out"; }; then
        echo "ok $count - $what"
    else
        echo "not ok $count - $what"
        echo "# status $got, wanted $status"
        sed 's/^/# stderr: /' "$dir/err"
        [ "$out" = - ] || diff "$out" "$dir/out" | head -n 10 | sed 's/^/# /'
        failed=1
    fi
}

# says PATTERN: a line of the output just checked is like this.
says() {
    count=$((count + 1))
    if grep -qE "$1" "$dir/out"; then
        echo "ok $count - says $1"
    else
        echo "not ok $count - says $1"
        sed 's/^/# /' "$dir/out" | head -n 5
        failed=1
    fi
}

log=$data/log-1.0.mtrace
text=$data/log-1.0.txt
help=' (m2text --help lists the options)'
size=$(wc -c <"$log")

check 'a whole log' 0 "$text" '' "$log"
cp "$log" "$dir/mtrace.out"
cd "$dir" || exit 1
check 'mtrace.out is the default' 0 "$text" ''
check 'standard input' 0 "$text" '' - <"$log"
cat "$log" | check 'a pipe as standard input' 0 "$text" '' -
count=$((count + 1)) # that one counted in a subshell

grep -E '^#|^[0-9]+ cpu=[^ ]+ insns=[0-9]+ accesses=[0-9]+ (lock|access) ' "$text" >wanted
check '--type' 0 wanted '' --type=lock,access "$log"
grep -E '^#|^[0-9]+ cpu=2 ' "$text" >wanted
check '--cpu' 0 wanted '' --cpu=2 "$log"
grep -E '^#|^[0-9]+ cpu=none ' "$text" >wanted
check '--cpu=none' 0 wanted '' --cpu=none "$log"
{ grep '^#' "$text"; grep -v '^#' "$text" | head -n 7; } >wanted
check '--limit' 0 wanted '' --limit=7 "$log"
check '--version' 0 - '' --version
says '^m2text [0-9.]+, log format [0-9]+\.[0-9]+$'
check '--help' 0 - '' --help
says '^  --limit=N '
check '-h' 0 - '' -h
says '^  --limit=N '

check 'an unknown option' 2 /dev/null "m2text: Unknown option --nonesuch$help" --nonesuch
check 'an unknown type' 2 /dev/null "m2text: there is no record type \"xyz\"$help" --type=lock,xyz "$log"
check 'a bad cpu' 2 /dev/null "m2text: --cpu takes a number or \"none\", not \"1x\"$help" --cpu=1x "$log"
check 'two logs' 2 /dev/null "m2text: one log at a time, please (\"b\" is the second)$help" a b

: >empty
echo 'this is text' >words
check 'no such file' 3 /dev/null 'm2text: cannot open nonesuch: No such file or directory' nonesuch
check 'an empty file' 3 /dev/null 'm2text: empty is empty' empty
check 'not a log' 3 /dev/null 'm2text: words is not an mtrace log' words
check 'a directory' 3 /dev/null 'm2text: cannot read .: Is a directory' .
check 'empty standard input' 3 /dev/null 'm2text: standard input is empty' - </dev/null

head -c $((size - 1)) "$log" >cut
start=$(grep -abo MTCK "$log" | tail -n 1 | cut -d: -f1)
check 'a log that was cut short' 1 "$text" "m2text: cut: the log was cut short (it has no END chunk); \
$((size - 1 - start)) bytes could not be read; the first damage is at byte $start" cut

count=$((count + 1))
{ sleep 0.3; "$m2text" "$log"; echo $? >status; } 2>err | true
if [ -s err ] || [ "$(cat status)" != 0 ]; then
    echo "not ok $count - a reader that goes away"
    failed=1
else
    echo "ok $count - a reader that goes away"
fi

count=$((count + 1))
"$m2text" "$log" 2>err >/dev/full
if [ $? = 3 ] && grep -qx 'm2text: cannot write the text: No space left on device' err; then
    echo "ok $count - a full disk"
else
    echo "not ok $count - a full disk"
    failed=1
fi

echo "1..$count"
exit $failed
