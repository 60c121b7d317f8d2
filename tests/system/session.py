"""A booted machine for a test: made from the built image, changed where asked, gone at the end."""

import contextlib
import os
import shutil
import tempfile

from ferrous import console, image
from ferrous.context import ROOT

IMAGE = "build/{}/ferrous.img"


@contextlib.contextmanager
def boot(machine, timeout_s, append="", config="release", wait=True, **changes):
    """Boots, waits for the prompt (unless told not to) and gives the console. `changes` as in image.variant."""
    folder = tempfile.mkdtemp(prefix="ferrous-")
    try:
        disk = image.variant(os.path.join(ROOT, IMAGE.format(config)), folder, append, **changes)
        with console.Console(machine, disk, folder, timeout_s) as running:
            if wait:
                try:
                    running.wait_for_prompt()
                except console.Stopped as stop:
                    raise console.Stopped(f"{stop.reason}\n{running.text()[-3000:]}", stop.status) from stop
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)
