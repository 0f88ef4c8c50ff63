#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The meta-test: every analysis has a docs page that shows its --help as it is, and golden files; the page of mscan
# shows mscan's own --help and --list as they are; every file of analyses/ is registered.
. "$(dirname "$0")/lib.sh"

# block PAGE COMMAND: the fenced block of the page that begins with "$ COMMAND", without that line.
block() {
    awk -v first="\$ $2" '
        /^```/ { inside = !inside && 1; wanted = 0; fresh = 1; next }
        inside && fresh { fresh = 0; if ($0 == first) { wanted = 1; next } }
        wanted { print }' "$1"
}

# shows PAGE ARGUMENTS NAME: the page shows what mscan prints.
shows() {
    "$mscan" $2 >printed
    block "$1" "mscan $2" >shown
    [ -s shown ] && diff -u printed shown >difference
    status=$?
    [ $status -eq 0 ] || { echo "# $1 does not show what mscan $2 prints"; comment difference; }
    ok $status "$3"
}

: >difference
shows "$root/docs/mscan.md" --help "docs/mscan.md shows --help"
shows "$root/docs/mscan.md" --list "docs/mscan.md shows --list"
"$mscan" --list | cut -d ' ' -f 1 >names
sort -c names
ok $? "the list is sorted"
for analysis in $(cat names); do
    page=$root/docs/analyses/$analysis.md
    [ -s "$page" ]
    ok $? "$analysis has a page"
    shows "$page" "--analysis=$analysis --help" "the page shows the help of $analysis"
    [ -n "$(ls "$here"/golden/"$analysis"-*.text 2>/dev/null)" ] && [ -n "$(ls "$here"/golden/"$analysis"-*.json)" ]
    ok $? "$analysis has golden files"
    grep -q "analyses/$analysis.md" "$root/docs/mscan.md"
    ok $? "docs/mscan.md links to the page of $analysis"
    awk 'length > 80 { exit 1 }' printed
    ok $? "the help of $analysis fits 80 columns"
done
ls "$root"/mtrace-tools/libmscan/analyses/*.c | sed 's|.*/||; s|\.c$||' | cmp -s - names
ok $? "every file of analyses/ is an analysis, and the other way round"
for file in "$root"/mtrace-tools/libmscan/analyses/*.c; do
    ! grep -E '#include "' "$file" | grep -qv '"mscan.h"' && ! grep -Eq 'printf\(stdout|[^n_]printf\(|puts\(' "$file"
    ok $? "$(basename "$file") includes only mscan.h and prints nothing"
done
done_testing
