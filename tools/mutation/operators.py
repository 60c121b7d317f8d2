"""The mutation operators: each takes one guard away or makes it weaker.

never     the condition of an `if` is evaluated, and its branch is not taken
always    the branch is taken, whatever the condition says (not where it leaves: that takes no guard away)
term      one operand of a && or || is left out
compare   < and <=, > and >= change places
right     a lookup asks for one right less
type      a lookup takes any type of object
mask      `& mask` is left out
gain      `x |= ...` is left out
call      a call made for its effect is left out
status    an error that is returned or set becomes OK
clamp     an index is not clamped (Spectre v1)
"""

import re
from dataclasses import dataclass

from mutation import scan

LOOKUP = re.compile(r"\b\w*(?:lookup|take_group|with_endpoint)\w*\(")
COMPARE = re.compile(r"(?<![<>=!-])(<=|>=|<|>)(?![<>=])")
SWAPPED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
MASK = re.compile(r" & (?=\S)")
CALL = re.compile(r"(?:\(void\))?([a-z_]\w*)\(")
# Locks are not left out: nearly every test would hang or corrupt its lists, which shows nothing about guards.
KEPT_CALLS = re.compile(r"^(?:spin_|if$|while$|for$|switch$|return$|sizeof$|panic$)")
ENDS_IN_KEYWORD = re.compile(r"(?:\b(?:if|while|for|switch)|LIST_FOREACH|TREE_FOREACH)\s*$")
LEAVES = re.compile(r"(?:return|break|continue|goto)\b|status = STATUS_(?!OK)")
GAIN = re.compile(r"[\w.>\[\]-]+ \|= [^;]+")
ERROR = re.compile(r"\bSTATUS_(?!OK\b)[A-Z_]+\b")
CLAMP = re.compile(r"\barch_index_clamp\(")
RIGHT = re.compile(r"\bRIGHT_[A-Z_]+\b")
OBJECT = re.compile(r"\bOBJECT_(?!NONE\b)[A-Z_]+\b")


@dataclass(frozen=True)
class Mutant:
    name: str  # file, function, operator and text: stable while the guard stands as it is
    path: str
    start: int
    end: int
    replacement: str
    function: scan.Function  # that it lies in


