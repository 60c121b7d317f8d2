"""The manual: one page per system call in docs/manual. What a page must have, what is generated, and how it is held
against the ABI. Everything that can be told from abi/ is read from there, nothing is listed twice."""

import json
import os
import re
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = "docs/manual"
INDEX = "README.md"
SECTIONS = ("Name", "Synopsis", "Arguments", "Rights needed", "Description", "Errors", "Cost", "Example", "See also")

CALL = re.compile(r"^SYSCALL\((\d+), (\w+)\)", re.MULTILINE)
STATUS = re.compile(r"^STATUS\((\d+), (\w+), \"([^\"]*)\"\)", re.MULTILINE)
RIGHT = re.compile(r"^#define RIGHT_(\w+)\s", re.MULTILINE)
WORD = re.compile(r"\b[A-Z][A-Z0-9_]+\b")
QUOTED = re.compile(r"`([A-Z][A-Z0-9_]{2,})`")
CODE = re.compile(r"^```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
NAME_LINE = re.compile(r"^`(\w+)`, number (\d+): (.+)$")
NUMBER_ROW = re.compile(r"^\| number `rax` \| (\d+) \|", re.MULTILINE)
ERROR_ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| (.*) \|$", re.MULTILINE)
MEASURED = re.compile(r"^Measured \(`(\w+)`\): [\d,]+ instructions\.", re.MULTILINE)
SEEN = re.compile(r"^[a-z]\w+ +\d+(?: [A-Z_]+:\d+)+$")
RECORDED = "bench/recorded.json"
# Helpers of the SDK that an example defines are its own; a page's functions need no prototype.
EXAMPLE_FLAGS = ["-fsyntax-only", "-Wno-missing-prototypes", "-x", "c"]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(os.path.join(ROOT, path), "w", encoding="utf-8") as file:
        file.write(text)


@dataclass
class Call:
    number: int
    name: str
    comment: str


def calls():
    """The list in abi/syscalls.def, each with the comment above it that tells of it (one comment may tell of two)."""
    text = read("abi/syscalls.def")
    comment, found = "", []
    for match in re.finditer(r"/\*(.*?)\*/|SYSCALL\((\d+), (\w+)\)", text, re.DOTALL):
        if match.group(1) is not None:
            comment = " ".join(match.group(1).split()).strip("* ")
        else:
            name = match.group(3)
            found.append(Call(int(match.group(2)), name, comment if f"{name}(" in comment else ""))
    return found


def statuses():
    return {match.group(2) for match in STATUS.finditer(read("abi/status.def"))}


def rights():
    return set(RIGHT.findall(read("abi/rights.h")))


def known_words():
    """Every upper-case name that a page may use: statuses, rights with and without their prefix, and what the headers
    of abi/ and sdk/ define."""
    words = statuses() | rights()
    for folder in ("abi", "sdk/include/ferrous"):
        for name in os.listdir(os.path.join(ROOT, folder)):
            words |= set(WORD.findall(read(f"{folder}/{name}")))
    for match in re.finditer(r"^TRACE_EVENT\(\d+, (\w+)", read("abi/trace_events.def"), re.MULTILINE):
        words.add(match.group(1))
    return words


@dataclass
class Page:
    path: str
    text: str
    title: str = ""
    order: list = field(default_factory=list)
    sections: dict = field(default_factory=dict)


def parse(path, text):
    page = Page(path, text)
    name = None
    for line in text.splitlines():
        if line.startswith("# ") and not page.title:
            page.title = line[2:].strip()
        elif line.startswith("## "):
            name = line[3:].strip()
            page.order.append(name)
            page.sections[name] = []
        elif name:
            page.sections[name].append(line)
    page.sections = {key: "\n".join(lines).strip() + "\n" for key, lines in page.sections.items()}
    return page


def page_path(name):
    return f"{FOLDER}/{name}.md"


def pages():
    """By name of the call; the index is no page."""
    names = sorted(name for name in os.listdir(os.path.join(ROOT, FOLDER)) if name.endswith(".md") and name != INDEX)
    return {name[:-3]: parse(f"{FOLDER}/{name}", read(f"{FOLDER}/{name}")) for name in names}


def set_problems(all_calls, all_pages):
    """Calls without a page, pages without a call."""
    names = [call.name for call in all_calls]
    return ([f"{page_path(name)}: no page for this call" for name in names if name not in all_pages] +
            [f"{page.path}: a page without a call" for name, page in all_pages.items() if name not in names])


def section_problems(page):
    problems = []
    if tuple(page.order) != SECTIONS:
        problems.append(f"sections are {', '.join(page.order)}; they must be {', '.join(SECTIONS)}")
    problems += [f"section {name} is empty" for name in page.order if not page.sections[name].strip()]
    return problems


def number_problems(page, call):
    problems = []
    if page.title != call.name:
        problems.append(f"the title is {page.title}, the call {call.name}")
    match = NAME_LINE.match(page.sections.get("Name", "").split("\n")[0])
    if not match:
        problems.append("Name must begin: `name`, number N: what it does")
    elif (match.group(1), int(match.group(2))) != (call.name, call.number):
        problems.append(f"Name says {match.group(1)} {match.group(2)}, abi/syscalls.def {call.name} {call.number}")
    rows = NUMBER_ROW.findall(page.sections.get("Synopsis", ""))
    if rows != [str(call.number)]:
        problems.append(f"Synopsis must have one row of number `rax` with {call.number}")
    return problems


def error_problems(page, known):
    text = page.sections.get("Errors", "")
    problems, seen = [], set()
    for names, when in ERROR_ROW.findall(text):
        if not when.strip():
            problems.append(f"Errors: {names}: does not say when")
        for name in re.findall(r"`(\w+)`", names):
            if name not in known:
                problems.append(f"Errors: {name} is not in abi/status.def")
            if name in seen:
                problems.append(f"Errors: {name} stands there twice")
            seen.add(name)
    if not seen and "None." not in text:
        problems.append("Errors: no status in the table, and no sentence \"None.\"")
    return problems


def documented(page):
    """The statuses in the page's table."""
    return {name for names, _ in ERROR_ROW.findall(page.sections.get("Errors", ""))
            for name in re.findall(r"`(\w+)`", names)}


def undocumented(table):
    """Statuses that calls were seen to give, in the simulator's words (`call 100 OK:90 FULL:10`), and that their pages
    do not name."""
    all_pages, problems = pages(), set()
    rows = [line.split() for line in table.splitlines() if SEEN.match(line)]
    for name, _, *ends in rows:
        known = documented(all_pages[name]) | {"OK"} if name in all_pages else set()
        problems |= {f"{page_path(name)}: Errors does not have {end.split(':')[0]}" for end in ends
                     if end.split(":")[0] not in known}
    return sorted(problems) if rows else ["the simulator printed no table of calls"]


def right_problems(page, known, words):
    """In Rights needed, names are rights, unless they belong to another set of the ABI (MAP_PRIVATE, CAP_NULL)."""
    text = page.sections.get("Rights needed", "")
    plain = {word for word in QUOTED.findall(text) if word not in known}
    problems = [f"Rights needed: {word} is not a right of abi/rights.h" for word in sorted(plain)
                if word not in words or "_" not in word]
    if "None." not in text and not any(word in known for word in QUOTED.findall(text)):
        problems.append("Rights needed: no right, and no sentence \"None.\"")
    return problems


def text_problems(page, words):
    problems = [f"{word} is defined nowhere in abi/ or sdk/" for word in sorted(set(QUOTED.findall(page.text)))
                if word not in words]
    folder = os.path.join(ROOT, FOLDER)
    problems += [f"link to {target}: no such file" for target in LINK.findall(page.text)
                 if not os.path.exists(os.path.join(folder, target))]
    for name in ("Synopsis", "Example"):
        if not CODE.search(page.sections.get(name, "")):
            problems.append(f"{name} has no C code")
    return problems


def recorded():
    return json.loads(read(RECORDED))


def cost_problems(page, counts):
    text = page.sections.get("Cost", "")
    updated, unknown = with_costs(text, counts)
    problems = [f"Cost: {name} is not in {RECORDED}" for name in unknown]
    if updated != text:
        problems.append(f"Cost: not what {RECORDED} says; tools/manual --update mends it")
    return problems


def with_costs(text, counts):
    """The text with its measured counts as recorded; and the names that are not recorded."""
    unknown = [name for name in MEASURED.findall(text) if name not in counts]

    def replace(match):
        name = match.group(1)
        return f"Measured (`{name}`): {counts[name]:,} instructions." if name in counts else match.group(0)
    return MEASURED.sub(replace, text), unknown


def update_costs():
    """Writes the measured counts as recorded into the pages; gives the paths of those that changed."""
    counts, changed = recorded(), []
    for page in pages().values():
        text, _ = with_costs(page.text, counts)
        if text != page.text:
            write(page.path, text)
            changed.append(page.path)
    return changed


def problems_of(page, call, words):
    found = section_problems(page) + number_problems(page, call) + error_problems(page, statuses())
    found += right_problems(page, rights(), words) + text_problems(page, words) + cost_problems(page, recorded())
    return [f"{page.path}: {problem}" for problem in found]


# What a phrase of docs/system-calls.md stands for; what the first two say holds for every call.
OVERVIEW = "docs/system-calls.md"
LOOKUP = {"BAD_HANDLE", "STALE_HANDLE", "WRONG_TYPE", "MISSING_RIGHT", "REVOKED", "EXPIRED", "DEAD"}
WAIT = {"TIMED_OUT", "CANCELLED"}
PHRASES = {
    "of a creation": {"GROUP_LIMIT", "NO_MEMORY", "NO_SLOT", "DEAD"},
    "of a user address": {"BAD_ADDRESS", "NO_MEMORY", "GROUP_LIMIT"},
    "of a transfer": {"NOT_ACCEPTED", "BAD_ARGUMENT", "SEALED", "NO_SLOT", "NO_MEMORY", "GROUP_LIMIT", "TOO_DEEP"},
}
OVERVIEW_SECTION = re.compile(r"^### (\d+ \w+(?:, \d+ \w+)*)\n(.*?)(?=^##|\Z)", re.DOTALL | re.MULTILINE)
# All of them check the info word: said once, before them.
TAKE_INFO = {"send", "receive", "call", "reply", "reply_receive"}


def overview():
    """The text of each call's section in the overview, without examples."""
    return {name: re.sub(r"```.*?```", "", text, flags=re.DOTALL)
            for names, text in OVERVIEW_SECTION.findall(read(OVERVIEW)) for name in re.findall(r"\d+ (\w+)", names)}


def said_of(name, sections):
    """The statuses that the overview says a call can give."""
    text = sections.get(name, "")
    said = set(re.findall(r"`([A-Z_]+)`", text)) | LOOKUP | WAIT | ({"BAD_ARGUMENT"} if name in TAKE_INFO else set())
    for phrase, meant in PHRASES.items():
        said |= meant if phrase in text else set()
    for other in re.findall(r"those of `(\w+)`", text):
        said |= said_of(other, sections) if other != name else set()
    return said


def overview_problems(name, page, sections):
    """Statuses of the manual's page that the overview does not know of."""
    missing = sorted(documented(page) - said_of(name, sections) - {"OK"})
    return [f"{OVERVIEW}: {name} can give {', '.join(missing)} too"] if missing else []


def sources(page):
    """What a compiler is to accept: the prototypes of Synopsis (against the headers that they name) and the
    example."""
    return {name: "\n".join(CODE.findall(page.sections.get(name, ""))) for name in ("Synopsis", "Example")}


def compile_problems(context, all_pages):
    """(page, problem) for each piece of code that the compiler refuses."""
    flags = context.flags("user") + EXAMPLE_FLAGS
    jobs = [(page, name, code) for page in all_pages.values() for name, code in sources(page).items()]

    def compile_one(job):
        return context.run([context.clang(), *flags, "-"], input=job[2])
    return [f"{page.path}: {name} does not compile:\n{output[:1500]}"
            for (page, name, _), (status, output) in zip(jobs, context.map(compile_one, jobs)) if status]


def index_text(all_calls, all_pages):
    lines = ["# Manual of the system calls", "",
             "One page per system call, in the order of `abi/syscalls.def`. This list is generated: "
             "`tools/manual --update`. `tools/manual --check`",
             "(a part of `tools/check`) holds the pages against the ABI and compiles their examples.",
             "What is common to all calls stands in [system-calls.md](../system-calls.md#common-to-all): "
             "registers, blocking, and the errors that many calls share.", "",
             "A page's Errors say exactly when a status is returned. Two things are common to all: if the status is "
             "not `OK`, result registers mean nothing,",
             "and the call has changed nothing unless its page says otherwise. Costs are guest instructions of the "
             "release kernel, counted by",
             "`make bench` from user instruction to user instruction.", "",
             "| number | call | what it does |", "|---:|---|---|"]
    for call in all_calls:
        page = all_pages.get(call.name)
        match = NAME_LINE.match(page.sections.get("Name", "").split("\n")[0]) if page else None
        if match:
            lines.append(f"| {call.number} | [{call.name}]({call.name}.md) | {match.group(3)} |")
    return "\n".join(lines) + "\n"


def index_problems(all_calls, all_pages):
    path = f"{FOLDER}/{INDEX}"
    exists = os.path.exists(os.path.join(ROOT, path))
    good = exists and read(path) == index_text(all_calls, all_pages)
    return [] if good else [f"{path}: not what tools/manual --update makes"]


def skeleton(call):
    """A new page: what abi/syscalls.def tells, and empty sections, which the check refuses until they are written."""
    lines = [f"# {call.name}", "", "## Name", f"`{call.name}`, number {call.number}: ", "", "## Synopsis",
             "```c", "```", "", "| register | in | out |", "|---|---|---|",
             f"| number `rax` | {call.number} | status |", "", f"<!-- abi/syscalls.def: {call.comment} -->", ""]
    for name in SECTIONS[2:]:
        lines += [f"## {name}", ""]
    return "\n".join(lines)
