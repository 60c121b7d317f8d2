"""The Debian packages that building, running and checking need, and a cheap test whether they are there."""

import os
import subprocess
import sys

FOR_BUILD = ("clang-14", "lld-14", "llvm-14", "make", "python3", "mtools")
FOR_RUN = FOR_BUILD + ("qemu-system-x86", "ovmf")
FOR_CHECK = FOR_RUN + ("clang-format-14", "clang-tidy-14", "libclang-rt-14-dev", "libc6-dev", "gcc", "sparse",
                       "cppcheck", "gcovr", "gdb", "git", "frama-c-base", "why3", "z3", "cvc5", "spin", "babeltrace2",
                       "python3-bt2", "protobuf-compiler", "chromium")
FOR_BENCH = FOR_RUN + ("gcc", "libc6-dev")  # what is measured beside Ferrous is downloaded, not installed
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


def depends_on(name, prefix):
    """The package that `name` stands for: its first dependency that begins with `prefix`; "" if apt knows none."""
    shown = subprocess.run(["apt-cache", "show", "--no-all-versions", name], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, check=False).stdout
    for line in shown.splitlines():
        if line.startswith("Depends:"):
            found = [word.split()[0] for word in line[8:].split(",") if word.split()[0].startswith(prefix)]
            return found[0] if found else ""
    return ""


def download(name, folder):
    """Fetches a package into `folder` without installing it; gives the file's path, or "" if it cannot be had."""
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["apt-get", "download", "-q", name], cwd=folder, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False)
    files = sorted(file for file in os.listdir(folder) if file.startswith(name + "_") and file.endswith(".deb"))
    return os.path.join(folder, files[-1]) if done.returncode == 0 and files else ""


def update_lists():
    """Asks the archive what there is now. False: it does not answer, or we may not."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return subprocess.run(prefix + ["apt-get", "update", "-q"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def require(names):
    """Installs what is missing of `names`; returns at once if nothing is."""
    lacking = missing(names)
    if lacking:
        print(f"setup: not installed: {' '.join(lacking)}", flush=True)
        try:
            install(lacking)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            sys.exit(f"setup: cannot install {' '.join(lacking)}: {error}")
