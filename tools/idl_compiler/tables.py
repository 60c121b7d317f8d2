"""The tables with which traces and tools show names: one C file and one JSON file for all interfaces of a run."""

import json

from idl_compiler import c_common as c
from idl_compiler.model import Array, Cap, Enum, String, Struct

PLACES = {"word": "INTERFACE_WORD", "offset": "INTERFACE_DATA", "array": "INTERFACE_ARRAY", "cap": "INTERFACE_CAP"}


def place_of(param):
    return next((kind, getattr(param, kind)) for kind in PLACES if getattr(param, kind) is not None)


def source(interfaces, paths, table):
    """The C file that defines `const struct interface_names *const TABLE[]`."""
    lines = c.banner(", ".join(paths), "Names of interfaces, methods and parameters.")
    lines += ['#include "ferrous/interface_names.h"', ""]
    for interface in interfaces:
        for method in interface.methods:
            for side in ("request", "reply"):
                lines += params(interface, method, side)
        lines += methods(interface)
    lines.append(f"const struct interface_names *const {table}[] = {{")
    lines += [f"    &{interface.name}_names," for interface in interfaces]
    return lines + ["    NULL,", "};"]


def params(interface, method, side):
    shape = getattr(method, side)
    if not shape.params:
        return []
    lines = [f"static const struct interface_param {c.tag(interface, method.name)}_{side}[] = {{"]
    for param in shape.params:
        kind, at = place_of(param)
        lines.append(f'    {{"{param.name}", "{param.type.name}", {PLACES[kind]}, {at}}},')
    return lines + ["};", ""]


def methods(interface):
    lines = [f"static const struct interface_method {interface.name}_methods[] = {{",
             '    {0, false, "version", NULL, NULL, 0, 0},']
    for method in sorted(interface.methods, key=lambda method: method.number):
        sides = [f"{c.tag(interface, method.name)}_{side}" if getattr(method, side).params else "NULL"
                 for side in ("request", "reply")]
        counts = [str(len(getattr(method, side).params)) for side in ("request", "reply")]
        lines.append(f'    {{{method.number}, {"true" if method.one_way else "false"}, "{method.name}", '
                     f'{", ".join(sides + counts)}}},')
    lines += ["};", "", f"static const struct interface_names {interface.name}_names = {{"]
    return lines + [f'    {interface.number}, {interface.version}, "{interface.name}", {interface.name}_methods,',
                    f"    sizeof({interface.name}_methods) / sizeof({interface.name}_methods[0]),", "};", ""]


# --- JSON ---

def as_json(interfaces):
    return json.dumps({"interfaces": [interface_json(interface) for interface in interfaces]}, indent=1) + "\n"


def interface_json(interface):
    return {"name": interface.name, "number": interface.number, "version": interface.version,
            "enums": {enum.name: {name: value for name, value, _ in enum.values} for enum in interface.enums},
            "structs": {struct.name: struct_json(struct) for struct in interface.structs},
            "methods": [method_json(method) for method in interface.methods]}


def struct_json(struct):
    return {"size": struct.size,
            "fields": [{"name": field.name, "type": field.type.name, "count": field.count, "offset": field.offset,
                        "size": field.size} for field in struct.fields]}


def method_json(method):
    return {"name": method.name, "number": method.number, "one_way": method.one_way, "since": method.since,
            "fails": method.fails, "request": shape_json(method.request), "reply": shape_json(method.reply)}


def shape_json(shape):
    return {"counts_word": shape.counts_word, "params": [param_json(param) for param in shape.params]}


def param_json(param):
    kind, at = place_of(param)
    found = {"name": param.name, "type": param.type.name, kind: at}
    if isinstance(param.type, Array):
        found.update(element=param.type.element.name, element_size=param.type.element.size, limit=param.type.limit)
    elif isinstance(param.type, String):
        found.update(limit=param.type.limit)
    elif isinstance(param.type, (Enum, Struct)):
        found.update(declared="enum" if isinstance(param.type, Enum) else "struct")
    elif isinstance(param.type, Cap):
        found.update(object=param.type.object.name, rights=list(param.type.rights), optional=param.type.optional,
                     move=param.type.move)
    return found
