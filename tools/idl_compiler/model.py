"""What an interface consists of, once it is known to be right."""

from dataclasses import dataclass, field
from typing import List, Optional

from idl_compiler.lexer import Place

MAX_WORDS = 8
MAX_INLINE = 256
MAX_CAPS = 4
MAX_ARRAYS = 4  # their counts share one word, 16 bits each

VERSION_METHOD = 0  # of every interface, answered by the generated dispatch


@dataclass(frozen=True)
class Int:
    name: str
    bits: int
    signed: bool

    @property
    def size(self):
        return self.bits // 8


INTS = {f"{letter}{bits}": Int(f"{letter}{bits}", bits, letter == "i")
        for letter in "ui" for bits in (8, 16, 32, 64)}


@dataclass(frozen=True)
class Bool:
    size = 1
    name = "bool"


@dataclass(frozen=True)
class Status:
    size = 4
    name = "status"


@dataclass(frozen=True)
class String:
    limit: int  # bytes without the end

    @property
    def name(self):
        return f"string<{self.limit}>"


@dataclass
class Enum:
    name: str
    base: Int
    values: List[tuple]  # (name, number, comment)
    place: Place
    comment: str = ""

    @property
    def size(self):
        return self.base.size


@dataclass
class Field:
    name: str
    type: object
    place: Place
    count: int = 0  # elements of a fixed array; 0: no array
    comment: str = ""
    offset: int = 0  # in bytes, from the start of the structure

    @property
    def size(self):
        return size_in_struct(self.type) * (self.count or 1)


@dataclass
class Struct:
    name: str
    fields: List[Field]
    place: Place
    header: Optional[str] = None  # where C has it already
    comment: str = ""
    size: int = 0
    alignment: int = 1


@dataclass(frozen=True)
class Array:
    element: object
    limit: int

    @property
    def name(self):
        if self.element == INTS["u8"]:
            return f"bytes<{self.limit}>"
        return f"array<{self.element.name}, {self.limit}>"


@dataclass(frozen=True)
class Cap:
    object: object  # abi.ObjectType
    rights: tuple  # names without RIGHT_
    optional: bool
    move: bool

    @property
    def name(self):
        words = ["optional"] * self.optional + ["move"] * self.move
        return " ".join(words + [f"{self.object.name}<{' | '.join(self.rights)}>"])


@dataclass
class Param:
    name: str
    type: object
    place: Place
    comment: str = ""
    # where it travels: one of these is set
    word: Optional[int] = None
    offset: Optional[int] = None  # of a structure, in the inline data
    array: Optional[int] = None  # which 16 bits of the word of counts
    cap: Optional[int] = None


@dataclass
class Shape:
    """The parameters of one direction, and what their message looks like."""
    params: List[Param]
    words: int = 0  # used, the word of counts included
    counts_word: Optional[int] = None
    fixed_size: int = 0  # bytes of structures
    max_size: int = 0
    caps_required: int = 0
    caps: int = 0

    def of(self, attribute):
        return [param for param in self.params if getattr(param, attribute) is not None]


@dataclass
class Method:
    name: str
    number: int
    one_way: bool
    request: Shape
    reply: Shape
    fails: Optional[List[str]]  # None: any status
    since: int
    place: Place
    comment: str = ""


@dataclass
class Interface:
    name: str
    number: int
    version: int
    place: Place
    comment: str = ""
    constants: List[tuple] = field(default_factory=list)  # (name, value, comment)
    enums: List[Enum] = field(default_factory=list)
    structs: List[Struct] = field(default_factory=list)
    methods: List[Method] = field(default_factory=list)

    @property
    def max_caps(self):
        """What a server must be willing to receive."""
        return max((method.request.caps for method in self.methods), default=0)


def size_in_struct(kind):
    """Bytes of one value as a field of a structure."""
    return kind.limit + 1 if isinstance(kind, String) else kind.size


def alignment_of(kind):
    if isinstance(kind, Struct):
        return kind.alignment
    return 1 if isinstance(kind, String) else kind.size
