"""Runs the tests of the tools."""

import re

from ferrous.outcome import failed, passed


def run(context):
    status, output = context.run(["python3", "-W", "ignore::ResourceWarning", "tests/tools/tools_test.py"])
    ran = re.search(r"^Ran (\d+) tests", output, re.MULTILINE)
    bad = sum(int(number) for number in re.findall(r"(?:failures|errors)=(\d+)", output))
    good = int(ran.group(1)) - bad if ran else 0
    if good:
        yield passed("tests of the tools", good)
    if status or not good:
        yield failed("tests of the tools", output[-4000:], max(bad, 1))
