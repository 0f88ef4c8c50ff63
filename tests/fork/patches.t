#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The patches obey their rules on every supported QEMU, each fetched and verified like configure does.
set -eu
cd "$(dirname "$0")/../.."
trees=
for version in $(awk '!/^#/ && $4 == "supported" { print $1 }' QEMU-PIN); do
    found=$(scripts/qemu-source --version="$version" 2>/dev/null) || {
        echo "not ok 1 - no source of QEMU $version"
        echo "1..1"
        exit 1
    }
    trees="$trees ${found##* }"
done
exec "$(scripts/python)" scripts/fork check $trees
