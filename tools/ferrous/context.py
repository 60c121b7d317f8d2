"""What every part of the checks is given: where the tree lies, which profile runs, how to build and start programs."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ferrous import programs

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE_FOLDERS = ("abi", "lib", "boot", "kernel", "interfaces", "sdk", "services", "drivers", "apps", "tests")

PROGRESS = re.compile(r"^  [A-Z]+ +\S")  # what the build says of each step


@dataclass
class Context:
    profile: str = "check"
    options: dict = field(default_factory=dict)
    jobs: int = os.cpu_count() or 1

    def __post_init__(self):
        self._flags = None

    def make(self, *targets):
        """Builds; returns "" or what went wrong."""
        done = subprocess.run(["make", "--no-print-directory", f"-j{self.jobs}", *targets], cwd=ROOT,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if not PROGRESS.match(line)]
        return "" if done.returncode == 0 else "\n".join(lines)[:6000] or f"make: status {done.returncode}"

    def run(self, command, timeout_s=600, **extra):
        """Runs a program in the root of the tree; returns (status, output). 124: out of time."""
        try:
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace", timeout=timeout_s, check=False, **extra)
            return done.returncode, done.stdout
        except subprocess.TimeoutExpired as stopped:
            output = stopped.stdout or b""
            return 124, output if isinstance(output, str) else output.decode(errors="replace")

    def map(self, function, items):
        """Applies `function` to all items, several at a time; results in order."""
        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(function, items))

    def files(self, *endings, folders=SOURCE_FOLDERS):
        """Source files with one of the endings, relative to the root, sorted."""
        found = []
        for top in folders:
            for folder, below, names in os.walk(os.path.join(ROOT, top)):
                below.sort()
                relative = os.path.relpath(folder, ROOT)
                found += [os.path.join(relative, name) for name in sorted(names) if name.endswith(endings)]
        return found

    def generated(self, *endings):
        """What tools/idl makes of the tree's interfaces and of the tests'; built first. Empty if that fails: the build
        says why."""
        if self.make("idl"):
            return []
        return self.files(*endings, folders=("build/idl/interfaces", "build/idl/tests/idl"))

    def read(self, path):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            return file.read()

    def flags(self, part):
        """The compiler's flags for kernel, boot, user or host."""
        if self._flags is None:
            status, output = self.run(["make", "-s", "--no-print-directory", "flags"])
            if status:
                raise RuntimeError(output)
            self._flags = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
        drop = ("-MMD", "-MP")
        return [word for word in self._flags[part].split() if word not in drop]

    def clang(self):
        """The compiler that the makefiles use."""
        return programs.find("clang")

    def part_of(self, path):
        """Which part's flags compile this file."""
        if path.startswith("tests/") or path.endswith("_test.c") or path.startswith("kernel/arch/sim/"):
            return "host"
        top = path.split("/")[0]
        if top == "boot":
            return "boot"
        return "user" if top in ("sdk", "services", "drivers", "apps", "interfaces", "build") else "kernel"

    def commit(self):
        status, output = self.run(["git", "rev-parse", "HEAD"])
        return output.strip() if status == 0 else "0" * 40
