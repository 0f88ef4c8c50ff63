#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A short run of every fuzz target; tests/fuzz/run does it at length.
set -u
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
count=0
failed=0
for source in "$here"/fuzz-*.c; do
    target=$(basename "$source" .c)
    target=${target#fuzz-}
    count=$((count + 1))
    if MTRACE_FUZZ_DIR=$dir "$here/run" "${MTRACE_FUZZ_SECONDS:-20}" "$target" >"$dir/output" 2>&1; then
        echo "ok $count - $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/output") inputs"
    else
        echo "not ok $count - $target"
        tail -n 40 "$dir/output" | sed 's/^/# /'
        failed=1
    fi
done
echo "1..$count"
exit $failed
