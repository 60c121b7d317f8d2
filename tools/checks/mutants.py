"""Tries a sample of the mutants that follows from the commit: others for each, the same for all who test it.

`make check` draws from those that are recorded as killed (tests/mutants/killed) and whose function is as it was then:
what the tests noticed they notice still. Most of the list must still stand; `make mutants` and `make soak` try all.
"""

import random

from ferrous.outcome import failed, passed
from mutation import run as mutation

SAMPLE = 5
LEAST = 150
SOAK_SECONDS = 3600
STANDING_SHARE = 0.75  # of the recorded mutants, whose functions are as they were


def run(context):
    status, output = context.run(["python3", "tests/mutants/mutation_test.py"])
    yield failed("tests of the mutation tool", output[-3000:]) if status else passed("tests of the mutation tool")
    mutants = mutation.all_mutants(context)
    if len(mutants) < LEAST:
        yield failed("the guards are found in the sources", f"{len(mutants)} mutants, at least {LEAST} expected")
        return
    yield passed("the guards are found in the sources", detail=f"{len(mutants)} mutants")
    reasons = mutation.read_survivors(context)
    unexplained = [name for name, reason in reasons.items() if not reason]
    if unexplained:
        yield failed("each survivor has a reason", "\n".join(unexplained))
    laboratory = mutation.Laboratory(context, fresh=context.profile != "soak")
    trouble = laboratory.prepare()
    if trouble:
        yield failed("the sound kernel passes", trouble)
        return
    killed = mutation.read_killed(context)
    standing = [mutant for mutant in mutants if killed.get(mutant.name) == laboratory.mark(mutant)]
    if len(standing) < max(LEAST, STANDING_SHARE * len(killed)):
        yield failed("enough of the recorded mutants stand as they were",
                     f"{len(standing)} of {len(killed)}; tools/mutants, then tools/mutants --record")
    drawn = [mutant for mutant in mutants if mutant.name not in reasons] if context.profile == "soak" else standing
    random.Random(context.commit()).shuffle(drawn)
    if context.profile != "soak":
        drawn = drawn[:SAMPLE]
    # Two at a time: more would only make each other's time limits tight.
    laboratory.run([mutant for mutant in drawn if not laboratory.known(mutant)], min(context.jobs, 2),
                   SOAK_SECONDS if context.profile == "soak" else None)
    for mutant in drawn:
        entry = laboratory.known(mutant)
        if entry and entry["outcome"] == mutation.SURVIVED:
            yield failed(f"mutant {mutant.name}", "no test notices it; tools/mutants --only '...' --show shows it")
        elif entry:
            how = f"{entry['outcome']} by {entry['by']}: {entry['detail']}" if entry["by"] else entry["outcome"]
            yield passed(f"mutant {mutant.name}", detail=how)
