#!/usr/bin/env python3
"""Makes the boot archive: mkarchive.py OUT.cpio FILE...

cpio "newc" format (see cpio(5)). Entries carry the file's base name, sorted; owner, times and inode numbers are
fixed, so that equal files make equal archives. Data starts at a multiple of 4 as the format wants, that of a
program at a page (its name is padded with NULs for that), so that it can be mapped straight from the archive; file
sizes are exact.
"""

import os
import sys

MODE_FILE = 0o100644
MODE_PROGRAM = 0o100755


PAGE_SIZE = 4096
HEADER_SIZE = 110


def entry(offset, inode, name, data, mode):
    """One member that starts at `offset` of the archive (a multiple of 4)."""
    encoded = name.encode() + b"\0"
    if mode == MODE_PROGRAM:
        encoded += bytes(-(offset + HEADER_SIZE + len(encoded)) % PAGE_SIZE)
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    header += bytes(-len(header) % 4)
    return header + data + bytes(-len(data) % 4)


def archive(files):
    """files: name -> bytes. Returns the archive."""
    parts, offset = [], 0
    for inode, name in enumerate(sorted(files), start=1):
        data = files[name]
        mode = MODE_PROGRAM if data[:4] == b"\x7fELF" else MODE_FILE
        parts.append(entry(offset, inode, name, data, mode))
        offset += len(parts[-1])
    parts.append(entry(offset, 0, "TRAILER!!!", b"", 0))
    return b"".join(parts)


def entries(data):
    """The files of a newc archive: name -> bytes."""
    files, at = {}, 0
    while True:
        if data[at:at + 6] != b"070701":
            raise ValueError(f"no newc header at offset {at}")
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = data[at + 110:at + 110 + name_size].split(b"\0", 1)[0].decode()
        start = (at + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return files
        files[name] = data[start:start + size]
        at = (start + size + 3) & ~3


def read_files(paths):
    files = {}
    for path in paths:
        name = os.path.basename(path)
        if name in files:
            sys.exit(f"mkarchive: two files are called {name}")
        with open(path, "rb") as file:
            files[name] = file.read()
    return files


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    with open(arguments[0], "wb") as out:
        out.write(archive(read_files(arguments[1:])))


if __name__ == "__main__":
    main(sys.argv[1:])
