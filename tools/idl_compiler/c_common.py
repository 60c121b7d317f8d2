"""How the model's types and names look in C."""

from idl_compiler.model import INTS, Array, Bool, Cap, Enum, Status, String, Struct

SMALL_SIGNED = {"i8": "int8_t", "i16": "int16_t"}


def int_type(kind):
    return SMALL_SIGNED.get(kind.name, kind.name)


def macro(interface, *words):
    return "_".join((interface.name, *words)).upper()


def tag(interface, name):
    return f"{interface.name}_{name}"


def struct_type(interface, struct):
    return "struct " + (struct.name if struct.header else tag(interface, struct.name))


def comment(text, indent=""):
    """The lines of a comment; none for no text."""
    if not text:
        return []
    lines = text.replace("/*", "/ *").split("\n")
    if len(lines) == 1 and len(text) < 90:
        return [f"{indent}/* {lines[0]} */"]
    return [f"{indent}/*"] + [f"{indent} * {line}".rstrip() for line in lines] + [f"{indent} */"]


def stored(interface, kind, name, count=0):
    """A field of a structure of fixed layout: what lies in memory is what travels."""
    tail = f"[{count}]" if count else ""
    if isinstance(kind, String):
        return f"char {name}{tail}[{kind.limit + 1}];"
    if isinstance(kind, Struct):
        return f"{struct_type(interface, kind)} {name}{tail};"
    if isinstance(kind, Enum):
        return f"{kind.base.name} {name}{tail}; /* enum {tag(interface, kind.name)} */"
    if isinstance(kind, Bool):
        return f"u8 {name}{tail}; /* 0 or 1 */"
    if isinstance(kind, Status):
        return f"u32 {name}{tail}; /* enum status */"
    return f"{int_type(kind)} {name}{tail};"


def element_type(interface, kind):
    """C's type of an array's element."""
    if isinstance(kind, Struct):
        return struct_type(interface, kind)
    if isinstance(kind, Enum):
        return kind.base.name
    return "u8" if isinstance(kind, Bool) else int_type(kind)


def value_type(interface, kind):
    """C's type of a parameter that travels in a word, or of a capability."""
    if isinstance(kind, Enum):
        return f"enum {tag(interface, kind.name)}"
    if isinstance(kind, Status):
        return "enum status"
    if isinstance(kind, Cap):
        return kind.object.c_type
    return "bool" if isinstance(kind, Bool) else int_type(kind)


def member(interface, param):
    """The fields of a request or reply structure that hold a parameter."""
    kind = param.type
    if isinstance(kind, String):
        return [f"char {param.name}[{kind.limit + 1}];"]
    if isinstance(kind, Array):
        return [f"u32 {param.name}_count; /* of {param.name} */",
                f"{element_type(interface, kind.element)} {param.name}[{kind.limit}];"]
    if isinstance(kind, Struct):
        return [f"{struct_type(interface, kind)} {param.name};"]
    return [f"{value_type(interface, kind)} {param.name};"]


def argument(interface, param):
    """A parameter as a stub takes it."""
    kind = param.type
    if isinstance(kind, String):
        return [f"const char *{param.name}"]
    if isinstance(kind, Array):
        element = element_type(interface, kind.element)
        pointed = "void" if kind.element == INTS["u8"] else element
        return [f"const {pointed} *{param.name}", f"u32 {param.name}_count"]
    if isinstance(kind, Struct):
        return [f"const {struct_type(interface, kind)} *{param.name}"]
    return [f"{value_type(interface, kind)} {param.name}"]


def rights(cap):
    return " | ".join("RIGHT_" + name for name in cap.rights)


def needs_check(kind):
    """True: not every pattern of bits is a value."""
    if isinstance(kind, Struct):
        return any(needs_check(field.type) for field in kind.fields)
    if isinstance(kind, Array):
        return needs_check(kind.element)
    return isinstance(kind, (Enum, Bool, Status, String))


def describe(param):
    """A parameter in a comment: where it travels."""
    if param.word is not None:
        place = f"word {param.word}"
    elif param.offset is not None:
        place = f"data {param.offset}"
    elif param.array is not None:
        place = f"array {param.array}"
    else:
        place = f"capability {param.cap}"
    return f"{param.name}: {param.type.name} ({place})"


def banner(path, text):
    return [f"/* {text} Made from {path} by tools/idl; not to be edited. */"]


def wrap_call(head, arguments, tail, width=100):
    """A call or declaration, broken behind commas where it is too wide."""
    one = f"{head}({', '.join(arguments)}){tail}"
    if len(one) <= width:
        return [one]
    lines, indent = [], " " * (len(head) + 1 if len(head) < 50 else 8)
    line = head + "("
    for index, word in enumerate(arguments):
        piece = word + (", " if index + 1 < len(arguments) else f"){tail}")
        if len(line) + len(piece.rstrip()) > width and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += piece
    return lines + [line]


