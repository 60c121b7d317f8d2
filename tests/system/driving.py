"""tools/run as people use it: typed commands, exit statuses, an IOMMU, repeatable counted runs, the screen, gdb."""

import os
import re
import subprocess
import tempfile
import time

from ferrous import console
from ferrous.context import ROOT
from ferrous.machine import Machine
from ferrous.outcome import failed, passed
from system import session

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


def the_shell_observes(context):
    status, output = context.run([TOOL, "--cmd", "stat", "--cmd", "run systest ipc", "--cmd", "audit 64", "--cmd",
                                  "stat 1", "--timeout", "120"], timeout_s=150)
    counted = [int(number) for number in re.findall(r"^ *(\d+) .*system calls entered", output, re.MULTILINE)]
    yield expect("stat shows what has been counted, and in a second", status == 0 and len(counted) == 2 and
                 counted[0] > counted[1] > 0 and "from ready to running" in output, output)
    yield expect("audit names who was denied what, and the right that was missing", status == 0 and
                 re.search(r"thread \d+: create_channel: capability lacks a right: endpoint \(group\)", output), output)


def follow(context):
    """Events as they come: here the recorder's accesses to the second line. ctrl-c ends it."""
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        machine = Machine(stop_on_reset=True, second_line=os.path.join(folder, "recording"))
        try:
            with session.boot(machine, 90) as running:
                running.run("trace on device")
                running.run("trace stream on")
                running.type("follow PORT_ACCESS\r")
                running.wait_for(re.compile(r"thread \d+: PORT_ACCESS port="), 20)
                running.type("\x03")
                running.wait_for(re.compile(r"\d+ events lost\n" + re.escape(console.PROMPT)), 20)
                running.shut_down()
            problem = ""
        except console.Stopped as stop:
            problem = f"{stop.reason}\n{running.text()[-2000:]}"
    yield expect("follow shows events as they come, and ends", not problem, problem)


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
    for test in (typed_commands, no_such_command, trace_names_methods, the_shell_observes, follow, time_limit, iommu,
                 screen, debug_kernel, debugger, repeatable):
        yield from test(context)
