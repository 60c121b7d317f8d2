"""Both systems on two CPUs, by the clock: `make bench-smp`.

An emulator's time is no time of any machine, and a busy host adds its own. So the systems run in turn, several times,
the least of each figure is kept, and only the ratio between the two is shown, never a time. The two sides of a
measurement are pinned to CPUs of their own.
"""

import ferrous_side
import linux_side
import workloads

TURNS = 3
ROWS = ("null", "call_empty", "ping_pong", "page_fault", "map_unmap", "thread", "spawn")


def keep_least(found, measured):
    """Adds a run's figures to the least seen so far."""
    for name, figure in measured.items():
        least = min(figure["median"], found.get(name, {}).get("least", figure["median"])) if "median" in figure \
            else figure["least"]
        found[name] = {"least": least}


def table(rows, ours, linux):
    """Lines: title, way, how many times as long Linux takes."""
    lines = []
    for row in rows:
        way, theirs = workloads.best_of(row["linux"], linux)
        mine = workloads.value_of(row["ferrous"], ours)
        if theirs and mine:
            lines.append(f"{row['title']:<48} {theirs / mine:6.1f}   {way}")
    return lines


def main():
    try:
        image = linux_side.prepare()
    except linux_side.Unavailable as reason:
        print(f"SKIPPED: Linux cannot be measured: {reason}")
        return 0
    rows = [row for row in workloads.load() if row["id"] in ROWS]
    ours, linux = {}, {}
    for turn in range(TURNS):
        arguments = ["--pinned"] + [row["ferrous"] for row in rows]
        keep_least(ours, workloads.figures(ferrous_side.run(arguments, cpus=2))[0])
        keep_least(linux, workloads.figures(linux_side.run(image, linux_side.AT_ITS_BEST, two_cpus=True))[0])
        print(f"turn {turn + 1} of {TURNS}", flush=True)
    print(f"{'2 CPUs, the two sides on one each':<48} Linux / Ferrous, by the clock (least of {TURNS} medians)")
    lines = table(rows, ours, linux)
    print("\n".join(lines))
    return 0 if lines else 1
