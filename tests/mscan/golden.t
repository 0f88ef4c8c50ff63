#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every analysis on every log of logs/, as text and as JSON, against golden/. MTRACE_UPDATE_GOLDEN=1 rewrites the
# latter; read the difference before committing it.
. "$(dirname "$0")/lib.sh"

for script in "$here"/logs/*.script; do
    log=$(basename "$script" .script)
    "$make_log" "$script" "$log.out" || { ok 1 "$log is made"; continue; }
    for analysis in $("$mscan" --list | cut -d ' ' -f 1); do
        for format in text json; do
            golden=$here/golden/$analysis-$log.$format
            runs 0 "$analysis of $log runs ($format)" "$mscan" --analysis="$analysis" --format=$format "$log.out"
            sed 's/"version":"[^"]*"/"version":"VERSION"/' out >got
            [ -z "${MTRACE_UPDATE_GOLDEN:-}" ] || cp got "$golden"
            diff -u "$golden" got >difference 2>&1
            status=$?
            [ $status -eq 0 ] || comment difference
            ok $status "$analysis of $log is as golden ($format)"
            if [ $format = json ]; then
                python3 -m json.tool got >/dev/null
                ok $? "$analysis of $log is JSON"
            fi
        done
    done
done
done_testing
