"""tools/run as people use it: typed commands, exit statuses, an IOMMU, repeatable counted runs, the screen, gdb."""

import os
import subprocess
import tempfile
import time

from ferrous import console
from ferrous.context import ROOT
from ferrous.outcome import failed, passed

TOOL = os.path.join(ROOT, "tools/run")
PNG = b"\x89PNG\r\n\x1a\n"


def expect(name, ok, output):
    if len(output) > 3000:
        output = f"{output[:800]}\n[...]\n{output[-2200:]}"
    return passed(name) if ok else failed(name, output)


def typed_commands(context):
    status, output = context.run([TOOL, "--cmd", "echo one two", "--cmd", "uptime", "--timeout", "90"])
    yield expect("commands are typed in order", status == 0 and "one two" in output and
                 output.index("one two") < output.index("uptime"), output)


def no_such_command(context):
    status, output = context.run([TOOL, "--cmd", "no-such-command", "--timeout", "90"])
    yield expect("an unknown command is told so and the run goes on", status == 0 and "no-such-command" in output,
                 output)


def trace_names_methods(context):
    status, output = context.run([TOOL, "--cmd", "trace on ipc", "--cmd", "svc", "--cmd", "trace 500 manager",
                                  "--cmd", "interfaces console", "--timeout", "90"])
    yield expect("the shell's trace shows which method was called", status == 0 and "label=manager.service" in output,
                 output)
    yield expect("the shell tells what a service can be asked",
                 "call write(bytes<256> text) -> (u32 taken)" in console.clean(output), output)


def time_limit(context):
    status, output = context.run([TOOL, "--cmd", "echo", "--timeout", "1"])
    yield expect("the time limit ends a run with 124", status == console.TIMED_OUT, f"status {status}\n{output}")


def iommu(context):
    status, output = context.run([TOOL, "--iommu", "--cmd", "echo iommu works", "--timeout", "90"])
    yield expect("boots with an IOMMU", status == 0 and "iommu works" in output, output)


def screen(context):
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        path = os.path.join(folder, "screen.png")
        status, output = context.run([TOOL, "--cmd", "echo", "--screenshot", path, "--timeout", "90"])
        data = b""
        if os.path.exists(path):
            with open(path, "rb") as file:
                data = file.read()
    yield expect("a screenshot is taken", status == 0 and data.startswith(PNG), f"status {status}\n{output}")


def repeatable(context):
    command = [TOOL, "--icount", "--append", "slide=off", "--cmd", "uptime", "--verbose", "--timeout", "180"]
    first, second = context.run(command), context.run(command)
    yield expect("two counted runs boot alike", first[0] == 0 and boot_log(first[1]) == boot_log(second[1]) != "",
                 f"{first[1][-1500:]}\n---\n{second[1][-1500:]}")


def boot_log(output):
    """What the kernel printed up to the first prompt: times in it come from instructions alone."""
    text = console.clean(output)
    start = text.find("ferrous loader")
    return text[start:text.find(console.PROMPT)] if start >= 0 else ""


def debug_kernel(context):
    status, output = context.run([TOOL, "--config", "debug", "--cmd", "echo debug works", "--timeout", "120"])
    yield expect("the debug kernel boots", status == 0 and "debug works" in output, output)


def debugger(context):
    """gdb connects with the helpers of .gdbinit, stops in the kernel and looks at what the CPU runs."""
    waiting = subprocess.Popen([TOOL, "--gdb", "--timeout", "90"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)  # until the emulator listens; gdb itself waits for the rest
        commands = ["ferrous", "continue", "hbreak upcall_syscall", "continue", "this-cpu", "current", "kill"]
        status, output = context.run(["gdb", "-nx", "-batch", "-iex", "set tcp connect-timeout 30", "-x", ".gdbinit"]
                                     + [word for command in commands for word in ("-ex", command)], timeout_s=90)
        wanted = ("Breakpoint 1, kernel_main", "hit Breakpoint 2", "run_queue = 0x", "activity = 0x")
        yield expect("gdb stops in the kernel and shows the current thread",
                     status == 0 and all(text in output for text in wanted), output)
    finally:
        waiting.kill()
        waiting.wait()


def run(context):
    for test in (typed_commands, no_such_command, trace_names_methods, time_limit, iommu, screen, debug_kernel,
                 debugger, repeatable):
        yield from test(context)
