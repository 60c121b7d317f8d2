"""make sdk, then a program compiled outside the tree and started on the booted system."""

import os
import shutil
import tempfile

from ferrous.context import ROOT
from ferrous.outcome import failed, passed

EXAMPLE = "tests/system/sdk_example/outside.c"


def run(context):
    trouble = context.make("sdk", "image")
    if trouble:
        yield failed("make sdk", trouble)
        return
    yield passed("make sdk")
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        sdk = os.path.join(folder, "sdk")
        shutil.copytree(os.path.join(ROOT, "build/sdk"), sdk)
        shutil.copy(os.path.join(ROOT, EXAMPLE), folder)
        program = os.path.join(folder, "outside")
        status, output = context.run([os.path.join(sdk, "bin/ferrous-cc"), "-Wall", "-Werror",
                                      os.path.join(folder, "outside.c"), "-o", program])
        if status:
            yield failed("ferrous-cc compiles a program", output)
            return
        yield passed("ferrous-cc compiles a program")
        status, output = context.run([os.path.join(ROOT, "tools/run"), "--add", program, "--cmd",
                                      "run outside hello world", "--timeout", "90"])
    ok = status == 0 and "outside: 3 arguments, the last is world" in output
    yield passed("it runs on the booted system") if ok else failed("it runs on the booted system", output[-3000:])
