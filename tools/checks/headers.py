"""Each header compiles alone. port/x.h is the port's half of arch/x.h, which includes it at the right place: it
compiles by way of that."""

import os

from ferrous import programs
from ferrous.context import ROOT
from ferrous.outcome import failed, passed


def way_in(path):
    """The header to include in order to compile this one."""
    folder, name = os.path.split(path)
    contract = f"kernel/arch/include/arch/{name}"
    is_half = folder.endswith("include/port") and os.path.exists(os.path.join(ROOT, contract))
    return contract if is_half else path


def run(context):
    clang = programs.find("clang")
    headers = context.files(".h") + context.generated(".h")

    def compile_alone(path):
        part = context.part_of(path)
        flags = [flag for flag in context.flags(part) if not flag.startswith("-flto")]
        return context.run([clang, *flags, "-I" + path.rsplit("/", 1)[0], "-fsyntax-only", "-x", "c", "-include",
                            way_in(path), "/dev/null"])

    for path, (status, output) in zip(headers, context.map(compile_alone, headers)):
        yield failed(path, output[:2000]) if status else passed(path)
