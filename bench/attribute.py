#!/usr/bin/env python3
"""Where the instructions of a measured path go: by function, as a call tree and as a flat list.

    bench/attribute.py                       every path of the benchmark: one table each
    bench/attribute.py NAME...               these paths; with a call tree
    bench/attribute.py --share 2 NAME...     leaves out what takes less than 2 % of a path (default 1)
    bench/attribute.py --markdown NAME...    the tables as they stand in docs/costs.md
    bench/attribute.py --costly NAME...      one table: how many instructions of each path cost more than others
    bench/attribute.py --check               fails if the round trip of a call does more of those than it may

Boots the system as bench.py does, and runs `bench --once` with the emulator logging every instruction that it
executes (one instruction to a translation block, blocks not chained). A round lies between the two reads of the
time-stamp counter that MEASURE makes; the last round of each path is what is counted. Calls and returns are followed,
and inlined functions are told apart by the debug information. Needs the built image, with its unstripped files.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests"), os.path.join(ROOT, "bench")]

import costly  # noqa: E402
from ferrous import console, programs  # noqa: E402
from ferrous.machine import Machine  # noqa: E402
from system import session  # noqa: E402

KERNEL_FILE = "build/release/kernel.full.elf"
PROGRAM_FILE = "build/user/bin/{}.full"
LOG_LINE = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", re.MULTILINE)
BENCH_LINE = re.compile(r"^BENCH (\w+) \d+ \S+\s*$", re.MULTILINE)
BASE_LINE = re.compile(r"^BASE (0x[0-9a-f]+)\s*$", re.MULTILINE)
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)(?:[ \t]+(\S.*))?$", re.MULTILINE)
KERNEL_START = 1 << 63
PAGE = 4096
TIMEOUT_S = 240


class Module:
    """A program, at the address where it was linked; `entry` is its first instruction."""

    def __init__(self, name, path):
        self.name, self.path, self.is_kernel = name, os.path.join(ROOT, path), name == "kernel"
        self.chains, self.files = {}, {}
        listing = self._output("llvm-objdump", "-d", "--no-show-raw-insn", self.path)
        found = INSTRUCTION.findall(listing)
        self.kinds = {int(address, 16): word for address, word, _ in found
                      if word.startswith(("call", "ret", "rdtsc"))}
        self.costly = {int(address, 16): kind for address, word, operands in found
                       if (kind := costly.kind_of(word, operands))}
        self.start, self.end = int(found[0][0], 16), int(found[-1][0], 16) + 16
        header = self._output("llvm-readobj", "--file-headers", self.path)
        self.entry = int(re.search(r"Entry: (0x[0-9A-F]+)", header).group(1), 16)

    def address_of(self, symbol):
        listing = self._output("llvm-nm", self.path)
        return int(re.search(rf"^([0-9a-f]+) \w {symbol}$", listing, re.MULTILINE).group(1), 16)

    @staticmethod
    def _output(tool, *arguments):
        return subprocess.run([programs.find(tool), *arguments], check=True, capture_output=True, text=True).stdout

    def name_all(self, addresses):
        """Finds for each address the functions it lies in, outermost first: one, and those inlined there."""
        wanted = sorted(set(addresses) - set(self.chains))
        if not wanted:
            return
        text = subprocess.run([programs.find("llvm-symbolizer"), f"--obj={self.path}", "--inlines",
                               "--output-style=JSON"], check=True, capture_output=True, text=True,
                              input="\n".join(hex(address) for address in wanted)).stdout
        for line in text.splitlines():
            found = json.loads(line)
            address, names = int(found["Address"], 16), [frame["FunctionName"] for frame in found["Symbol"]]
            self.chains[address] = tuple(name or "(no name)" for name in reversed(names))
            self.files[address] = found["Symbol"][-1]["FileName"]


class Node:
    """A function in the call tree."""

    def __init__(self):
        self.own = 0
        self.children = {}
        self.leaves = {}

    def child(self, name):
        if name not in self.children:
            self.children[name] = Node()
        return self.children[name]

    def leaf(self, key, chain):
        """The node of an instruction: `chain` below this one."""
        if key not in self.leaves:
            node = self
            for name in chain:
                node = node.child(name)
            self.leaves[key] = node
        return self.leaves[key]

    def total(self):
        return self.own + sum(child.total() for child in self.children.values())


class Programs:
    """Which module an address of the log belongs to. Programs lie where they were put at random: the first instruction
    of one that was just started tells."""

    def __init__(self, bench_base):
        self.kernel = Module("kernel", KERNEL_FILE)
        self.bench = Module("bench", PROGRAM_FILE.format("bench"))
        self.hello = Module("hello", PROGRAM_FILE.format("hello"))
        self.placed = [(bench_base, self.bench)]

    def find(self, address):
        """(module or None, address as linked)."""
        if address >= KERNEL_START:
            return self.kernel, address
        for base, module in self.placed:
            if module.start <= address - base < module.end:
                return module, address - base
        for module in (self.hello, self.bench):
            base = address - module.entry
            if base % PAGE == 0 and base > 0:
                self.placed.insert(1, (base, module))
                return module, module.entry
        return None, address


def human_command(path, lines):
    """Gives commands to the emulator's monitor."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(30)
        connection.connect(path)
        stream = connection.makefile("rw")
        stream.readline()
        requests = [{"execute": "qmp_capabilities"}]
        requests += [{"execute": "human-monitor-command", "arguments": {"command-line": line}} for line in lines]
        for request in requests:
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            while "return" not in (answer := json.loads(stream.readline())):
                if "error" in answer:
                    sys.exit(f"attribute: {answer['error']['desc']}")


