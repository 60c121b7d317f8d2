"""What one run of the benchmark executes: each instruction and each access to memory, round by round.

Boots the system as bench.py does, with the plugin of bench/plugin, and runs `bench --once`. The plugin writes a record
of 16 bytes for each instruction and each access (struct record there). Programs lie at random addresses, but their code
is mapped from the boot archive: it is known by where it lies in the emulator's memory, whatever process runs it.
"""

import array
import collections
import json
import mmap
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile

from ferrous import console, programs
from ferrous.context import ROOT
from ferrous.machine import Machine
from system import session

PLUGIN = "build/bench/plugin/executed.so"
KERNEL_FILE = "build/release/kernel.full.elf"
PROGRAMS = "build/user/bin"
FULL = ".full"
BENCH_LINE = re.compile(r"^BENCH (\w+) (\d+) \S+\s*$", re.MULTILINE)
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)(?:[ \t]+(\S.*))?$", re.MULTILINE)
EXECUTED, LOADED, STORED = range(3)
RECORD = struct.Struct("<QQ")
KERNEL_START = 1 << 63
PAGE = 4096
LINE_SIZE = 64
LEAST_PLACES = 32  # instructions of a program that must fit before it is taken to lie there
NEAR_CLOCKS = 16    # reads of the counter before a report that are looked at
CLOCK_OVERHEAD = 64 # instructions at most that a round has beside what is reported
TIMEOUT_S = 240


class Module:
    """The kernel or a program, at the address where it was linked."""

    def __init__(self, name, path):
        self.name, self.path, self.is_kernel = name, os.path.join(ROOT, path), name == "kernel"
        self.chains, self.files = {}, {}
        found = INSTRUCTION.findall(self._output("llvm-objdump", "-d", "--no-show-raw-insn", self.path))
        self.words = {int(address, 16): (word, operands) for address, word, operands in found}
        self.start, self.end = min(self.words), max(self.words) + 16
        self.distance = None  # from where it was linked to where its code lies in the emulator; None: not seen

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

    def settle(self, pages):
        """Finds where the code lies. `pages`: emulator's page -> offsets in it that were executed."""
        offsets = collections.defaultdict(set)
        for address in self.words:
            offsets[address // PAGE].add(address % PAGE)
        fits = collections.Counter()
        for page, executed in pages.items():
            for own, starts in offsets.items():
                if executed <= starts:
                    fits[page - own] += len(executed)
        best = max(fits, key=fits.get, default=None)
        if best is not None and fits[best] >= LEAST_PLACES:
            self.distance = best * PAGE


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


def record(paths, records, switch):
    """Runs the benchmark with the plugin, which writes `records` while the file `switch` is there. What was printed."""
    subprocess.run(["make", "-s", PLUGIN], cwd=ROOT, check=True)
    machine = Machine(icount=True, stop_on_reset=True,
                      extra=["-plugin", f"{os.path.join(ROOT, PLUGIN)},out={records},while={switch}"])
    try:
        with session.boot(machine, TIMEOUT_S, append="fb=off slide=off") as running:
            with open(switch, "w", encoding="ascii"):
                pass
            # Blocks of one instruction: all that runs from now on is translated anew, and the plugin sees it.
            human_command(running.qmp_path, ["singlestep on"])
            output = running.run("run bench --once " + " ".join(paths))
            os.unlink(switch)
            human_command(running.qmp_path, ["singlestep off"])
            running.shut_down()
    except console.Stopped as stop:
        sys.exit(f"attribute: {stop.reason}")
    return output


class Run:
    """The records of a run, and the modules they belong to."""

    def __init__(self, output, records):
        self.names = [(name, int(count)) for name, count in BENCH_LINE.findall(output)]
        with open(records, "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.kernel = Module("kernel", KERNEL_FILE)
        self.programs = [Module(name[:-len(FULL)], os.path.join(PROGRAMS, name))
                         for name in sorted(os.listdir(os.path.join(ROOT, PROGRAMS))) if name.endswith(FULL)]
        pages = self._pages()
        for module in self.programs:
            module.settle(pages)
        self.programs = [module for module in self.programs if module.distance is not None]
        self.bench = next((module for module in self.programs if module.name == "bench"), None)
        if not self.bench:
            sys.exit("attribute: the benchmark's code was not executed")

    def _pages(self):
        """Emulator's page -> offsets executed in it, of programs."""
        seen = set()
        size = 1 << 24
        for start in range(0, len(self.data), size):
            words = array.array("Q", self.data[start:start + size])
            seen.update(zip(words[0::2], words[1::2]))
        pages = collections.defaultdict(set)
        for address, where in seen:
            if where & 3 == EXECUTED and address < KERNEL_START:
                pages[(where >> 2) // PAGE].add((where >> 2) % PAGE)
        return pages

    def _places(self, module, linked):
        """Numbers of the records of executing an instruction, in order."""
        where = struct.pack("<Q", (linked + module.distance) << 2 | EXECUTED)
        at = self.data.find(where)
        while at >= 0:
            if at % RECORD.size == 8:
                yield at // RECORD.size
            at = self.data.find(where, at + 1)

    def rounds(self):
        """(name, records) of each path in the order of the reports: the last round of it. A round lies between two
        reads of the counter by the benchmark's own code, on either side. Who waits may read it many times, and two
        paths may be measured in one round: it is the last stretch of those nearest to what was reported."""
        reads = [address for address, (word, _) in self.bench.words.items() if word.startswith("rdtsc")]
        self.bench.name_all(reads)
        reads = [address for address in reads if "apps/bench/" in self.bench.files[address]]
        clocks = sorted(place for address in reads for place in self._places(self.bench, address))
        reports = list(self._places(self.bench, self.bench.address_of("bench_report")))
        begin, own = 0, []
        for (name, count), end in zip(self.names, reports):
            own = [place for place in clocks if begin <= place < end][-NEAR_CLOCKS:] or own
            yield name, self._round(own, count)
            begin = end

    def _round(self, clocks, count):
        found = {}
        for first, after in list(zip(clocks, clocks[1:])) + list(zip(clocks, clocks[2:])):
            records = self._records(first + 1, after)
            excess = sum(1 for _, where in records if where & 3 == EXECUTED) - count
            if 0 <= excess <= CLOCK_OVERHEAD:
                found[-excess, first] = records
        if found:
            return found[max(found)]
        # What is reported is a part of a round: a page's, a KiB's.
        return self._records(clocks[-2] + 1, clocks[-1]) if len(clocks) > 1 else []

    def _records(self, first, after):
        words = array.array("Q", self.data[first * RECORD.size:after * RECORD.size])
        return list(zip(words[0::2], words[1::2]))

    def instructions(self, records):
        """(module or None, address as linked) of each executed instruction, in order."""
        return [self._find(address, where >> 2) for address, where in records if where & 3 == EXECUTED]

    @staticmethod
    def data_lines(records, kinds=(LOADED, STORED)):
        """Numbers of the lines of memory that are read or written, physical: shared ones count once."""
        return {(where >> 2) // LINE_SIZE for _, where in records if where & 3 in kinds}

    def _find(self, address, code):
        if address >= KERNEL_START:
            return self.kernel, address
        for module in self.programs:
            if module.start <= code - module.distance < module.end:
                return module, code - module.distance
        return None, address


def measure(paths=()):
    """A run of the benchmark, of these paths or all: the Run, and name -> the records of a round."""
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        records = os.path.join(folder, "records")
        run = Run(record(paths, records, os.path.join(folder, "switch")), records)
        return run, {name: found for name, found in run.rounds() if found and (not paths or name in paths)}
