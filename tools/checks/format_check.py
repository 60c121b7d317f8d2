"""Every source is as clang-format would write it."""

from ferrous import programs
from ferrous.outcome import failed, passed


def run(context):
    paths = context.files(".c", ".h")
    if not paths:
        yield failed("sources are found", "no .c or .h file")
        return
    clang_format = programs.find("clang-format")
    for path, (status, output) in zip(paths, context.map(
            lambda path: context.run([clang_format, "--dry-run", "-Werror", path]), paths)):
        if status:
            first = "\n".join(output.splitlines()[:3])
            yield failed(path, f"{first}\n`make format` puts it right")
        else:
            yield passed(path)
