#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every way in which QEMU can end, under round-robin and multi-threaded TCG, while the vCPUs of a bare-metal guest
(ends.S) fight over cache lines: the log must be whole. And what is left when it cannot be: after SIGKILL, and when the
log's file takes no more.

  tests/recorder/exits.t [WORD]...      only tests with one of these words in their name

A log is whole when m2text says so, its order has no gaps, and the records of each vCPU are as many as the totals at
its end say. What can be read of a damaged one is checked against a walk over the chunks (docs/log-format.md).

MTRACE_QEMU and MTRACE_M2TEXT name other programs; MTRACE_SEED repeats the random moments of an earlier run.
"""
import collections
import os
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
QEMU = os.environ.get('MTRACE_QEMU', ROOT + '/x86_64-softmmu/qemu-system-x86_64')
M2TEXT = os.environ.get('MTRACE_M2TEXT', os.environ.get('MTRACE_BUILD', ROOT) + '/mtrace-tools/m2text')
CPUS = 3
SECONDS = 60                    # after which anything is stuck
DEBUG_EXIT = 33                 # QEMU's status after the guest's debug exit
PLUGIN_EXIT = 7                 # and after exit-on-vcpu.c's
EMULATIONS = {'round-robin': 'single', 'multi-threaded': 'multi'}
NEVER = 'e0 1 200000'            # the guest that does not end, at a pace that keeps logs small
LIMIT = 8192                    # bytes of a log that cannot be whole
SEED = int(os.environ.get('MTRACE_SEED', random.randrange(1 << 32)))
KILLS = 4                       # in each emulation

CHUNK = struct.Struct('<4sHHIIIIQQQI8xI')
RECORDS, END = 2, 4


class Mismatch(Exception):
    """Something is not as it must be."""


def must(condition, why):
    if not condition:
        raise Mismatch(why)


class Machine:
    """A run of QEMU in a directory of its own, whose log is the file "log" in it."""

    def __init__(self, emulation, append):
        self.temporary = tempfile.TemporaryDirectory()
        self.directory = self.temporary.name
        self.command = [
            QEMU, '-accel', 'tcg,thread=' + EMULATIONS[emulation], '-M', 'pc', '-m', '32', '-smp', str(CPUS),
            '-nodefaults', '-display', 'none', '-debugcon', 'file:' + self.path('console'), '-device',
            'isa-debug-exit,iobase=0xf4,iosize=4', '-mtrace-enable', '-mtrace-mode', 'movement', '-mtrace-file', 'log',
            '-kernel', guest, '-append', append]
        self.process = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, *options, **popen):
        self.process = subprocess.Popen(
            self.command + list(options), cwd=self.directory, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, encoding='utf-8', errors='replace', **popen)

    def wait_for_fight(self, times=1):
        """Until the guest has begun its fight, so many times since the machine was started."""
        limit = time.monotonic() + SECONDS
        console = self.path('console')
        while not os.path.exists(console) or os.path.getsize(console) < times:
            must(time.monotonic() < limit, 'the guest does not begin')
            must(self.process is None or self.process.poll() is None, 'QEMU ended before the guest began')
            time.sleep(0.01)

    def wait_for_log(self, size):
        """Until the log has so many bytes."""
        limit = time.monotonic() + SECONDS
        while os.path.getsize(self.path('log')) < size:
            must(time.monotonic() < limit, 'the log does not grow')
            time.sleep(0.01)

    def end(self, status, message):
        """Waits for QEMU, which must end like this; the message is a pattern for all of standard error."""
        try:
            _, said = self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise Mismatch(f'QEMU still runs after {SECONDS} s') from None
        must(self.process.returncode == status, f'QEMU ended with status {self.process.returncode}: {said}')
        must(re.fullmatch(message, said), f'QEMU said: {said}')

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.temporary.cleanup()


def read_log(path):
    """What m2text makes of a log: its status, its records as lists of words, its complaint."""
    text = subprocess.run([M2TEXT, path], capture_output=True, encoding='ascii', errors='replace', timeout=SECONDS)
    return text.returncode, [line.split() for line in text.stdout.splitlines() if line[0] != '#'], text.stderr


def check_whole(path, fought=True):
    status, records, said = read_log(path)
    must(status == 0 and not said, f'm2text: status {status}: {said}')
    must(records and records[0][4] == 'machine', 'the first record is not of type machine')
    moved = collections.Counter()
    totals = {}
    for order, record in enumerate(records):
        must(record[0] == str(order), f'record {order} of the log has order {record[0]}')
        if record[4] == 'access':
            moved[record[1], 'loads' if 'kind=load' in record else 'stores'] += 1
        elif record[4] == 'counter':
            totals[record[1], record[-1][6:-1]] = int(record[-2][6:])
        must(record[4] not in ('loss', 'discontinuity'), 'the log has a gap: ' + ' '.join(record))
    for cpu in range(CPUS):
        for kind in ('loads', 'stores'):
            count, total = moved[f'cpu={cpu}', kind], totals.get((f'cpu={cpu}', kind + '-moved'))
            must(count == total, f'vCPU {cpu}: {count} {kind} in the log, {total} by its total')
            must(count > 64 or not fought, f'vCPU {cpu}: only {count} {kind}')


def walk_chunks(path):
    """Records in the whole chunks of a log, chunks, bytes behind them, and whether the last chunk is END."""
    with open(path, 'rb') as log:
        data = log.read()
    at, records, chunks, kind = 16, 0, 0, 0
    while at + CHUNK.size <= len(data):
        fields = CHUNK.unpack_from(data, at)
        payload = data[at + CHUNK.size:at + CHUNK.size + fields[4]]
        if (fields[0] != b'MTCK' or zlib.crc32(data[at:at + CHUNK.size - 4]) != fields[11] or
                len(payload) != fields[4] or zlib.crc32(payload) != fields[10]):
            break
        kind = fields[1]
        records += fields[5] if kind == RECORDS else 0
        chunks += 1
        at += CHUNK.size + fields[4]
    return records, chunks, len(data) - at, kind == END


def check_cut(path):
    """A log without an end: m2text says so in one sentence, and prints the records of all whole chunks."""
    status, records, said = read_log(path)
    must(status == 1, f'm2text: status {status}: {said}')
    must(re.fullmatch(r'm2text: .*: the log was cut short[^\n]*\n', said), 'm2text said: ' + said)
    whole, chunks, rest, ended = walk_chunks(path)
    must(not ended, 'the log has an END chunk')
    must(len(records) == whole, f'm2text printed {len(records)} records; {whole} are in whole chunks')
    orders = [int(record[0]) for record in records]
    must(all(a < b for a, b in zip(orders, orders[1:])), 'order does not rise')
    return whole, chunks, rest


# ---- ends that the guest makes -------------------------------------------

def guest_ends(append, status, *options):
    def run(emulation):
        machine = Machine(emulation, append)
        try:
            machine.start(*options)
            machine.end(status, '')
            check_whole(machine.path('log'))
        finally:
            machine.close()
    return run


def reboots(emulation):
    """The machine is reset again and again, then ended from outside."""
    machine = Machine(emulation, 'r0 100 0')
    try:
        machine.start()
        machine.wait_for_fight(3)
        machine.process.terminate()
        machine.end(0, r'[^\n]*: terminating on signal 15 [^\n]*\n')
        check_whole(machine.path('log'))
    finally:
        machine.close()


# ---- ends from outside ---------------------------------------------------

def by_signal(number):
    def run(emulation):
        machine = Machine(emulation, NEVER)
        try:
            machine.start()
            machine.wait_for_fight()
            time.sleep(0.1)
            machine.process.send_signal(number)
            machine.end(0, rf'[^\n]*: terminating on signal {number.value} [^\n]*\n')
            check_whole(machine.path('log'))
        finally:
            machine.close()
    return run


def by_monitor(option, commands):
    def run(emulation):
        machine = Machine(emulation, NEVER)
        try:
            machine.start(option, 'stdio')
            machine.wait_for_fight()
            time.sleep(0.1)
            machine.process.stdin.write(commands)
            machine.process.stdin.flush()
            machine.end(0, '')
            check_whole(machine.path('log'))
        finally:
            machine.close()
    return run


def is_running(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as stat:
            return stat.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def daemon(emulation):
    """In the background QEMU has another directory; the log's name is relative."""
    machine = Machine(emulation, NEVER)
    pid = None
    try:
        start = subprocess.run(machine.command + ['-daemonize', '-pidfile', machine.path('pid')], capture_output=True,
                               cwd=machine.directory, timeout=SECONDS, encoding='utf-8', errors='replace')
        must(start.returncode == 0, f'QEMU ended with status {start.returncode}: {start.stderr}')
        with open(machine.path('pid'), encoding='ascii') as pid_file:
            pid = int(pid_file.read())
        machine.wait_for_fight()
        time.sleep(0.1)
        must(is_running(pid), 'the daemon has ended by itself')
        os.kill(pid, signal.SIGTERM)
        limit = time.monotonic() + SECONDS
        while is_running(pid):
            must(time.monotonic() < limit, 'the daemon does not end')
            time.sleep(0.01)
        check_whole(machine.path('log'))
    finally:
        if pid and is_running(pid):
            os.kill(pid, signal.SIGKILL)
        machine.close()


