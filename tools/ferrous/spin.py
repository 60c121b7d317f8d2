"""Runs the Spin models in tests/models/spin: each must hold as it is, and fail in every way it can be broken.

A model's head lists its ways of being broken (BREAK_...). VARIANTS says with which definitions it is explored.
"""

import os
import re
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = "tests/models/spin"
BUILD = os.path.join(ROOT, "build/models/spin")
DEPTH = 1000000
MEMORY_MIB = 1500
SECONDS = 240
HEAD_BREAKS = re.compile(r"\bBREAK_[A-Z_]+\b")
ERRORS = re.compile(r"errors: (\d+)")
STATES = re.compile(r"^\s*(\d+) states, stored", re.MULTILINE)
REACHED = re.compile(r"max search depth too small|out of memory|VECTORSZ", re.IGNORECASE)

# Definitions to explore with, by profile; a model not named is explored once, as it is.
VARIANTS = {
    "call": {"check": ("-DEVENTS=2", "-DEVENTS=1 -DKILL", "-DEVENTS=2 -DMOVES"),
             "soak": ("-DEVENTS=2 -DKILL -DMOVES", "-DEVENTS=3 -DMOVES")},
    "condition": {"check": ("", "-DSIGNAL")},
    "fast": {"check": ("-DEVENTS=3", "-DEVENTS=2 -DSECOND"), "soak": ("-DEVENTS=3 -DSECOND",)},
}
# With which definitions a model can be seen to break, if not with none.
BROKEN_WITH = {"call": "-DEVENTS=2 -DKILL"}


def models():
    return sorted(name[:-4] for name in os.listdir(os.path.join(ROOT, FOLDER)) if name.endswith(".pml"))


def variants(model, profile):
    known = VARIANTS.get(model, {})
    return known.get("check", ("",)) + (known.get("soak", ()) if profile == "soak" else ())


def breaks(model):
    with open(os.path.join(ROOT, FOLDER, model + ".pml"), encoding="utf-8") as file:
        return sorted(set(HEAD_BREAKS.findall(file.read().split("*/")[0])))


def explore(model, definitions):
    """Explores all states: (errors, states, output); errors is None if that did not come to its end."""
    words = definitions.split()
    folder = os.path.join(BUILD, "_".join([model] + [word[2:] for word in words]))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(os.path.join(ROOT, FOLDER), folder)
    steps = (["spin", "-a", *words, model + ".pml"],
             ["gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-DVECTORSZ=2048", f"-DMEMLIM={MEMORY_MIB}", "-o", "pan",
              "pan.c"],
             ["./pan", f"-m{DEPTH}"])
    output = ""
    for step in steps:
        try:
            done = subprocess.run(step, cwd=folder, text=True, check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return None, 0, f"{' '.join(step)}: not done after {SECONDS} s"
        output = done.stdout
        if done.returncode and step[0] != "./pan":
            return None, 0, output
    errors, states = ERRORS.search(output), STATES.search(output)
    if not errors or not states or (REACHED.search(output) and errors.group(1) == "0"):
        return None, 0, output
    return int(errors.group(1)), int(states.group(1)), f"{output}\nagain with: cd {os.path.relpath(folder, ROOT)} && " \
        f"spin -t -p {definitions} {model}.pml\n"
