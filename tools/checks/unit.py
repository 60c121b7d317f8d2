"""Runs each host test program; each prints `N passed, N failed` at its end."""

import os
import re

from ferrous.context import ROOT
from ferrous.outcome import failed, passed

SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)
TEST_FOLDERS = ("lib", "kernel", "boot", "sdk", "services", "drivers", "apps", "tests/idl")
LIMIT_S = 300


def run_one(context, source):
    """Outcomes of one test program."""
    program = os.path.join("build/host", source[:-2])
    if not os.path.exists(os.path.join(ROOT, program)):
        return [failed(source, "was not built")]
    status, output = context.run([program], timeout_s=LIMIT_S)
    match = None
    for match in SUMMARY.finditer(output):
        pass
    if not match:
        return [failed(source, f"status {status}, no closing line\n{output[-3000:]}")]
    good, bad = int(match.group(1)), int(match.group(2))
    outcomes = [passed(source, good)] if good else []
    if bad:
        outcomes.append(failed(f"{source} (build/host/{source[:-2]})", output[-3000:], bad))
    elif status:
        outcomes.append(failed(source, f"status {status} after its tests\n{output[-3000:]}"))
    elif not good:
        outcomes.append(failed(source, "contains no test"))
    return outcomes


def run(context):
    trouble = context.make("-k", "host-tests")
    if trouble:
        yield failed("the tests build", trouble)
    sources = [path for path in context.files("_test.c", folders=TEST_FOLDERS)]
    if not sources:
        yield failed("tests are found", "no *_test.c")
    for outcomes in context.map(lambda source: run_one(context, source), sources):
        yield from outcomes
