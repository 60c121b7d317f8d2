#!/usr/bin/env python3
"""Runs the benchmark on the booted system, with time counted in instructions, and tabulates what it prints.

    bench/bench.py            measures and shows the table; writes build/bench/results.json
    bench/bench.py --check    also fails if a path has grown by more than 2 % (and at least one instruction)
    bench/bench.py --record   writes bench/recorded.json, which --check compares with

The program `bench` prints lines `BENCH name value unit`. The machine is DESIGN section 13's: one CPU, -icount shift=0,
so that the time-stamp counter advances by one per guest instruction.
"""

import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests")]

from ferrous import console, manual  # noqa: E402
from ferrous.machine import Machine  # noqa: E402
from system import session  # noqa: E402

TARGETS = os.path.join(ROOT, "bench/targets.json")
RECORDED = os.path.join(ROOT, "bench/recorded.json")
RESULTS = os.path.join(ROOT, "build/bench/results.json")
LINE = re.compile(r"^BENCH (\w+) (\d+) (\S+)\s*$", re.MULTILINE)
GROWTH = 0.02
TIMEOUT_S = 240
COMMAND_LINE = "fb=off"


def load(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def measure():
    """name -> (value, unit)."""
    machine = Machine(icount=True, stop_on_reset=True)
    try:
        with session.boot(machine, TIMEOUT_S, append=COMMAND_LINE) as running:
            output = running.run("run bench")
            running.shut_down()
    except console.Stopped as stop:
        sys.exit(f"bench: {stop.reason}")
    found = {name: (int(value), unit) for name, value, unit in LINE.findall(output)}
    if not found:
        sys.exit(f"bench: no BENCH line in what the program printed:\n{output[-3000:]}")
    return found


def number(value):
    return f"{value:,}" if value is not None else "-"


def table(results, targets, recorded):
    rows = [("path", "Linux", "seL4", "target", "recorded", "now", "")]
    for name, (value, unit) in results.items():
        known = targets.get(name, {})
        target = known.get("target")
        verdict = "" if target is None else "reached" if value <= target else f"{value / target:.2f} x the target"
        rows.append((known.get("title", name), number(known.get("linux")), number(known.get("sel4")), number(target),
                     number(recorded.get(name)), f"{value:,}" + ("" if unit == "instructions" else f" {unit}"),
                     verdict))
    for name in targets:
        if name not in results:
            rows.append((targets[name]["title"], number(targets[name].get("linux")),
                         number(targets[name].get("sel4")), number(targets[name].get("target")), "-", "-",
                         "not measured yet"))
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    return "\n".join(row[0].ljust(widths[0]) + "  "
                     + "  ".join(cell.rjust(width) for cell, width in zip(row[1:6], widths[1:6])) + "  " + row[6]
                     for row in rows)


def grown(results, recorded):
    """Paths that cost more than recorded, beyond what is let pass; and those no longer measured."""
    problems = []
    for name, old in recorded.items():
        if name not in results:
            problems.append(f"{name}: recorded, but not measured")
        elif results[name][0] > old * (1 + GROWTH) and results[name][0] > old + 1:
            problems.append(f"{name}: {results[name][0]:,}, recorded {old:,} (+{results[name][0] / old - 1:.1%})")
    return problems


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=4, sort_keys=True)
        file.write("\n")


def main(arguments):
    results, recorded = measure(), load(RECORDED)
    print(table(results, load(TARGETS), recorded))
    write(RESULTS, {name: {"value": value, "unit": unit} for name, (value, unit) in results.items()})
    if "--record" in arguments:
        write(RECORDED, {name: value for name, (value, _) in results.items()})
        print(f"recorded in {os.path.relpath(RECORDED, ROOT)}", *manual.update_costs())
    if "--check" in arguments:
        if not recorded:
            print("bench: nothing is recorded; bench/bench.py --record does")
            return 1
        problems = grown(results, recorded)
        print("\n".join(f"GREW {problem}" for problem in problems) or "no path has grown")
        return 1 if problems else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
