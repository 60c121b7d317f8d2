"""Runs the simulator: a fixed set of seeds, then others that follow from the commit until the time is used up."""

import os
import time

from ferrous import manual
from ferrous.context import ROOT
from ferrous.outcome import failed, passed, result

PROGRAM = "build/host/simulator"
FIXED_SEEDS = "1-40"
CPUS = (1, 2, 3, 4)
STEPS = {"quick": 1000, "check": 1500, "soak": 6000}
SECONDS = {"quick": 15, "check": 60, "soak": 7200}
BATCH = 4
# Each way of running takes its turn: allocations that fail by chance, every seed twice with equal results.
WAYS = ((), ("--fail-frames",), ("--twice",))


def batch(context, seeds, cpus, way=(), tables=None):
    """One run of the simulator. `tables` gets what it prints, then with how each call ended."""
    command = [PROGRAM, "--seeds", seeds, "--cpus", str(cpus), "--steps", str(STEPS[context.profile]), *way]
    status, output = context.run(command + (["--coverage"] if tables is not None else []), timeout_s=900)
    if tables is not None:
        tables.append(output)
    name = " ".join(["seeds", seeds, "on", str(cpus), "CPUs", *way])
    first, last = (int(part) for part in seeds.split("-"))
    if status == 0:
        return passed(name, last - first + 1)
    return failed(name, f"status {status}; again with: {' '.join(command)}\n{output[-3000:]}")


def run(context):
    trouble = context.make("simulator")
    if trouble or not os.path.exists(os.path.join(ROOT, PROGRAM)):
        yield failed("the simulator builds", trouble or f"{PROGRAM} is missing")
        return
    if context.options.get("seeds"):
        for cpus in CPUS:
            yield batch(context, context.options["seeds"], cpus)
        return
    first, last = (int(part) for part in FIXED_SEEDS.split("-"))
    share = (last - first + 1) // len(CPUS)
    fixed = [(f"{first + i * share}-{first + (i + 1) * share - 1}", cpus, WAYS[i % len(WAYS)])
             for i, cpus in enumerate(CPUS)]
    tables = []
    yield from context.map(lambda work: batch(context, *work, tables=tables), fixed)
    yield result("each status that a call gave stands in its manual page", manual.undocumented("\n".join(tables)))
    # The commit's first digits start the other seeds: new ones for each commit, the same for all who test it.
    seed = int(context.commit()[:12], 16) + 1000
    end = time.monotonic() + SECONDS[context.profile]
    turn = 0
    while time.monotonic() < end:
        work = []
        for cpus in CPUS:
            work.append((f"{seed}-{seed + BATCH - 1}", cpus, WAYS[turn % len(WAYS)]))
            seed += BATCH
        turn += 1
        yield from context.map(lambda item: batch(context, *item), work)
