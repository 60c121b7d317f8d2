"""Reads what the tools need of a 64-bit little-endian ELF file: program headers, sections, symbols."""

import struct
from dataclasses import dataclass

SHT_SYMTAB = 2
SHT_NOBITS = 8
PT_LOAD = 1
STT_NOTYPE, STT_FUNC = 0, 2


@dataclass(frozen=True)
class Section:
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True)
class Segment:
    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int


@dataclass(frozen=True)
class Symbol:
    name: str
    type: int
    is_global: bool
    section: int
    address: int
    size: int


class ElfError(Exception):
    pass


def _text(table, offset):
    return table[offset:table.index(b"\0", offset)].decode()


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ElfError(f"{path}: not a 64-bit little-endian ELF file")
        header = struct.unpack_from("<HHIQQQIHHHHHH", self.data, 16)
        (self.type, self.machine, _, self.entry, phoff, shoff, _, _, _, phnum, _, shnum, shstrndx) = header
        self.segments = [self._segment(phoff + 56 * i) for i in range(phnum)]
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, shoff + 64 * i) for i in range(shnum)]
        names = b""
        if raw:
            names = self.data[raw[shstrndx][4]:raw[shstrndx][4] + raw[shstrndx][5]]
        self.sections = [Section(_text(names, r[0]), r[1], r[2], r[3], r[4], r[5], r[6]) for r in raw]

    def _segment(self, at):
        kind, flags, offset, virt, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", self.data, at)
        return Segment(kind, flags, offset, virt, filesz, memsz)

    def section(self, name):
        for section in self.sections:
            if section.name == name:
                return section
        return None

    def contents(self, section):
        if section.type == SHT_NOBITS:
            return bytes(section.size)
        return self.data[section.offset:section.offset + section.size]

    def image_range(self):
        """Lowest and one past the highest address of the loadable segments."""
        loads = [s for s in self.segments if s.type == PT_LOAD and s.memory_size]
        if not loads:
            raise ElfError("no loadable segment")
        return min(s.address for s in loads), max(s.address + s.memory_size for s in loads)

    def symbols(self):
        for section in self.sections:
            if section.type != SHT_SYMTAB:
                continue
            strings = self.contents(self.sections[section.link])
            for at in range(section.offset, section.offset + section.size, 24):
                name, info, _, index, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                yield Symbol(_text(strings, name), info & 15, info >> 4 != 0, index, value, size)
