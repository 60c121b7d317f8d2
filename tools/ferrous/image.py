"""Makes a changed copy of a disk image for one run."""

import os
import subprocess

import mkarchive
import mkimage

ARCHIVE = "ferrous/archive.cpio"
COMMAND_LINE = "ferrous/cmdline.txt"


def _copy(source, target):
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


def read(image, name, folder):
    """The contents of a file on the image's EFI partition."""
    target = os.path.join(folder, "read.tmp")
    mkimage.mtools("mcopy", image, "-o", "-n", f"::{name}", target)
    with open(target, "rb") as file:
        data = file.read()
    os.remove(target)
    return data


def write(image, name, data, folder):
    source = os.path.join(folder, "write.tmp")
    with open(source, "wb") as file:
        file.write(data)
    mkimage.put(image, name, source)
    os.remove(source)


def variant(image, folder, append="", programs=(), replace=None, remove=()):
    """The image itself if nothing is to change, else a copy in `folder`.

    append: added to the command line. programs: files added to the boot archive (replacing those of the same name).
    replace: file on the partition -> bytes. remove: files on the partition.
    """
    if not append and not programs and not replace and not remove:
        return image
    copy = os.path.join(folder, "ferrous.img")
    _copy(image, copy)
    if append:
        line = read(copy, COMMAND_LINE, folder).decode().strip()
        write(copy, COMMAND_LINE, f"{line} {append}".strip().encode() + b"\n", folder)
    if programs:
        files = mkarchive.entries(read(copy, ARCHIVE, folder))
        files.update(mkarchive.read_files(programs))
        write(copy, ARCHIVE, mkarchive.archive(files), folder)
    for name, data in (replace or {}).items():
        write(copy, name, data, folder)
    for name in remove:
        mkimage.remove(copy, name)
    return copy
