"""Programs that crash, one kind after the other, many rounds: each ends with the right reason, nothing is lost."""

import re

from ferrous import console
from ferrous.machine import Machine
from ferrous.outcome import failed, passed
from system import booted, session

# What the shell says of each kind of crash.
WRITE, READ, JUMP = ("write where nothing may be written", "read where nothing may be read",
                     "jump where nothing may be executed")
PROTECTION = "privileged instruction or protection fault"
KINDS = {
    "null": WRITE,
    "null-read": READ,
    "privileged": PROTECTION,
    "port": PROTECTION,
    "illegal": "undefined instruction",
    "stack": WRITE,
    "divide": "division error",
    "jump": JUMP,
    "data": JUMP,
    "noncanonical": PROTECTION,
    "code": WRITE,
    "kernel": WRITE,
    "breakpoint": "breakpoint",
    "loop": "time limit passed",
}
ROUNDS = {"check": 200, "soak": 10000}
ROUND_LIMIT_S = 60


def one_round(running, kind):
    """Types the command; returns why it is wrong, or ""."""
    output = running.run(f"crash {kind}", ROUND_LIMIT_S)
    return "" if f"crash: {KINDS[kind]}" in output else f"crash {kind}: {output.strip()!r}"


def listed_kinds(running):
    """The kinds that the program itself lists."""
    return re.findall(r"^  (\S+) +\S", running.run("crash"), re.MULTILINE)


def run(context):
    rounds = ROUNDS.get(context.profile, len(KINDS))
    kinds = list(KINDS)
    machine = Machine(cpus=2, stop_on_reset=True)
    try:
        with session.boot(machine, 60 + rounds * 10) as running:
            for kind in kinds:
                problem = one_round(running, kind)
                yield failed(f"crash {kind}", problem) if problem else passed(f"crash {kind} ends with its reason")
            unknown = sorted(set(listed_kinds(running)) ^ set(kinds))
            yield failed("all kinds are tried", str(unknown)) if unknown else passed("all kinds are tried")
            booted.counts(running)  # asking touches pages for the first time, too
            before = booted.counts(running)
            problems = []
            for number in range(rounds):
                problem = one_round(running, kinds[number % len(kinds)])
                problems += [f"round {number}: {problem}"] if problem else []
            difference = booted.lost(before, booted.counts(running))
            yield failed(f"{rounds} rounds", "\n".join(problems[:10])) if problems else passed(f"{rounds} rounds")
            yield failed("no memory is lost", difference) if difference else passed("no memory is lost")
            alive = running.run("echo still here")
            yield passed("the shell goes on") if "still here" in alive else failed("the shell goes on", alive)
            running.shut_down()
    except console.Stopped as stop:
        yield failed("crash rounds", stop.reason)
