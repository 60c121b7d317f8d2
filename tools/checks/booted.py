"""The parts that boot the image; what they do lies in tests/system."""

import os
import sys

from ferrous.context import ROOT
from ferrous.outcome import failed

sys.path.insert(1, os.path.join(ROOT, "tests"))

from system import attacks, booted, crashes, driving, exports, loader, panics  # noqa: E402


def _with_image(test, *configs):
    def run(context):
        for config in configs:
            trouble = context.make("image", f"CONFIG={config}")
            if trouble:
                yield failed(f"the {config} image builds", trouble)
                return
        yield from test(context)
    return run


def _machines(context):
    yield from booted.run(context)
    if context.profile != "quick":
        yield from booted.run_memory(context)


run_machines = _with_image(_machines, "release")
run_attacks = _with_image(attacks.run, "release")
run_crashes = _with_image(crashes.run, "release")
run_loader = _with_image(loader.run, "release")
run_driving = _with_image(driving.run, "release", "debug")
run_exports = _with_image(exports.run, "release")
run_panics = _with_image(panics.run, "release", "debug")
