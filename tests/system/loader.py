"""Damaged boot files and machines that lack something: one clear line each, then a stop; no hang, no reset loop."""

import os
import re
import tempfile

from ferrous import console, image
from ferrous.context import ROOT
from ferrous.machine import Machine
from ferrous.outcome import failed, passed
from system import session

KERNEL, INIT = "ferrous/kernel.elf", "ferrous/init.elf"
IMAGE = os.path.join(ROOT, "build/release/ferrous.img")
LIMIT_S = 60
MACHINE_FIELD = 18   # of the ELF header: e_machine
CLASS_FIELD = 4      # EI_CLASS
ENTRY_FIELD = 24     # e_entry
HEADERS_FIELD = 32   # e_phoff
ERROR = re.compile(r"ferrous loader: error: (.*)")
BANNER = re.compile(r"starting Boot\d+")


def with_byte(data, at, value):
    return data[:at] + bytes([value]) + data[at + 1:]


def file_damages():
    """(name, what to change as in image.variant, expression the error must match)."""
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        kernel = image.read(IMAGE, KERNEL, folder)
        init = image.read(IMAGE, INIT, folder)
    huge = (1 << 62).to_bytes(8, "little")
    return [
        ("kernel missing", {"remove": [KERNEL]}, r"kernel\.elf is missing"),
        ("kernel cut in half", {"replace": {KERNEL: kernel[:len(kernel) // 2]}}, r"kernel\.elf"),
        ("kernel of one byte", {"replace": {KERNEL: kernel[:1]}}, r"kernel\.elf"),
        ("kernel for another machine", {"replace": {KERNEL: with_byte(kernel, MACHINE_FIELD, 0xB7)}},
         r"kernel\.elf.*machine|kernel\.elf.*x86"),
        ("kernel of 32 bits", {"replace": {KERNEL: with_byte(kernel, CLASS_FIELD, 1)}}, r"kernel\.elf"),
        ("kernel with wild headers",
         {"replace": {KERNEL: kernel[:HEADERS_FIELD] + huge + kernel[HEADERS_FIELD + 8:]}}, r"kernel\.elf"),
        ("init is text", {"replace": {INIT: b"#!/bin/sh\n" * 1000}}, r"init\.elf"),
        ("init enters nowhere", {"replace": {INIT: init[:ENTRY_FIELD] + huge + init[ENTRY_FIELD + 8:]}},
         r"init\.elf"),
        ("archive cut", {"replace": {image.ARCHIVE: b"070701 and then nothing"}}, r"archive\.cpio"),
    ]


def machine_damages():
    """(name, machine, words for the command line, expression the line must match)."""
    return [
        ("Meltdown-prone CPU", Machine(cpu="Skylake-Client"), "", re.compile(r"Meltdown|unsafe_cpu")),
        ("CPU without NX", Machine(cpu="qemu64,-nx"), "", re.compile(r"\bNX\b")),
        ("CPU without CX16", Machine(cpu="qemu64,-cx16"), "", re.compile(r"\bCX16\b|\bcmpxchg16b\b", re.IGNORECASE)),
    ]


def expect_error(name, machine, append, pattern, **changes):
    """Boots and expects one line that matches, then silence."""
    try:
        with session.boot(machine, LIMIT_S, append, wait=False, **changes) as running:
            try:
                running.wait_for_prompt()
                return failed(name, "it booted")
            except console.Stopped as stop:
                reason = stop.reason
            if stop_was_reset(running):
                return failed(name, f"the machine was reset\n{running.text()[-2000:]}")
            lines = [line for line in running.text().splitlines() if re.search(pattern, line)]
            if not lines:
                return failed(name, f"no line says so ({reason})\n{running.text()[-2000:]}")
            errors = ERROR.findall(running.text())
            if len(errors) > 1:
                return failed(name, "more than one error:\n" + "\n".join(errors))
            return passed(name, detail=lines[0].strip())
    except console.Stopped as stop:
        return failed(name, stop.reason)


def stop_was_reset(running):
    """Did the firmware start the loader more than once, or the machine end?"""
    return len(BANNER.findall(running.text())) > 1 or running.process.poll() is not None


def run(context):
    work = [(name, Machine(), "", pattern, changes) for name, changes, pattern in file_damages()]
    work += [(name, machine, append, pattern, {}) for name, machine, append, pattern in machine_damages()]
    yield from context.map(lambda item: expect_error(*item[:4], **item[4]), work)
    yield expect_boot("Meltdown-prone CPU, accepted", Machine(cpu="Skylake-Client"), "unsafe_cpu=accept")


def expect_boot(name, machine, append):
    try:
        with session.boot(machine, LIMIT_S, append) as running:
            running.shut_down()
        return passed(name)
    except console.Stopped as stop:
        return failed(name, stop.reason)
