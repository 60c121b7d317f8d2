"""Explores the states of small worlds with the real kernel beside its specification (docs/simulation.md)."""

import os
import re

from ferrous.context import ROOT
from ferrous.outcome import failed, passed

PROGRAM = "build/host/explorer"
# States are kept here from one soak to the next, as long as the program is the same.
FOLDER = "build/explore/states"
LIMIT_S = 600
# Worlds, and when to stop. The first has an end: a fixed point.
SEARCHES = {
    "quick": (("ipc", ("--states", "100000")), ("caps", ("--states", "100000"))),
    "check": (("ipc", ()), ("caps", ("--states", "250000")), ("defer", ("--states", "200000")),
              ("channel", ("--states", "100000")), ("grace", ("--states", "100000")), ("all", ("--states", "200000")),
              ("two", ("--races", "1", "--race-one-in", "60", "--states", "100000")),
              ("fast", ("--races", "1", "--race-one-in", "100", "--states", "60000"))),
}
FIXED_POINTS = {"ipc"}
SOAK_SECONDS = 3000
# Fields that are left out of the fingerprint one after the other, and the world where that shows soonest.
BLIND = {
    "signals": "ipc", "queue": "ipc", "senders": "ipc", "serving": "ipc", "turn": "ipc", "deadlines": "ipc",
    "rights": "caps", "badge": "caps", "wait_ref": "caps", "mappings": "caps", "tree": "caps", "reply": "defer",
}
BLIND_STATES = "1000000"
WALKS = {"quick": "1-10", "check": "1-100", "soak": "1-5000"}
WALK_STEPS = "1000"
# Every outcome of two calls at once is that of one after the other.
RACES = ", 0 in between"
STATES = re.compile(r"^world \w+: (\d+) states .*$", re.MULTILINE)
STEPS = re.compile(r"^world \w+: (\d+) steps ", re.MULTILINE)


def search(context, world, arguments, limit_s=LIMIT_S):
    """One exploration; its summary is the outcome's name."""
    status, output = context.run([PROGRAM, "--world", world, *arguments], timeout_s=limit_s)
    match = STATES.search(output)
    name = match.group(0) if match else f"world {world}"
    if status != 0 or not match:
        return failed(name, f"status {status}; again with: {PROGRAM} --world {world} {' '.join(arguments)}\n"
                            f"{output[-3000:]}")
    if "--races" in arguments and RACES not in output:
        return failed(name, f"outcomes in between, or none\n{output[-3000:]}")
    if world in FIXED_POINTS and not arguments and "(fixed point)" not in name:
        return failed(name, "there is no fixed point any more")
    return passed(name)


def blind(context, field, world):
    """A fingerprint that overlooks a field merges states that differ: that must be noticed."""
    arguments = [PROGRAM, "--world", world, "--blind", field, "--states", BLIND_STATES]
    status, output = context.run(arguments, timeout_s=LIMIT_S)
    name = f"a fingerprint without {field} is noticed"
    if status == 1 and "invariant fingerprint:" in output:
        return passed(name)
    return failed(name, f"status {status}: {' '.join(arguments)}\n{output[-1000:]}")


def walk(context, seeds):
    """Random walks through the richest world, longer than any search goes."""
    status, output = context.run([PROGRAM, "--world", "all", "--walk", seeds, "--steps", WALK_STEPS], timeout_s=3600)
    match = STEPS.search(output)
    if status == 0 and match:
        return passed(match.group(0).strip() + " of random walks agree with the specification")
    return failed(f"random walks {seeds}", f"status {status}\n{output[-3000:]}")


def soak(context, world):
    """Goes on where the last soak has ended."""
    os.makedirs(os.path.join(ROOT, FOLDER), exist_ok=True)
    arguments = ("--file", f"{FOLDER}/{world}", "--seconds", str(SOAK_SECONDS))
    return search(context, world, arguments, SOAK_SECONDS * 3)


def run(context):
    trouble = context.make("explorer")
    if trouble:
        yield failed("the explorer builds", trouble)
        return
    if context.profile == "soak":
        yield from context.map(lambda world: soak(context, world), ["caps", "all", "defer", "channel"])
        for world in ("two", "fast"):
            yield search(context, world, ("--races", "2", "--race-one-in", "50", "--seconds", str(SOAK_SECONDS)),
                         SOAK_SECONDS * 3)
    else:
        yield from context.map(lambda work: search(context, *work), SEARCHES[context.profile])
    if context.profile != "quick":
        yield from context.map(lambda work: blind(context, *work), list(BLIND.items()))
    yield walk(context, WALKS[context.profile])
