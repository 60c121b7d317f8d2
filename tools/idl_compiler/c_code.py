"""The statements that put parameters into a message, and that take and check them."""

from idl_compiler import c_common as c
from idl_compiler.model import Array, Bool, Cap, Enum, Int, Status, String, Struct


def check_name(kind):
    return f"{kind.name}_is_valid"


def types_of(shapes):
    """Enums and structures that travel and need a check, each before those that contain it."""
    order = []

    def visit(kind):
        if isinstance(kind, Array):
            visit(kind.element)
        elif isinstance(kind, Struct):
            for field in kind.fields:
                visit(field.type)
        if isinstance(kind, (Enum, Struct)) and c.needs_check(kind) and kind not in order:
            order.append(kind)

    for shape in shapes:
        for param in shape.params:
            visit(param.type)
    return order


def check_functions(interface, shapes):
    lines = []
    for kind in types_of(shapes):
        lines += enum_check(interface, kind) if isinstance(kind, Enum) else struct_check(kind)
    return lines


def enum_check(interface, enum):
    lines = [f"static bool {check_name(enum)}(u64 value)", "{", "    switch (value) {"]
    lines += [f"    case {c.macro(interface, enum.name, name)}:" for name, _, _ in enum.values]
    return lines + ["        return true;", "    default:", "        return false;", "    }", "}", ""]


def stored_check(kind, at):
    """A call that looks at the bytes at `at`."""
    if isinstance(kind, Struct):
        return f"{check_name(kind)}({at})"
    if isinstance(kind, Enum):
        return f"{check_name(kind)}(typed_load({at}, {kind.size}))"
    if isinstance(kind, Bool):
        return f"typed_bool_is_valid({at})"
    if isinstance(kind, Status):
        return f"typed_status_is_known(typed_load({at}, 4))"
    return f"typed_text_has_end({at}, {kind.limit + 1})"


def struct_check(struct):
    """Looks at the bytes as they came: a bool that is neither 0 nor 1 may not even be loaded as one."""
    lines = [f"static bool {check_name(struct)}(const u8 *at)", "{"]
    for field in struct.fields:
        if not c.needs_check(field.type):
            continue
        at = f"at + {field.offset}" if field.offset else "at"
        if field.count:
            size = field.size // field.count
            element = f"{at} + i" if size == 1 else f"{at} + (size_t)i * {size}"
            lines += [f"    for (u32 i = 0; i < {field.count}; i++) {{",
                      f"        if (!{stored_check(field.type, element)})", "            return false;", "    }"]
        else:
            lines += [f"    if (!{stored_check(field.type, at)})", "        return false;"]
    return lines + ["    return true;", "}", ""]


def in_order(shape):
    """The parameters as they travel: structures lie before strings and arrays."""
    return sorted(shape.params, key=lambda param: (param.array is not None, param.offset is not None))


# --- putting ---

def put(shape, source):
    """Statements. `source` is "" for the arguments of a stub, or what stands before a field, as in "reply->"."""
    return [line for param in in_order(shape) for line in put_one(param, source)]


def put_one(param, source):
    kind, name = param.type, source + param.name
    if isinstance(kind, Cap):
        mode = "CAP_SEND_MOVE" if kind.move else "CAP_SEND_COPY"
        return [f"typed_put_cap(&typed_out, {name}.cap, {c.rights(kind)}, {mode}, {boolean(kind.optional)});"]
    if isinstance(kind, Struct):
        return [f"typed_put_struct(&typed_out, {'&' if source else ''}{name}, sizeof({'' if source else '*'}{name}));"]
    if isinstance(kind, String):
        return [f"typed_put_string(&typed_out, {name}, {kind.limit});"]
    if isinstance(kind, Array):
        return [f"typed_put_array(&typed_out, {name}, {name}_count, {kind.limit}, {kind.element.size});"]
    signed = isinstance(kind, Int) and kind.signed
    return [f"typed_out.message.words[{param.word}] = (u64){'(i64)' if signed else ''}{name};"]


def put_counts(shape):
    if shape.counts_word is None:
        return []
    return [f"typed_out.message.words[{shape.counts_word}] = typed_out.counts;"]


# --- taking ---

def shape_lines(shape, kind):
    """The constant, inside a function, that says what the message must look like."""
    counts = "TYPED_NO_COUNTS" if shape.counts_word is None else str(shape.counts_word)
    return ["static const struct typed_shape shape = {", f"    .kind = {kind},", f"    .words = {shape.words},",
            f"    .counts_word = {counts},", f"    .caps_required = {shape.caps_required},",
            f"    .caps = {shape.caps},", "};"]


def take(interface, shape, target):
    """Statements that fill the structure in front of `target`, as in "request."."""
    return [line for param in in_order(shape) for line in take_one(interface, param, target)]


def take_one(interface, param, target):
    kind, to = param.type, target + param.name
    if isinstance(kind, Cap):
        return [f"{to}.cap = typed_take_cap(&typed_in, {param.cap}, {kind.object.constant}, {c.rights(kind)});"]
    if isinstance(kind, Struct):
        return [f"typed_take_struct(&typed_in, &{to}, sizeof({to}), {validator(kind)});"]
    if isinstance(kind, String):
        return [f"typed_take_string(&typed_in, {to}, {kind.limit});"]
    if isinstance(kind, Array):
        return [f"{to}_count = typed_take_array(&typed_in, {to}, {kind.limit}, {kind.element.size}, "
                f"{validator(kind.element)});"]
    return take_word(interface, kind, param.word, to)


def take_word(interface, kind, word, to):
    if isinstance(kind, Bool):
        return [f"{to} = typed_take_word(&typed_in, {word}, 1) != 0;"]
    if isinstance(kind, (Enum, Status)):
        known = check_name(kind) if isinstance(kind, Enum) else "typed_status_is_known"
        return [f"{to} = ({c.value_type(interface, kind)})typed_take_known(&typed_in, {word}, {known});"]
    if kind.signed:
        return [f"{to} = ({c.int_type(kind)})typed_take_signed(&typed_in, {word}, INT{kind.bits}_MIN, "
                f"INT{kind.bits}_MAX);"]
    return [f"{to} = ({c.int_type(kind)})typed_take_word(&typed_in, {word}, UINT{kind.bits}_MAX);"]


def validator(kind):
    """What checks one element where it lies: a function, or NULL where every pattern of bits will do."""
    if isinstance(kind, Bool):
        return "typed_bool_is_valid"
    if isinstance(kind, Enum):
        return f"stored_{check_name(kind)}"
    return check_name(kind) if c.needs_check(kind) else "NULL"


def element_checks(shapes):
    """Checks of enums as elements of arrays."""
    lines, seen = [], []
    for param in (param for shape in shapes for param in shape.params):
        kind = param.type.element if isinstance(param.type, Array) else None
        if isinstance(kind, Enum) and kind not in seen:
            seen.append(kind)
            lines += [f"static bool stored_{check_name(kind)}(const u8 *at)", "{",
                      f"    return {check_name(kind)}(typed_load(at, {kind.size}));", "}", ""]
    return lines


def boolean(value):
    return "true" if value else "false"
