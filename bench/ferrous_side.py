"""Ferrous in the emulator, for measuring: the benchmark runs by itself as soon as the system is up.

Nothing is typed. A key arrives at a moment that depends on the host, and what comes after it is then counted from other
addresses and in another order; so the manifest of a measured system starts `bench` in the shell's place.
"""

import os
import re
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests")]

from ferrous import console  # noqa: E402
from ferrous.machine import Machine  # noqa: E402
from system import session  # noqa: E402

MANIFEST = os.path.join(ROOT, "services/supervisor/manifest")
TIMEOUT_S = 300
COMMAND_LINE = "fb=off seed=fixed"
LAST = re.compile(r"^BENCH boot_to_init \d+ \S+$|^\S*bench: .*$", re.MULTILINE)


def manifest_of(text, arguments=()):
    """The system's manifest with `bench` as a service, and no shell."""
    blocks = re.split(r"\n(?=(?:service|program|endpoint) )", text)
    bench = [block for block in blocks if re.match(r"program bench\b", block)]
    kept = [block for block in blocks if not re.match(r"program |service shell\b", block)]
    if len(bench) != 1 or len(kept) == len(blocks):
        raise ValueError("the manifest has no program bench")
    body = bench[0].split("\n", 1)[1].rstrip()
    service = f"service bench\n{body}\n    restart never\n"
    if arguments:
        service += f"    arguments {' '.join(arguments)}\n"
    return "\n".join(kept).rstrip() + "\n\n" + service


def run(arguments=(), cpus=1, extra=()):
    """Boots, measures, and gives what was printed."""
    counting = cpus == 1
    machine = Machine(icount=counting, cpus=cpus, stop_on_reset=True, extra=list(extra))
    with open(MANIFEST, encoding="utf-8") as file:
        text = manifest_of(file.read(), arguments)
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        path = os.path.join(folder, "manifest")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            with session.boot(machine, TIMEOUT_S, append=COMMAND_LINE, wait=False, programs=[path]) as running:
                running.wait_for(LAST)
                return running.text()
        except console.Stopped as stop:
            sys.exit(f"bench: Ferrous: {stop.reason}")
