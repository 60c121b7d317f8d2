"""Describes a virtual machine and builds QEMU's command line for it.

Machines are q35 with UEFI (OVMF), emulated in software. Images are opened with snapshots, or copied to a
temporary folder where a run needs other contents, so that runs never disturb each other.
"""

import os
import shutil
import sys
from dataclasses import dataclass, field
from typing import List, Optional

from ferrous import programs

FIRMWARE_FOLDERS = ("/usr/share/OVMF", "/usr/share/edk2/ovmf")
FIRMWARE_PAIRS = (("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"), ("OVMF_CODE.fd", "OVMF_VARS.fd"))
DEBUG_EXIT_PORT = 0xF4


@dataclass
class Machine:
    cpus: int = 1
    memory_mib: int = 512
    nodes: int = 1
    cpu: str = "max"
    iommu: bool = False
    icount: bool = False
    display: bool = False
    gdb: bool = False
    stop_on_reset: bool = False
    second_line: Optional[str] = None  # a file that gets what the second serial line sends
    extra: List[str] = field(default_factory=list)

    def __post_init__(self):
        if self.nodes > 1 and self.memory_mib % self.nodes:
            raise ValueError("the memory must divide evenly among the nodes")

    def name(self):
        parts = [f"{self.cpus} CPU{'s' if self.cpus > 1 else ''}", f"{self.memory_mib} MiB",
                 f"{self.nodes} node{'s' if self.nodes > 1 else ''}", self.cpu]
        return ", ".join(parts + (["IOMMU"] if self.iommu else []))


def firmware():
    for folder in FIRMWARE_FOLDERS:
        for code, variables in FIRMWARE_PAIRS:
            pair = os.path.join(folder, code), os.path.join(folder, variables)
            if all(os.path.exists(path) for path in pair):
                return pair
    sys.exit("the UEFI firmware (package ovmf) is not installed; tools/setup installs it")


def numa_arguments(machine):
    """Nodes with equal shares of memory and CPUs, remote distance 21 as is usual."""
    if machine.nodes < 2:
        return []
    out = []
    share = machine.memory_mib // machine.nodes
    for node in range(machine.nodes):
        cpus = [c for c in range(machine.cpus) if c * machine.nodes // machine.cpus == node]
        out += ["-object", f"memory-backend-ram,id=node{node},size={share}M"]
        out += ["-numa", f"node,nodeid={node},memdev=node{node}" + "".join(f",cpus={c}" for c in cpus)]
    for one in range(machine.nodes):
        for other in range(one + 1, machine.nodes):
            out += ["-numa", f"dist,src={one},dst={other},val=21"]
    return out


def processor_arguments(machine):
    if machine.icount:
        # The time-stamp counter then advances by one per guest instruction.
        return ["-icount", "shift=0,sleep=off", "-smp", "1", "-cpu", "max", "-seed", "1",
                "-rtc", "base=2024-01-01T00:00:00,clock=vm"]
    return ["-smp", str(machine.cpus), "-cpu", machine.cpu]


def command(machine, image, serial, qmp: Optional[str] = None):
    """QEMU's command line. `serial` is the value of -serial, `qmp` the path of a control socket."""
    code, variables = firmware()
    out = [shutil.which("qemu-system-x86_64") or programs.find("qemu-system-x86_64"),
           "-machine", "q35,accel=tcg", "-m", f"{machine.memory_mib}M", "-nodefaults", "-no-user-config",
           "-vga", "std", "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
           "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={variables}",
           "-drive", f"if=none,id=disk,format=raw,snapshot=on,file={image}",
           "-device", "virtio-blk-pci,drive=disk,bootindex=0",
           "-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=0x04",
           "-serial", serial]
    if machine.second_line:
        out += ["-serial", f"file:{machine.second_line}"]
    out += processor_arguments(machine) + numa_arguments(machine)
    if machine.iommu:
        out += ["-device", "intel-iommu"]
    if not machine.display:
        out += ["-display", "none"]
    if machine.stop_on_reset:
        out += ["-no-reboot"]
    if machine.gdb:
        out += ["-gdb", "tcp:127.0.0.1:1234", "-S"]
    if qmp:
        out += ["-qmp", f"unix:{qmp},server=on,wait=off"]
    return out + machine.extra


def exit_status(code):
    """What a run's status is, from that of QEMU: the exit device gives (code << 1) | 1."""
    return (code - 1) // 2 if code > 0 and code % 2 == 1 else code
