#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""include/mtrace-magic.h: compiles without a warning, and without a call of any library, in C and C++ of every age, for
64 and 32 bits; and has the layout and the numbers that docs/guest-abi.md says."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
INCLUDE = ['-I', ROOT + '/include']
WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wundef', '-Werror']

STANDARDS = {'c': ['gnu89', 'c99', 'gnu99', 'c11', 'gnu11', 'c17'], 'c++': ['c++98', 'c++11', 'c++17', 'c++20']}
COMPILERS = {'gcc': 'c', 'clang': 'c', 'g++': 'c++', 'clang++': 'c++'}
WAYS = [                # name, flags
    ('-m64 -O0', ['-m64', '-O0']),
    ('-m64 -O2', ['-m64', '-O2']),
    ('-m64 as a kernel', ['-m64', '-O2', '-mcmodel=kernel', '-mno-red-zone', '-mgeneral-regs-only', '-fno-pic']),
    ('-m32 -O0', ['-m32', '-O0', '-fno-pic']),
    ('-m32 -Os', ['-m32', '-Os', '-fno-pic']),
    ('-m32 -O2 -fPIC', ['-m32', '-O2', '-fPIC']),
]
C_TYPES = {'u8': 'uint8_t', 'u16': 'uint16_t', 'u32': 'uint32_t', 'u64': 'uint64_t', 'i32': 'int32_t',
           'char[64]': 'char [64]'}


def compiler(name, arguments, source):
    """Compiles the text to an object; returns what is wrong, and the symbols it wants from elsewhere."""
    with tempfile.TemporaryDirectory() as directory:
        out = directory + '/magic.o'
        run = subprocess.run([name, '-ffreestanding', '-fno-stack-protector', *INCLUDE, *WARNINGS, *arguments,
                              '-c', '-o', out, '-'], input=source, capture_output=True, encoding='utf-8')
        if run.returncode:
            return run.stderr, []
        wanted = subprocess.run(['nm', '-u', '-P', out], capture_output=True, encoding='utf-8').stdout
    return run.stderr, [x.split()[0] for x in wanted.splitlines() if not x.startswith('_GLOBAL_OFFSET_TABLE_')]


def compile_all_ways(name, standard):
    """What went wrong, for all ways together."""
    language = COMPILERS[name]
    with open(HERE + '/test-magic.c', encoding='ascii') as text:
        source = text.read()
    problems = []
    for way, flags in WAYS:
        pedantic = ['-Wno-language-extension-token'] if standard == 'gnu89' and name == 'clang' else []
        said, wanted = compiler(name, ['-x', language, '-std=' + standard, *flags, *pedantic], source)
        problems += [f'{way}: {said}'] if said else []
        problems += [f'{way}: calls {" ".join(wanted)}'] if wanted else []
    return problems


def documented():
    """Statements about layout and numbers, made from the tables of the page: [(what, C condition)]."""
    with open(ROOT + '/docs/guest-abi.md', encoding='utf-8') as page:
        text = page.read()
    rows = re.findall(r'^\| *(?:(\d+) \| )?(\w+) \| (\d+) \| (.*@\d.*) \|$', text, re.M)
    for number, entry, size, fields in rows:
        struct = 'struct mtrace_' + (entry + '_entry' if number else entry)
        yield struct, f'sizeof({struct}) == {size}'
        if number:
            yield f'type {number}', f'mtrace_entry_{entry} == {number}'
        for name, kind, offset in re.findall(r'([\w.]+) (\S+) @(\d+)', fields):
            yield f'{struct}.{name}', (
                f'__builtin_offsetof({struct}, {name}) == {offset} && __builtin_types_compatible_p('
                f'__typeof__((({struct} *)0)->{name}), {C_TYPES[kind]})')
    for prefix, values in re.findall(r'^\| (mtrace\w*) \| ((?:\w+ \d+(?:, )?)+) \|$', text, re.M):
        for word, value in re.findall(r'(\w+) (\d+)', values):
            yield f'{prefix}_{word}', f'{prefix}_{word} == {value}'


def wrong_statements(flags):
    statements = list(documented())
    if len(statements) < 15 + 15 + 50 + 24:
        return [f'the page has {len(statements)} statements only']
    source = '#include <mtrace-magic.h>\n' + ''.join(f'_Static_assert({x[1]}, "{x[0]}");\n' for x in statements)
    said, _ = compiler('gcc', ['-x', 'c', '-std=gnu11', *flags], source)
    return [said] if said else []


def host_side(language, name):
    """A host that has functions of the same names: the header must not."""
    functions = re.findall(r'\b(mtrace_\w+)\(', open(HERE + '/test-magic.c', encoding='ascii').read())
    source = '#define QEMU_MTRACE\n#include <mtrace-magic.h>\n' + ''.join(
        f'int {x};\n' for x in sorted(set(functions)))
    said, _ = compiler(name, ['-x', language], source)
    return [said] if said else []


def tests():
    for name in COMPILERS:
        for standard in STANDARDS[COMPILERS[name]]:
            if shutil.which(name):
                yield f'{name} -std={standard}', compile_all_ways(name, standard)
            elif not name.startswith('clang'):
                yield f'{name} is installed', ['it is not']
    for flags in (['-m64'], ['-m32'], ['-m64', '-DQEMU_MTRACE']):
        yield 'layout and numbers are those of docs/guest-abi.md, ' + ' '.join(flags), wrong_statements(flags)
    yield 'a host gets no functions, C', host_side('c', 'gcc')
    yield 'a host gets no functions, C++', host_side('c++', 'g++')
    page = open(ROOT + '/docs/guest-abi.md', encoding='utf-8').read()
    header = open(ROOT + '/include/mtrace-magic.h', encoding='utf-8').read()
    functions = set(re.findall(r'static inline void\s+(mtrace_\w+)\(', header))
    functions -= {'mtrace_copy_str', 'mtrace_host_cpu_set'}
    missing = [x for x in functions if x + '(' not in page]
    yield 'the page has every function', missing or ([] if len(functions) == 17 else [f'{len(functions)} of 17'])
    link = ROOT + '/mtrace-magic.h'
    yield 'the header is at the root', [] if os.path.islink(link) and os.path.samefile(
        link, ROOT + '/include/mtrace-magic.h') else ['it is not a link']


def main():
    failed = False
    number = 0
    for number, (name, problems) in enumerate(tests(), 1):
        print(('not ok' if problems else 'ok') + f' {number} - {name}', flush=True)
        for problem in problems:
            failed = True
            print('# ' + problem.strip().replace('\n', '\n# '))
    print(f'1..{number}')
    sys.exit(failed)


if __name__ == '__main__':
    main()
