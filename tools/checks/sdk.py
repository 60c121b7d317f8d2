"""make sdk, then a program compiled outside the tree and started on the booted system."""

import os
import shutil
import tempfile

from ferrous.context import ROOT
from ferrous.outcome import failed, passed

EXAMPLES = "tests/system/sdk_example"
STRICT = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Werror"]


def compile_outside(context, folder, sources, program, *options):
    """Compiles with the copy of the SDK in `folder`; (status, output)."""
    paths = [os.path.join(folder, source) for source in sources]
    return context.run([os.path.join(folder, "sdk/bin/ferrous-cc"), *STRICT, *options, *paths, "-o",
                        os.path.join(folder, program)])


def start(context, folder, program, words):
    return context.run([os.path.join(ROOT, "tools/run"), "--add", os.path.join(folder, program), "--cmd",
                        f"run {program} {words}", "--timeout", "90"])


def expect(name, ok, output):
    return passed(name) if ok else failed(name, output[-3000:])


def run(context):
    trouble = context.make("sdk", "image")
    if trouble:
        yield failed("make sdk", trouble)
        return
    yield passed("make sdk")
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        shutil.copytree(os.path.join(ROOT, "build/sdk"), os.path.join(folder, "sdk"))
        for name in os.listdir(os.path.join(ROOT, EXAMPLES)):
            shutil.copy(os.path.join(ROOT, EXAMPLES, name), folder)
        status, output = compile_outside(context, folder, ["outside.c"], "outside")
        yield expect("ferrous-cc compiles a program", status == 0, output)
        status, output = start(context, folder, "outside", "hello world")
        yield expect("it runs on the booted system",
                     status == 0 and "outside: 3 arguments, the last is world" in output, output)
        status, output = compile_outside(context, folder, ["greet.c", "greeter.idl"], "greet")
        yield expect("ferrous-cc compiles a program with an interface of its own", status == 0, output)
        status, output = start(context, folder, "greet", "world you")
        yield expect("it serves and asks", status == 0 and "greeter: version 2" in output and
                     "greeter: HELLO, world!" in output and "greeter: 2 greeted" in output, output)
        status, output = compile_outside(context, folder, ["greet.c", "greeter.idl"], "greet.o", "-c")
        yield expect("ferrous-cc -c says that interfaces come first", status != 0 and "ferrous-idl" in output, output)
