#!/usr/bin/env python3
"""Prints the size of the kernel: lines of code by folder, and bytes of text, data and bss."""

import sys

from ferrous import count, elf

SHF_ALLOC, SHF_EXECUTE = 2, 4
PF_WRITE = 2


def is_writable(image, section):
    """As mapped: what only the loader's relocations write lies in a read-only segment."""
    return any(segment.type == elf.PT_LOAD and segment.flags & PF_WRITE
               and segment.address <= section.address < segment.address + segment.memory_size
               for segment in image.segments)


def section_sizes(path):
    sizes = {"text": 0, "rodata": 0, "symbols": 0, "data": 0, "bss": 0}
    image = elf.Elf(path)
    for section in image.sections:
        if not section.flags & SHF_ALLOC:
            continue
        if section.name == ".symbols":
            kind = "symbols"
        elif section.flags & SHF_EXECUTE:
            kind = "text"
        elif section.type == elf.SHT_NOBITS:
            kind = "bss"
        else:
            kind = "data" if is_writable(image, section) else "rodata"
        sizes[kind] += section.size
    return sizes


def main(arguments):
    lines = count.count_files(count.kernel_files())
    port = sum(n for path, n in lines.items() if path.startswith("kernel/arch/"))
    total = sum(lines.values())
    print(f"kernel: {total:,} lines of code (core {total - port:,}, port and its contract {port:,}; "
          "comments and blanks not counted)")
    for path in arguments:
        sizes = section_sizes(path)
        print(f"{path}: " + ", ".join(f"{kind} {size:,}" for kind, size in sizes.items()) + " bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