# ---- QEMU does not come up -----------------------------------------------

def late_failure(emulation):
    """The machine was ready, and the recorder with it."""
    machine = Machine(emulation, NEVER)
    try:
        machine.start('-loadvm', 'nonesuch')
        machine.end(1, r'[^\n]+\n')
        check_whole(machine.path('log'), fought=False)
    finally:
        machine.close()


def early_failure(*options):
    """Before that: either no log at all or a whole one."""
    def run(emulation):
        machine = Machine(emulation, NEVER)
        try:
            machine.start(*options)
            machine.end(1, r'[^\n]+\n')
            if os.path.exists(machine.path('log')):
                status, _, said = read_log(machine.path('log'))
                must(status == 0, f'a log is left; m2text: status {status}: {said}')
        finally:
            machine.close()
    return run


# ---- logs that cannot be whole -------------------------------------------

def killed(moment):
    """SIGKILL, so many seconds after the writer has begun to write."""
    def run(emulation):
        machine = Machine(emulation, NEVER)
        try:
            machine.start()
            machine.wait_for_fight()
            machine.wait_for_log(LIMIT)
            time.sleep(moment)
            machine.process.kill()
            machine.end(-signal.SIGKILL, '')
            whole, chunks, rest = check_cut(machine.path('log'))
            must(whole, f'no record in {chunks} chunks and {rest} bytes')
            return f'{whole} records in {chunks} chunks, {rest} bytes behind'
        finally:
            machine.close()
    return run


