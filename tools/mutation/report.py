"""What came of the mutants, for people."""

import collections

from mutation import run

GOAL = 95.0
EQUIVALENT = "Equivalent"  # with this word begins the reason of a mutant that behaves as the kernel does


def note(mutant, entry):
    """One line as each is done: survivors at once, the killed as they come."""
    by = f" by {entry['by']}: {entry['detail']}" if entry["outcome"] == run.KILLED else ""
    print(f"{entry['outcome']:9} {mutant.name}{by}", flush=True)


def unexpected(mutants, laboratory, reasons):
    """Survivors without a reason."""
    return [mutant for mutant in mutants
            if (laboratory.known(mutant) or {}).get("outcome") == run.SURVIVED and mutant.name not in reasons]


def counts_of(mutants, laboratory):
    """{outcome: number}, and {first word of the killer: number}."""
    outcomes, killers = collections.Counter(), collections.Counter()
    for mutant in mutants:
        entry = laboratory.known(mutant)
        outcomes[entry["outcome"] if entry else "not tried"] += 1
        if entry and entry["outcome"] == run.KILLED:
            killers[entry["by"].split()[0]] += 1
    return outcomes, killers


def print_all(context, laboratory, mutants):
    """Prints the report; the exit status: 0 if all were tried, the goal is met and each survivor has a reason."""
    reasons = run.read_survivors(context)
    by_file = collections.defaultdict(list)
    for mutant in mutants:
        by_file[mutant.path].append(mutant)
    print(f"\n{'file':34} {'mutants':>8} {'killed':>8} {'survived':>9} {'same code':>10} {'not built':>10} "
          f"{'not tried':>10}")
    for path, those in list(sorted(by_file.items())) + [("all", mutants)]:
        outcomes, killers = counts_of(those, laboratory)
        print(f"{path:34} {len(those):8} {outcomes[run.KILLED]:8} {outcomes[run.SURVIVED]:9} "
              f"{outcomes[run.SAME]:10} {outcomes[run.NOT_BUILT]:10} {outcomes['not tried']:10}")
    for operator, those in sorted(by_operator(mutants).items()):
        counts, _ = counts_of(those, laboratory)
        print(f"  {operator:32} {len(those):8} {counts[run.KILLED]:8} {counts[run.SURVIVED]:9}")
    print("killed by: " + ", ".join(f"{name} {number}" for name, number in killers.most_common()))
    survivors = [m for m in mutants if (laboratory.known(m) or {}).get("outcome") == run.SURVIVED]
    print("\nsurvivors with a reason:")
    for mutant in survivors:
        if mutant.name in reasons:
            print(f"  {mutant.name}\n      {reasons[mutant.name]}")
    nameless = unexpected(mutants, laboratory, reasons)
    print("survivors without a reason:")
    for mutant in nameless:
        print(f"  {mutant.name}")
    names = {mutant.name for mutant in run.all_mutants(context)}
    stale = [name for name in reasons if name not in names]
    print("reasons for mutants that there are no more:")
    for name in stale:
        print(f"  {name}")
    # What no test can tell from the kernel as it is does not count; all other survivors do, whatever their reason.
    equal = [mutant for mutant in survivors if reasons.get(mutant.name, "").startswith(EQUIVALENT)]
    tried = outcomes[run.KILLED] + outcomes[run.SURVIVED]
    counted = tried - len(equal)
    share = 100.0 * outcomes[run.KILLED] / counted if counted else 0.0
    print(f"{tried} tried, {len(equal)} of them equivalent; of the other {counted}, {outcomes[run.KILLED]} killed: "
          f"{share:.1f} % (goal {GOAL} %), {len(survivors) - len(nameless)} survivors with a reason, "
          f"{len(nameless)} without; {outcomes['not tried']} not tried, or not with all tests")
    return 0 if outcomes["not tried"] == 0 and share >= GOAL and not nameless else 1


def by_operator(mutants):
    groups = collections.defaultdict(list)
    for mutant in mutants:
        groups[mutant.name.split(": ")[1]].append(mutant)
    return groups
