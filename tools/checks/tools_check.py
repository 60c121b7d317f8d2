"""Runs the tests of the tools."""

import re

from ferrous.outcome import failed, passed


def run_one(context, path):
    status, output = context.run(["python3", "-W", "ignore::ResourceWarning", path])
    ran = re.search(r"^Ran (\d+) tests", output, re.MULTILINE)
    bad = sum(int(number) for number in re.findall(r"(?:failures|errors)=(\d+)", output))
    good = int(ran.group(1)) - bad if ran else 0
    if good:
        yield passed(path, good)
    if status or not good:
        yield failed(path, output[-4000:], max(bad, 1))


def run(context):
    paths = context.files("_test.py", folders=("tests/tools",))
    if not paths:
        yield failed("tests of the tools are found", "no tests/tools/*_test.py")
    for path in paths:
        yield from run_one(context, path)
