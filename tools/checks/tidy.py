"""clang-tidy with the checks of .clang-tidy. A file that was clean is not looked at again until it, a header it
includes or the configuration changes (build/tidy remembers)."""

import hashlib
import os

from ferrous import programs
from ferrous.context import ROOT
from ferrous.outcome import failed, passed


def sources(context):
    folders = ("lib", "boot", "kernel", "sdk", "services", "drivers", "apps")
    return [path for path in context.files(".c", folders=folders) if not path.endswith("_test.c")] + \
        context.generated(".c")


def flags_for(context, path):
    flags = context.flags(context.part_of(path))
    return [flag for flag in flags if not flag.startswith(("-flto", "-W", "-fsanitize", "-fno-sanitize"))] + \
        ["-I" + os.path.dirname(path)]


def fingerprint(context, clang, path, flags):
    """Changes with the text that the compiler sees, which includes all headers."""
    status, text = context.run([clang, *flags, "-E", "-CC", path])
    if status:
        return None
    return hashlib.sha256((context.read(".clang-tidy") + " ".join(flags) + text).encode()).hexdigest()


def summary(output):
    """The errors with the source line of each, without the analyser's path to them (clang-tidy shows it)."""
    lines = output.splitlines()
    return "\n".join("\n".join(lines[i:i + 2]) for i, line in enumerate(lines) if " error: " in line)


def check_one(context, tidy, clang, path):
    flags = flags_for(context, path)
    mark = os.path.join(ROOT, "build/tidy", path)
    print_of_now = fingerprint(context, clang, path, flags)
    if print_of_now and os.path.exists(mark):
        with open(mark, encoding="utf-8") as file:
            if file.read() == print_of_now:
                return ""
    status, output = context.run([tidy, "--quiet", "--warnings-as-errors=*", path, "--", *flags])
    problems = summary(output)
    if status:
        return problems or f"clang-tidy: status {status}"
    os.makedirs(os.path.dirname(mark), exist_ok=True)
    with open(mark, "w", encoding="utf-8") as file:
        file.write(print_of_now or "")
    return ""


def run(context):
    tidy, clang = programs.find("clang-tidy"), programs.find("clang")
    paths = sources(context)
    for path, trouble in zip(paths, context.map(lambda p: check_one(context, tidy, clang, p), paths)):
        yield failed(path, trouble[:3000]) if trouble else passed(path)
