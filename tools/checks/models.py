"""Proofs and models: what WP proved before is proved again; each Spin model holds, and fails when it is broken."""

from ferrous import proofs, spin
from ferrous.outcome import failed, passed


def prove_unit(unit, config, known):
    """Compares what is proved with what is recorded."""
    goals, output = proofs.prove(unit, config)
    wanted = {goal for (name, goal), proved in known.items() if name == unit and proved}
    listed = {goal for (name, goal) in known if name == unit}
    proved = {goal for goal, prover in goals.items() if prover}
    problems = [f"{goal} is not proved any more" for goal in sorted(wanted - proved)]
    problems += [f"{goal} is new: see proofs.py --record" for goal in sorted(set(goals) - listed)]
    if problems or not goals:
        return failed(f"proofs of {unit}", "\n".join(problems) + "\n" + output[-3000:])
    still_open = len(goals) - len(proved)
    return passed(f"proofs of {unit}", len(proved),
                  f"{len(proved)} goals" + (f", {still_open} open" if still_open else ""))


def prove_broken(config):
    goals, output = proofs.prove(proofs.BROKEN, config)
    wrong = [goal for goal in goals if goal.endswith("_wrong")]
    believed = [goal for goal in wrong if goals[goal]]
    if believed or len(wrong) != len(proofs.functions_of(proofs.BROKEN)):
        return failed("contracts that do not hold are not proved", "\n".join(believed) + output[-3000:])
    return passed("contracts that do not hold are not proved", len(wrong))


def holds(work):
    model, definitions = work
    name = f"model {model} {definitions}".strip()
    errors, states, output = spin.explore(model, definitions)
    return passed(name, detail=f"{states:,} states") if errors == 0 else failed(name, output[-3000:])


def breaks(work):
    model, macro = work
    name = f"model {model} fails with {macro}"
    errors, _, output = spin.explore(model, f"{spin.BROKEN_WITH.get(model, '')} -D{macro}".strip())
    return passed(name) if errors else failed(name, f"no error is found\n{output[-2000:]}")


def run(context):
    config, known = proofs.configure(), proofs.recorded()
    units = [unit for unit in proofs.units() if unit != proofs.BROKEN]
    yield from context.map(lambda unit: prove_unit(unit, config, known), units)
    gone = sorted({unit for unit, _ in known} - set(proofs.units()))
    if gone:
        yield failed("recorded units exist", "\n".join(gone))
    yield prove_broken(config)
    work = [(model, definitions) for model in spin.models() for definitions in spin.variants(model, context.profile)]
    yield from context.map(holds, work)
    work = [(model, macro) for model in spin.models() for macro in spin.breaks(model)]
    for model in spin.models():
        if len(spin.breaks(model)) < 2:
            yield failed(f"model {model} can be broken in two ways", "its head lists fewer")
    yield from context.map(breaks, work)
