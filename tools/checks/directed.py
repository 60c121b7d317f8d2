"""Runs the directed programs: scenarios in the simulated machine whose every outcome is asserted."""

import re

from ferrous.outcome import failed, passed

PROGRAM = "build/host/directed"
LIMIT_S = 300
SOAK_LIMIT_S = 7200
# Of what is done over and over to see that nothing is lost.
ROUNDS = {"quick": 100, "check": 1000, "soak": 100000}
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


def run(context):
    trouble = context.make("directed")
    if trouble:
        yield failed("the directed programs build", trouble)
        return
    status, output = context.run([PROGRAM, "--rounds", str(ROUNDS[context.profile])],
                                 timeout_s=SOAK_LIMIT_S if context.profile == "soak" else LIMIT_S)
    match = SUMMARY.search(output)
    if not match:
        yield failed("the directed programs end", f"status {status}, no closing line\n{output[-3000:]}")
        return
    good, bad = int(match.group(1)), int(match.group(2))
    if good:
        yield passed("directed programs", good)
    if bad or status:
        yield failed(f"directed programs ({PROGRAM})", output[-5000:], max(bad, 1))
