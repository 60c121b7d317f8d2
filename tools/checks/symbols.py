"""Compares the kernel's symbol table, read by the kernel's own reader, with llvm-symbolizer."""

import os
import random
import subprocess

from ferrous import elf, programs
from ferrous.context import ROOT
from ferrous.outcome import failed, passed

SAMPLES = 3000
LARGEST_TABLE = 300 * 1024
CONFIGS = ("release", "debug")


def ask_kernel_reader(table, offsets):
    done = subprocess.run([os.path.join(ROOT, "build/host/symbol_lookup"), table], text=True, check=True,
                          input="".join(f"{offset:x}\n" for offset in offsets), stdout=subprocess.PIPE)
    return [line.split() for line in done.stdout.splitlines()]


def ask_symbolizer(image, addresses):
    """For each address (outermost function, innermost file, innermost line)."""
    done = subprocess.run([programs.find("llvm-symbolizer"), "--obj", image, "--inlines", "--functions=linkage"],
                          input="".join(f"{address:#x}\n" for address in addresses), text=True, check=True,
                          stdout=subprocess.PIPE)
    answers = []
    for block in done.stdout.strip("\n").split("\n\n"):
        lines = block.splitlines()
        file, line, _ = lines[1].rsplit(":", 2)
        answers.append((lines[-2], os.path.normpath(file), int(line)))
    return answers


def sample_addresses(image, random_source):
    """Every function's first byte, then bytes inside functions at random."""
    functions = [s for s in image.symbols() if s.type == elf.STT_FUNC and s.size]
    starts = [s.address for s in functions]
    inside = [f.address + random_source.randrange(f.size) for f in random_source.choices(functions, k=SAMPLES)]
    return (starts + inside), functions


def compare(config):
    """Problems found in one build's table, and how many addresses were compared."""
    path = os.path.join(ROOT, "build", config, "kernel.full.elf")
    table = os.path.join(ROOT, "build", config, "symbols.bin")
    image = elf.Elf(path)
    addresses, functions = sample_addresses(image, random.Random(1))
    base = image.image_range()[0]
    names = {}
    for function in functions:
        names.setdefault(function.address, set()).add(function.name)
    problems = []
    ours = ask_kernel_reader(table, [a - base for a in addresses])
    for address, mine, (name, file, line) in zip(addresses, ours, ask_symbolizer(path, addresses)):
        expected = f"{name} {file}:{line}"
        if len(mine) != 4:
            problems.append(f"{address:#x}: nothing found, expected {expected}")
            continue
        aliases = names.get(address - int(mine[1]), set()) | {name}
        found_file = "??" if mine[2] == "?" else mine[2]
        if mine[0] not in aliases or found_file != file or int(mine[3]) != line:
            problems.append(f"{address:#x}: {mine[0]} {mine[2]}:{mine[3]}, expected {expected}")
    return problems, len(addresses)


def run(context):
    for config in CONFIGS:
        trouble = context.make("kernel", f"CONFIG={config}", "build/host/symbol_lookup")
        if trouble:
            yield failed(f"{config}: builds", trouble)
            continue
        problems, compared = compare(config)
        if problems:
            yield failed(f"{config}: symbols", f"{len(problems)} of {compared} differ\n" + "\n".join(problems[:15]))
        else:
            yield passed(f"{config}: symbols", detail=f"{compared} addresses agree")
        size = os.path.getsize(os.path.join(ROOT, "build", config, "symbols.bin"))
        yield passed(f"{config}: table size", detail=f"{size:,} bytes") if size <= LARGEST_TABLE else \
            failed(f"{config}: table size", f"{size} bytes, {LARGEST_TABLE} allowed")
