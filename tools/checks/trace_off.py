"""A kernel built without events has no instruction of them: each of its objects is, byte for byte, that of a build in
which the macros are empty. So that this is known to notice something: with events, objects of several paths
differ."""
import os
import re

from ferrous import programs
from ferrous.context import ROOT
from ferrous.outcome import failed, passed, result

ON = "-DFERROUS_TRACE"
FOLDER = os.path.join(ROOT, "build/trace_off")
HEADER = "kernel/trace/trace.h"
MACROS = """#define TRACE_BUILT       false
#define TRACE_IS_ON(name) false
#define TRACE(...)        ((void)0)
"""
# Each has events: what is compared must change with them.
WITH_EVENTS = ("kernel/ipc/fast.c", "kernel/ipc/fast_one_way.c", "kernel/ipc/send.c", "kernel/sched/sched.c",
               "kernel/cap/lookup.c", "kernel/mm/vspace.c", "kernel/syscall/dispatch.c", "kernel/proc/end.c")


def empty_macros():
    """Makes a copy of the header with them; the flag by which it is found first."""
    with open(os.path.join(ROOT, HEADER), encoding="utf-8") as file:
        text, count = re.subn(r"(?ms)^#ifdef FERROUS_TRACE$.*?^#endif$\n", MACROS, file.read())
    folder = os.path.join(FOLDER, "include")
    os.makedirs(os.path.join(folder, "trace"), exist_ok=True)
    with open(os.path.join(folder, "trace/trace.h"), "w", encoding="utf-8") as file:
        file.write(text)
    return count, "-I" + folder


def run(context):
    count, empty_flag = empty_macros()
    yield result("the header has its macros in one place", [] if count == 1 else [f"{HEADER}: {count} places"])
    clang, objcopy = programs.find("clang"), programs.find("llvm-objcopy")
    sources = [path for path in context.files(".c") if path.startswith("kernel/") and
               not path.startswith("kernel/arch/sim/") and not path.endswith("_test.c")]
    flags = [flag for flag in context.flags("kernel") if not flag.startswith("-flto") and flag != ON]
    flags = [*flags, "-O2", "-g0", "-w"]

    def compiled(work):
        path, name, *more = work
        out = os.path.join(FOLDER, name, path + ".o")
        os.makedirs(os.path.dirname(out), exist_ok=True)
        status, output = context.run([clang, *more, *flags, "-c", path, "-o", out])
        if status == 0:
            status, output = context.run([objcopy, "--strip-unneeded", out])
        if status:
            return f"{path}, {name}: {output[:1000]}"
        with open(out, "rb") as file:
            return file.read()

    off = list(context.map(compiled, [(path, "off") for path in sources]))
    empty = list(context.map(compiled, [(path, "empty", empty_flag) for path in sources]))
    for path, one, other in zip(sources, off, empty):
        trouble = [text for text in (one, other) if isinstance(text, str)]
        if trouble:
            yield failed(path, trouble[0])
        elif one != other:
            yield failed(path, "built without events it has code that empty macros do not leave")
        else:
            yield passed(path)
    on = context.map(compiled, [(path, "on", ON) for path in WITH_EVENTS])
    same = [path for path, code in zip(WITH_EVENTS, on) if code == off[sources.index(path)]]
    yield result("what has events differs with them", [f"{path} does not" for path in same])
