#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots the bare-metal guests, each in round-robin and in multi-threaded TCG, and compares the log, record by record,
with what the guest says must be in it (README.md has the format).

  tests/guests/guests.t [GUEST]...      no guest: all of them

MTRACE_QEMU and MTRACE_M2TEXT name other programs; MTRACE_KEEP names a directory where console and log stay.
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
QEMU = os.environ.get('MTRACE_QEMU', ROOT + '/x86_64-softmmu/qemu-system-x86_64')
M2TEXT = os.environ.get('MTRACE_M2TEXT', ROOT + '/mtrace-tools/m2text')
PROGRAMS = os.environ.get('MTRACE_TOOLS_BUILD', ROOT + '/build/tools') + '/tests/guests'

GUESTS = {  # name: vCPUs
    'access-sizes': 2, 'line-crossing': 2, 'page-crossing': 2, 'rmw': 2, 'locked': 2, 'strings': 2, 'vector': 2,
    'state-save': 2, 'ping-pong': 2, 'read-sharing': 4, 'false-sharing': 2, 'delivery': 2, 'page-fault': 2,
    'modes': 2, 'one-cpu': 1, 'ring3': 2, 'retired': 2, 'contention': 4,
    'guest-calls': 1, 'guest-calls32': 1, 'hostile-calls': 1,
}
EMULATION = {'round-robin': [], 'multi-threaded': ['-accel', 'tcg,thread=multi']}
GOOD_END = 33           # what a guest that was content makes QEMU's exit status
SECONDS = 120

ORIGINS = {'code': {'inline', 'helper'}, 'direct': {'direct', 'helper'}, 'delivery': {'delivery'}}
LOCKED_ORIGINS = {'round-robin': {'inline', 'helper'}, 'multi-threaded': {'atomic'}}
HEADER = re.compile(r'(\d+) cpu=(\w+) insns=(\d+) accesses=(\d+) ([\w-]+)')
FIELD = re.compile(r' (\w+)=("(?:[^"\\]|\\.)*"|\S+)')


class Mismatch(Exception):
    """The log is not what the guest says it must be."""


def value(text):
    """A field's value: a number when it is one, however it is written."""
    try:
        return int(text, 0)
    except ValueError:
        return text


def fields(text):
    return {name: value(text) for name, text in FIELD.findall(text)}


def read_console(path):
    """What the guest printed: its memory range, recordings [(name, accesses, ranges)], calls,
    and counters."""
    expected = {'range': (0, 0), 'recordings': [], 'calls': [], 'counters': [], 'last': ''}
    with open(path, encoding='ascii', errors='replace') as console:
        for line in console.read().splitlines():
            expected['last'] = line
            word, _, rest = line.partition(' ')
            if word == 'range':
                expected['range'] = tuple(int(x, 0) for x in rest.split())
            elif word == 'begin':
                expected['recordings'].append((rest, [], []))
            elif word == 'replay':
                expected['recordings'][-1][2].append(tuple(int(x, 0) for x in rest.split()))
            elif word in ('access', 'line'):
                expected['recordings'][-1][1].append(dict(fields(' ' + rest), word=word, text=line))
            elif word == 'call':
                expected['calls'].append(dict(fields(' ' + rest.partition(' ')[2]), type=rest.split()[0], text=line))
            elif word == 'counter':
                expected['counters'].append(fields(' ' + rest))
    return expected


def read_log(path):
    """All records of a log, in order."""
    text = subprocess.run([M2TEXT, path], capture_output=True, encoding='ascii', errors='replace', timeout=SECONDS)
    if text.returncode or text.stderr:
        raise Mismatch(f'm2text: status {text.returncode}: {text.stderr.strip()}')
    records = []
    for line in text.stdout.splitlines():
        if line.startswith('#'):
            continue
        head = HEADER.match(line)
        if not head:
            raise Mismatch('m2text printed: ' + line)
        order, cpu, insns, accesses, kind = head.groups()
        records.append(dict(fields(line[head.end():]), type=kind, order=int(order), cpu=value(cpu), insns=int(insns),
                            accesses=int(accesses), text=line))
    return records


def check_log(records, cpus):
    """What holds of every log."""
    if not records or records[0]['type'] != 'machine':
        raise Mismatch('the first record is not of type machine')
    if records[0]['num_cpus'] != cpus:
        raise Mismatch(f'a machine of {cpus} vCPUs: ' + records[0]['text'])
    last = {}
    order = -1
    for record in records:
        before = last.get(record['cpu'], (0, 0))
        if record['order'] <= order:
            raise Mismatch('order does not rise: ' + record['text'])
        if record['insns'] < before[0] or record['accesses'] < before[1]:
            raise Mismatch('a count of this vCPU fell: ' + record['text'])
        if record['type'] in ('loss', 'discontinuity'):
            raise Mismatch('the log has a gap: ' + record['text'])
        order = record['order']
        last[record['cpu']] = (record['insns'], record['accesses'])


