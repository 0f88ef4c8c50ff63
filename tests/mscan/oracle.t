#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sharing, computed a second time, slowly and obviously, from what m2text prints, on random logs.

The definition: a line is shared when two or more CPUs touched it and at least one of them wrote. A device is no CPU.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.environ.get("MTRACE_ROOT") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.environ.get("MTRACE_BUILD", ROOT)
TOOLS = os.environ.get("MTRACE_TOOLS_BUILD", os.path.join(ROOT, "build/tools"))
MSCAN = os.path.join(BUILD, "mtrace-tools/mscan")
M2TEXT = os.path.join(BUILD, "mtrace-tools/m2text")
MAKE_LOG = os.path.join(TOOLS, "tests/mscan/make-log")

# seed, records, CPUs, lines, all mode
LOGS = [(1, 200, 2, 8, 0), (2, 3000, 4, 40, 0), (3, 8000, 4, 500, 1), (4, 5000, 8, 3, 1), (5, 4000, 100, 64, 0),
        (6, 1, 1, 1, 0), (7, 9000, 16, 1000, 0)]


def accesses(log):
    """Every access record of the log, as a dictionary of what m2text prints."""
    text = subprocess.run([M2TEXT, log], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        words = line.split()
        if len(words) > 4 and words[4] == "access":
            access = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            access["order"] = int(words[0])
            for key in ("pc", "vaddr", "paddr", "bytes", "cpl"):
                access[key] = int(access[key], 0)
            cpu = access["cpu"]
            access["cpu"] = int(cpu, 0) if re.fullmatch(r"[0-9]+|0x[0-9a-f]+", cpu) else 0xffff
            access["device"] = access["kind"] not in ("load", "store")
            access["moved"] = "moved" in access["flags"].split("|")
            yield access


def expected(log, unit, keep):
    """What sharing should say of the accesses that keep() lets through: {address of unit: result}."""
    units = collections.defaultdict(list)
    for access in accesses(log):
        if keep(access):
            for number in range(access["paddr"] // unit, (access["paddr"] + access["bytes"] - 1) // unit + 1):
                units[number * unit].append(access)
    result = {}
    for address, touched in units.items():
        by_cpu = [access for access in touched if not access["device"]]
        cpus = sorted({access["cpu"] for access in by_cpu})
        writes = [access for access in by_cpu if access["kind"] == "store"]
        if len(cpus) < 2 or not writes:
            continue
        reads = [access for access in by_cpu if access["kind"] == "load"]
        sites = collections.Counter()
        for access in touched:
            sites[access["vaddr"], access["pc"], access["bytes"], "r" if access["kind"] == "load" else "w"] += 1
        result[address] = {
            "cpus": cpus,
            "moves": sum(access["moved"] for access in touched),
            "reads": len(reads),
            "writes": len(writes),
            "cpureads": collections.Counter(access["cpu"] for access in reads),
            "cpuwrites": collections.Counter(access["cpu"] for access in writes),
            "sites": sites,
        }
    return result


def sparse(counts):
    return collections.Counter({cpu: count for cpu, count in enumerate(counts) if count})


def reported(log, options):
    text = subprocess.run([MSCAN, "--analysis=sharing", "--format=json", *options, log], check=True,
                          capture_output=True, text=True).stdout
    result = {}
    ranks = []
    for line in json.loads(text)["shared_cachelines"]:
        sites = collections.Counter()
        for access in line["accesses"]:
            sites[int(access["rawaddr"], 16), int(access["rawpc"], 16), access["size"], access["type"]] += \
                access["count"]
        result[int(line["line"], 16)] = {
            "cpus": line["cpus"], "moves": line["moves"], "reads": line["reads"], "writes": line["writes"],
            "cpureads": sparse(line["cpureads"]), "cpuwrites": sparse(line["cpuwrites"]), "sites": sites,
        }
        ranks.append((-line["moves"], int(line["line"], 16)))
    return result, ranks


VARIANTS = [
    ("lines", [], 64, lambda access: True),
    ("bytes", ["--granularity=byte"], 1, lambda access: True),
    ("256 bytes", ["--granularity=256"], 256, lambda access: True),
    ("CPUs 0 and 1", ["--cpu=0-1"], 64, lambda access: access["cpu"] < 2),
    ("kernel", ["--kernel-only"], 64, lambda access: access["cpl"] < 3),
    ("user", ["--user-only"], 64, lambda access: access["cpl"] == 3),
    ("from and to", ["--from=100", "--to=900"], 64, lambda access: 100 <= access["order"] <= 900),
]


def main():
    count = failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for numbers in LOGS:
            log = os.path.join(scratch, "random.out")
            script = os.path.join(scratch, "script")
            with open(script, "w", encoding="ascii") as out:
                out.write("random %d %d %d %d %d\n" % numbers)
            subprocess.run([MAKE_LOG, script, log], check=True)
            for name, options, unit, keep in VARIANTS:
                got, ranks = reported(log, options)
                want = expected(log, unit, keep)
                good = got == want and ranks == sorted(ranks)
                count += 1
                failed += not good
                print("%sok %d - log %d: %s, %d shared" % ("" if good else "not ", count, numbers[0], name, len(want)))
                for address in sorted(set(want) | set(got)):
                    if got.get(address) != want.get(address):
                        print("# 0x%x: got %s\n#  want %s" % (address, got.get(address), want.get(address)))
                        break
    print("1..%d" % count)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
