"""Holds the list of unsafe files in docs/memory-safety.md against the code.

Unsafe places are found in the compiler's syntax tree (assembly, casts between integers and pointers) and by name
(what reaches physical or user memory). Each must lie in a listed file and have a `SAFETY:` comment near it.
"""

import os
import re

from ferrous import count, programs
from ferrous.outcome import failed, passed, result

DOCUMENT = "docs/memory-safety.md"
LARGEST_SHARE = 0.05
ROW = re.compile(r"^\|\s*`([^`]+)`\s*\|", re.MULTILINE)
REACH = 12  # lines above a place, within which its SAFETY: comment stands
WHOLE_FILE = re.compile(r"SAFETY \(this file\):")

# Contract functions that turn numbers into memory; calling one is an unsafe act.
BY_NAME = {
    "reaches physical memory": re.compile(r"\barch_phys_to_virt\s*\("),
    "reaches user memory": re.compile(r"\barch_user_(?:read|write|copy|load|store|zero)\w*\s*\("),
}
DECLARATION = re.compile(r"^(?:static |inline |extern |MUST_USE )*(?:const )?(?:struct )?\w+ [\s*]*arch_\w+\(.*[;,]?$")
KINDS = {
    "IntegralToPointer": "makes a pointer from a number",
    "PointerToIntegral": "makes a number from a pointer",
    "GCCAsmStmt": "assembly",
    "FileScopeAsmDecl": "assembly",
}
NODE = re.compile(r"^[\s|`-]*(\w+) 0x[0-9a-f]+(?: (?:parent|prev) 0x[0-9a-f]+)* <([^>]*)>( (?:\S+:)?\S+:\d+(?::\d+)?)?")
POSITION = re.compile(r"(?:(?P<file>[^\s:,<>]+\.[chS]):(?P<fline>\d+)|line:(?P<line>\d+)|col:\d+|<[^>]*>)")


def listed_files(context):
    """Paths in the document's table; a path that ends in / stands for the folder."""
    return ROW.findall(context.read(DOCUMENT))


def is_listed(path, listed):
    return any(path == entry or (entry.endswith("/") and path.startswith(entry)) for entry in listed)


def places_in_tree(text):
    """Unsafe places (file, first line, last line, kind) in the output of clang -ast-dump.

    The dump leaves out what equals the position before it, so every position has to be followed.
    """
    file, line, found = None, 0, []
    for row in text.splitlines():
        match = NODE.match(row)
        if not match:
            continue
        first = None
        kind = match.group(1)
        span, name_at = match.group(2), match.group(3) or ""
        for position in POSITION.finditer(span):
            if position.group("file"):
                file, line = os.path.normpath(position.group("file")), int(position.group("fline"))
            elif position.group("line"):
                line = int(position.group("line"))
            if first is None:
                first = (file, line)
        last = line
        if kind in ("GCCAsmStmt", "FileScopeAsmDecl"):
            found.append((first[0], first[1], last, KINDS[kind]))
        else:
            for cast in ("IntegralToPointer", "PointerToIntegral"):
                if f"<{cast}>" in row:
                    found.append((first[0], first[1], last, KINDS[cast]))
        for position in POSITION.finditer(name_at):
            if position.group("file"):
                file, line = os.path.normpath(position.group("file")), int(position.group("fline"))
            elif position.group("line"):
                line = int(position.group("line"))
    return found


def places_in(context, clang, path):
    """Places in one source and the headers it includes."""
    flags = [flag for flag in context.flags("kernel") if not flag.startswith(("-flto", "-fsanitize", "-W"))]
    status, output = context.run([clang, *flags, "-w", "-fsyntax-only", "-Xclang", "-ast-dump",
                                  "-fno-color-diagnostics", path])
    if status:
        return None
    return places_in_tree(output)


def places_by_name(context, path):
    found = []
    for number, line in enumerate(context.read(path).splitlines(), 1):
        code = line.split("/*")[0].split("//")[0]
        if code.lstrip().startswith("*") or DECLARATION.match(code):
            continue
        found += [(path, number, number, kind) for kind, pattern in BY_NAME.items() if pattern.search(code)]
    return found


def is_explained(lines, whole_file, first):
    """Is there a SAFETY: comment at the place, or within reach above it in the same function? (Assembly files say it
    once for all.)"""
    if whole_file:
        return True
    for number in range(first, max(first - REACH, 0), -1):
        text = lines[number - 1] if number <= len(lines) else ""
        if "SAFETY:" in text:
            return True
        if number < first and text.startswith("}"):
            return False
    return False


def gather(context):
    """All places in the kernel, sorted, each once; and the sources that do not compile."""
    clang = programs.find("clang")
    files = count.kernel_files()
    inside = set(files)
    sources = [path for path in files if path.endswith(".c")]
    broken, places = [], set()
    for path, found in zip(sources, context.map(lambda p: places_in(context, clang, p), sources)):
        if found is None:
            broken.append(f"{path}: does not compile")
        else:
            places.update(place for place in found if place[0] in inside)
    for path in files:
        if path.endswith((".c", ".h")):
            places.update(places_by_name(context, path))
        elif path.endswith(".S"):
            places.add((path, 1, 1, "assembly"))
    return sorted(places), broken, files


def unsafe_lines(context, places, lines_of):
    """How many lines of code hold unsafe places: whole assembly files, else the lines of each place."""
    total = sum(lines_of[path] for path in {place[0] for place in places} if path.endswith(".S"))
    covered = {(path, line) for path, first, last, _ in places if not path.endswith(".S")
               for line in range(first, last + 1)}
    return total + len(covered)


def run(context):
    listed = listed_files(context)
    if not listed:
        yield failed("the list is found", f"{DOCUMENT} has no table of files")
        return
    places, broken, files = gather(context)
    yield result("the kernel's sources are understood", broken)
    texts = {path: context.read(path) for path in {place[0] for place in places}}
    whole = {path: bool(WHOLE_FILE.search(text)) for path, text in texts.items()}
    lines = {path: text.splitlines() for path, text in texts.items()}

    yield result("unsafe places lie in the listed files",
                 [f"{path}:{first}: {kind}" for path, first, _, kind in places if not is_listed(path, listed)])
    yield result("unsafe places have a SAFETY: comment",
                 [f"{path}:{first}: {kind}" for path, first, _, kind in places
                  if not is_explained(lines[path], whole[path], first)])
    used = {path for path, _, _, _ in places}
    yield result("listed files hold unsafe places",
                 [f"{entry}: nothing unsafe in it" for entry in listed
                  if not any(is_listed(path, [entry]) for path in used)])
    lines_of = count.count_files(files)
    unsafe, total = unsafe_lines(context, places, lines_of), sum(lines_of.values())
    share = unsafe / max(total, 1)
    text = f"{unsafe} of {total:,} lines of code, {share:.1%}, in {len(used)} of {len(files)} files"
    yield passed("unsafe lines are few", detail=text) if share < LARGEST_SHARE else \
        failed("unsafe lines are few", f"{text}; {LARGEST_SHARE:.0%} allowed")
