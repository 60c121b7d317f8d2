"""Booted tests: the program `systest` on many machines, with memory and objects compared before and after."""

import re

from ferrous import console
from ferrous.outcome import failed, passed
from system import machines, session

TEST_LINE = re.compile(r"^(PASS|FAIL) ([^\s:]+)(?:: (.*))?\s*$", re.MULTILINE)
SUMMARY = r"^{}: (\d+) passed, (\d+) failed\s*$"
COUNTED = re.compile(r"^  (\S.*?) +([\d,]+)(?: KiB)?\s*$", re.MULTILINE)  # a line of `mem`
PROCESS = re.compile(r"^ *(\d+) +\d+  \S+ +\d+ +(\d+) +(\d+) KiB +[\d.]+ +(\d+)  (\S+)\s*$", re.MULTILINE)
KERNEL_PARTS = ("kernel image", "kernel data")
KERNEL_LIMIT_KIB = 8 * 1024
BOOT_LIMIT_S = 90
TEST_LIMIT_S = 240
RUNS_TO_SETTLE = 3


def counts(running):
    """What `mem` and `ps` count: name -> number. Nothing of it may change when a program has come and gone."""
    output = running.run("mem")
    found = {name: int(number.replace(",", "")) for name, number in COUNTED.findall(output)
             if not name.startswith("node ")}  # which node gave a page may change; their sum is "free"
    if "free" not in found:
        raise console.Stopped(f"`mem` does not show what is free:\n{output}", console.ENDED)
    processes = running.run("ps")
    for _, threads, memory, caps, name in PROCESS.findall(processes):
        found[f"threads of {name}"] = int(threads)
        found[f"KiB of {name}"] = int(memory)
        found[f"capabilities of {name}"] = int(caps)
    if "threads of shell" not in found:
        raise console.Stopped(f"`ps` does not show the shell:\n{processes}", console.ENDED)
    return found


def lost(before, after):
    """What differs between two counts, as text; empty if nothing."""
    return ", ".join(f"{name}: {before[name]:,} before, {after.get(name, 0):,} after"
                     for name in before if after.get(name, 0) != before[name])


def losing(before, after):
    """Names of what is less than before, or, of what is in use, more."""
    return {name for name in before
            if (after.get(name, 0) < before[name] if name == "free" else after.get(name, 0) > before[name])}


def outcomes_of(name, output, program="systest"):
    """The outcomes of one run of a test program from what it printed."""
    found = TEST_LINE.findall(output)
    good = sum(1 for word, _, _ in found if word == "PASS")
    bad = [(test, reason) for word, test, reason in found if word == "FAIL"]
    outcomes = [passed(f"{name}: {program}", good)] if good else []
    outcomes += [failed(f"{name}: {test}", reason or "no reason given") for test, reason in bad]
    summary = re.search(SUMMARY.format(program), output, re.MULTILINE)
    if not summary:
        outcomes.append(failed(f"{name}: {program}", f"no closing line\n{output[-3000:]}"))
    elif (int(summary.group(1)), int(summary.group(2))) != (good, len(bad)) or not good:
        outcomes.append(failed(f"{name}: {program}", f"{good} PASS and {len(bad)} FAIL lines, but: {summary.group(0)}"))
    return outcomes


def nothing_is_lost(name, running):
    """Runs systest again and compares the counts before and after.

    An object cache may keep one slab more than before when more happened at once than ever before, or give one back
    that it kept; the shell may touch one page of its stack more. So a difference gets another chance: what is lost is
    lost in every run.
    """
    counts(running)  # asking touches pages for the first time, too
    differences, suspects = [], None
    for _ in range(RUNS_TO_SETTLE):
        before = counts(running)
        bad = [outcome for outcome in outcomes_of(name, running.run("run systest", TEST_LIMIT_S)) if not outcome.ok]
        if bad:
            return bad
        after = counts(running)
        differences.append(lost(before, after))
        less = losing(before, after)
        suspects = less if suspects is None else suspects & less
        if not suspects:
            return [passed(f"{name}: nothing is lost")]
    return [failed(f"{name}: nothing is lost", "in each of several runs:\n" + "\n".join(differences))]


def run_machine(machine, append):
    """Boots one machine and runs systest there: the first time fills caches, the second must lose nothing."""
    name = machine.name()
    try:
        with session.boot(machine, BOOT_LIMIT_S + (1 + RUNS_TO_SETTLE) * TEST_LIMIT_S, append) as running:
            cpus = running.run("cpus")
            outcomes = [passed(f"{name}: boots")]
            online = len(re.findall(r"^ *\d+ +\d+ +\d+ +yes\b", cpus, re.MULTILINE))
            outcomes.append(passed(f"{name}: all CPUs are online") if online == machine.cpus else
                            failed(f"{name}: all CPUs are online", cpus))
            outcomes += outcomes_of(name, running.run("run systest", TEST_LIMIT_S))
            outcomes += nothing_is_lost(name, running)
            status = running.shut_down()
            outcomes.append(passed(f"{name}: powers off") if status == 0 else
                            failed(f"{name}: powers off", f"status {status}"))
            return outcomes
    except console.Stopped as stop:
        return [failed(f"{name}: {append}".rstrip(": "), stop.reason[-4000:])]


def run(context):
    wanted = context.options.get("machine") or ""
    for machine, append in machines.machines(context.profile):
        if wanted in machine.name():
            outcomes = run_machine(machine, append)
            if all(outcome.ok for outcome in outcomes):
                yield passed(machine.name(), sum(outcome.count for outcome in outcomes),
                             detail=f"{sum(outcome.count for outcome in outcomes)} tests")
            else:
                yield from outcomes


def run_memory(_context):
    """What the kernel uses after boot at 512 MiB."""
    machine = machines.machine_of((1, 512, 1, machines.MODELS[0]))[0]
    with session.boot(machine, BOOT_LIMIT_S) as running:
        found = counts(running)
        running.shut_down()
    used = sum(found[part] for part in KERNEL_PARTS)
    yield passed("the kernel's memory after boot", detail=f"{used:,} KiB") if used <= KERNEL_LIMIT_KIB else \
        failed("the kernel's memory after boot", f"{used:,} KiB, {KERNEL_LIMIT_KIB:,} allowed")
