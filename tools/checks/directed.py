"""Runs the directed programs: scenarios in the simulated machine whose every outcome is asserted."""

import re

from ferrous.outcome import failed, passed

PROGRAM = "build/host/directed"
LIMIT_S = 300
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


def run(context):
    trouble = context.make("directed")
    if trouble:
        yield failed("the directed programs build", trouble)
        return
    status, output = context.run([PROGRAM], timeout_s=LIMIT_S)
    match = SUMMARY.search(output)
    if not match:
        yield failed("the directed programs end", f"status {status}, no closing line\n{output[-3000:]}")
        return
    good, bad = int(match.group(1)), int(match.group(2))
    if good:
        yield passed("directed programs", good)
    if bad or status:
        yield failed(f"directed programs ({PROGRAM})", output[-5000:], max(bad, 1))
