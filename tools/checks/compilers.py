"""Second opinions: gcc's warnings, sparse's address spaces, cppcheck's value flow. On the kernel, the library, and what
programs get of their interfaces: the generated code and what it stands on."""

import shutil

from ferrous.outcome import failed, passed

CLANG_ONLY = ("--target=", "-fdebug-compilation-dir", "-mstack-protector-guard", "-fsanitize", "-fno-sanitize",
              "-flto", "-fshort-wchar", "-mno-stack-arg-probe", "-g")
# gcc reports a result that is dropped with (void) on purpose; clang, which builds the kernel, those dropped by mistake.
# gcc 12 takes every fixed small address for an object of no size (array-bounds).
GCC_EXTRA = ["-Wno-attributes", "-Wno-unused-result", "-Wno-array-bounds", "-Wno-unknown-pragmas",
             "-Wno-cast-qual", "-Wno-sign-compare"]
SPARSE_EXTRA = ["-Wbitwise", "-Wcast-to-as", "-Wcontext", "-Wenum-mismatch", "-Wnon-pointer-null",
                "-Wone-bit-signed-bitfield", "-Wreturn-void", "-Wuninitialized", "-Wno-cast-truncate",
                "-Wno-decl", "-Wno-do-while", "-D__has_include(name)=0"]
# Linker symbols delimit one object in many: subtracting two of them is meant.
CPPCHECK_EXTRA = ["--suppress=missingIncludeSystem", "--suppress=comparePointers",
                  # Out arguments that are written on success only; clang's analyser follows them, cppcheck does not.
                  "--suppress=legacyUninitvar", "--suppress=uninitvar", "--suppress=uninitStructMember"]


def sources(context):
    folders = ("kernel", "lib")
    return [path for path in context.files(".c", folders=folders)
            if not path.endswith("_test.c") and not path.startswith("kernel/arch/sim/")]


def typed_sources(context):
    return ["sdk/typed.c", "sdk/interface_names.c"] + context.generated(".c")


def gcc_flags(context, part):
    flags = [flag for flag in context.flags(part) if not flag.startswith(CLANG_ONLY)]
    return flags + GCC_EXTRA + ["-O2"] + (["-Wconversion", "-Wno-sign-conversion"] if part == "user" else [])


def run_gcc(context):
    flags = {part: gcc_flags(context, part) for part in ("kernel", "user")}
    jobs = [(path, "kernel") for path in sources(context)] + [(path, "user") for path in typed_sources(context)]
    for (path, _), (status, output) in zip(jobs, context.map(
            lambda job: context.run(["gcc", *flags[job[1]], "-c", job[0], "-o", "/dev/null"]), jobs)):
        yield failed(f"gcc {path}", output[:2000]) if status else passed(f"gcc {path}")


def run_sparse(context):
    if not shutil.which("sparse"):
        yield failed("sparse is installed", "tools/setup check installs it")
        return
    includes = {part: [flag for flag in context.flags(part) if flag.startswith(("-I", "-D", "-std", "-ffree"))]
                for part in ("kernel", "user")}
    jobs = [(path, "kernel") for path in sources(context)] + [(path, "user") for path in typed_sources(context)]
    for (path, _), (status, output) in zip(jobs, context.map(
            lambda job: context.run(["sparse", *includes[job[1]], *SPARSE_EXTRA, job[0]]), jobs)):
        trouble = [line for line in output.splitlines() if "warning:" in line or "error:" in line]
        yield failed(f"sparse {path}", "\n".join(trouble[:20]) or output[:500]) if trouble or status \
            else passed(f"sparse {path}")


def run_cppcheck(context):
    if not shutil.which("cppcheck"):
        return
    includes = [flag for flag in context.flags("kernel") if flag.startswith(("-I", "-D"))]
    status, output = context.run(["cppcheck", "--quiet", "--std=c11", "--platform=unix64", "--error-exitcode=1",
                                  "--inline-suppr", *CPPCHECK_EXTRA, f"-j{context.jobs}",
                                  "--max-configs=1", *includes, *sources(context)])
    yield failed("cppcheck", output[:4000]) if status else passed("cppcheck")


def run(context):
    yield from run_gcc(context)
    yield from run_sparse(context)
    yield from run_cppcheck(context)
