"""NAME.h: what both sides share and what stands on the ABI alone: numbers, enums, structures of fixed layout."""

from idl_compiler import c_common as c
from idl_compiler.model import VERSION_METHOD


def header(interface, path):
    guard = f"INTERFACES_{interface.name.upper()}_H"
    lines = c.comment(interface.comment) + c.banner(path, f"Interface {interface.name}: numbers and layouts.")
    lines += [f"#ifndef {guard}", f"#define {guard}", "", '#include "abi/message.h"', '#include "abi/types.h"']
    lines += [f'#include "{name}"' for name in sorted({s.header for s in interface.structs if s.header})]
    lines += [""] + numbers(interface) + [""]
    for enum in interface.enums:
        lines += enum_lines(interface, enum)
    for struct in interface.structs:
        lines += struct_lines(interface, struct)
    return lines + ["#endif"]


def numbers(interface):
    def define(name, value):
        return f"#define {c.macro(interface, name)} {value}"

    number = c.macro(interface, "interface")
    lines = [define("interface", f"{interface.number}u"), define("interface_version", f"{interface.version}u"),
             f"/* The capabilities that a server takes with a request, at most. */",
             define("max_caps", f"{interface.max_caps}u"), ""]
    for name, value, text in interface.constants:
        lines += c.comment(text) + [define(name, f"{value}u")]
    lines += ["", "/* Labels. */", define("version", f"MESSAGE_LABEL({number}, {VERSION_METHOD}u)")]
    for method in interface.methods:
        lines.append(define(method.name, f"MESSAGE_LABEL({number}, {method.number}u)"))
    return lines


def enum_lines(interface, enum):
    lines = c.comment(enum.comment) + [f"enum {c.tag(interface, enum.name)} {{"]
    for name, value, text in enum.values:
        lines += c.comment(text, "    ") + [f"    {c.macro(interface, enum.name, name)} = {value},"]
    return lines + ["};", ""]


def struct_lines(interface, struct):
    kind = c.struct_type(interface, struct)
    lines = c.comment(struct.comment)
    if not struct.header:
        lines.append(f"{kind} {{")
        for field in struct.fields:
            lines += c.comment(field.comment, "    ")
            lines.append("    " + c.stored(interface, field.type, field.name, field.count))
        lines += ["};", ""]
    lines.append(f'_Static_assert(sizeof({kind}) == {struct.size}, "layout");')
    if struct.header:
        for field in struct.fields:
            lines.append(f'_Static_assert(offsetof({kind}, {field.name}) == {field.offset} && '
                         f'sizeof((({kind} *)0)->{field.name}) == {field.size}, "layout");')
    return lines + [""]
