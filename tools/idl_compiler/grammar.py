"""Parses one interface file into the model. Mistakes of grammar end the parsing; all others are collected, so that one
run shows them all."""

from idl_compiler import layout
from idl_compiler.lexer import IdlError, tokens
from idl_compiler.model import (INTS, MAX_INLINE, VERSION_METHOD, Array, Bool, Cap, Enum, Field, Int, Interface, Method,
                                Param, Shape, Status, String, Struct)
from idl_compiler.names_check import HEADER, TAKEN_INTERFACES, TAKEN_METHODS, TAKEN_PARAMS, problem

ENUM_BASES = ("u8", "u16", "u32")
TYPE_WORDS = ("string", "bytes", "array", "optional", "move")


class Parser:
    def __init__(self, path, text, abi):
        self.abi = abi
        self.tokens = tokens(path, text)
        self.at = 0
        self.errors = []
        self.types = dict(INTS, bool=Bool(), status=Status())
        self.constants = {}
        self.interface = None

    # --- tokens ---

    @property
    def token(self):
        return self.tokens[self.at]

    def next(self):
        token = self.token
        self.at += token.kind != "end"
        return token

    def shown(self):
        return "the end of the file" if self.token.kind == "end" else f"'{self.token.text}'"

    def is_next(self, text):
        return self.token.kind in ("name", "symbol") and self.token.text == text

    def accept(self, text):
        return self.next() if self.is_next(text) else None

    def expect(self, text):
        if not self.is_next(text):
            raise self.token.place.error(f"expected '{text}', not {self.shown()}")
        return self.next()

    def expect_kind(self, kind, what):
        if self.token.kind != kind:
            raise self.token.place.error(f"expected {what}, not {self.shown()}")
        return self.next()

    def complain(self, place, text):
        self.errors.append(place.error(text))

    def name(self, what, upper=False):
        token = self.expect_kind("name", what)
        trouble = problem(token.text, upper)
        if trouble:
            self.complain(token.place, trouble)
        return token

    def number(self, what, low, high):
        """A number, or the name of a constant."""
        token = self.next()
        if token.kind == "name" and token.text in self.constants:
            value = self.constants[token.text]
        elif token.kind == "number":
            value = int(token.text, 0)
        else:
            raise token.place.error(f"expected {what}, a number or a constant declared above, not "
                                    f"{repr(token.text) if token.text else 'the end of the file'}")
        if not low <= value <= high:
            self.complain(token.place, f"{what} is {value}, not from {low} to {high}")
            value = low
        return value

    # --- declarations ---

    def parse(self):
        self.parse_head()
        declarations = {"const": self.parse_const, "enum": self.parse_enum, "struct": self.parse_struct,
                        "call": self.parse_method, "send": self.parse_method}
        while self.token.kind != "end":
            parse = declarations.get(self.token.text)
            if parse is None:
                raise self.token.place.error(f"expected const, enum, struct, call or send, not {self.shown()}")
            parse()
        self.check_methods()
        if self.errors:
            raise IdlErrors(self.errors)
        return self.interface

    def parse_head(self):
        start = self.expect("interface")
        name = self.name("the interface's name")
        self.expect("=")
        number = self.number("the interface's number", 1, 0xffff)
        self.expect("version")
        version = self.number("the version", 1, 0xffff)
        self.expect(";")
        if name.text in TAKEN_INTERFACES:
            self.complain(name.place, f"functions of the SDK begin with '{name.text}_'")
        self.interface = Interface(name.text, number, version, name.place, start.comment)

    def parse_const(self):
        start = self.expect("const")
        name = self.name("the constant's name")
        self.expect("=")
        value = self.number("a constant", 0, 0xffffffff)
        self.expect(";")
        if name.text in self.constants:
            self.complain(name.place, f"the constant '{name.text}' is declared twice")
        self.constants[name.text] = value
        self.interface.constants.append((name.text, value, start.comment))

    def declare(self, name, kind):
        if name.text in self.abi.objects or name.text in TYPE_WORDS:
            self.complain(name.place, f"'{name.text}' is a word of the language")
        if name.text in self.types:
            self.complain(name.place, f"the type '{name.text}' is declared twice")
        self.types[name.text] = kind

    def parse_enum(self):
        start = self.expect("enum")
        name = self.name("the enum's name")
        self.expect(":")
        base = self.expect_kind("name", "u8, u16 or u32")
        if base.text not in ENUM_BASES:
            raise base.place.error(f"an enum is stored as u8, u16 or u32, not '{base.text}'")
        enum = Enum(name.text, INTS[base.text], [], name.place, start.comment)
        self.expect("{")
        while not self.accept("}"):
            value_name = self.name("the name of a value", upper=True)
            self.expect("=")
            value = self.number(f"a value of {base.text}", 0, 2 ** enum.base.bits - 1)
            self.expect(";")
            if value_name.text in (other for other, _, _ in enum.values):
                self.complain(value_name.place, f"the value '{value_name.text}' is declared twice")
            if value in (other for _, other, _ in enum.values):
                self.complain(value_name.place, f"'{value_name.text}' has the same number as another value")
            enum.values.append((value_name.text, value, value_name.comment))
        if not enum.values:
            self.complain(name.place, f"the enum '{name.text}' has no value")
        self.declare(name, enum)
        self.interface.enums.append(enum)

    def parse_struct(self):
        start = self.expect("struct")
        name = self.name("the structure's name")
        struct = Struct(name.text, [], name.place, comment=start.comment)
        if self.accept("from"):
            header = self.expect_kind("string", 'the header, as in "abi/fault.h"')
            struct.header = header.text[1:-1]
            if not HEADER.match(struct.header):
                self.complain(header.place, f"{header.text} is not the name of a header")
        self.expect("{")
        while not self.accept("}"):
            self.parse_field(struct)
        for text in layout.place_fields(struct):
            self.complain(*text)
        self.declare(name, struct)
        self.interface.structs.append(struct)

    def parse_field(self, struct):
        comment = self.token.comment
        kind, place = self.parse_type()
        name = self.name("the field's name")
        count = 0
        if self.accept("["):
            count = self.number("the number of elements", 1, MAX_INLINE)
            self.expect("]")
        self.expect(";")
        if isinstance(kind, (Array, Cap)):
            self.complain(place, "a structure has a fixed layout: no capabilities, bytes<> or array<>")
            kind = INTS["u8"]
        if name.text in (field.name for field in struct.fields):
            self.complain(name.place, f"the field '{name.text}' is declared twice")
        struct.fields.append(Field(name.text, kind, name.place, count, comment))

    # --- types ---

    def parse_type(self):
        """(type, place)"""
        optional = self.accept("optional") is not None
        move = self.accept("move") is not None
        token = self.expect_kind("name", "a type")
        if token.text in self.abi.objects and self.is_next("<"):
            return self.parse_cap(token, optional, move), token.place
        if optional or move:
            raise token.place.error("only a capability, as in endpoint<SEND>, is 'optional' or 'move'")
        if token.text == "string":
            return String(self.parse_limit("the longest length of a string", MAX_INLINE - 1)), token.place
        if token.text == "bytes":
            return Array(INTS["u8"], self.parse_limit("the highest number of bytes", MAX_INLINE)), token.place
        if token.text == "array":
            return self.parse_array(), token.place
        if token.text in self.abi.objects:
            raise token.place.error(f"a capability needs its rights: {token.text}<RIGHT | ...>")
        if token.text not in self.types:
            raise token.place.error(f"no type is called '{token.text}' (types are declared before their use)")
        return self.types[token.text], token.place

    def parse_limit(self, what, high):
        self.expect("<")
        limit = self.number(what, 1, high)
        self.expect(">")
        return limit

    def parse_array(self):
        self.expect("<")
        element, place = self.parse_type()
        if not isinstance(element, (Int, Bool, Enum, Struct)):
            self.complain(place, "an array holds integers, bools, enums or structures")
            element = INTS["u8"]
        self.expect(",")
        limit = self.number("the highest number of elements", 1, MAX_INLINE)
        self.expect(">")
        return Array(element, limit)

    def parse_cap(self, token, optional, move):
        kind = self.abi.objects[token.text]
        rights = []
        self.expect("<")
        while True:
            right = self.expect_kind("name", "a right")
            if right.text not in kind.rights:
                self.complain(right.place, f"'{kind.name}' has no right called '{right.text}'; it has "
                              + ", ".join(sorted(kind.rights)))
            elif right.text in rights:
                self.complain(right.place, f"the right '{right.text}' is named twice")
            rights.append(right.text)
            if not self.accept("|"):
                break
        self.expect(">")
        return Cap(kind, tuple(rights), optional, move)

    # --- methods ---

    def parse_method(self):
        start = self.next()
        name = self.name("the method's name")
        self.expect("=")
        number_place = self.token.place
        number = self.number("the method's number", 0, 0xffff)
        request = self.parse_params()
        reply = self.parse_params() if self.accept("->") else []
        fails = self.parse_fails()
        since = self.number("a version", 1, self.interface.version) if self.accept("since") else 1
        self.expect(";")
        if number == VERSION_METHOD:
            self.complain(number_place, f"method {VERSION_METHOD} of every interface asks for its version")
        method = Method(name.text, number, start.text == "send", Shape(request), Shape(reply), fails, since, name.place,
                        start.comment)
        if method.one_way and (reply or fails):
            self.complain(name.place, f"nobody hears what '{name.text}' answers: a send has no results and no errors")
        for shape in (method.request, method.reply):
            for text in layout.place_params(shape, name.place):
                self.complain(*text)
        self.interface.methods.append(method)

    def parse_params(self):
        params = []
        self.expect("(")
        while not self.accept(")"):
            if params:
                self.expect(",")
            comment = self.token.comment
            kind, place = self.parse_type()
            name = self.name("the parameter's name")
            if name.text in TAKEN_PARAMS:
                self.complain(name.place, f"'{name.text}' is a name that generated functions use themselves")
            params.append(Param(name.text, kind, name.place, comment))
            if isinstance(kind, Array) and kind.limit * kind.element.size > MAX_INLINE:
                self.complain(place, f"{kind.limit} elements of {kind.element.size} bytes are more than {MAX_INLINE}")
        self.check_param_names(params)
        return params

    def check_param_names(self, params):
        seen = set()
        for param in params:
            for name in [param.name] + [param.name + "_count"] * isinstance(param.type, Array):
                if name in seen:
                    self.complain(param.place, f"two parameters would be called '{name}' in C")
                seen.add(name)

    def parse_fails(self):
        if not self.accept("fails"):
            return []
        if self.accept("any"):
            return None
        names = []
        while True:
            token = self.expect_kind("name", "a status")
            if token.text not in self.abi.statuses or token.text == "OK":
                self.complain(token.place, f"no error status is called '{token.text}' (abi/status.def lists them)")
            elif token.text in names:
                self.complain(token.place, f"the status '{token.text}' is named twice")
            names.append(token.text)
            if not self.accept(","):
                return names

    def check_methods(self):
        numbers = {}
        for method in self.interface.methods:
            if method.name in TAKEN_METHODS:
                self.complain(method.place, f"'{method.name}' is generated for every interface")
            if method.number in numbers:
                self.complain(method.place, f"'{method.name}' has the number of '{numbers[method.number]}'")
            numbers[method.number] = method.name
        self.check_c_names()
        if not self.interface.methods:
            self.complain(self.interface.place, f"the interface '{self.interface.name}' has no method")


    def check_c_names(self):
        """Each place is complained of once, and not where something else is wrong with it."""
        seen = {}
        told = {error.place for error in self.errors}
        for space, name, what, place in sorted(c_names(self.interface), key=lambda c: (c[3].line, c[3].column)):
            other = seen.setdefault((space, name), (what, place))
            if other == (what, place) or place in told:
                continue
            told.add(place)
            self.complain(place, f"{what} is declared twice" if other[0] == what else
                          f"{what} and {other[0]} would both be called '{name}' in C")


