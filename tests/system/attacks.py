"""Attacks: the program `attack` on a few machines: each was refused, counted, and left nothing behind."""

from dataclasses import dataclass

from ferrous import console
from ferrous.machine import Machine
from ferrous.outcome import failed, passed
from system import booted, session

BOOT_LIMIT_S = 90
RUN_LIMIT_S = {"quick": 120, "check": 200, "soak": 6 * 3600}


@dataclass
class Dose:
    """How much is done on one machine."""
    machine: Machine
    forged: int
    calls: int
    rounds: int


def machines(profile):
    """Most of the work on four CPUs; the rest where there is one, and where the CPU can do least."""
    four = Machine(cpus=4, stop_on_reset=True)
    one = Machine(cpus=1, stop_on_reset=True)
    plain = Machine(cpus=2, cpu="qemu64", stop_on_reset=True)
    if profile == "quick":
        return [Dose(Machine(cpus=2, stop_on_reset=True), 20000, 20000, 50)]
    scale = 1 if profile == "check" else 10
    calls = 1 if profile == "check" else 100
    return [Dose(four, 1000000 * scale, 700000 * calls, 200 * scale),
            Dose(one, 100000 * scale, 200000 * calls, 100 * scale),
            Dose(plain, 100000 * scale, 100000 * calls, 100 * scale)]


def run_on(dose, seed, limit_s):
    name = dose.machine.name()
    line = f"run attack seed={seed} forged={dose.forged} calls={dose.calls} rounds={dose.rounds}"
    try:
        with session.boot(dose.machine, BOOT_LIMIT_S + limit_s) as running:
            outcomes = booted.outcomes_of(name, running.run(line, limit_s), "attack")
            alive = running.run("echo still here")
            outcomes.append(passed(f"{name}: the shell goes on") if "still here" in alive else
                            failed(f"{name}: the shell goes on", alive))
            running.shut_down()
            return [outcome if outcome.ok else failed(outcome.name, f"{outcome.detail}\nagain with: {line}")
                    for outcome in outcomes]
    except console.Stopped as stop:
        return [failed(name, f"{stop.reason}\nagain with: {line}")]


def run(context):
    # The commit chooses the seed: a new one for each commit, the same for all who test it.
    seed = int(context.commit()[:12], 16)
    wanted = context.options.get("machine") or ""
    for dose in machines(context.profile):
        if wanted not in dose.machine.name():
            continue
        outcomes = run_on(dose, seed, RUN_LIMIT_S[context.profile])
        if all(outcome.ok for outcome in outcomes):
            count = sum(outcome.count for outcome in outcomes)
            yield passed(dose.machine.name(), count, detail=f"{count} tests, {dose.forged:,} forged handles, "
                         f"{dose.calls:,} random calls, seed {seed}")
        else:
            yield from outcomes
