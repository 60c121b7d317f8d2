"""Protocol buffers for the messages of otlp.proto: from the JSON form (camelCase) to bytes. Numbers of fields and
their types are read from that file, so there is one list of them."""

import os
import re
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
VARINT, FIXED64, BYTES = 0, 1, 2
FIELD = re.compile(r"^\s*(repeated )?(\w+) (\w+) = (\d+);")
FIXED = ("fixed64", "sfixed64", "double")
U64 = (1 << 64) - 1


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def read_schema(path=os.path.join(HERE, "otlp.proto")):
    """message -> [(name in JSON, number, type, repeated)]"""
    messages, current = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("message "):
                current = messages.setdefault(line.split()[1], [])
            field = FIELD.match(line)
            if field and current is not None:
                current.append((camel(field.group(3)), int(field.group(4)), field.group(2), bool(field.group(1))))
    return messages


SCHEMA = read_schema()


def varint(value):
    value &= U64
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def key(number, wire):
    return varint(number << 3 | wire)


def scalar(kind, value):
    """(wire type, bytes) of one value; 64-bit integers are texts in JSON."""
    if kind in FIXED:
        if kind == "double":
            return FIXED64, struct.pack("<d", value)
        return FIXED64, struct.pack("<Q", int(value) & U64)
    if kind in ("int32", "int64"):
        return VARINT, varint(int(value))
    if kind == "bool":
        return VARINT, varint(int(value))
    data = bytes.fromhex(value) if kind == "bytes" else value.encode("utf-8", "replace")
    return BYTES, varint(len(data)) + data


def encode(message, values):
    """The bytes of a message whose fields are in the dictionary `values`."""
    out = []
    for name, number, kind, repeated in SCHEMA[message]:
        if name not in values:
            continue
        given = values[name] if repeated else [values[name]]
        if repeated and kind in FIXED:
            data = b"".join(scalar(kind, value)[1] for value in given)
            out.append(key(number, BYTES) + varint(len(data)) + data)
            continue
        for value in given:
            if kind in SCHEMA:
                data = encode(kind, value)
                out.append(key(number, BYTES) + varint(len(data)) + data)
            else:
                wire, data = scalar(kind, value)
                out.append(key(number, wire) + data)
    return b"".join(out)