def split_recordings(records, limits):
    """The accesses to the range of each recording: [[name, accesses, how many accesses its CPU counted]]."""
    recordings = []
    running = False
    for record in records:
        if record['type'] == 'host' and record['host_type'] == 'access_all_cpu':
            if running:
                recordings[-1][2] = record['accesses'] - recordings[-1][2]
            running = record['value'] != 0
            if running:
                recordings.append([record['str'][1:-1], [], record['accesses']])
        elif record['type'] == 'access' and limits[0] <= record['vaddr'] < limits[1]:
            if not running:
                raise Mismatch('outside of all recordings: ' + record['text'])
            recordings[-1][1].append(record)
    return recordings


def differences(want, got, emulation):
    """Names of the fields of an access that are not as expected."""
    flags = str(got['flags']).split('|')
    got = dict(got, **{flag: int(flag in flags) for flag in ('moved', 'locked', 'split')})
    names = ['cpu', 'kind', 'pc', 'vaddr', 'paddr', 'cpl', 'size', 'bytes', 'split', 'locked', 'moved']
    wrong = [name for name in names if name in want and want[name] != got[name]]
    origins = LOCKED_ORIGINS[emulation] if want['origin'] == 'locked' else ORIGINS[want['origin']]
    return wrong + (['origin'] if got['origin'] not in origins else [])


