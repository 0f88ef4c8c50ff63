#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may include what (the dependency rule), what every source file opens with, and what no file may contain.
set -u
cd "$(dirname "$0")/../.."
count=0
failed=0

# none WHAT LINES: passes when LINES is empty, else shows it.
none() {
    count=$((count + 1))
    if [ -z "$2" ]; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        echo "$2" | sed 's/^/#   /'
        failed=1
    fi
}

sources() {
    [ $# -eq 0 ] || find "$@" -name '*.[ch]' 2>/dev/null | sort
}

# includes PATH...: "FILE:LINE:#include ..." for the quoted includes and the bracketed ones.
includes() {
    files=$(sources "$@")
    [ -z "$files" ] || grep -nH '^[[:space:]]*#[[:space:]]*include' $files
}

quoted() {
    includes "$@" | grep '"'
}

upstream='["<](qemu|qapi|qom|exec|hw|tcg|accel|system|sysemu|monitor|migration|block|chardev|cpu|target|trace)[/.-]'

none "mtrace/log and mtrace/image include no QEMU header" \
    "$(includes mtrace/log mtrace/image include/mtrace/log.h include/mtrace/format.h include/mtrace/image.h |
       grep -E "$upstream")"
none "mtrace/log and mtrace/image include nothing of the tools" \
    "$(includes mtrace/log mtrace/image | grep -E '"(mscan|sym|scan)[-./]|mtrace-tools')"
none "mtrace/log and mtrace/image include of ours only include/mtrace/ and their own" \
    "$(quoted mtrace/log mtrace/image | grep -vE '"(mtrace/[a-z-]+|[a-z0-9-]+)\.h"')"
none "the tools include no QEMU header" "$(includes mtrace-tools | grep -E "$upstream")"
none "the tools include of ours only include/mtrace/, mtrace-magic.h and their own" \
    "$(quoted mtrace-tools | grep -vE '"(mtrace/[a-z-]+|(sym/|scan/|mscan/|libmscan/|dump/|run/|\.\./)?[a-z0-9-]+)\.h"')"
none "the tools include no private header of mtrace/" \
    "$(for header in $(cd mtrace 2>/dev/null && find . -name '*.h' | sed 's,.*/,,'); do
           find mtrace-tools -name "$header" | grep -q . || quoted mtrace-tools | grep "\"$header\""
       done)"
none "analyses see only mscan.h" \
    "$(quoted $(find mtrace-tools -type d -name analyses) 2>/dev/null | grep -v '"\(\.\./\)\{0,1\}mscan\.h"')"
none "mtrace-magic.h stands alone" "$(quoted include/mtrace-magic.h 2>/dev/null)"

ours="accel target tcg hw system include mtrace mtrace-tools monitor qapi tests"
none "every C file opens with its SPDX line" \
    "$(for file in $(sources $ours); do
           head -n 1 "$file" | grep -q 'SPDX-License-Identifier: ' || echo "$file"
       done)"
none "every script and build file names its licence" \
    "$(for file in configure GNUmakefile meson.build $(find scripts tests mtrace mtrace-tools bench .ci \
               \( -name meson.build -o -name '*.t' -o -name GNUmakefile -o -type f -perm -u+x \) 2>/dev/null | sort); do
           case $file in *.patch) continue ;; esac
           [ -L "$file" ] || head -n 3 "$file" | grep -q 'SPDX-License-Identifier: ' || echo "$file"
       done)"
none "no C file is longer than 1000 lines" \
    "$(for file in $(sources $ours); do
           lines=$(wc -l < "$file")
           [ "$lines" -le 1000 ] || echo "$file: $lines lines"
       done)"
none "no file but a patch ends a line in white space" \
    "$(grep -nE '[[:blank:]]$' configure GNUmakefile meson.build $(sources $ours) 2>/dev/null)"
none "source file names are unique in the tree" \
    "$(sources $ours | sed 's,.*/,,' | sort | uniq -d)"
none "no name of a package mirror is written anywhere" \
    "$(grep -rnE '(deb|ftp|security|snapshot)\.[a-z.-]*(debian|ubuntu)\.(org|com)' \
           --exclude-dir=build --exclude-dir=.git --exclude=layers.t . 2>/dev/null)"
none "mtrace-magic.h at the root is the one in include/" \
    "$([ "$(readlink mtrace-magic.h)" = include/mtrace-magic.h ] || echo mtrace-magic.h)"

echo "1..$count"
exit $failed
