"""The table of workloads (workloads.json) joined with what was measured: rows with Linux's best, Ferrous, the mark.

Measured figures of one system are a dictionary: name -> {"least": N, "median": N, "rounds": N}. A name in the table may
be a pattern (`rtt_64_*`), or `A/B`: by how many percent A is more than B.
"""

import fnmatch
import json
import os
import re
from dataclasses import dataclass
from typing import Optional

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, "bench/workloads.json")
FIGURE = re.compile(r"^BENCH (\w+) (\d+) (\S+)[ \r]*\n(?: +median (\d+) of (\d+) rounds)?", re.MULTILINE)
CALIBRATION = re.compile(r"^CALIBRATION (\d+) instructions (\d+) ticks\r?$", re.MULTILINE)
SLACK = 32  # instructions around the calibration's loop


class Miscounted(Exception):
    """The counter of the machine does not count instructions, or nothing was measured."""


def load(path=TABLE):
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)["rows"]
    ids = [row["id"] for row in rows]
    if len(set(ids)) != len(ids):
        raise ValueError("workloads.json: two rows have the same id")
    return rows


def figures(output):
    """What a benchmark printed: name -> figure, and the units seen."""
    found, units = {}, set()
    for name, least, unit, median, rounds in FIGURE.findall(output):
        found[name] = {"least": int(least)}
        if rounds:
            found[name].update(median=int(median), rounds=int(rounds))
        units.add(unit)
    return found, units


def counted(output):
    """The figures, if a tick was an instruction: shown by the calibration's loop and said with each figure."""
    found, units = figures(output)
    if not found:
        raise Miscounted(f"no BENCH line in what was printed:\n{output[-3000:]}")
    loop = CALIBRATION.search(output)
    if not loop:
        raise Miscounted("no calibration was printed")
    instructions, ticks = int(loop.group(1)), int(loop.group(2))
    if not instructions <= ticks < instructions + SLACK:
        raise Miscounted(f"a loop of {instructions} instructions took {ticks} ticks")
    if units != {"instructions"}:
        raise Miscounted(f"figures in {', '.join(sorted(units))}")
    return found


def value_of(name, measured):
    """The least of a figure, or the percentage that `A/B` stands for. None: not measured."""
    if "/" in name:
        with_it, without = (measured.get(part, {}).get("least") for part in name.split("/"))
        return round(100 * (with_it / without - 1), 1) if with_it and without else None
    return measured.get(name, {}).get("least")


def best_of(patterns, measured):
    """(name, value) of the cheapest way that was measured; (None, None) if none was."""
    names = []
    for pattern in patterns:
        names += [pattern] if "/" in pattern else fnmatch.filter(sorted(measured), pattern)
    found = [(value_of(name, measured), name) for name in dict.fromkeys(names)]
    found = [pair for pair in found if pair[0] is not None]
    return min(found)[::-1] if found else (None, None)


@dataclass
class Row:
    """One line of the table."""
    id: str
    title: str
    unit: str
    linux: Optional[float]  # the best way, tuned
    way: Optional[str]
    linux_default: Optional[float]  # the best way as Debian ships it
    sel4: Optional[str]
    target: Optional[float]
    ours: Optional[float]
    median: Optional[float]

    @property
    def mark(self):
        if self.target is None:
            return ""
        if self.ours is None:
            return "not measured"
        if self.ours <= self.target:
            return "met"
        return f"missed, {self.ours / self.target:.1f} times"


def join(rows, ours, tuned, default):
    """The table's rows in order; what is only Linux's or only known by name stands there, too."""
    out = []
    for row in rows:
        way, best = best_of(row.get("linux", []), tuned)
        _, plain = best_of(row.get("linux", []), default)
        name = row.get("ferrous") or ""
        sel4 = row.get("sel4_text") or (f"{row['sel4']:,}" if "sel4" in row else None)
        out.append(Row(row["id"], row["title"], row.get("unit", "instructions"), best, way, plain, sel4,
                       row.get("target"), value_of(name, ours), ours.get(name, {}).get("median")))
    named = {part for row in rows for part in (row.get("ferrous") or "").split("/")}
    for name in ours:
        if name not in named:
            out.append(Row(name, name, "instructions", None, None, None, None, None, value_of(name, ours),
                           ours[name].get("median")))
    return out


def unmatched(rows, measured):
    """Names of the table that fit nothing a Linux run printed: they were renamed on one side only."""
    return [pattern for row in rows for pattern in row.get("linux", [])
            for part in pattern.split("/") if not fnmatch.filter(measured, part)]
