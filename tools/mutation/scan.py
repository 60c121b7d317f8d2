"""Just enough reading of C to find functions, conditions, statements and calls in clang-formatted sources.

Comments, strings, preprocessor lines and the macros that assert, trace or count are blanked, so that every offset is
that of the file and nothing in them is taken for code.
"""

import re
from dataclasses import dataclass

NOT_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|^[ \t]*#(?:\\\n|[^\n])*",
                      re.DOTALL | re.MULTILINE)
SILENT_MACROS = re.compile(r"\b(?:ASSERT|DEBUG_ASSERT|_Static_assert|TRACE|COUNT)\(")
NAME_BEFORE_PARENTHESIS = re.compile(r"([A-Za-z_]\w*)\s*\(")
ATTRIBUTE = re.compile(r"__attribute__\(\(.*?\)\)")
CONDITION = re.compile(r"\b(if|while|for|switch)\s*\(")
STATEMENT_END = ";{}"


@dataclass(frozen=True)
class Function:
    name: str
    start: int  # of the body, after its brace
    end: int


def _blank(text):
    return "".join(c if c == "\n" else " " for c in text)


def closing(code, opening):
    """The offset of the bracket that closes the one at `opening`."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    wanted = [pairs[code[opening]]]
    for at in range(opening + 1, len(code)):
        c = code[at]
        if c in pairs:
            wanted.append(pairs[c])
        elif c == wanted[-1]:
            wanted.pop()
            if not wanted:
                return at
    raise ValueError(f"no closing bracket for offset {opening}")


def blank_silent(text):
    """The text with everything that is not code, or not to be changed, as spaces."""
    code = NOT_CODE.sub(lambda match: _blank(match.group()), text)
    for match in list(SILENT_MACROS.finditer(code)):
        end = closing(code, match.end() - 1) + 1
        code = code[:match.start()] + _blank(code[match.start():end]) + code[end:]
    return code


def functions(code):
    """Function definitions: a line with nothing but an opening brace, after a header that ends in a parenthesis."""
    found = []
    for match in re.finditer(r"^\{$", code, re.MULTILINE):
        header_start = max(code.rfind(";", 0, match.start()), code.rfind("}", 0, match.start())) + 1
        header = code[header_start:match.start()]
        name = NAME_BEFORE_PARENTHESIS.search(ATTRIBUTE.sub("", header))
        if name and header.rstrip().endswith(")"):
            found.append(Function(name.group(1), match.end(), closing(code, match.start())))
    return found


def conditions(code, function):
    """(keyword, start, end) of what stands in the parentheses of if, while, for and switch."""
    for match in CONDITION.finditer(code, function.start, function.end):
        end = closing(code, match.end() - 1)
        yield match.group(1), match.end(), end


def split_top(code, start, end, operator):
    """Operands (start, end) of a chain of `operator` at the outermost level; one operand: no chain."""
    parts, depth, at, begin = [], 0, start, start
    while at < end:
        c = code[at]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif depth == 0 and code.startswith(operator, at):
            parts.append((begin, at))
            at += len(operator)
            begin = at
            continue
        elif depth == 0 and c in "?:" and operator != "?":
            return []  # the chain is part of a conditional expression
        at += 1
    parts.append((begin, end))
    return parts


def trim(code, start, end):
    """The range without the blanks at its ends."""
    while start < end and code[start].isspace():
        start += 1
    while end > start and code[end - 1].isspace():
        end -= 1
    return start, end


def statement_around(code, function, at):
    """The range from the end of the statement before `at` to the end of its own."""
    start, depth = at, 0
    while start > function.start:
        c = code[start - 1]
        depth += (c == ")") - (c == "(")
        if depth <= 0 and c in STATEMENT_END:
            break
        start -= 1
    end = at
    while end < function.end and code[end] not in STATEMENT_END:
        end += 1
    return trim(code, start, end)


def words(text):
    """Text on one line with single blanks: independent of how it is broken into lines."""
    return " ".join(text.split())


def operand_after(code, at):
    """The end of the unary operand that begins at `at`: names, members, calls, brackets, casts and `~`."""
    while code[at] in "~!*& ":
        at += 1
    if code[at] == "(":
        at = closing(code, at) + 1
        if not (code[at].isalnum() or code[at] in "_~("):
            return at
        return operand_after(code, at)  # it was a cast
    match = re.compile(r"[\w]+").match(code, at)
    if not match:
        return at
    at = match.end()
    while True:
        if code[at] in "([":
            at = closing(code, at) + 1
            continue
        member = re.compile(r"(?:->|\.)\w+").match(code, at)
        if not member:
            return at
        at = member.end()