def no_space(emulation):
    """A file that may not grow: the guest goes on, one error is reported, and what is written is whole chunks."""
    machine = Machine(emulation, 'd1 500 0')
    try:
        machine.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)))
        machine.end(DEBUG_EXIT, r'[^\n]*: mtrace: the log is not complete: cannot write log: File too large\n')
        must(os.path.getsize(machine.path('log')) <= LIMIT, 'the limit had no effect')
        whole, _, rest = check_cut(machine.path('log'))
        must(whole and not rest, f'{whole} records, {rest} bytes of something behind')
    finally:
        machine.close()


def through_fifo(reader, message, check):
    """The log goes to a FIFO, which @reader(file, file to keep) empties."""
    def run(emulation):
        machine = Machine(emulation, 'd1 500 0')
        try:
            os.mkfifo(machine.path('fifo'))

            def read():
                with open(machine.path('fifo'), 'rb', buffering=0) as fifo, open(machine.path('log'), 'wb') as log:
                    reader(fifo, log)
            thread = threading.Thread(target=read, daemon=True)
            thread.start()
            machine.start('-mtrace-file', 'fifo')
            machine.end(DEBUG_EXIT, message)
            thread.join(SECONDS)
            check(machine.path('log'))
        finally:
            machine.close()
    return run