def record(paths, log):
    """Runs the benchmark with the log on; returns what it printed."""
    machine = Machine(icount=True, stop_on_reset=True)
    try:
        with session.boot(machine, TIMEOUT_S, append="fb=off slide=off") as running:
            human_command(running.qmp_path, [f"logfile {log}", "singlestep on", "log exec,nochain"])
            output = running.run("run bench --once " + " ".join(paths))
            human_command(running.qmp_path, ["log none"])
            running.shut_down()
    except console.Stopped as stop:
        sys.exit(f"attribute: {stop.reason}")
    return output


def read_log(log):
    """The addresses of all instructions, in order."""
    with open(log, "rb") as file:
        rest = b""
        while block := file.read(1 << 24):
            block = rest + block
            cut = block.rfind(b"\n") + 1
            rest = block[cut:]
            for match in LOG_LINE.finditer(block[:cut]):
                yield int(match.group(1), 16)


def last_rounds(addresses, programs_):
    """For each path, in the order of their reports, the instructions of its last round: (module, address). A round
    lies between the last two reads of the counter by the benchmark's own code: who waits may read it many times."""
    bench = programs_.bench
    report = bench.address_of("bench_report")
    bench.name_all(address for address, kind in bench.kinds.items() if kind == "rdtsc")
    clocks = {address for address, file in bench.files.items() if "apps/bench/" in file}
    current, last, out = None, [], []
    for address in addresses:
        module, linked = programs_.find(address)
        if module is bench and linked in clocks:
            last, current = current or [], []
        elif module is bench and linked == report:
            out.append(last)
            last, current = [], None
        elif current is not None:
            current.append((module, linked))
    return out


def tree_of(instructions):
    """Follows calls and returns. The kernel begins each entry with an empty stack."""
    top = Node()
    stacks = {}
    was_kernel = False
    for module, address in instructions:
        name = module.name if module else "other programs"
        is_kernel = name == "kernel"
        stack = stacks.setdefault(name, [top.child(name)])
        if is_kernel and not was_kernel:
            del stack[1:]
        was_kernel = is_kernel
        node = stack[-1].leaf(address, module.chains[address] if module else ())
        node.own += 1
        kind = module.kinds.get(address, "") if module else ""
        if kind.startswith("call"):
            stack.append(node)
        elif kind.startswith("ret") and len(stack) > 1:
            stack.pop()
    return top


def print_tree(node, name, whole, least, depth=0):
    total = node.total()
    if total < least:
        return
    print(f"{total:8,} {100 * total / whole:5.1f} %  {'  ' * depth}{name}"
          + (f"  (itself {node.own:,})" if node.own >= least and node.children else ""))
    for child_name, child in sorted(node.children.items(), key=lambda item: -item[1].total()):
        print_tree(child, child_name, whole, least, depth + 1)


def flat(node, where=None, out=None):
    """(program, function) -> instructions of its own."""
    out = {} if out is None else out
    for name, child in node.children.items():
        if where is None:
            flat(child, name, out)
        else:
            out[where, name] = out.get((where, name), 0) + child.own
            flat(child, where, out)
    return out


def print_table(name, top, least, markdown):
    whole = top.total()
    functions = flat(top)
    shown = sorted(((count, *key) for key, count in functions.items() if count >= least), reverse=True)
    rest = whole - sum(count for count, _, _ in shown)
    if markdown:
        print(f"\n### {name}: {whole:,} instructions\n")
        print("| instructions | share | program | function |\n|---:|---:|---|---|")
        line = "| {:,} | {:.1f} % | {} | `{}` |"
    else:
        print(f"\n{name}: {whole:,} instructions")
        line = "{:8,} {:5.1f} %  {:<8} {}"
    for count, program, function in shown + [(rest, "", "(all others)")]:
        print(line.format(count, 100 * count / whole, program, function))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="least share of a path that is shown, in percent")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--costly", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    if options.check:
        options.paths = [costly.CHECKED_PATH]
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        log = os.path.join(folder, "executed.log")
        output = record(options.paths, log)
        names, base = BENCH_LINE.findall(output), BASE_LINE.search(output)
        if not names or not base:
            sys.exit(f"attribute: the benchmark printed no path:\n{output[-3000:]}")
        programs_ = Programs(int(base.group(1), 16))
        found = last_rounds(read_log(log), programs_)
    counts = {name: costly.count(instructions) for name, instructions in zip(names, found)
              if name in options.paths or not options.paths}
    if options.check:
        sys.exit(costly.check(counts.get(costly.CHECKED_PATH)))
    if options.costly:
        print(costly.table(counts))
        return
    for module in (programs_.kernel, programs_.bench, programs_.hello):
        module.name_all(address for one in found for owner, address in one if owner is module)
    for name, instructions in zip(names, found):
        if options.paths and name not in options.paths:
            continue
        top = tree_of(instructions)
        least = max(1, top.total() * options.share / 100)
        print_table(name, top, least, options.markdown)
        if options.paths and not options.markdown:
            print()
            print_tree(top, name, top.total(), least)


if __name__ == "__main__":
    main()
