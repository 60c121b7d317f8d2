#!/usr/bin/env python3
"""Makes a disk image with an EFI partition: mkimage.py OUT.img PATH-ON-DISK=FILE...

The image has a GUID partition table and one FAT16 partition; identifiers, serial number and times are fixed, so that
equal files make an equal image, bit for bit.
"""

import os
import struct
import subprocess
import sys
import uuid
import zlib

SECTOR = 512
PARTITION_START = 2048            # sectors
PARTITION_SECTORS = 32 * 2048     # 32 MiB
TABLE_SECTORS = 32
DISK_SECTORS = PARTITION_START + PARTITION_SECTORS + TABLE_SECTORS + 1
PARTITION_OFFSET = PARTITION_START * SECTOR
SERIAL = "46455252"
EPOCH = "315532800"               # 1980-01-01, the first day FAT knows
DISK_GUID = uuid.UUID("f3770005-0000-4000-8000-000000000001")
PARTITION_GUID = uuid.UUID("f3770005-0000-4000-8000-000000000002")
ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")


def protective_mbr():
    entry = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, DISK_SECTORS - 1)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def partition_table():
    name = "Ferrous".encode("utf-16-le").ljust(72, b"\0")
    entry = struct.pack("<16s16sQQQ72s", ESP_TYPE.bytes_le, PARTITION_GUID.bytes_le, PARTITION_START,
                        PARTITION_START + PARTITION_SECTORS - 1, 0, name)
    return entry.ljust(TABLE_SECTORS * SECTOR, b"\0")


def gpt_header(here, other, table_at):
    """UEFI 2.9, 5.3.2."""
    def pack(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, other,
                           PARTITION_START, PARTITION_START + PARTITION_SECTORS - 1, DISK_GUID.bytes_le,
                           table_at, 128, 128, zlib.crc32(partition_table()))
    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def write_empty_disk(path):
    last = DISK_SECTORS - 1
    with open(path, "wb") as file:
        file.write(protective_mbr() + gpt_header(1, last, 2) + partition_table())
        file.seek((last - TABLE_SECTORS) * SECTOR)
        file.write(partition_table() + gpt_header(last, 1, last - TABLE_SECTORS))


def mtools(program, image, *arguments):
    environment = dict(os.environ, SOURCE_DATE_EPOCH=EPOCH, TZ="UTC", MTOOLS_SKIP_CHECK="1", LC_ALL="C")
    subprocess.run([program, "-i", f"{image}@@{PARTITION_OFFSET}", *arguments], check=True, env=environment)


def put(image, name, source):
    """Copies a file onto the partition, in place of one that is there."""
    mtools("mcopy", image, "-o", "-D", "o", source, f"::{name}")


def remove(image, name):
    mtools("mdel", image, f"::{name}")


def build(path, files):
    """files: list of (name on disk, source path)."""
    write_empty_disk(path)
    mtools("mformat", path, "-T", str(PARTITION_SECTORS), "-h", "64", "-s", "32", "-c", "4", "-N", SERIAL,
           "-v", "FERROUS", "::")
    made = set()
    for name, _ in files:
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder not in made:
                mtools("mmd", path, f"::{folder}")
                made.add(folder)
    for name, source in files:
        put(path, name, source)


def main(arguments):
    if len(arguments) < 2 or any("=" not in argument for argument in arguments[1:]):
        sys.exit(__doc__)
    files = [tuple(argument.split("=", 1)) for argument in arguments[1:]]
    temporary = arguments[0] + ".new"
    build(temporary, files)
    os.replace(temporary, arguments[0])


if __name__ == "__main__":
    main(sys.argv[1:])
