"""Holds every #include against the table in layers.json (DESIGN, section 11)."""

import json
import os
import re

from ferrous.context import ROOT
from ferrous.outcome import failed, passed, result

# What tools/idl makes of NAME.idl: the numbers and layouts, and the two sides, which stand on the SDK.
GENERATED = re.compile(r"(.*?)(_client|_server)?\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
TABLE = os.path.join(os.path.dirname(__file__), "layers.json")


def load_table():
    with open(TABLE, encoding="utf-8") as file:
        return json.load(file)


def zone_of(path):
    """The zone a file belongs to: a kernel folder, arch, port, or the top folder."""
    parts = path.split("/")
    if parts[0] == "interfaces" and GENERATED.match(path) and GENERATED.match(path).group(2):
        return "sdk"
    if parts[0] != "kernel":
        return parts[0]
    if parts[1] != "arch":
        return parts[1]
    return "arch" if parts[2] == "include" else "port"


def search_paths(path):
    """Where an include in this file is looked for, in order."""
    paths = [os.path.dirname(path), "."]
    top = path.split("/")[0]
    if top in ("kernel", "tests") or path.endswith("_test.c"):
        paths += ["kernel", "kernel/arch/include"]
        match = re.match(r"kernel/arch/(x86_64|sim)/", path)
        paths += [f"kernel/arch/{match.group(1)}/include"] if match else ["kernel/arch/x86_64/include",
                                                                          "kernel/arch/sim/include"]
    if top in ("sdk", "services", "drivers", "apps", "interfaces", "tests"):
        paths.append("sdk/include")
    if top == "tests" or path.endswith("_test.c"):
        paths.append("tests/unit")
    return paths


def resolve(path, name):
    for folder in search_paths(path):
        candidate = os.path.normpath(os.path.join(folder, name))
        if os.path.exists(os.path.join(ROOT, candidate)):
            return candidate
    return resolve_generated(path, name)


def resolve_generated(path, name):
    """A header made of an interface file counts as lying beside it."""
    match = GENERATED.match(name)
    for folder in search_paths(path) if match else ():
        for stem in (match.group(1), name[:-2]):
            if os.path.exists(os.path.join(ROOT, folder, stem + ".idl")):
                return os.path.normpath(os.path.join(folder, name))
    return None


def allowed_zones(zone, table):
    order = table["kernel_order"]
    if zone in order:
        return order[order.index(zone):] + ["arch", "port", "lib", "abi"]
    return table["zones"].get(zone)


def problem_with(path, name, is_system, table):
    """Why this include is not allowed, or None."""
    is_test = path.endswith("_test.c") or path.startswith("tests/")
    if is_system:
        free = is_test or path.startswith(tuple(table["may_use_the_host"]))
        return None if free or name in table["system_headers"] else f"<{name}> is not a freestanding header"
    target = resolve(path, name)
    if target is None:
        return f'"{name}" is found nowhere it may be looked for'
    if is_test:
        return None
    zone, other = zone_of(path), zone_of(target)
    allowed = allowed_zones(zone, table)
    if allowed is None:
        return f"the folder {zone} is not in the table"
    if other not in allowed:
        return f'"{name}": {zone} may not include {other}'
    if zone == other == "port" and path.split("/")[2] != target.split("/")[2]:
        return f'"{name}": a port may not include another'
    if zone == other and zone in table["own_folder_only"] and path.split("/")[1] != target.split("/")[1]:
        return f'"{name}": one program may not include another\'s headers'
    return None


def own_header_first(path, includes):
    """A source that has a header of its own includes it first."""
    header = path[:-2] + ".h"
    if not path.endswith(".c") or not os.path.exists(os.path.join(ROOT, header)):
        return None
    if includes and not includes[0][1] and resolve(path, includes[0][0]) == header:
        return None
    return f"does not include {header} first"


def run(context):
    table = load_table()
    paths = context.files(".c", ".h", ".S", ".def")
    problems = []
    count = 0
    for path in paths:
        includes = [(a or b, not a) for a, b in INCLUDE.findall(context.read(path))]
        count += len(includes)
        found = [problem_with(path, name, is_system, table) for name, is_system in includes]
        found.append(own_header_first(path, includes))
        problems += [f"{path}: {problem}" for problem in found if problem]
    yield result("includes run one way", problems)
    if count < len(paths) // 2:
        yield failed("includes are seen", f"only {count} includes found in {len(paths)} files")
    else:
        yield passed(f"includes are seen: {count} in {len(paths)} files")
