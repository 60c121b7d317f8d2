"""The parts of the checks, in the order in which they run: cheap and telling ones first."""

from dataclasses import dataclass
from typing import Callable, Dict

from checks import (build, compilers, coverage, directed, explorer, format_check, fuzz, headers, layers, manual_check,
                    memory_safety, models, mutants, sdk, simulator, symbols, text_rules, tidy, tools_check, trace_off,
                    unit)
from checks import booted, bench


@dataclass
class Part:
    name: str
    title: str
    run: Callable
    budget_minutes: Dict[str, float]  # by profile; a profile not named does not run the part


PARTS = [
    Part("tools", "the tools' own tests", tools_check.run, {"quick": 0.2, "check": 0.5, "soak": 1}),
    Part("layers", "who includes whom", layers.run, {"quick": 0.1, "check": 0.2, "soak": 1}),
    Part("text", "rules that a text search can check", text_rules.run, {"quick": 0.1, "check": 0.2, "soak": 1}),
    Part("manual", "a page for each system call, and its code compiles", manual_check.run,
         {"quick": 0.3, "check": 0.5, "soak": 1}),
    Part("format", "clang-format", format_check.run, {"quick": 0.3, "check": 0.5, "soak": 1}),
    Part("build", "everything builds without a warning", build.run, {"quick": 1, "check": 2, "soak": 5}),
    Part("trace-off", "a kernel without events has no code of them", trace_off.run, {"check": 2, "soak": 2}),
    Part("unit", "host unit tests under ASan and UBSan", unit.run, {"quick": 0.5, "check": 2, "soak": 10}),
    Part("safety", "unsafe places are listed and explained", memory_safety.run,
         {"quick": 0.5, "check": 0.5, "soak": 1}),
    Part("headers", "each header compiles alone", headers.run, {"check": 1, "soak": 2}),
    Part("compilers", "gcc's warnings, sparse, cppcheck", compilers.run, {"check": 2, "soak": 4}),
    Part("tidy", "clang-tidy", tidy.run, {"check": 5, "soak": 10}),
    Part("symbols", "the kernel's symbol table against llvm-symbolizer", symbols.run, {"check": 0.5, "soak": 2}),
    Part("simulator", "the kernel as a library, random programs", simulator.run,
         {"quick": 1, "check": 2, "soak": 125}),
    Part("directed", "the kernel as a library, outcomes asserted call by call", directed.run,
         {"quick": 0.5, "check": 1, "soak": 30}),
    Part("mutants", "a sample of the guards, each taken away: the tests notice", mutants.run,
         {"check": 2.5, "soak": 62}),
    Part("explorer", "the states of small worlds, beside the specification", explorer.run,
         {"quick": 0.5, "check": 3, "soak": 120}),
    Part("coverage", "lines and branches that the host tests reach", coverage.run, {"check": 2, "soak": 4}),
    Part("models", "proofs with Frama-C WP, and Spin models", models.run, {"check": 3, "soak": 8}),
    Part("fuzz", "libFuzzer on what parses", fuzz.run, {"check": 1.5, "soak": 60}),
    Part("booted", "booted tests on many machines", booted.run_machines, {"quick": 0.5, "check": 6, "soak": 240}),
    Part("attacks", "what no program should be able to do", booted.run_attacks,
         {"check": 4, "soak": 720}),
    Part("crash", "programs that crash, again and again", booted.run_crashes, {"check": 1.5, "soak": 60}),
    Part("loader", "damaged boot files and machines that are refused", booted.run_loader, {"check": 1.5, "soak": 5}),
    Part("panic", "a panic names function, file and line", booted.run_panics, {"check": 1, "soak": 1}),
    Part("driving", "tools/run as people use it", booted.run_driving, {"check": 2.5, "soak": 5}),
    Part("exports", "recordings of the booted machine, read back in each format", booted.run_exports,
         {"check": 3, "soak": 5}),
    Part("sdk", "a program from outside the tree", sdk.run, {"check": 1, "soak": 2}),
    Part("bench", "instruction counts against those recorded", bench.run, {"check": 2, "soak": 2}),
    Part("repeatable", "two builds in two places give the same image", build.run_repeatable,
         {"check": 2, "soak": 3}),
]
