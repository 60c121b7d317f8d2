"""Line and branch coverage of the kernel's heart by unit tests, directed programs and the simulator.

The host programs are built again with clang's coverage counters and without UBSan, whose checks would count as
branches of the source. gcovr (Debian package) reads the counters. Branches inside the macros that assert, trace and
count are left out: the other way of an assertion is a kernel bug, a trace event that is off or on is chosen by a mask
and not by what the line is about, and a counter has no two ways at all.
"""

import json
import os
import shutil

from ferrous import programs
from ferrous.context import ROOT
from ferrous.outcome import failed, passed

BUILD = "build/coverage"
REPORT = "build/coverage/report/index.html"
FOLDERS = ("cap", "ipc", "proc", "syscall")
FLOORS = "tests/mutants/coverage-floor.json"
MACROS = ("ASSERT", "DEBUG_ASSERT", "TRACE", "COUNT")
STEPS = 1500
# Seeds, CPUs and extra words of the simulator's runs: the same for everybody, so that the figure does not wander.
SIMULATIONS = (("1-8", 1, ()), ("9-16", 2, ("--fail-frames",)), ("17-24", 3, ()), ("25-32", 4, ("--fail-frames",)))
RUN_LIMIT_S = 240


def build(context):
    """Builds everything with counters; "" or what went wrong."""
    return context.make(f"BUILD={BUILD}", "HOST_SANITIZE=-fsanitize=address --coverage", "simulator", "directed",
                        *unit_tests(context))


def unit_tests(context):
    """The unit tests of the measured folders."""
    folders = tuple(f"kernel/{folder}" for folder in FOLDERS)
    return [f"{BUILD}/host/{path[:-2]}" for path in context.files("_test.c", folders=folders)]


def commands(context):
    runs = [[program] for program in unit_tests(context)]
    runs.append([f"{BUILD}/host/directed"])
    for seeds, cpus, extra in SIMULATIONS:
        runs.append([f"{BUILD}/host/simulator", "--seeds", seeds, "--cpus", str(cpus), "--steps", str(STEPS),
                     "--check-every", "4", *extra])
    return runs


def forget(folder):
    """Removes the counters of earlier runs."""
    for where, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in names:
            if name.endswith(".gcda"):
                os.unlink(os.path.join(where, name))


def gcovr(context, *options):
    llvm_cov = programs.find("llvm-cov")
    pattern = r".*\b(" + "|".join(MACROS) + r")\("
    return context.run(["gcovr", "--root", ".", "--gcov-executable", f"{llvm_cov} gcov",
                        "--filter", "kernel/(" + "|".join(FOLDERS) + ")/", "--exclude", r".*_test\.c$",
                        "--exclude-branches-by-pattern", pattern, "--exclude-unreachable-branches",
                        *options, f"{BUILD}/host/kernel"])


def measure(context):
    """Reads the counters and writes the HTML report; (files, problem): for each file its lines and branches."""
    summary = os.path.join(ROOT, BUILD, "summary.json")
    os.makedirs(os.path.join(ROOT, os.path.dirname(REPORT)), exist_ok=True)
    status, output = gcovr(context, "--json-summary", summary, "--html-details", REPORT, "--json",
                           os.path.join(ROOT, BUILD, "lines.json"))
    if status:
        return [], output[-3000:]
    with open(summary, encoding="utf-8") as file:
        return json.load(file)["files"], ""


def percent(covered, total):
    return 100.0 * covered / total if total else 100.0


def table(files):
    """Text for people: a line per file and one for all."""
    rows = [(f["filename"], f["line_covered"], f["line_total"], f["branch_covered"], f["branch_total"]) for f in files]
    rows.append(("all", *(sum(row[i] for row in rows) for i in range(1, 5))))
    text = [f"{'file':34} {'lines':>12} {'':>7} {'branches':>12}"]
    for name, lines, line_total, branches, branch_total in rows:
        text.append(f"{name:34} {lines:5} / {line_total:5} {percent(lines, line_total):5.1f} % "
                    f"{branches:5} / {branch_total:5} {percent(branches, branch_total):5.1f} %")
    return "\n".join(text)


def missing_lines():
    """Lines never reached, as `file: line, line`, from gcovr's own record."""
    with open(os.path.join(ROOT, BUILD, "lines.json"), encoding="utf-8") as file:
        files = json.load(file)["files"]
    text = []
    for entry in files:
        numbers = [str(line["line_number"]) for line in entry["lines"]
                   if line["count"] == 0 and not line.get("gcovr/noncode")]
        if numbers:
            text.append(f"{entry['file']}: {', '.join(numbers)}")
    return text


def against_floors(context, files):
    """Outcomes: each file, and all together, against the recorded floors (percent)."""
    floors = json.loads(context.read(FLOORS))
    totals = [sum(f[key] for f in files) for key in ("line_covered", "line_total", "branch_covered", "branch_total")]
    measured = [("all", *totals)] + [(f["filename"], f["line_covered"], f["line_total"], f["branch_covered"],
                                      f["branch_total"]) for f in files]
    for name, lines, line_total, branches, branch_total in measured:
        floor = floors["all"] if name == "all" else floors["each file"]
        got = {"line": percent(lines, line_total), "branch": percent(branches, branch_total)}
        for kind in ("line", "branch"):
            title = f"{kind} coverage of {name}"
            if got[kind] + 1e-9 < floor[kind]:
                yield failed(title, f"{got[kind]:.1f} %, the floor is {floor[kind]} %")
            else:
                yield passed(title, detail=f"{got[kind]:.1f} %" if name == "all" else "")


def run(context):
    if not shutil.which("gcovr"):
        yield failed("gcovr is installed", "tools/setup check installs it")
        return
    trouble = build(context)
    if trouble:
        yield failed("the programs build with counters", trouble)
        return
    forget(BUILD)
    for command, (status, output) in zip(commands(context), context.map(
            lambda command: context.run(command, timeout_s=RUN_LIMIT_S), commands(context))):
        if status:
            yield failed(f"{' '.join(command)} with counters", f"status {status}\n{output[-3000:]}")
    files, problem = measure(context)
    if problem:
        yield failed("gcovr reads the counters", problem)
        return
    print(table(files))
    print("never reached:\n  " + "\n  ".join(missing_lines() or ["nothing"]))
    print(f"details: {REPORT}", flush=True)
    yield from against_floors(context, files)
