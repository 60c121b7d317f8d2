"""Finds the programs that Debian installs under a plain or a versioned name."""

import shutil
import sys

LLVM_VERSION = "14"


def find(name):
    for candidate in (f"{name}-{LLVM_VERSION}", name):
        path = shutil.which(candidate)
        if path:
            return path
    sys.exit(f"{name} is not installed; tools/setup installs what is missing")
