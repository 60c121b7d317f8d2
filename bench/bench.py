#!/usr/bin/env python3
"""Measures Ferrous and Debian's Linux at the same work in the same emulator, in instructions.

    bench/bench.py            both systems, each twice: the tables; writes bench/results/ and the README's section
    bench/bench.py --check    Ferrous alone: fails if a path has grown by more than 2 % (and at least one instruction)
                              past bench/recorded.json, or a round trip does more than bench/attribute.py lets it
    bench/bench.py --record   Ferrous alone: writes bench/recorded.json, which --check compares with
    bench/bench.py --smp      both systems on 2 CPUs, in turn, by the clock: ratios only
    bench/bench.py --skip-linux   as without an argument, with Linux's figures as recorded in bench/results/linux.json
    bench/bench.py --render       measures nothing: writes table, chart and section from bench/results/ once more

The machine is DESIGN section 13's: one CPU, -icount shift=0, so that the time-stamp counter advances by one per guest
instruction; a loop of known length shows that in each run. docs/benchmarks.md tells the method.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests"), os.path.join(ROOT, "bench")]

import chart  # noqa: E402
import costly  # noqa: E402
import executed  # noqa: E402
import ferrous_side  # noqa: E402
import linux_side  # noqa: E402
import workloads  # noqa: E402
from ferrous import manual  # noqa: E402

RECORDED = os.path.join(ROOT, "bench/recorded.json")
RESULTS = os.path.join(ROOT, "bench/results")
LINUX = os.path.join(RESULTS, "linux.json")
FERROUS = os.path.join(RESULTS, "ferrous.json")
COSTLY = os.path.join(RESULTS, "costly.json")
README = os.path.join(ROOT, "README.md")
METHOD = os.path.join(ROOT, "docs/benchmarks.md")
BEGIN, END = "<!-- bench: begin, written by make bench -->", "<!-- bench: end -->"
NOTE = "Guest instructions, fewer is better; logarithmic"
GROWTH = 0.02


class Differ(Exception):
    """Two runs of the same did not count the same."""


def load(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=4, sort_keys=True)
        file.write("\n")


def differences(one, other):
    """Names whose figures are not the same in two runs."""
    return [f"{name}: {one.get(name)} and {other.get(name)}" for name in sorted(set(one) | set(other))
            if one.get(name) != other.get(name)]


def grown(results, recorded):
    """Paths that cost more than recorded, beyond what is let pass; and those no longer measured."""
    problems = []
    for name, old in recorded.items():
        new = results.get(name, {}).get("least")
        if new is None:
            problems.append(f"{name}: recorded, but not measured")
        elif new > old * (1 + GROWTH) and new > old + 1:
            problems.append(f"{name}: {new:,}, recorded {old:,} (+{new / old - 1:.1%})")
    return problems


def number(value, unit="instructions"):
    if value is None:
        return ""
    return f"+{value:g} %" if unit == "percent" else f"{value:,}"


HEAD = ("path", "Linux at its best", "by", "Linux as shipped", "seL4", "target", "Ferrous", "")


def cells(row):
    return (row.title, number(row.linux, row.unit), row.way or "", number(row.linux_default, row.unit), row.sel4 or "",
            number(row.target, row.unit), number(row.ours, row.unit), row.mark)


def text_table(rows):
    lines = [HEAD] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    left = (0, 2, 7)
    return "\n".join("  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def markdown_table(rows):
    lines = ["| " + " | ".join(HEAD) + " |", "|---|--:|---|--:|--:|--:|--:|---|"]
    for row in rows:
        shown = list(cells(row))
        shown[2] = f"`{shown[2]}`" if shown[2] else ""
        lines.append("| " + " | ".join(shown) + " |")
    return "\n".join(lines)


def section(rows, linux):
    """The README's part between the markers."""
    met = sum(row.mark == "met" for row in rows)
    wanted = sum(row.target is not None for row in rows)
    both = [row for row in rows if row.ours and row.linux]
    behind = [f"{row.title} ({row.ours / row.linux:.1f} times)" for row in both if row.ours >= row.linux]
    return (f"{BEGIN}\nLinux is Debian's {linux.get('kernel', '?')}. Of {wanted} targets {met} are met; of {len(both)} "
            f"rows that both systems have, Ferrous needs fewer instructions in {len(both) - len(behind)}"
            + (f"; Linux in: {', '.join(behind)}" if behind else "")
            + f".\n\n{markdown_table(rows)}\n\n"
            f"![The same as bars](bench/results/chart.svg)\n{END}")


