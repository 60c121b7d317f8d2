#!/usr/bin/env python3
"""Makes the kernel's symbol table: which function, file and line lie at an offset from the image's start.

    symbols.py KERNEL.elf OUT.bin            writes the table made from the symbols and line tables of KERNEL.elf
    symbols.py --verify FIRST.elf FINAL.elf  checks that both links placed every function alike

The layout is described in kernel/core/symbols.c, which reads it.
"""

import bisect
import os
import re
import struct
import subprocess
import sys

from ferrous import elf, programs

MAGIC = 0x4D595346  # "FSYM"
VERSION = 1
HEADER = struct.Struct("<8I")
FUNCTION = struct.Struct("<4I")


def text_sections(image):
    """Executable sections as a list of (index, start, end)."""
    return [(i, s.address, s.address + s.size) for i, s in enumerate(image.sections)
            if s.flags & 4 and s.flags & 2]


def functions_of(image):
    """The functions as a sorted list of (start, end, name), half-open, not overlapping."""
    sections = {index: (start, end) for index, start, end in text_sections(image)}
    best = {}
    for symbol in image.symbols():
        if symbol.section not in sections or symbol.type not in (elf.STT_FUNC, elf.STT_NOTYPE):
            continue
        if not symbol.name or symbol.name.startswith((".L", "$")):
            continue
        if symbol.address >= sections[symbol.section][1]:
            continue
        rank = (symbol.type == elf.STT_FUNC, symbol.is_global, symbol.size, symbol.name)
        if symbol.address not in best or rank > best[symbol.address][0]:
            best[symbol.address] = (rank, symbol)
    found = []
    addresses = sorted(best)
    for position, address in enumerate(addresses):
        symbol = best[address][1]
        limit = sections[symbol.section][1]
        if position + 1 < len(addresses):
            limit = min(limit, addresses[position + 1])
        end = min(limit, address + symbol.size) if symbol.size else limit
        found.append((address, end, symbol.name))
    return found


ROW = re.compile(r"^0x([0-9a-f]+)\s+(\d+)\s+\d+\s+(\d+)\s+\d+\s+\d+\s*(.*)$")


def line_rows(path):
    """Rows (address, file, line, ends_sequence) of all line tables, in the order of the file."""
    output = subprocess.run([programs.find("llvm-dwarfdump"), "--debug-line", path], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    directories, files, entry = {}, {}, None
    for line in output.splitlines():
        if line.startswith("debug_line["):
            directories, files, entry = {}, {}, None
        elif line.startswith("include_directories["):
            index, name = re.match(r'include_directories\[\s*(\d+)\] = "(.*)"', line).groups()
            directories[int(index)] = name
        elif line.startswith("file_names["):
            entry = int(re.match(r"file_names\[\s*(\d+)\]", line).group(1))
        elif entry is not None and line.lstrip().startswith("name:"):
            files[entry] = line.split('"')[1]
        elif entry is not None and line.lstrip().startswith("dir_index:"):
            directory = directories.get(int(line.split(":")[1]), "")
            if directory not in ("", ".") and not files[entry].startswith("/"):
                files[entry] = f"{directory}/{files[entry]}"
            entry = None
        else:
            match = ROW.match(line)
            if match:
                address, number, file, flags = match.groups()
                name = files.get(int(file), "")
                yield (int(address, 16), os.path.normpath(name) if name else "", int(number), "end_sequence" in flags)


def lines_by_address(path, sections):
    """Sorted list of (address, file, line): line 0 where the compiler names none, no file where there is no code."""
    rows = []
    sequence = []
    for address, file, line, ends in line_rows(path):
        sequence.append((address, "", 0) if ends else (address, file, line))
        if not ends:
            continue
        # What the linker dropped keeps a sequence at an address outside the text.
        if any(start <= sequence[0][0] < end for _, start, end in sections):
            rows.append(sequence)
        sequence = []
    rows.sort(key=lambda seq: seq[0][0])
    merged = []
    for address, file, line in (row for seq in rows for row in seq):
        if merged and merged[-1][0] == address:
            merged.pop()
        if not merged or merged[-1][1:] != (file, line):
            merged.append((address, file, line))
    return merged


def uleb(value):
    out = bytearray()
    while True:
        byte = value & 127
        value >>= 7
        out.append(byte | (128 if value else 0))
        if not value:
            return bytes(out)


def zigzag(value):
    return value * 2 if value >= 0 else -value * 2 - 1


class Strings:
    def __init__(self):
        self.bytes = bytearray()
        self.offsets = {}

    def add(self, text):
        if text not in self.offsets:
            self.offsets[text] = len(self.bytes)
            self.bytes += text.encode() + b"\0"
        return self.offsets[text]


def encode_lines(start, end, rows, row_addresses, file_index):
    """One function's rows: advance and a flag for a change of file, the file if so, change of line."""
    first = max(bisect.bisect_right(row_addresses, start) - 1, 0)
    out = bytearray()
    at, file, line = start, None, 0
    for address, name, number in rows[first:]:
        if address >= end:
            break
        address = max(address, start)
        changed = name != file
        out += uleb((address - at) << 1 | changed)
        if changed:
            out += uleb(file_index(name))
        out += uleb(zigzag(number - line))
        at, file, line = address, name, number
    return bytes(out)


def build(path):
    image = elf.Elf(path)
    base, limit = image.image_range()
    functions = functions_of(image)
    rows = lines_by_address(path, text_sections(image))
    row_addresses = [row[0] for row in rows]
    strings, files, lines, table = Strings(), {}, bytearray(), bytearray()

    def file_index(name):
        return files.setdefault(name, len(files))

    for start, end, name in functions:
        encoded = encode_lines(start, end, rows, row_addresses, file_index)
        table += FUNCTION.pack(start - base, end - start, strings.add(name), len(lines))
        lines += encoded
    # One past the last function ends its lines.
    table += FUNCTION.pack(min(limit - base, 0xFFFFFFFF), 0, 0, len(lines))
    file_table = b"".join(struct.pack("<I", strings.add(name)) for name in files)

    functions_at = HEADER.size
    files_at = functions_at + len(table)
    lines_at = files_at + len(file_table)
    strings_at = lines_at + len(lines)
    size = strings_at + len(strings.bytes)
    header = HEADER.pack(MAGIC, VERSION, len(functions), len(files), files_at, lines_at, strings_at, size)
    return header + bytes(table) + file_table + bytes(lines) + bytes(strings.bytes)


def verify(first, final):
    before, after = elf.Elf(first), elf.Elf(final)
    if before.image_range()[0] != after.image_range()[0] or functions_of(before) != functions_of(after):
        sys.exit(f"{final}: functions do not lie where the symbol table says")


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "--verify":
        verify(arguments[1], arguments[2])
    elif len(arguments) == 2:
        blob = build(arguments[0])
        with open(arguments[1], "wb") as file:
            file.write(blob)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
