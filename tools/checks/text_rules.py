"""Rules that a search of the text can hold: left-over marks, long files, machine paths, conditionals, kernel size."""

import re

from ferrous import count
from ferrous.outcome import failed, passed, result

CODE = (".c", ".h", ".S", ".def", ".ld")
TEXT_FOLDERS = ("abi", "lib", "boot", "kernel", "interfaces", "sdk", "services", "drivers", "apps", "tests", "tools",
                "bench", "docs", "mk")
LEFT_OVER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:home|work|root|Users|opt|tmp/brief)/\w")
CONDITIONAL = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)$", re.MULTILINE)
GUARD = re.compile(r"^\s*[A-Z][A-Z0-9_]*_H\s*$")
LONGEST_FILE = 600
WIDEST_SCRIPT = 120
LONG_REASON = re.compile(r"\b[Ll]ong(?:er)? because\b|\bover 600 lines\b")
KERNEL_LIMIT = 20000
KERNEL_FOLDERS_WITH_CONDITIONALS = ("kernel/arch/",)
# What any file may ask: the build's switches and the mark that sparse sets.
SWITCHES = re.compile(r"^\s*(?:!?\s*defined\s*\(?\s*)?(FERROUS_\w+|__CHECKER__)\)?\s*$")
DEFINED_HERE = re.compile(r"^\s*([A-Z][A-Z0-9_]*)\s*$")


def left_overs(context, paths):
    return [f"{path}:{number}: {line.strip()}" for path in paths
            for number, line in enumerate(context.read(path).splitlines(), 1) if LEFT_OVER.search(line)]


def machine_paths(context, paths):
    return [f"{path}:{number}: {line.strip()}" for path in paths
            for number, line in enumerate(context.read(path).splitlines(), 1) if MACHINE_PATH.search(line)]


def long_files(context, paths):
    problems = []
    for path in paths:
        text = context.read(path)
        lines = text.count("\n")
        if lines > LONGEST_FILE and not LONG_REASON.search(text[:2000]):
            problems.append(f"{path}: {lines} lines, and its head does not say why it is long "
                            "(a sentence with \"long because\")")
    return problems


def wide_lines(context, paths):
    """C is clang-format's business; scripts keep to a width, too."""
    return [f"{path}:{number}: {len(line)} columns" for path in paths
            for number, line in enumerate(context.read(path).splitlines(), 1) if len(line) > WIDEST_SCRIPT]


def conditionals(context, paths):
    """Conditionals outside kernel/arch other than include guards, the named switches and X-macro parameters."""
    problems = []
    for path in paths:
        if path.startswith(KERNEL_FOLDERS_WITH_CONDITIONALS) or path.endswith(".def"):
            continue
        for match in CONDITIONAL.finditer(context.read(path)):
            condition = match.group(1)
            if not GUARD.match(condition) and not SWITCHES.match(condition):
                problems.append(f"{path}: #if{condition}")
    return problems


def inline_assembly(context, paths):
    asm = re.compile(r"\b(?:__asm__|asm)\b\s*(?:volatile|__volatile__|goto)?\s*\(")
    return [f"{path}: inline assembly in the core" for path in paths
            if path.startswith("kernel/") and not path.startswith("kernel/arch/") and asm.search(context.read(path))]


def run(context):
    code = context.files(*CODE)
    texts = sorted(set(code + context.files(".py", ".md", ".mk", ".json", folders=TEXT_FOLDERS)))
    kernel = [path for path in code if path.startswith(("kernel/", "lib/", "abi/"))
              and not path.endswith("_test.c")]
    yield result("nothing is left to be done in the text", left_overs(context, texts))
    yield result("no path of one machine", machine_paths(context, texts))
    yield result("no file over 600 lines without a reason", long_files(context, code))
    scripts = context.files(".py", folders=("tools", "tests", "bench")) + ["tools/run", "tools/check"]
    yield result("scripts are not wider than 120 columns", wide_lines(context, scripts))
    yield result("conditionals stand in kernel/arch only", conditionals(context, kernel))
    yield result("the core has no assembly", inline_assembly(context, code))
    lines = sum(count.count_files(count.kernel_files()).values())
    if lines >= KERNEL_LIMIT:
        yield failed("the kernel is small", f"{lines} lines of code, {KERNEL_LIMIT} allowed")
    else:
        yield passed("the kernel is small", detail=f"{lines:,} lines of code")
