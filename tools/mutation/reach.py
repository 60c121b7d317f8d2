"""Which directed programs and batches of the simulator reach which line: a test that does not reach a mutant cannot
notice it, and is spared.

The programs are built once more with clang's counters and each test is run once by itself. What was measured is kept
for the programs it was measured with. A line counts as reached if it was run at all, at boot too; those that run it
more often than the boot alone come first, the cheap before the dear.
"""

import hashlib
import json
import os
import resource
import subprocess

from ferrous import programs
from ferrous.context import ROOT

BUILD = "build/mutants/cover"
MAP = "build/mutants/reach.json"
FLAGS = "HOST_SANITIZE=-fsanitize=address -fprofile-instr-generate -fcoverage-mapping"
LIMIT_S = 300


class Reach:
    """Lines reached by each test: {test: {"seconds": cost, "lines": {file: {line: how often}}}}."""

    def __init__(self, context, folders):
        self.context, self.folders = context, folders
        self.tests, self.by_line = {}, {}

    def measure(self, batches):
        """`batches`: {name: arguments of the simulator}. "" or what went wrong."""
        trouble = self.context.make(f"BUILD={BUILD}", FLAGS, "directed", "simulator")
        if trouble:
            return trouble
        status, output = self.context.run([f"{BUILD}/host/directed", "--list"])
        if status:
            return output
        wanted = {name: ["directed", "--order", name] for name in output.split()}
        wanted.update({name: ["simulator", *words] for name, words in batches.items()})
        key = self._key()
        known = self._load()
        self.tests = known["tests"] if known.get("key") == key else {}
        for name, words in wanted.items():
            if name not in self.tests:
                entry = self._measure_one(words)
                if not entry:
                    return f"{name} fails without a mutation"
                self.tests[name] = entry
        self._save({"key": key, "tests": self.tests})
        self._invert()
        return ""

    @staticmethod
    def _key():
        digest = hashlib.sha256()
        for program in ("directed", "simulator"):
            with open(os.path.join(ROOT, BUILD, "host", program), "rb") as file:
                digest.update(file.read())
        return digest.hexdigest()

    def _measure_one(self, words):
        program, raw, merged = (os.path.join(ROOT, BUILD, name)
                                for name in (f"host/{words[0]}", "one.profraw", "one.profdata"))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([program, *words[1:]], cwd=ROOT, timeout=LIMIT_S, check=False,
                              env=dict(os.environ, LLVM_PROFILE_FILE=raw), stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            return None
        subprocess.run([programs.find("llvm-profdata"), "merge", "-sparse", raw, "-o", merged], check=True)
        export = subprocess.run([programs.find("llvm-cov"), "export", "-format=lcov", f"-instr-profile={merged}",
                                 program, *self.folders], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": round(seconds, 3), "lines": lines_of(export.stdout)}

    def _load(self):
        try:
            with open(os.path.join(ROOT, MAP), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    @staticmethod
    def _save(known):
        with open(os.path.join(ROOT, MAP), "w", encoding="utf-8") as file:
            json.dump(known, file)

    def _invert(self):
        """{(file, line): {test: how often}}"""
        for test, entry in self.tests.items():
            for path, lines in entry["lines"].items():
                for line, count in lines.items():
                    self.by_line.setdefault((path, int(line)), {})[test] = count

    def of(self, path, first, last):
        """Tests that reach one of the lines, the likeliest first: those that reach it beyond what the boot does, and
        of these the cheap."""
        found, least = {}, 0
        for line in range(first, last + 1):
            counts = self.by_line.get((path, line), {})
            if len(counts) == len(self.tests):
                least = max(least, min(counts.values()))
            for test, count in counts.items():
                found[test] = max(found.get(test, 0), count)
        return sorted(found, key=lambda test: (found[test] <= least, self.tests[test]["seconds"], test))


def lines_of(lcov):
    """{file: {line: how often}} of lines that were reached, out of an lcov export."""
    found, path = {}, None
    for line in lcov.splitlines():
        if line.startswith("SF:"):
            path = os.path.normpath(os.path.relpath(os.path.join(ROOT, line[3:]), ROOT))
        elif line.startswith("DA:"):
            number, count = line[3:].split(",")[:2]
            if int(count):
                found.setdefault(path, {})[number] = int(count)
    return found
