# SPDX-License-Identifier: GPL-2.0-or-later
# What the shell tests of mscan share: where things are, a scratch directory to run in, and TAP.
root=${MTRACE_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${MTRACE_BUILD:-$root}
tools=${MTRACE_TOOLS_BUILD:-$root/build/tools}
here=$root/tests/mscan
mscan=$build/mtrace-tools/mscan
m2text=$build/mtrace-tools/m2text
make_log=$tools/tests/mscan/make-log
export LC_ALL=C

for program in "$mscan" "$m2text" "$make_log"; do
    [ -x "$program" ] || { echo "Bail out! $program is not built"; exit 1; }
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1

tap_count=0
tap_failed=0

# ok STATUS NAME: one test point, passed when STATUS is 0.
ok() {
    tap_count=$((tap_count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_count - $2"
    else
        echo "not ok $tap_count - $2"
        tap_failed=1
    fi
}

# comment FILE: its lines as TAP comments.
comment() {
    sed 's/^/# /' "$1"
}

# runs STATUS NAME COMMAND...: the command must exit with STATUS; its output is left in out and err.
runs() {
    want=$1
    name=$2
    shift 2
    "$@" >out 2>err </dev/null
    got=$?
    if [ "$got" -ne "$want" ]; then
        echo "# exit status $got, not $want: $*"
        comment err
    fi
    [ "$got" -eq "$want" ]
    ok $? "$name"
}

# says FILE PATTERN NAME: a line of the file must match the extended regular expression.
says() {
    grep -Eq -- "$2" "$1"
    status=$?
    [ $status -eq 0 ] || { echo "# no line matches: $2"; comment "$1"; }
    ok $status "$3"
}

# sentence NAME: err must be one line of mscan's.
sentence() {
    [ "$(wc -l <err)" -eq 1 ] && grep -q '^mscan: ' err
    status=$?
    [ $status -eq 0 ] || comment err
    ok $status "$1"
}

done_testing() {
    echo "1..$tap_count"
    exit $tap_failed
}
