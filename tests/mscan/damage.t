#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Logs that are not whole: one sentence, the right exit status, and a report of what is there.
. "$(dirname "$0")/lib.sh"

"$make_log" "$here/logs/movement.script" whole.out
size=$(wc -c <whole.out)

runs 3 "no such file" "$mscan" --analysis=sharing missing.out
sentence "no such file: one sentence"
says err 'missing\.out' "it names the file"
: >empty.out
runs 3 "an empty file" "$mscan" --analysis=sharing empty.out
sentence "an empty file: one sentence"
says err 'empty\.out' "it names the file"
echo "This is text, and not a log at all, though it is long enough to be one." >text.out
runs 3 "not a log" "$mscan" --analysis=sharing text.out
sentence "not a log: one sentence"
says err 'not an mtrace log' "it says so"
runs 3 "a directory" "$mscan" --analysis=sharing .
sentence "a directory: one sentence"
{ head -c 8 whole.out; printf '\377\000'; tail -c +11 whole.out; } >newer.out
runs 3 "a newer major version" "$mscan" --analysis=sharing newer.out
sentence "a newer version: one sentence"
says err 'version' "it speaks of versions"

# cut short, at several places: status 1 and a report, or 3 when nothing is left
for cut in 1 10 70; do
    head -c $((size - cut)) whole.out >cut.out
    runs 1 "cut $cut bytes before the end" "$mscan" --analysis=sharing,summary cut.out
    says out 'The log is not whole: ' "the report says so"
    runs 1 "the same as JSON" "$mscan" --analysis=summary --format=json cut.out
    says out '"complete":false' "JSON says so"
    python3 -m json.tool out >/dev/null
    ok $? "and is JSON"
done
bad=0
at=0
while [ $at -lt "$size" ]; do
    head -c $at whole.out >cut.out
    "$mscan" --analysis=sharing,summary cut.out >out 2>err
    status=$?
    case $status in
    1) grep -q 'The log is not whole' out || bad=1 ;;
    3) [ "$(wc -l <err)" -eq 1 ] || bad=1 ;;
    *) bad=1 ;;
    esac
    [ $bad -eq 0 ] || { echo "# cut at $at: status $status"; break; }
    at=$((at + 13))
done
ok $bad "cut anywhere: status 1 with a report, or 3 with a sentence"

# a loss that the recorder wrote down itself
cat >loss.script <<'END'
machine num_cpus=2
access cpu=0 kind=2 size=8 pc=1 vaddr=0x1000 paddr=0x1000 flags=1
loss cpu=0xffff count=7 str='disk full'
access cpu=1 kind=2 size=8 pc=1 vaddr=0x1000 paddr=0x1000 flags=1
END
"$make_log" loss.script loss.out
runs 1 "a loss record" "$mscan" --analysis=summary,sharing loss.out
says out '7 records' "it is repeated"
says out 'disk full' "with its reason"

# CPUs that the machine does not have are not believed
cat >cpus.script <<'END'
machine num_cpus=2
access cpu=0 kind=2 size=8 pc=1 vaddr=0x1000 paddr=0x1000 flags=1
access cpu=60000 kind=2 size=8 pc=1 vaddr=0x1000 paddr=0x1000 flags=1
END
"$make_log" cpus.script cpus.out
runs 1 "a CPU that cannot be" "$mscan" --analysis=sharing,summary cpus.out
says out '1 records are of CPUs that this machine does not have' "it is said"
says out '^  0 of 1 lines' "and not counted"

# the ends of the address space, sizes of zero
cat >edges.script <<'END'
label guest_addr=0xfffffffffffffff0 paddr=0xfffffffffffffff0 bytes=0xffffffffffffffff label_type=1 str=end
label guest_addr=0x10 paddr=0x10 bytes=0xffffffffffffffff label_type=77 str=whole
access cpu=0 kind=2 size=0 pc=0 vaddr=0xffffffffffffffff paddr=0xffffffffffffffff flags=1
access cpu=1 kind=2 size=255 pc=0 vaddr=0xffffffffffffffff paddr=0xffffffffffffffff flags=255 cpl=255 origin=255
access cpu=1 kind=200 size=64 pc=0xffffffffffffffff vaddr=0 paddr=0 flags=1
host cpu=1 host_type=99 value=5 str=x
host cpu=1 host_type=1 value=99 str=odd
register cpu=1 reg=77 value=1
register cpu=0xffff reg=1 value=0xffffffffffffffff
END
"$make_log" edges.script edges.out
for unit in byte line 4096; do
    runs 0 "edges, by $unit" timeout 20 "$mscan" --analysis=sharing,summary --granularity=$unit edges.out
done
done_testing