class Finder:
    """Collects the mutants of one file."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.code = scan.blank_silent(text)
        self.found, self.names = [], {}

    def add(self, function, operator, place, replacement, shown=None):
        """`shown`: the range by which people find the place; the changed part is bracketed in it."""
        start, end = place
        if not shown:
            label = scan.words(self.text[start:end])
        else:
            marked = self.text[shown[0]:start] + "[[" + self.text[start:end] + "]]" + self.text[end:shown[1]]
            label = scan.words(marked)
        name = f"{self.path}:{function.name}: {operator}: {label}"
        self.names[name] = self.names.get(name, 0) + 1
        if self.names[name] > 1:
            name += f" #{self.names[name]}"
        self.found.append(Mutant(name, self.path, start, end, replacement, function))

    def conditions(self, function):
        for keyword, start, end in scan.conditions(self.code, function):
            start, end = scan.trim(self.code, start, end)
            condition = self.text[start:end]
            if keyword != "if":
                continue
            self.add(function, "never", (start, end), f"(({condition}) && 0)")
            body = self.code[self.code.index(")", end) + 1:].lstrip(" \n{")
            if not LEAVES.match(body):
                self.add(function, "always", (start, end), f"(({condition}) || 1)")

    def terms(self, function):
        ranges = [(s, e) for k, s, e in scan.conditions(self.code, function) if k in ("if", "while")]
        for match in re.finditer(r"(?:\breturn\b|[^=!<>|&+*/-]=(?!=))\s*", self.code[function.start:function.end]):
            start = function.start + match.end()
            end = self.code.find(";", start, function.end)
            if end > 0 and not set(self.code[start:end]) & set("{},"):
                ranges.append((start, end))
        for start, end in ranges:
            self.split(function, start, end, (start, end))

    def split(self, function, start, end, shown):
        """Each operand of the outermost chain, and of the chains in brackets within it."""
        start, end = scan.trim(self.code, start, end)
        match = re.match(r"(?:(?:un)?likely|!)?\(", self.code[start:end])
        if match and scan.closing(self.code, start + match.end() - 1) == end - 1:
            self.split(function, start + match.end(), end - 1, shown)
            return
        for operator in ("||", "&&"):
            parts = scan.split_top(self.code, start, end, operator)
            if len(parts) < 2:
                continue
            neutral = "0" if operator == "||" else "1"
            for part in parts:
                part = scan.trim(self.code, *part)
                self.add(function, "term", part, neutral, shown)
                self.split(function, *part, shown)
            return

    def compares(self, function):
        for match in COMPARE.finditer(self.code, function.start, function.end):
            at = match.start()
            if self.code[at - 1] != " " or self.code[match.end()] != " ":
                continue  # -> and <...> are written without blanks
            shown = scan.statement_around(self.code, function, at)
            self.add(function, "compare", match.span(), SWAPPED[match.group()], shown)

    def lookups(self, function):
        for match in LOOKUP.finditer(self.code, function.start, function.end):
            end = scan.closing(self.code, match.end() - 1)
            shown = (match.start(), end + 1)
            for right in RIGHT.finditer(self.code, match.end(), end):
                self.add(function, "right", right.span(), "0", shown)
            for kind in OBJECT.finditer(self.code, match.end(), end):
                self.add(function, "type", kind.span(), "OBJECT_NONE", shown)

    def masks(self, function):
        for match in MASK.finditer(self.code, function.start, function.end):
            end = scan.operand_after(self.code, match.end())
            shown = scan.statement_around(self.code, function, match.start())
            self.add(function, "mask", (match.start(), end), "", shown)

    def statements(self, function):
        """Statements that stand for their effect: calls and |=."""
        for match in re.finditer(r"(?<=[;{}):\n])(\s+)(?=\S)", self.code[function.start:function.end]):
            at = function.start + match.end()
            call = CALL.match(self.code, at)
            gain = GAIN.match(self.code, at)
            if call and not KEPT_CALLS.match(call.group(1)):
                end = scan.closing(self.code, call.end() - 1) + 1
                if self.code[end] == ";" and self.begins_statement(function, at):
                    self.add(function, "call", (at, end), "(void)0")
            elif gain and self.code[gain.end()] == ";":
                self.add(function, "gain", gain.span(), "(void)0")

    def begins_statement(self, function, at):
        """Not the continuation of an expression on the line before."""
        before = self.code[function.start:at].rstrip()
        return not before or before[-1] in ";{}:" or before.endswith("else") or self.ends_condition(before)

    @staticmethod
    def ends_condition(before):
        if not before.endswith(")"):
            return False
        depth = 0
        for at in range(len(before) - 1, -1, -1):
            depth += (before[at] == ")") - (before[at] == "(")
            if depth == 0:
                return ENDS_IN_KEYWORD.search(before[:at]) is not None
        return False

    def statuses(self, function):
        for match in ERROR.finditer(self.code, function.start, function.end):
            shown = scan.statement_around(self.code, function, match.start())
            before = self.code[shown[0]:match.start()]
            if re.search(r"\breturn\b", before) or re.search(r"[^=!<>]=\s*(?:[^=]*\?[^=]*)?$", before):
                self.add(function, "status", match.span(), "STATUS_OK", shown)

    def clamps(self, function):
        for match in CLAMP.finditer(self.code, function.start, function.end):
            end = scan.closing(self.code, match.end() - 1)
            first = scan.split_top(self.code, match.end(), end, ",")[0]
            self.add(function, "clamp", (match.start(), end + 1), f"({self.text[first[0]:first[1]]})")


def mutants_of(path, text):
    finder = Finder(path, text)
    for function in scan.functions(finder.code):
        finder.conditions(function)
        finder.terms(function)
        finder.compares(function)
        finder.lookups(function)
        finder.masks(function)
        finder.statements(function)
        finder.statuses(function)
        finder.clamps(function)
    return sorted(finder.found, key=lambda mutant: (mutant.start, mutant.end, mutant.name))


def apply(text, mutant):
    return text[:mutant.start] + mutant.replacement + text[mutant.end:]
