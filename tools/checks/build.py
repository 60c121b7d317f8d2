"""Builds all there is; and builds twice, in two places, to show that the image depends on the sources alone."""

import os
import shutil
import subprocess
import tempfile

from ferrous.context import ROOT
from ferrous.outcome import failed, passed

TARGETS = (("image", "CONFIG=release"), ("image", "CONFIG=debug"), ("host-tests",), ("simulator",), ("fuzzers",))


def run(context):
    for target in TARGETS:
        trouble = context.make(*target)
        yield failed(" ".join(target), trouble) if trouble else passed(" ".join(target))


def _copy_tree(target):
    skip = shutil.ignore_patterns("build", ".git", "__pycache__")
    shutil.copytree(ROOT, target, ignore=skip, symlinks=True)


def run_repeatable(context):
    with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
        copy = os.path.join(folder, "a-folder-with-another-name")
        _copy_tree(copy)
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        done = subprocess.run(["make", "--no-print-directory", f"-j{context.jobs}", "image"], cwd=copy, text=True,
                              env=dict(environment, TZ="Asia/Tokyo", LC_ALL="C"), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            yield failed("a copy of the tree builds", done.stdout[-6000:])
            return
        yield passed("a copy of the tree builds")
        for name in ("release/kernel.elf", "boot/BOOTX64.EFI", "user/archive.cpio", "release/ferrous.img"):
            with open(os.path.join(ROOT, "build", name), "rb") as one, \
                    open(os.path.join(copy, "build", name), "rb") as other:
                same = one.read() == other.read()
            yield passed(f"{name} is the same") if same else failed(f"{name} is the same", "the two builds differ")
