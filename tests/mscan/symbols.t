#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Where names come from: the log's own symbols, a moved kernel, the file that the log's kernel came from, -k, and -k of
# another build. The program is compiled here, so that nm and addr2line say what the names must be.
. "$(dirname "$0")/lib.sh"

cat >guest.c <<'END'
struct counter { int pad; struct { long hits, misses; } stats; };
struct counter shared_counter = { 1, { 2, 3 } };
__attribute__((noinline)) void bump(void) { shared_counter.stats.misses++; }
void _start(void) { bump(); for (;;) { } }
END
compile() {
    gcc -g -O1 -static -nostdlib -fno-pie -no-pie -Wl,--build-id=0x"$2" -Wl,-Ttext=0x100000 -o "$1" guest.c
}
compile guest.elf 1111111111111111111111111111111111111111 &&
compile other.elf 2222222222222222222222222222222222222222
ok $? "the program is compiled"
pc=0x$(nm guest.elf | awk '$3 == "bump" { print $1 }')
data=0x$(nm guest.elf | awk '$3 == "shared_counter" { print $1 }')
line=$(addr2line -e guest.elf "$pc" | sed 's|.*/||; s| .*||')

# log SLIDE EXTRA: two CPUs write to shared_counter.stats.misses, all moved by SLIDE.
log() {
    printf '%b' "$2"
    echo "machine num_cpus=2"
    for cpu in 0 1; do
        printf 'access cpu=%d kind=2 size=8 flags=1 pc=0x%x vaddr=0x%x paddr=0x1000010\n' \
            $cpu $((pc + $1)) $((data + 16 + $1))
    done
}

log 0 "image name guest\nimage path $scratch/guest.elf\nimage build-id 1111111111111111111111111111111111111111\n" >script
"$make_log" script own.out
runs 0 "the file the log's kernel came from" "$mscan" --analysis=sharing own.out
says out 'shared_counter\.stats\.misses' "its types are used"
says out "bump +$line\$" "its lines are used"
mv guest.elf moved.elf
runs 0 "that file is gone" "$mscan" --analysis=sharing own.out
says out 'unknown address 0x' "then there are no names"
cp other.elf guest.elf
runs 0 "that file is another build now" "$mscan" --analysis=sharing own.out
says out 'unknown address 0x' "then it is not used"
runs 0 "-k" "$mscan" --analysis=sharing -k moved.elf own.out
says out 'shared_counter\.stats\.misses' "-k gives types"
! grep -q 'another build' out
ok $? "no warning when the build-id is that of the log"
runs 0 "-k of another build" "$mscan" --analysis=sharing,summary -k other.elf own.out
says out 'other\.elf is another build than the kernel in the log' "a warning when it is not"
says out 'shared_counter\.stats\.misses' "and it is used all the same"
"$mscan" --analysis=sharing --kernel other.elf own.out >out2
grep -q 'another build' out2
ok $? "--kernel FILE is -k FILE"
runs 3 "-k that is missing" "$mscan" --analysis=sharing -k missing.elf own.out
sentence "says so"
echo "no ELF" >bad.elf
runs 3 "-k that is no kernel" "$mscan" --analysis=sharing -k bad.elf own.out
sentence "says so"

# the log's own symbols, of a kernel that KASLR moved by 0x200000
nm -n moved.elf | awk '{ print "symbol 0x" $1, $2, $3 }' >symbols
cat >>symbols <<'END'
symbol 0xffffffff81000000 T _stext
symbol 0xffffffff81001000 T entry_SYSCALL_64
symbol 0xffffffff81002000 T vfs_read
symbol 0xffffffff81003000 T _etext
symbol 0xffffffff82000000 D inode_stat
symbol 0xffffffff82000040 D _edata
END
cat symbols - >script <<'END'
machine num_cpus=2
register cpu=0 reg=2 value=0xffffffff81201000
access cpu=0 kind=2 size=8 flags=1 pc=0xffffffff81202010 vaddr=0xffffffff82200008 paddr=0x3000008
access cpu=1 kind=2 size=8 flags=1 pc=0xffffffff81202010 vaddr=0xffffffff82200008 paddr=0x3000008
END
"$make_log" script slid.out
runs 0 "a moved kernel" "$mscan" --analysis=sharing slid.out
says out 'inode_stat\+0x8' "data has its name"
says out ' vfs_read +-$' "code has its name"

# the types of a stock kernel, from its image
if [ -n "${MTRACE_TEST_VMLINUZ:-}" ]; then
    cat >script <<'END'
machine num_cpus=2
label guest_addr=0xffff888000002000 paddr=0x2000 bytes=192 label_type=1 str=dentry
access cpu=0 kind=2 size=4 flags=1 pc=1 vaddr=0xffff888000002000 paddr=0x2000
access cpu=1 kind=2 size=4 flags=1 pc=1 vaddr=0xffff888000002000 paddr=0x2000
END
    "$make_log" script stock.out
    runs 0 "-k vmlinuz" "$mscan" --analysis=sharing,summary -k "$MTRACE_TEST_VMLINUZ" stock.out
    says out 'dentry\.d_flags' "a labelled object has the fields of its type"
else
    echo "Bail out! MTRACE_TEST_VMLINUZ is not set to a stock kernel's vmlinuz"
    exit 1
fi
done_testing
