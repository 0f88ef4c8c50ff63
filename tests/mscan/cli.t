#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line of mscan: every option, its aliases, wrong usage, and the exit statuses.
. "$(dirname "$0")/lib.sh"

"$make_log" "$here/logs/movement.script" mtrace.out
"$make_log" "$here/logs/all.script" all.out

runs 0 "--version" "$mscan" --version
says out '^mscan [0-9.]+ \(log format [0-9]+\.[0-9]+\)$' "--version names the log format"
runs 0 "--list" "$mscan" --list
says out '^sharing +lines ' "--list has sharing"
says out '^summary +what ' "--list has summary"
runs 0 "--help" "$mscan" --help
says out '^Usage: mscan ' "--help tells the usage"
runs 0 "--analysis=sharing --help" "$mscan" --analysis=sharing --help
says out '^  --limit=N ' "the analysis's options are in its help"

runs 0 "default input" "$mscan" --analysis=sharing
cp out expected
for spelling in "-i mtrace.out" "--input=mtrace.out" "--mtrace-log-file mtrace.out" "mtrace.out" "--format=text"; do
    runs 0 "$spelling" "$mscan" --analysis=sharing $spelling
    cmp -s out expected
    ok $? "$spelling gives the same report"
done
runs 0 "--all-sharing" "$mscan" --all-sharing
cmp -s out expected
ok $? "--all-sharing is --analysis=sharing"
"$mscan" --analysis=sharing - <mtrace.out >out 2>err
ok $? "standard input"
sed 's/sharing of -/sharing of mtrace.out/' out | cmp -s - expected
ok $? "standard input gives the same report"
runs 0 "--summary" "$mscan" --summary
says out '^  instructions +1957$' "--summary counts instructions"
runs 0 "two analyses" "$mscan" --analysis=sharing,summary --summary
[ "$(grep -c '^summary of' out)" -eq 1 ] && [ "$(grep -c '^sharing of' out)" -eq 1 ]
ok $? "each analysis reports once"

runs 0 "-o" "$mscan" --analysis=sharing -o report
[ ! -s out ] && cmp -s report expected
ok $? "-o writes the report there and nothing else"
echo "something much longer than the report will be" >report
runs 0 "-o over a file" "$mscan" --analysis=summary -o report
runs 0 "-o over a longer file" "$mscan" --analysis=sharing -o report
cmp -s report expected
ok $? "-o leaves nothing of what was there"
runs 2 "-o over the log" "$mscan" --analysis=sharing -o mtrace.out
sentence "-o over the log is refused with a sentence"
runs 0 "the log is still there" "$mscan" --analysis=sharing
runs 3 "-o in a directory that is not there" "$mscan" --analysis=sharing -o no/report
sentence "and says so"
"$mscan" --analysis=sharing >/dev/full 2>err
[ $? -eq 3 ]
ok $? "a full disk is exit status 3"
sentence "and says so"

# filters and options of sharing
runs 0 "--limit" "$mscan" --analysis=sharing --limit=1
says out '^  \.\.\. and 2 more$' "--limit=1 leaves two lines out"
runs 0 "--cpu" "$mscan" --analysis=sharing --cpu=0,1
says out 'Shared lines' "--cpu reports"
! grep -q '^#.*user address' out
ok $? "--cpu=0,1 leaves CPU 2 out"
runs 0 "--kernel-only" "$mscan" --analysis=sharing --kernel-only
! grep -q 'user:' out
ok $? "--kernel-only has no user code"
runs 0 "--user-only" "$mscan" --analysis=sharing --user-only
! grep -q 'vfs_' out
ok $? "--user-only has no kernel code"
runs 0 "--recording" "$mscan" --analysis=sharing --recording=run
says out '^  1 of 2 lines' "--recording=run sees the second recording only"
runs 2 "--recording of another name" "$mscan" --analysis=sharing --recording=walk
sentence "names what is not there"
says err "it has 'boot', 'run'" "and what there is"
runs 0 "--from and --to" "$mscan" --analysis=sharing --from=7 --to=8
says out '^  2 of 18 accesses are looked at' "--from and --to are inclusive"
runs 0 "--granularity=byte" "$mscan" --analysis=sharing --granularity=byte
says out ' units of 1 bytes ' "bytes are units"
says out '^  +8 +.* open_files +vfs_open$' "each byte of the field is shared"
! grep -Eq '^ +[0-9]+ .* close_count' out
ok $? "a field that one CPU uses is not"
runs 0 "--granularity=4096" "$mscan" --analysis=sharing --granularity=4096
runs 0 "--sort" "$mscan" --analysis=sharing --sort=address --format=json
[ "$(sed -n 's/.*"line":"\([^"]*\)".*/\1/p' out | tr '\n' ' ')" = "0x2000040 0x10010100 0x30000000 " ]
ok $? "--sort=address sorts"
runs 0 "--sort=cpus" "$mscan" --analysis=sharing --sort=cpus

# wrong usage: one sentence, status 2
wrong() {
    name=$1
    shift
    runs 2 "$name" "$mscan" "$@"
    sentence "$name: one sentence"
}
wrong "no analysis" mtrace.out
wrong "an unknown analysis" --analysis=nonsense
wrong "an unknown option" --analysis=sharing --nonsense
wrong "an option of another analysis" --analysis=summary --limit=3
wrong "html" --analysis=sharing --format=html
wrong "another format" --analysis=sharing --format=xml
wrong "a limit that is no number" --analysis=sharing --limit=many
wrong "a negative limit" --analysis=sharing --limit=-1
wrong "a huge limit" --analysis=sharing --limit=99999999999999999999
wrong "a sort key that is none" --analysis=sharing --sort=colour
wrong "a granularity that is no power of two" --analysis=sharing --granularity=3
wrong "a granularity with a tail" --analysis=sharing --granularity=8x
wrong "an empty list of CPUs" --analysis=sharing --cpu=
wrong "a list of CPUs that ends early" --analysis=sharing --cpu=1-
wrong "CPUs backwards" --analysis=sharing --cpu=3-1
wrong "a CPU that cannot be" --analysis=sharing --cpu=4096
wrong "both levels excluded" --analysis=sharing --kernel-only --user-only
wrong "from behind to" --analysis=sharing --from=9 --to=3
wrong "two logs" --analysis=sharing mtrace.out all.out
wrong "an option without its value" --analysis
for option in --load=x.so --task=1 --syscall=1; do
    wrong "$option, which comes later" --analysis=sharing $option
done

# hostile strings
runs 0 "hostile strings as text" "$mscan" --analysis=sharing,summary all.out
! LC_ALL=C grep -q '[^ -~]' out
ok $? "text is printable ASCII"
runs 0 "hostile strings as JSON" "$mscan" --analysis=sharing,summary --format=json all.out
python3 -m json.tool out >/dev/null
ok $? "JSON is JSON"
iconv -f utf-8 -t utf-8 out >/dev/null
ok $? "JSON is UTF-8"
done_testing
