"""What the compiler has to know of the ABI, read from its headers: object types, their rights, statuses."""

import os
import re
from dataclasses import dataclass

# Names in interface files, the SDK's handle types, and the ends of OBJECT_* and RIGHTS_*.
OBJECTS = {
    "process": ("process_t", "PROCESS", "PROCESS"),
    "thread": ("thread_t", "THREAD", "THREAD"),
    "memory": ("memory_t", "MEMORY", "MEMORY"),
    "endpoint": ("endpoint_t", "ENDPOINT", "ENDPOINT"),
    "group": ("group_t", "GROUP", "GROUP"),
    "interrupt": ("interrupt_t", "INTERRUPT", "INTERRUPT"),
    "ports": ("ports_t", "PORTS", "PORTS"),
    "timer": ("ktimer_t", "TIMER", "TIMER"),
    "machine": ("machine_t", "MACHINE", "MACHINE"),
    "trace_domain": ("trace_domain_t", "TRACE_DOMAIN", "TRACE"),
}


@dataclass(frozen=True)
class ObjectType:
    name: str
    c_type: str
    constant: str
    rights: frozenset


@dataclass(frozen=True)
class Abi:
    objects: dict  # by name
    statuses: tuple  # names, OK among them


def default_folder():
    """abi/ of the tree, or of the SDK that this file came with."""
    here = os.path.dirname(os.path.abspath(__file__))
    for place in ("../../abi", "../../include/abi"):
        folder = os.path.normpath(os.path.join(here, place))
        if os.path.exists(os.path.join(folder, "rights.h")):
            return folder
    raise FileNotFoundError("no abi/rights.h beside the compiler; name its folder with --abi")


def load(folder):
    with open(os.path.join(folder, "rights.h"), encoding="utf-8") as file:
        rights_text = file.read().replace("\\\n", " ")
    with open(os.path.join(folder, "status.def"), encoding="utf-8") as file:
        statuses = tuple(re.findall(r"^STATUS\(\d+, (\w+),", file.read(), re.MULTILINE))
    sets = {name: frozenset(re.findall(r"\bRIGHT_(\w+)", value))
            for name, value in re.findall(r"#define RIGHTS_(\w+)\s+\(([^)]*)\)", rights_text)}
    objects = {}
    for name, (c_type, constant, rights) in OBJECTS.items():
        objects[name] = ObjectType(name, c_type, "OBJECT_" + constant, sets[rights] | sets["COMMON"])
    return Abi(objects, statuses)
