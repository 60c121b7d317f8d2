"""The Debian packages that building, running and checking need, and a cheap test whether they are there."""

import os
import subprocess
import sys

FOR_BUILD = ("clang-14", "lld-14", "llvm-14", "make", "python3", "mtools")
FOR_RUN = FOR_BUILD + ("qemu-system-x86", "ovmf")
FOR_CHECK = FOR_RUN + ("clang-format-14", "clang-tidy-14", "libclang-rt-14-dev", "libc6-dev", "gcc", "sparse",
                       "cppcheck", "gcovr", "gdb", "git", "frama-c-base", "why3", "z3", "cvc5", "spin", "babeltrace2",
                       "python3-bt2", "protobuf-compiler", "chromium")
FOR_COMFORT = ("qemu-system-gui",)


def missing(names):
    """Those of `names` that are not installed, according to dpkg."""
    try:
        shown = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    except FileNotFoundError:
        return []  # not Debian: the programs are looked for when they are used
    present = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in present]


def install(names):
    """Installs packages with apt, saying what it does; asks for root's rights only if it has none."""
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    for command in (["apt-get", "update", "-q"],
                    ["apt-get", "install", "-q", "-y", "--no-install-recommends", *names]):
        print("setup: " + " ".join(prefix + command), flush=True)
        subprocess.run(prefix + environment + command, check=True)


def require(names):
    """Installs what is missing of `names`; returns at once if nothing is."""
    lacking = missing(names)
    if lacking:
        print(f"setup: not installed: {' '.join(lacking)}", flush=True)
        try:
            install(lacking)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            sys.exit(f"setup: cannot install {' '.join(lacking)}: {error}")
