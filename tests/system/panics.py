"""A panic says what happened, where (function, file and line, symbolised on the machine itself), and ends the run."""

import re

from ferrous import console
from ferrous.context import Context
from ferrous.machine import Machine
from ferrous.outcome import failed, passed
from system import session

SOURCE = "kernel/init/main.c"
EXIT_CODE = 0x7F  # PANIC_EXIT_CODE in kernel/core/panic.h
LIMIT_S = 90
FRAME = re.compile(r"^.*?(\w+)\+0x[0-9a-f]+ \(([\w/.]+):(\d+)\)", re.MULTILINE)
# The word for the command line, what the panic must say, and the source line that it happens on.
KINDS = (("test_panic=assert", r"PANIC on CPU 0: asked for", 'panic("asked for'),
         ("test_panic=fault", r"PANIC on CPU 0: .* in the kernel", "*nowhere = 0"))


def line_of(text):
    """The number of the line of SOURCE that contains `text`."""
    for number, line in enumerate(Context().read(SOURCE).splitlines(), 1):
        if text in line:
            return number
    raise ValueError(f"{SOURCE} has no line with {text}")


def panic_output(word, config):
    """Boots with that word; returns what was printed and the run's status."""
    machine = Machine(cpus=2, stop_on_reset=True)
    with session.boot(machine, LIMIT_S, f"{word} test_exit=on", config, wait=False) as running:
        try:
            running.wait_for_prompt()
            return running.text(), "no panic"
        except console.Stopped as stop:
            if stop.status == console.PANICKED:
                running.drain(5)
                running.process.wait(timeout=10)
                return running.text(), running.ended()
            return running.text(), stop.status


def run(_context):
    for config in ("release", "debug"):
        for word, says, place in KINDS:
            name = f"{config}: {word}"
            output, status = panic_output(word, config)
            frames = FRAME.findall(output)
            wanted = (SOURCE, str(line_of(place)))
            problems = []
            if not re.search(says, output):
                problems.append(f"no line matches {says!r}")
            if wanted not in [(file, line) for _, file, line in frames]:
                problems.append(f"the stack does not show {wanted[0]}:{wanted[1]}, but {frames}")
            if status != EXIT_CODE:
                problems.append(f"status {status}, not {EXIT_CODE}")
            yield failed(name, "\n".join(problems) + "\n" + output[-2500:]) if problems else passed(name)
