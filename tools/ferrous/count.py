"""Counts lines of C, assembly and headers, leaving out blanks and comments."""

import os

KERNEL = "kernel"
NOT_THE_KERNEL = ("kernel/arch/sim",)
ENDINGS = (".c", ".h", ".S", ".def")


def code_lines(text):
    """The number of lines that hold something other than blanks and comments."""
    count, at, has_code = 0, 0, False
    state = "code"
    while at < len(text):
        char, pair = text[at], text[at:at + 2]
        if char == "\n":
            count += has_code
            has_code = False
            if state == "line comment":
                state = "code"
        elif state == "block comment":
            if pair == "*/":
                state = "code"
                at += 1
        elif state == "line comment":
            pass
        elif state == "string":
            has_code = True
            if char == "\\":
                at += 1
            elif char == quote:
                state = "code"
        elif pair == "/*":
            state = "block comment"
            at += 1
        elif pair == "//":
            state = "line comment"
        elif char in "\"'":
            state, quote, has_code = "string", char, True
        elif not char.isspace():
            has_code = True
        at += 1
    return count + has_code


def kernel_files(root="."):
    """Core and x86_64 port: sources, headers and tables, without tests."""
    found = []
    for folder, folders, names in os.walk(os.path.join(root, KERNEL)):
        relative = os.path.relpath(folder, root)
        folders[:] = sorted(d for d in folders if os.path.join(relative, d) not in NOT_THE_KERNEL)
        found += [os.path.join(relative, name) for name in sorted(names)
                  if name.endswith(ENDINGS) and not name.endswith("_test.c")]
    return found


def count_files(paths):
    total = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            total[path] = code_lines(file.read())
    return total
