"""Builds one mutant: compiles the changed file alone and links it before the archives that hold the sound one."""

import os
import subprocess

from ferrous.context import ROOT

FOLDER = "build/mutants"
PROGRAMS = ("directed", "simulator")
COMPILE_LIMIT_S = 120


class Workshop:
    """Flags and link commands as the makefiles have them, asked once."""

    def __init__(self, context):
        self.context = context
        self.flags = [flag for flag in context.flags("host") if flag != "-Werror"] + ["-w"]
        self.links = {}

    def prepare(self):
        """Builds the sound programs; "" or what went wrong."""
        unit = [f"build/host/{path[:-2]}" for path in self.context.files("_test.c", folders=("kernel",))]
        trouble = self.context.make("-k", *PROGRAMS, *unit)
        if trouble:
            return trouble
        status, output = self.context.run(["make", "-s", "--no-print-directory", "link-lines"])
        if status:
            return output
        for line in output.splitlines():
            name, _, command = line.partition("=")
            if command:
                self.links[name] = command.split()
        return "" if set(PROGRAMS) <= set(self.links) else "make link-lines does not name all programs"

    def unit_tests(self, source):
        """Unit tests beside a source."""
        folder = os.path.dirname(source)
        return [path[:-2] for path in self.context.files("_test.c", folders=(folder,))]

    def compile(self, place, source, text):
        """The changed source as an object in `place`; its path, or None if it does not compile."""
        copy = os.path.join(place, os.path.basename(source))
        with open(os.path.join(ROOT, copy), "w", encoding="utf-8") as file:
            file.write(text)
        target = copy[:-2] + ".o"
        command = [self.context.clang(), *self.flags, f"-I{os.path.dirname(source)}", "-c", copy, "-o", target]
        status, _ = self.context.run(command, timeout_s=COMPILE_LIMIT_S)
        return None if status else target

    def same_code(self, place, source, text):
        """Does the changed source give the very code, in the kernel that is shipped, that the sound one gives?"""
        flags = [flag for flag in self.context.flags("kernel")
                 if not flag.startswith(("-g", "-O", "-fsanitize", "-fno-sanitize", "-DFERROUS_DEBUG"))] + ["-O2", "-w"]
        copy = os.path.join(place, os.path.basename(source))
        codes = []
        for each in (text, self.context.read(source)):
            with open(os.path.join(ROOT, copy), "w", encoding="utf-8") as file:
                file.write(each)
            command = [self.context.clang(), *flags, f"-I{os.path.dirname(source)}", "-c", copy, "-o",
                       copy[:-2] + ".plain.o"]
            status, _ = self.context.run(command, timeout_s=COMPILE_LIMIT_S)
            if status:
                return False
            with open(os.path.join(ROOT, copy[:-2] + ".plain.o"), "rb") as file:
                codes.append(file.read())
        return codes[0] == codes[1]

    def link(self, place, target, changed):
        """Links a program (one of PROGRAMS, or a unit test by its source's path) with the changed object."""
        name = target if target in self.links else "unit"
        words = [word.replace("@TEST@", f"build/host/{target}") for word in self.links[name]]
        first_archive = next(i for i, word in enumerate(words) if word.endswith(".a"))
        program = os.path.join(place, os.path.basename(target))
        command = words[:first_archive] + [changed] + words[first_archive:] + ["-o", program]
        status, output = self.context.run(command, timeout_s=COMPILE_LIMIT_S)
        return (program, "") if status == 0 else (None, output)


def place_for(number):
    """A folder of one worker's own."""
    place = os.path.join(FOLDER, f"worker-{number}")
    os.makedirs(os.path.join(ROOT, place), exist_ok=True)
    return place


def run_limited(command, limit_s):
    """Runs a program with its output cut to the end; (status, output), 124: out of time."""
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit_s,
                              check=False)
        return done.returncode, done.stdout.decode(errors="replace")[-4000:]
    except subprocess.TimeoutExpired:
        return 124, ""