def replace_section(text, new):
    """The text with what stands between the markers replaced."""
    start, end = text.find(BEGIN), text.find(END)
    if start < 0 or end < start:
        raise ValueError("the markers of the benchmark's section are not there")
    return text[:start] + new + text[end + len(END):]


def count_costly():
    """path -> what it does that costs more than an instruction, and the lines that it touches."""
    run, rounds = executed.measure()
    return {name: costly.count(run, records) for name, records in rounds.items()}


def rewrite(path, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(replace_section(text, new))


def measure_all(with_linux):
    """Each system twice, two emulators at a time, and what is costly once: (figures by run, why Linux is not there)."""
    jobs, skipped = {"ferrous": lambda: workloads.counted(ferrous_side.run())}, ""
    if with_linux:
        try:
            image = linux_side.prepare()
            for name, words in (("best", linux_side.AT_ITS_BEST), ("default", "")):
                jobs[name] = lambda words=words: linux_side.measure(image, words)
        except linux_side.Unavailable as reason:
            skipped = str(reason)
    with ThreadPoolExecutor(2) as pool:
        runs = [(name, pool.submit(job)) for _ in range(2) for name, job in jobs.items()]
        runs.append(("costly", pool.submit(count_costly)))
        found = [(name, run.result()) for name, run in runs]
    measured = {}
    for name, figures in found:
        if name in measured:
            problems = differences(measured[name], figures)
            if problems:
                raise Differ(f"two runs of {name} differ:\n" + "\n".join(problems))
        measured[name] = figures
    return measured, skipped


def joined():
    """The rows as the results have them, and Linux's record."""
    linux = load(LINUX)
    best, default = (linux.get(key, {}).get("figures", {}) for key in ("best", "default"))
    return workloads.join(workloads.load(), load(FERROUS), best, default), linux


def render():
    """Writes all that is made from the results."""
    rows, linux = joined()
    print(text_table(rows))
    write(os.path.join(RESULTS, "table.json"), [dict(vars(row), mark=row.mark) for row in rows])
    with open(os.path.join(RESULTS, "chart.svg"), "w", encoding="utf-8") as file:
        file.write(chart.draw(rows, NOTE))
    rewrite(README, section(rows, linux))
    rewrite(METHOD, f"{BEGIN}\n{costly.table(load(COSTLY))}\n{END}")


def compare(with_linux):
    measured, skipped = measure_all(with_linux)
    write(FERROUS, measured["ferrous"])
    write(COSTLY, measured["costly"])
    if "best" in measured:
        linux_side.save(LINUX, measured["best"], measured["default"])
    render()
    print("each system was measured twice, with the same figures both times")
    print("written: bench/results/, and the section of README.md")
    if "best" not in measured:
        print(f"SKIPPED: Linux was not measured ({skipped or 'not asked for'}); its figures are those recorded")
    stray = workloads.unmatched(workloads.load(), load(LINUX).get("best", {}).get("figures", {}))
    for pattern in stray:
        print(f"workloads.json: {pattern} fits nothing that Linux measured")
    return 1 if stray else 0


def check(record):
    ours = workloads.counted(ferrous_side.run())
    recorded = load(RECORDED)
    if not os.path.exists(LINUX):
        print("Linux's figures are not recorded; make bench measures them")
    linux = load(LINUX)
    rows = workloads.join(workloads.load(), ours, *(linux.get(key, {}).get("figures", {}) for key in
                                                    ("best", "default")))
    print(text_table(rows))
    if record:
        write(RECORDED, {name: figure["least"] for name, figure in ours.items()})
        print(f"recorded in {os.path.relpath(RECORDED, ROOT)}", *manual.update_costs())
        return 0
    if not recorded:
        print("bench: nothing is recorded; bench/bench.py --record does")
        return 1
    problems = grown(ours, recorded)
    print("\n".join(f"GREW {problem}" for problem in problems) or "no path has grown")
    return 1 if problems else 0


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--check", "--record", "--smp", "--skip-linux", "--render"):
        parser.add_argument(option, action="store_true")
    options = parser.parse_args(arguments)
    try:
        if options.smp:
            import ratios
            return ratios.main()
        if options.render:
            return render()
        if options.check or options.record:
            return check(options.record)
        return compare(not options.skip_linux)
    except (workloads.Miscounted, Differ) as problem:
        print(f"bench: {problem}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
