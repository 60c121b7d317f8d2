"""Runs mutants: which test kills each, remembered so that a run can be stopped and taken up again."""

import collections
import hashlib
import json
import os
import queue
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from ferrous.context import ROOT
from mutation import build, operators, reach

# The guards' homes: whole folders, and single files.
FOLDERS = ("kernel/cap", "kernel/ipc", "kernel/syscall")
FILES = ("kernel/core/cap_node.c", "kernel/mm/user_copy.c", "kernel/sched/lend.c")
# What the programs are built of that are run against the mutants.
SOURCES = ("abi", "lib", "kernel", "tests")
RESULTS = "build/mutants/results.json"
KILLED_LIST = "tests/mutants/killed"
SURVIVORS = "tests/mutants/survivors"
# What the simulator runs when the directed programs and unit tests have not noticed: few seeds first, on each number
# of CPUs, then those that `make check` runs.
SIMULATIONS = tuple((f"{first}-{first + 1}", cpus, way) for first, cpus, way in
                    ((1, 1, ()), (11, 2, ("--fail-frames",)), (21, 3, ()), (31, 4, ()))) + \
    (("3-10", 1, ()), ("13-20", 2, ("--fail-frames",)), ("23-30", 3, ()), ("33-40", 4, ()))
SIMULATION_STEPS = 1500
SAVE_EVERY_S = 5
QUICK_SCENARIOS = 30  # that a quick run tries on a mutant, and their seconds: most that kill are among the first
QUICK_SECONDS = 1.5
DIRECTED_LIMIT_S = 600  # a machine that stands still; each program has a limit of CPU time of its own
UNIT_LIMIT_S = 120
SIMULATION_LIMIT_S = 240
# How much is tried on a mutant: all; all but random programs; the likeliest directed programs only. A mutant that
# survived less than is asked for now is tried again.
ALL, DIRECTED, QUICK = 0, 1, 2
OUT_OF_TIME = "out of time"
# SAME: the compiler makes the same code of it as of the kernel as it is, so no test can tell them apart.
KILLED, SURVIVED, NOT_BUILT, SAME = "killed", "survived", "not built", "same code"


def sources(context):
    found = [path for path in context.files(".c", folders=FOLDERS) if not path.endswith("_test.c")]
    return sorted(found + [path for path in FILES if os.path.exists(os.path.join(ROOT, path))])


def all_mutants(context):
    """Every mutant of the sources as they are now, in an order that mixes files and operators: what a run that was
    stopped has tried is a fair sample."""
    found = []
    for path in sources(context):
        found += operators.mutants_of(path, context.read(path))
    return sorted(found, key=lambda mutant: hashlib.sha256(mutant.name.encode()).hexdigest())


def read_survivors(context):
    """{name: reason} of tests/mutants/survivors: a name on a line of its own, its reason indented below."""
    reasons, name = {}, None
    for line in context.read(SURVIVORS).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            name = line.strip()
            reasons[name] = ""
        elif name:
            reasons[name] = (reasons[name] + " " + line.strip()).strip()
    return reasons


def read_killed(context):
    """{name: mark of its function} of the mutants that tests/mutants/killed lists (tools/mutants --record)."""
    lines = (line for line in context.read(KILLED_LIST).splitlines() if line and not line.startswith("#"))
    return {name: mark for mark, _, name in (line.partition(" ") for line in lines)}


def is_dependable(laboratory, mutant):
    """Was it killed on the sources as they are, by a test that failed, not by one that took too long?"""
    entry = laboratory.known(mutant)
    return bool(entry) and entry["outcome"] == KILLED and entry.get("on") == laboratory.sources \
        and OUT_OF_TIME not in entry["detail"]


def to_verify(laboratory, mutants):
    """Those that were killed, but with other sources, or are listed as killed and are not known to be."""
    listed = read_killed(laboratory.context)
    entries = ((mutant, laboratory.results.get(mutant.name, {})) for mutant in mutants)
    return [mutant for mutant, entry in entries if entry.get("on") != laboratory.sources
            and (entry.get("outcome") == KILLED or mutant.name in listed)]