def read_little(fifo, log):
    while log.tell() < LIMIT:
        log.write(fifo.read(LIMIT - log.tell()))


def read_slowly(fifo, log):
    while data := fifo.read(2048):
        log.write(data)
        time.sleep(0.02)


def all_tests():
    moments = random.Random(SEED)
    hmp_stop = 'stop\nquit\n'
    qmp_quit = '{"execute": "qmp_capabilities"}\n{"execute": "quit"}\n'
    tests = {
        'power-off': guest_ends('o2 200 0', 0),
        'reset, -no-reboot': guest_ends('r1 200 0', 0, '-no-reboot'),
        'triple fault, -no-reboot': guest_ends('t2 200 0', 0, '-no-reboot'),
        'debug exit from a vCPU while the others run': guest_ends('d1 300 0', DEBUG_EXIT),
        'exit() on a vCPU\'s thread while the others run': guest_ends(NEVER, PLUGIN_EXIT, '-plugin', plugin),
        'reboots, then SIGTERM': reboots,
        'SIGTERM': by_signal(signal.SIGTERM),
        'SIGINT': by_signal(signal.SIGINT),
        'SIGHUP': by_signal(signal.SIGHUP),
        'monitor: quit': by_monitor('-monitor', 'quit\n'),
        'monitor: stop, quit': by_monitor('-monitor', hmp_stop),
        'QMP: quit': by_monitor('-qmp', qmp_quit),
        'daemon, SIGTERM': daemon,
        'no start: -loadvm of nothing': late_failure,
        'no start: no such kernel': early_failure('-kernel', 'nonesuch'),
        'no start: no such device': early_failure('-device', 'nonesuch'),
        'a file that takes no more': no_space,
        'a pipe whose reader goes away': through_fifo(
            read_little, r'[^\n]*: mtrace: the log is not complete: cannot write fifo: Broken pipe\n', check_cut),
        'a pipe whose reader is slow': through_fifo(read_slowly, '', check_whole),
    }
    for number in range(1, KILLS + 1):
        tests[f'SIGKILL {number}'] = killed(0.2 * moments.random())
    return tests


def build(directory):
    """Returns the paths of guest and plug-in; the compiler's complaints go to standard error."""
    compiler = os.environ.get('CC', 'gcc')
    subprocess.run(
        [compiler, '-m32', '-nostdlib', '-static', '-no-pie', '-Wl,--build-id=none,-z,noexecstack',
         '-Wl,-z,max-page-size=4096,--no-warn-rwx-segments,-Ttext-segment=0x100000,-e,pvh_start', HERE + '/ends.S',
         '-o', directory + '/ends'], check=True)
    glib = subprocess.run(['pkg-config', '--cflags', 'glib-2.0'], capture_output=True, encoding='ascii', check=True)
    subprocess.run(
        [compiler, '-shared', '-fPIC', '-O2', *glib.stdout.split(), f'-I{ROOT}/build/qemu-src/include/qemu',
         HERE + '/exit-on-vcpu.c', '-o', directory + '/exit-on-vcpu.so'], check=True)
    return directory + '/ends', directory + '/exit-on-vcpu.so'


def main():
    for program in (QEMU, M2TEXT):
        if not os.access(program, os.X_OK):
            print(f'Bail out! {program} is not built')
            return 1
    tests = {name: run for name, run in all_tests().items()
             if not sys.argv[1:] or any(word in name for word in sys.argv[1:])}
    print(f'1..{len(tests) * len(EMULATIONS)}\n# MTRACE_SEED={SEED}')
    number = failed = 0
    for emulation in EMULATIONS:
        for name, run in tests.items():
            number += 1
            try:
                found = run(emulation)
                print(f'ok {number} - {name}, {emulation}' + (f': {found}' if found else ''), flush=True)
            except Mismatch as why:
                failed += 1
                print(f'not ok {number} - {name}, {emulation}')
                print('# ' + str(why).strip().replace('\n', '\n# '), flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as built:
        guest, plugin = build(built)
        sys.exit(main())
