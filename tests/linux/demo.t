#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The demo's run on a stock kernel: the workload's lines are found, and carry the kernel's own names.
. "${0%/*}/lib.sh"

boot 300 -mtrace-enable -mtrace-file "$work/log"
ok $? "the guest boots, works and powers off"
grep -q 'demo: exit status 0' "$work/console"
ok $? "its workload succeeded"

"$m2text" "$work/log" > "$work/text"
is $? 0 "m2text reads the whole log"
is "$(grep -c 'host_type=access_all_cpu' "$work/text")" 2 "recording was started and stopped once, by the guest"

"$mscan" --analysis=sharing --limit=40 -i "$work/log" > "$work/sharing" 2> "$work/errors"
is $? 0 "mscan reports sharing"
is "$(wc -c < "$work/errors")" 0 "mscan has nothing to complain about"
for name in lockref_get_not_dead do_dentry_open pipe_write pipe_read; do
    grep -q "\<$name\>" "$work/sharing"
    ok $? "kernel function $name is named"
done
for name in jiffies tk_core 'rcu_state' '(cpu [0-3])'; do
    grep -q "$name" "$work/sharing"
    ok $? "kernel variable $name is named"
done
# The file's dentry is the most contended line: every open and every close on each CPU moves it.
sed -n '/^ *rank/,/^$/p' "$work/sharing" | sed -n '2,6p' | grep -q lockref
ok $? "the opened file's lockref is among the five lines that move most"

"$mscan" --analysis=sharing --format=json -i "$work/log" > "$work/json"
python3 - "$work/json" <<'END'
import json, sys
lines = json.load(open(sys.argv[1]))["shared_cachelines"]
assert len(lines) > 100, len(lines)
assert any(sum(1 for n in line["cpureads"] if n) == 4 for line in lines)
END
ok $? "the JSON report has lines that all four CPUs read"
echo "1..$number"
