"""Instructions that cost far more than one: which they are, how many a path executes, and how many it may.

A count of instructions does not see them; this one does (DESIGN section 13).
"""

import functools
import re

import executed

LOADS = (
    ("CR3", re.compile(r"^mov\w*$"), re.compile(r", ?%cr3$")),
    ("CR0", re.compile(r"^(?:mov\w*|lmsw\w*)$"), re.compile(r", ?%cr0$")),
    ("CR0", re.compile(r"^(?:clts|lmsw\w*)$"), re.compile("")),
    ("MSR", re.compile(r"^wrmsr$"), re.compile("")),
    ("segment base", re.compile(r"^(?:wr[fg]sbase\w*|swapgs)$"), re.compile("")),
    ("segment base", re.compile(r"^mov\w*$"), re.compile(r", ?%[fg]s$")),
    ("XSAVE/XRSTOR", re.compile(r"^(?:xsave|xrstor|fxsave|fxrstor)\w*$"), re.compile("")),
    ("TLB flush", re.compile(r"^(?:invlpg|invpcid)\w*$"), re.compile("")),
    ("locked", re.compile(r"^lock$"), re.compile("")),
    ("locked", re.compile(r"^xchg[bwlq]?$"), re.compile(r"\(")),  # with memory: locked without the prefix
)
# Distinct, of 64 bytes: what the caches have to hold.
CODE_LINES, DATA_LINES, WRITTEN_LINES = "lines of code", "lines of data", "written"
STRETCH = "longest stretch"  # instructions one after the other with interrupts off: in the kernel, idling not counted
KINDS = tuple(dict.fromkeys(kind for kind, _, _ in LOADS)) + (CODE_LINES, DATA_LINES, WRITTEN_LINES, STRETCH)
WINDOW = "window"  # interrupts are on from here until the next entry

# A round trip between two processes that use no vector registers.
CHECKED_PATH = "call_reply_empty"
ALLOWED = {"CR3": 2, "CR0": 0, "MSR": 0, "XSAVE/XRSTOR": 0, "TLB flush": 0, "locked": 2}


@functools.lru_cache(maxsize=None)
def kind_of(word, operands):
    """What an instruction in the disassembler's words is counted as, or None."""
    if word == "sti":
        return WINDOW
    for kind, mnemonic, rest in LOADS:
        if mnemonic.match(word) and rest.search(operands.strip()):
            return kind
    return None


def count(run, records):
    """kind -> how often, of a round's records (executed.py)."""
    instructions = run.instructions(records)
    out = dict.fromkeys(KINDS, 0)
    out[CODE_LINES] = len({(module, address // executed.LINE_SIZE) for module, address in instructions})
    out[DATA_LINES] = len(run.data_lines(records))
    out[WRITTEN_LINES] = len(run.data_lines(records, [executed.STORED]))
    stretch = 0
    for module, address in instructions:
        kind = kind_of(*module.words[address]) if module else None
        stretch = stretch + 1 if module and module.is_kernel and kind != WINDOW else 0
        out[STRETCH] = max(out[STRETCH], stretch)
        if kind and kind != WINDOW:
            out[kind] += 1
    return out


def table(counts):
    """Markdown: a line for each path."""
    lines = ["| path | " + " | ".join(KINDS) + " |", "|---|" + "--:|" * len(KINDS)]
    for name, found in counts.items():
        lines.append(f"| {name} | " + " | ".join(str(found[kind]) for kind in KINDS) + " |")
    return "\n".join(lines)


def excess(found):
    """What a round trip does more often, or less often, than it should."""
    return [f"{CHECKED_PATH}: {found[kind]} x {kind}, {allowed} allowed"
            for kind, allowed in ALLOWED.items() if found[kind] > allowed]


def check(found):
    """Prints the outcome; the exit status."""
    if not found["CR3"]:  # two address spaces: there must be some
        print(f"{CHECKED_PATH}: nothing was counted")
        return 1
    problems = excess(found)
    print(table({CHECKED_PATH: found}))
    print("\n".join(f"TOO MANY {problem}" for problem in problems) or "a round trip does no more than it may")
    return 1 if problems else 0
