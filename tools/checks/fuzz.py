"""Runs each libFuzzer harness on its corpus and on what it makes from it, for a share of the time."""

import os
import shutil

from ferrous.context import ROOT
from ferrous.outcome import failed, passed

SECONDS = {"quick": 10, "check": 60, "soak": 3600}


def fuzzers(context):
    return [os.path.basename(path)[:-2] for path in context.files(".c", folders=("tests/fuzz",))
            if os.path.basename(path).startswith("fuzz_")]


def corpus_of(name):
    folder = os.path.join("tests/fuzz/corpus", name[len("fuzz_"):])
    return folder if os.path.isdir(os.path.join(ROOT, folder)) else None


def run_one(context, name, seconds):
    """Fuzzes in a folder of its own, so that the corpus in the tree stays as it is."""
    work = os.path.join("build/fuzz/work", name)
    shutil.rmtree(os.path.join(ROOT, work), ignore_errors=True)
    os.makedirs(os.path.join(ROOT, work))
    corpus = corpus_of(name)
    command = [f"build/fuzz/{name}", f"-max_total_time={seconds}", "-seed=1", "-timeout=10", "-rss_limit_mb=2048",
               "-print_final_stats=1", f"-artifact_prefix={work}/", work] + ([corpus] if corpus else [])
    status, output = context.run(command, timeout_s=seconds + 120)
    if status:
        return failed(name, f"status {status}; again with: build/fuzz/{name} {work}/<the file named below>\n"
                      + output[-3000:])
    runs = next((line.split()[-1] for line in output.splitlines() if "number_of_executed_units" in line), "0")
    if int(runs) < 100:
        return failed(name, f"only {runs} runs\n{output[-1000:]}")
    return passed(name, detail=f"{int(runs):,} runs")


def run(context):
    trouble = context.make("fuzzers")
    names = fuzzers(context)
    if trouble or not names:
        yield failed("the fuzzers build", trouble or "no tests/fuzz/fuzz_*.c")
        return
    total = context.options.get("fuzz_seconds") or SECONDS[context.profile]
    share = max(total * context.jobs // len(names), 5)
    share = min(share, total)
    yield from context.map(lambda name: run_one(context, name, share), names)
