"""Cuts the text of an interface file into tokens. Comments stay with the token that follows them."""

import re
from dataclasses import dataclass


class IdlError(Exception):
    """A mistake in an interface file, with its place."""

    def __init__(self, place, text):
        super().__init__(f"{place.path}:{place.line}:{place.column}: error: {text}")
        self.place, self.text = place, text


@dataclass(frozen=True)
class Place:
    path: str
    line: int
    column: int

    def error(self, text):
        return IdlError(self, text)


@dataclass(frozen=True)
class Token:
    kind: str  # name, number, string, symbol, end
    text: str
    place: Place
    comment: str  # the /* comment */ right before it, "" without one


PATTERN = re.compile(r"""
      (?P<space>[ \t\r\n]+)
    | (?P<comment>/\*.*?\*/)
    | (?P<line_comment>//[^\n]*)
    | (?P<number>0x[0-9a-fA-F]+|[0-9]+)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<string>"[^"\n]*")
    | (?P<symbol>->|[{}()<>\[\],;=:|])
""", re.VERBOSE | re.DOTALL)
GLUED = re.compile(r"[A-Za-z0-9_]")


def tidy_comment(text):
    """The words of a /* comment */, one line of text per line."""
    lines = [line.strip().lstrip("*").strip() for line in text[2:-2].splitlines()]
    return "\n".join(lines).strip()


def tokens(path, text):
    """All tokens of the text, and one of kind "end". Raises IdlError at what is none."""
    found = []
    at, line, line_start, comment = 0, 1, 0, ""
    while at < len(text):
        place = Place(path, line, at - line_start + 1)
        match = PATTERN.match(text, at)
        if not match:
            if text.startswith("/*", at):
                raise place.error("this comment has no end")
            if text[at] == '"':
                raise place.error("this string has no end on its line")
            raise place.error(f"no use for the character {ascii(text[at])}")
        kind, word = match.lastgroup, match.group()
        if kind == "number" and GLUED.match(text[match.end():match.end() + 1]):
            raise place.error("a number ends in a letter")
        if kind == "comment":
            comment = tidy_comment(word)
        elif kind not in ("space", "line_comment"):
            found.append(Token(kind, word, place, comment))
            comment = ""
        line += word.count("\n")
        if "\n" in word:
            line_start = at + word.rindex("\n") + 1
        at = match.end()
    found.append(Token("end", "", Place(path, line, at - line_start + 1), ""))
    return found