def c_names(interface):
    """What generated C declares: (name space, name, what it stands for, place)."""
    lower, upper = interface.name + "_", interface.name.upper() + "_"
    for word in ("INTERFACE", "INTERFACE_VERSION", "VERSION", "MAX_CAPS"):
        yield "macro", upper + word, "what every interface has", interface.place
    for name, _, _ in interface.constants:
        yield "macro", upper + name.upper(), f"the constant '{name}'", interface.place
    for enum in interface.enums:
        yield "tag", lower + enum.name, f"the enum '{enum.name}'", enum.place
        for name, _, _ in enum.values:
            yield "macro", f"{upper}{enum.name.upper()}_{name}", f"the value '{name}' of '{enum.name}'", enum.place
    for struct in interface.structs:
        yield "tag", lower + struct.name, f"the structure '{struct.name}'", struct.place
    for method in interface.methods:
        what = f"the method '{method.name}'"
        yield "macro", upper + method.name.upper(), what, method.place
        for tail in ("", "_answer"):
            yield "function", lower + method.name + tail, what, method.place
        for tail in ("_request", "_reply"):
            yield "tag", lower + method.name + tail, what, method.place


class IdlErrors(Exception):
    def __init__(self, errors):
        self.errors = sorted(errors, key=lambda error: (error.place.path, error.place.line, error.place.column))
        super().__init__("\n".join(str(error) for error in self.errors))


def parse(path, text, abi):
    """The interface, or IdlErrors with all that is wrong with it."""
    try:
        parser = Parser(path, text, abi)
    except IdlError as error:
        raise IdlErrors([error]) from error
    try:
        return parser.parse()
    except IdlError as error:
        raise IdlErrors(parser.errors + [error]) from error
