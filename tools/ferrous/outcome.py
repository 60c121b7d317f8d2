"""What a part of the checks gives: outcomes, each one thing that holds or does not."""

from dataclasses import dataclass


@dataclass
class Outcome:
    name: str
    ok: bool
    detail: str = ""
    count: int = 1  # how many passes or failures this stands for
    quiet: bool = True  # not printed when it holds


def passed(name, count=1, detail=""):
    return Outcome(name, True, detail, count)


def failed(name, detail, count=1):
    return Outcome(name, False, detail, count)


def result(name, problems):
    """One outcome from a list of problems found."""
    return failed(name, "\n".join(problems)) if problems else passed(name)
