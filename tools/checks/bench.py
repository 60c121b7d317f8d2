"""Counts instructions on the benchmark's paths and compares with what was recorded; and counts what costs more than an
instruction on the path that matters most."""

from ferrous.outcome import failed, passed


def run(context):
    trouble = context.make("image")
    if trouble:
        yield failed("the image builds", trouble)
        return
    status, output = context.run(["python3", "bench/bench.py", "--check"], timeout_s=300)
    yield failed("no path has grown", output[-4000:]) if status else passed("no path has grown")
    status, output = context.run(["python3", "bench/attribute.py", "--check"], timeout_s=300)
    what = "a round trip switches page tables twice, and writes no other control register"
    yield failed(what, output[-4000:]) if status else passed(what)