def record_killed(laboratory, mutants):
    """How many were written down, and the names of those that were killed but not dependably."""
    killed = sorted((m for m in mutants if (laboratory.known(m) or {}).get("outcome") == KILLED), key=lambda m: m.name)
    names = {mutant.name for mutant in killed if is_dependable(laboratory, mutant)}
    with open(os.path.join(ROOT, KILLED_LIST), "w", encoding="utf-8") as file:
        file.write("# Mutants that the tests kill, each after a mark of its function as it was then; recorded by\n"
                   "# `tools/mutants --record`. make check draws from those whose function is as it was.\n")
        file.writelines(f"{laboratory.mark(mutant)} {mutant.name}\n" for mutant in killed if mutant.name in names)
    return len(names), [mutant.name for mutant in killed if mutant.name not in names]


def digest_of_sources(context):
    """Of all that a host program is made of: what was seen with other sources may not hold with these."""
    digest = hashlib.sha256()
    for path in context.files(".c", ".h", ".def", ".S", folders=SOURCES):
        digest.update(path.encode() + b"\0" + context.read(path).encode() + b"\0")
    return digest.hexdigest()


def simulation_name(seeds, cpus, way):
    return " ".join(["simulator", f"seeds {seeds} on {cpus} CPUs", *way])


def simulation_words(seeds, cpus, way):
    return ["--seeds", seeds, "--cpus", str(cpus), "--steps", str(SIMULATION_STEPS), "--no-shrink", *way]


