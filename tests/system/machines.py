"""The machines that booted tests run on: a small set in which each pair of properties occurs, and the full product."""

import itertools

from ferrous.machine import Machine

CPUS = (1, 2, 4, 8)
MEMORY_MIB = (512, 128, 8192)
NODES = (1, 2)
# A model, and what must be added to the command line for it. Skylake-Client is prone to Meltdown and refused without.
MODELS = (("max", ""), ("Skylake-Client", "unsafe_cpu=accept"), ("EPYC", ""), ("qemu64", ""))
FACTORS = (CPUS, MEMORY_MIB, NODES, MODELS)


def pairs_of(choice):
    """All pairs of (position, value) in one choice of values."""
    return set(itertools.combinations(list(enumerate(choice)), 2))


def pairwise_cover(factors):
    """Choices, one value per factor, such that every two values of different factors occur together.

    Greedy: the choice with most pairs not seen yet comes next; ties go to the first in the order of the product, so
    that the result is always the same.
    """
    product = list(itertools.product(*factors))
    missing = set().union(*(pairs_of(choice) for choice in product))
    cover = []
    while missing:
        best = max(product, key=lambda choice: len(pairs_of(choice) & missing))
        cover.append(best)
        missing -= pairs_of(best)
    return cover


def machine_of(choice):
    """A choice as (machine, words for the command line)."""
    cpus, memory, nodes, (model, append) = choice
    return Machine(cpus=cpus, memory_mib=memory, nodes=nodes, cpu=model, stop_on_reset=True), append


def machines(profile):
    if profile == "soak":
        return [machine_of(choice) for choice in itertools.product(*FACTORS)]
    if profile == "quick":
        return [machine_of((2, 512, 1, MODELS[0]))]
    return [machine_of(choice) for choice in pairwise_cover(FACTORS)]