def compare_lines(wants, gots):
    """Accesses of which only the lines and kinds count: same number, same set."""
    def key(access):
        return (access['kind'], access['vaddr'] // 64, access['paddr'] // 64)
    if sorted(map(key, wants)) != sorted(map(key, gots)):
        raise Mismatch('other lines than expected:\n' + '\n'.join(x['text'] for x in wants) + '\nthe log has:\n' +
                       '\n'.join(x['text'] for x in gots))
    for got in gots:
        if got['origin'] not in ORIGINS['direct'] or 'moved' not in got['flags']:
            raise Mismatch('neither direct nor by a helper, or not moved: ' + got['text'])


def same_place(access):
    return access['cpu'], access['pc']


def compare_recording(name, wants, gots, emulation):
    wants = [want for want in wants if want['moved']]
    i = j = 0
    previous = {}
    while i < len(wants) and j < len(gots):
        want, got = wants[i], gots[j]
        if want['word'] == 'line':
            k, m = i, j
            while k < len(wants) and wants[k]['word'] == 'line' and same_place(wants[k]) == same_place(want):
                k += 1
            while m < len(gots) and same_place(gots[m]) == same_place(want):
                m += 1
            compare_lines(wants[i:k], gots[j:m])
            i, j = k, m
            continue
        wrong = differences(want, got, emulation)
        before = previous.get(got['cpu'], {'insns': 0, 'accesses': 0})
        for count in ('insns', 'accesses'):
            if count in want and got[count] - before[count] != want[count]:
                wrong.append(f'{count} (rose by {got[count] - before[count]})')
        if wrong:
            raise Mismatch(f'recording "{name}", access {i + 1}: {", ".join(wrong)}\n'
                           f'expected {want["text"]}\nthe log has {got["text"]}')
        previous[got['cpu']] = got
        i, j = i + 1, j + 1
    if i < len(wants):
        raise Mismatch(f'recording "{name}" lacks {len(wants) - i} accesses, first: {wants[i]["text"]}')
    if j < len(gots):
        raise Mismatch(f'recording "{name}" has {len(gots) - j} accesses too many, first: {gots[j]["text"]}')


def replay(accesses, cpus):
    """Accesses that nobody knows beforehand: each must be a move, by the rule, of what those before it left."""
    if len(accesses) < 100 * cpus:
        raise Mismatch(f'{len(accesses)} accesses to replay: the CPUs did not fight')
    holders = {}
    for access in accesses:
        held = holders.setdefault(access['paddr'] // 64, set(range(cpus)))
        if held == {access['cpu']} if access['kind'] == 'store' else access['cpu'] in held:
            raise Mismatch(f'CPUs {held} hold the line, so this moves nothing: {access["text"]}')
        if access['kind'] == 'store':
            held.clear()
        held.add(access['cpu'])


def compare_calls(wants, records):
    gots = [x for x in records[1:] if x['type'] not in ('access', 'register', 'counter')]
    for number, (want, got) in enumerate(zip(wants, gots), 1):
        wrong = [name for name in want if name != 'text' and want[name] != got.get(name)]
        if wrong:
            raise Mismatch(f'guest call {number}: {", ".join(wrong)}\nexpected {want["text"]}\n'
                           f'the log has {got["text"]}')
    if len(wants) != len(gots):
        rest = (wants[len(gots):] or gots[len(wants):])[0]['text']
        raise Mismatch(f'{len(wants)} records of guest calls expected, {len(gots)} in the log; first other: {rest}')


def compare_counter(want, records):
    total = sum(x['value'] for x in records if x['type'] == 'counter' and x['name'] == want['name'])
    if total != want['value']:
        raise Mismatch(f'the counter {want["name"]} is {total}, and must be {want["value"]}')


def boot(name, emulation, directory):
    """Runs the guest to its end; returns the paths of console and log."""
    console, log = f'{directory}/{name}.txt', f'{directory}/{name}.mtrace'
    command = [QEMU, '-M', 'pc', '-cpu', 'max', '-m', '64', '-smp', str(GUESTS[name]), '-nodefaults',
               '-display', 'none', '-serial', 'none', '-monitor', 'none', '-no-reboot', '-debugcon', 'file:' + console,
               '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-mtrace-enable', '-mtrace-file', log,
               '-kernel', f'{PROGRAMS}/{name}'] + EMULATION[emulation]
    try:
        run = subprocess.run(command, capture_output=True, encoding='utf-8', errors='replace', timeout=SECONDS)
        status, said = run.returncode, run.stderr.strip()
    except subprocess.TimeoutExpired:
        status, said = 'none', f'still running after {SECONDS} s'
    if status != GOOD_END:
        with open(console, encoding='ascii', errors='replace') if os.path.exists(console) else open(os.devnull) as text:
            last = ''.join(text.readlines()[-1:])
        raise Mismatch(f'QEMU ended with status {status}: {said}\nthe guest printed last: {last}\n' +
                       shlex.join(command))
    return console, log


def check_guest(name, emulation, directory):
    """Returns a phrase for the test's line."""
    console, log = boot(name, emulation, directory)
    expected = read_console(console)
    if expected['last'] != 'done':
        raise Mismatch('the guest printed last: ' + expected['last'])
    records = read_log(log)
    check_log(records, GUESTS[name])
    recordings = split_recordings(records, expected['range'])
    if expected['calls']:
        compare_calls(expected['calls'], records)
    for counter in expected['counters']:
        compare_counter(counter, records)
    if expected['recordings']:
        if [x[0] for x in recordings] != [x[0] for x in expected['recordings']]:
            raise Mismatch(f'recordings in the log: {[x[0] for x in recordings]}')
        for (title, wants, ranges), (_, gots, counted) in zip(expected['recordings'], recordings):
            for start, end in ranges:
                replay([x for x in gots if start <= x['vaddr'] < end], GUESTS[name])
                gots = [x for x in gots if not start <= x['vaddr'] < end]
            compare_recording(title, wants, gots, emulation)
            if counted < len([x for x in wants if x['cpu'] == 0]):
                raise Mismatch(f'recording "{title}" counted {counted} accesses only')
    if not expected['calls'] and not expected['recordings']:
        raise Mismatch('there was nothing to compare')
    return f'{sum(len(x[1]) for x in recordings) + len(expected["calls"])} records'


def main():
    names = sys.argv[1:] or list(GUESTS)
    sources = {x[:-2] for x in os.listdir(HERE) if x.endswith('.c')}
    if sources != set(GUESTS):
        print('1..1\nnot ok 1 - every guest is in the table: not so ' + ' '.join(sources ^ set(GUESTS)))
        sys.exit(1)
    if not set(names) <= set(GUESTS):
        sys.exit('guests.t: no such guest: ' + ' '.join(set(names) - set(GUESTS)))
    build = subprocess.run(['make', '-s', '-f', HERE + '/guests.mk', 'OUT=' + PROGRAMS], capture_output=True,
                           encoding='utf-8', errors='replace')
    if build.returncode:
        print('1..1\nnot ok 1 - the guests are built\n# ' + build.stderr.strip().replace('\n', '\n# '))
        sys.exit(1)
    print(f'1..{1 + len(names) * len(EMULATION)}\nok 1 - the guests are built', flush=True)
    number, failed = 1, False
    with tempfile.TemporaryDirectory() as temporary:
        for name in names:
            for emulation in EMULATION:
                number += 1
                directory = f'{os.environ.get("MTRACE_KEEP", temporary)}/{emulation}'
                os.makedirs(directory, exist_ok=True)
                try:
                    print(f'ok {number} - {name}, {emulation}: {check_guest(name, emulation, directory)}', flush=True)
                except Mismatch as why:
                    failed = True
                    print(f'not ok {number} - {name}, {emulation}')
                    print('# ' + str(why).replace('\n', '\n# '), flush=True)
    sys.exit(failed)


if __name__ == '__main__':
    main()
