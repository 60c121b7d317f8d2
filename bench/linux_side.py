"""Debian's Linux in the emulator that Ferrous is measured in: its kernel, bench/linux as init, nothing else.

The kernel is the one that Debian's linux-image-amd64 stands for. It is downloaded by apt and taken out of its package
into build/bench/linux; nothing is installed. Where that cannot be done, `Unavailable` says why.
"""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "bench")]

import workloads  # noqa: E402
from ferrous import machine as machines  # noqa: E402
from ferrous import packages, programs  # noqa: E402

FOLDER = os.path.join(ROOT, "build/bench/linux")
INITRAMFS = os.path.join(FOLDER, "initramfs.cpio")
META_PACKAGE = "linux-image-amd64"
ALWAYS = "console=ttyS0 quiet panic=-1"
# What makes it slower and is there for security or for whoever debugs it. Its string instructions: see CPU.
AT_ITS_BEST = ("mitigations=off init_on_alloc=0 randomize_kstack_offset=off lsm= audit=0 psi=0 nowatchdog "
               "hardened_usercopy=off preempt=none")
# Without ERMS it copies and clears memory by words, not by bytes: each element of a string instruction counts.
CPU = "max,-erms"
TIMEOUT_S = 600
END = "DONE"
RELEASE = re.compile(r"^KERNEL (.+)$", re.MULTILINE)


class Unavailable(Exception):
    """Linux cannot be measured here."""


def extract(package, folder):
    """Takes the kernel out of a package; the modules stay there."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as unpack:
        done = subprocess.run(["tar", "-x", "-C", folder, "--strip-components=2", "--wildcards", "./boot/vmlinuz-*"],
                              stdin=unpack.stdout, check=False)
    if done.returncode:
        raise Unavailable(f"{os.path.basename(package)} holds no kernel")


def kernel(folder=FOLDER):
    """The kernel's path; downloads it if it is not there yet."""
    def there():
        found = sorted(glob.glob(os.path.join(folder, "vmlinuz-*")))
        return found[-1] if found else ""
    if there():
        return there()
    os.makedirs(folder, exist_ok=True)
    try:
        for attempt in range(2):
            name = packages.depends_on(META_PACKAGE, "linux-image-")
            package = packages.download(name, folder) if name else ""
            if package or attempt or not packages.update_lists():
                break
        if not package:
            raise Unavailable(f"apt cannot download {name or META_PACKAGE}")
        extract(package, folder)
        os.remove(package)
    except FileNotFoundError as error:
        raise Unavailable(f"not a Debian machine: {error}") from error
    return there()


def prepare():
    """Everything a run needs: the kernel's path."""
    if packages.missing(("gcc", "libc6-dev")):
        raise Unavailable("gcc and libc6-dev are not installed; tools/setup bench installs them")
    done = subprocess.run(["make", "--no-print-directory", "-s", "linux-bench"], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: the Linux side does not build:\n{done.stdout[-3000:]}")
    return kernel()


def command(image, words, serial, two_cpus=False, extra=()):
    """QEMU's command line: the same machine as Ferrous's, booted without firmware or disk."""
    counting = machines.processor_arguments(machines.Machine(icount=True, cpu=CPU))
    counting[counting.index("-cpu") + 1] = CPU
    processors = ["-smp", "2", "-cpu", CPU] if two_cpus else counting
    return [programs.find("qemu-system-x86_64"), "-machine", "q35,accel=tcg", "-m", "512M", "-nodefaults",
            "-no-user-config", "-display", "none", "-no-reboot", "-serial", f"file:{serial}", "-kernel", image,
            "-initrd", INITRAMFS, "-append", f"{ALWAYS} {words}" + (" -- two-cpus" if two_cpus else ""),
            *processors, *extra]


def run(image, words, two_cpus=False, extra=()):
    """Boots, measures, and gives what it printed."""
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        serial = os.path.join(folder, "serial")
        try:
            done = subprocess.run(command(image, words, serial, two_cpus, extra), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S,
                                  check=False)
            said = done.stdout
        except subprocess.TimeoutExpired:
            said = f"no end within {TIMEOUT_S} s"
        with open(serial, encoding="latin-1") as file:
            output = file.read().replace("\r\n", "\n")
    if f"\n{END}\n" not in output:
        sys.exit(f"bench: Linux did not finish: {said}\n{output[-3000:]}")
    return output


def emulator_version():
    shown = subprocess.run([programs.find("qemu-system-x86_64"), "--version"], capture_output=True, text=True,
                           check=False).stdout
    return shown.splitlines()[0] if shown else "unknown"


def release_of(output):
    found = RELEASE.search(output)
    return found.group(1) if found else "unknown"


def measure(image, words):
    """The figures of a counted run, and the kernel's release under the name `release`."""
    output = run(image, words)
    return dict(workloads.counted(output), release=release_of(output))


def save(path, best, default):
    def figures(measured):
        return {name: figure for name, figure in measured.items() if name != "release"}
    value = {"kernel": best["release"], "emulator": emulator_version(), "cpu": CPU,
             "best": {"command line": f"{ALWAYS} {AT_ITS_BEST}", "figures": figures(best)},
             "default": {"command line": ALWAYS, "figures": figures(default)}}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True)
        file.write("\n")
