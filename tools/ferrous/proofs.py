"""Runs Frama-C's WP on the units in tests/models/wp and compares with tests/models/wp/goals.txt.

A unit is a C file that states contracts and then includes the project's own source. As a program it records what is
proved now: python3 tools/ferrous/proofs.py --record.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = "tests/models/wp"
GOALS = os.path.join(FOLDER, "goals.txt")
BROKEN = "broken.c"  # contracts that do not hold
SECONDS = 10  # for each prover and goal
BUILD = os.path.join(ROOT, "build/models")
INCLUDES = ["-I.", "-Ikernel", "-Ikernel/arch/include", "-Ikernel/arch/x86_64/include", "-DFERROUS_KERNEL",
            "-DFERROUS_TRACE", "-include", os.path.join(FOLDER, "prelude.h")]
CONTRACT = re.compile(r"/\*@.*?\*/\s*([^;{]*?)\b(\w+)\([^;{]*?\)\s*[;{]", re.DOTALL)
OUTCOME = re.compile(r"^\[wp\] \[([^\]]+)\] Goal typed_(\w+)(?: : (\w+))?", re.MULTILINE)
DRIVERS = "/usr/share/why3/drivers"

PROVER = """[prover]
name = "{name}"
version = "1"
alternative = ""
command = "{command}"
command_steps = ""
driver = "{driver}"
editor = ""
in_place = false
interactive = false
shortcut = "{name}"

"""


def units():
    return sorted(name for name in os.listdir(os.path.join(ROOT, FOLDER)) if name.endswith(".c"))


def configure():
    """Writes Why3's configuration: z3 and cvc5 each as it is and behind bits.py. Returns its path."""
    os.makedirs(BUILD, exist_ok=True)
    cvc5 = os.path.join(BUILD, "cvc5.drv")
    with open(os.path.join(DRIVERS, "cvc4_17.drv"), encoding="utf-8") as file:
        text = file.read()  # Why3 1.5 knows no cvc5: it is told as cvc4 is, but for the name of the logic
    text = text.replace("ALL_SUPPORTED", "ALL").replace('import "', f'import "{DRIVERS}/')
    with open(cvc5, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    z3 = os.path.join(DRIVERS, "z3_471.drv")
    bits = f"{sys.executable} {os.path.join(ROOT, FOLDER, 'bits.py')}"
    limit = SECONDS + 2  # the solver stops itself before Why3 stops it
    provers = (("bits-z3", f"{bits} z3 {SECONDS} %f", z3), ("bits-cvc5", f"{bits} cvc5 {SECONDS} %f", z3),
               ("z3", f"z3 -smt2 -T:{limit} sat.random_seed=42 smt.random_seed=42 %f", z3),
               ("cvc5", f"cvc5 --tlimit={limit}000 --lang=smt2 %f", cvc5))
    path = os.path.join(BUILD, "why3.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"[main]\nmagic = 14\nmemlimit = 2000\nrunning_provers_max = 2\ntimelimit = {SECONDS}\n\n")
        for name, command, driver in provers:
            file.write(PROVER.format(name=name, command=command, driver=driver))
    return path


def functions_of(unit):
    """The functions to which the unit gives a contract."""
    with open(os.path.join(ROOT, FOLDER, unit), encoding="utf-8") as file:
        return [name for before, name in CONTRACT.findall(file.read()) if "extern" not in before]


def prove(unit, config):
    """Runs WP on one unit: ({goal: prover or None}, output)."""
    flags = " ".join(INCLUDES)
    provers = "bits-z3,z3,cvc5,bits-cvc5"
    seconds = 1 if unit == BROKEN else SECONDS
    command = ["frama-c", "-c11", "-machdep", "gcc_x86_64", f"-cpp-extra-args={flags}", os.path.join(FOLDER, unit),
               "-wp", "-wp-rte", "-wp-prover", provers, "-wp-timeout", str(seconds), "-wp-par", "1", "-wp-fct",
               ",".join(functions_of(unit)), "-wp-cache", "none"]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ, WHY3CONFIG=config), text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    goals = {}
    for prover, goal, verdict in OUTCOME.findall(done.stdout):
        goals[goal] = prover if verdict == "Valid" else None
    return goals, done.stdout


def recorded():
    """{(unit, goal): is it proved} of goals.txt."""
    known = {}
    with open(os.path.join(ROOT, GOALS), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                unit, goal, state = line.split()
                known[unit, goal] = state == "proved"
    return known


def record():
    lines = ["# Goals of WP and whether they are proved. Written by: python3 tools/ferrous/proofs.py --record\n"]
    config = configure()
    for unit in units():
        if unit == BROKEN:
            continue
        goals, output = prove(unit, config)
        if not goals:
            sys.exit(f"{unit}: no goals\n{output[-3000:]}")
        lines += [f"{unit} {goal} {'proved' if prover else 'open'}\n" for goal, prover in sorted(goals.items())]
        print(f"{unit}: {sum(map(bool, goals.values()))} of {len(goals)} proved", flush=True)
    with open(os.path.join(ROOT, GOALS), "w", encoding="utf-8") as file:
        file.writelines(lines)


if __name__ == "__main__":
    if sys.argv[1:] != ["--record"]:
        sys.exit(__doc__)
    record()