class Laboratory:
    """Builds and runs mutants, several at a time, and remembers what came of each.

    `aimed`: first finds out which tests reach which lines (a minute), and runs those alone that reach the mutant.
    """

    def __init__(self, context, fresh=False, effort=ALL, aimed=False):
        self.effort = effort
        self.context = context
        self.shop = build.Workshop(context)
        self.sources = digest_of_sources(context)
        self.texts = {path: context.read(path) for path in sources(context)}
        self.lock = threading.Lock()
        self.results = {} if fresh else self._load()
        self.saved_s = time.monotonic()
        self.killers = collections.defaultdict(collections.Counter)  # of a function: scenarios that noticed a mutant
        for name, entry in self.results.items():
            self._note_killer(tuple(name.split(":")[:2]), entry)
        self.reach = reach.Reach(context, [*FOLDERS, *FILES]) if aimed else None

    def prepare(self):
        """Builds the sound programs and sees them pass; "" or what went wrong."""
        trouble = self.shop.prepare()
        if trouble:
            return trouble
        status, output = build.run_limited(["build/host/directed"], DIRECTED_LIMIT_S)
        if status:
            return f"the directed programs fail without a mutation\n{output}"
        batches = {} if self.effort else {simulation_name(*which): simulation_words(*which) for which in SIMULATIONS}
        return self.reach.measure(batches) if self.reach else ""

    def _path(self):
        return os.path.join(ROOT, RESULTS)

    def _load(self):
        try:
            with open(self._path(), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def _save(self):
        self.saved_s = time.monotonic()
        os.makedirs(os.path.dirname(self._path()), exist_ok=True)
        with open(self._path() + ".new", "w", encoding="utf-8") as file:
            json.dump(self.results, file, indent=1, sort_keys=True)
        os.replace(self._path() + ".new", self._path())

    def key(self, mutant):
        """Changes with the function that is mutated, and with nothing else."""
        text, body = self.texts[mutant.path], mutant.function
        changed = text[body.start:mutant.start] + mutant.replacement + text[mutant.end:body.end]
        return hashlib.sha256(changed.encode()).hexdigest()

    def mark(self, mutant):
        """Enough of the key to stand in a list."""
        return self.key(mutant)[:12]

    def known(self, mutant, again=False):
        """What came of the mutant in an earlier run on the same source; None: nothing, or (`again`) it survived."""
        entry = self.results.get(mutant.name)
        if not entry or entry["key"] != self.key(mutant):
            return None
        unfinished = entry["outcome"] == SURVIVED and entry.get("effort", ALL) > self.effort
        return None if unfinished or (again and entry["outcome"] == SURVIVED) else entry

    def _note_killer(self, function, entry):
        scenario = re.match(r"FAIL (\w+)$", entry["detail"])
        if scenario:
            self.killers[function][scenario.group(1)] += 1

    def _reaching(self, mutant):
        """Names of the tests that reach the mutant, the likeliest to notice it first; None: not known."""
        if not self.reach:
            return None
        text = self.texts[mutant.path]
        first, last = (text.count("\n", 0, offset) + 1 for offset in (mutant.start, mutant.end))
        found = self.reach.of(mutant.path, first, last)
        killers = self.killers[mutant.path, mutant.function.name]
        found.sort(key=lambda test: -killers[test])
        last = self.results.get(mutant.name, {}).get("detail", "")
        found.sort(key=lambda test: last != f"FAIL {test}")  # what noticed this very mutant before
        return self._first_of(found) if self.effort == QUICK else found

    def _first_of(self, tests):
        taken, seconds = [], 0.0
        for test in tests[:QUICK_SCENARIOS]:
            seconds += self.reach.tests[test]["seconds"]
            if taken and seconds > QUICK_SECONDS:
                break
            taken.append(test)
        return taken

    def _tests(self, mutant, place, changed):
        """(what it is called, command, limit) of each test in turn; links what is needed when it is needed."""
        reaching = self._reaching(mutant)
        scenarios = [name for name in reaching or [] if not name.startswith("simulator ")]
        if scenarios or reaching is None:
            program, problem = self.shop.link(place, "directed", changed)
            words = ["--order", *scenarios] if scenarios else []
            yield "directed", [program, "--first", *words] if program else None, DIRECTED_LIMIT_S, problem
        for test in self.shop.unit_tests(mutant.path):
            program, problem = self.shop.link(place, test, changed)
            yield test, [program] if program else None, UNIT_LIMIT_S, problem
        batches = [which for which in SIMULATIONS if reaching is None or simulation_name(*which) in reaching]
        if self.effort or not batches:
            return
        program, problem = self.shop.link(place, "simulator", changed)
        for which in batches:
            command = [program, *simulation_words(*which)]
            yield simulation_name(*which), command if program else None, SIMULATION_LIMIT_S, problem

    def try_one(self, mutant, worker):
        place = build.place_for(worker)
        began = time.monotonic()
        entry = {"key": self.key(mutant), "outcome": SURVIVED, "by": "", "detail": "", "effort": self.effort,
                 "on": self.sources}
        text = operators.apply(self.texts[mutant.path], mutant)
        changed = self.shop.compile(place, mutant.path, text)
        if not changed:
            entry["outcome"] = NOT_BUILT
        else:
            for name, command, limit, problem in self._tests(mutant, place, changed):
                if not command:
                    entry.update(outcome=NOT_BUILT, detail=problem[-500:])
                    break
                status, output = build.run_limited(command, limit)
                if status:
                    entry.update(outcome=KILLED, by=name, detail=cause(status, output))
                    break
            if entry["outcome"] == SURVIVED and self.shop.same_code(place, mutant.path, text):
                entry["outcome"] = SAME
        entry["seconds"] = round(time.monotonic() - began, 1)
        with self.lock:
            self.results[mutant.name] = entry
            self._note_killer((mutant.path, mutant.function.name), entry)
            if time.monotonic() > self.saved_s + SAVE_EVERY_S:
                self._save()
        return entry

    def run(self, mutants, jobs, seconds=None, note=None):
        """Tries the mutants until all are done or the time is over; how many were tried."""
        end = time.monotonic() + seconds if seconds else None
        workers = queue.SimpleQueue()
        for number in range(jobs):
            workers.put(number)

        def one(mutant):
            if end and time.monotonic() > end:
                return 0
            worker = workers.get()
            try:
                entry = self.try_one(mutant, worker)
            finally:
                workers.put(worker)
            if note:
                note(mutant, entry)
            return 1

        try:
            with ThreadPoolExecutor(jobs) as pool:
                return sum(pool.map(one, mutants))
        finally:
            with self.lock:
                self._save()


def cause(status, output):
    """The line that says why a test failed."""
    if status == 124:
        return OUT_OF_TIME
    for pattern in (r"^FAIL .*$", r"^FAILED .*$", r"^.*runtime error: .*$", r"^.*ERROR: AddressSanitizer.*$",
                    r"^.*assertion failed.*$"):
        match = re.search(pattern, output, re.MULTILINE)
        if match:
            return match.group()[:200]
    return f"status {status}"
