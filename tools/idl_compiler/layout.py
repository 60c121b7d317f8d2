"""Where everything lies: fields in structures, parameters in messages. Functions return what is wrong, as (place,
text).

docs/interfaces.md, "How a message is laid out", is this file in words.
"""

from idl_compiler.model import (MAX_ARRAYS, MAX_CAPS, MAX_INLINE, MAX_WORDS, Array, Cap, String, Struct, alignment_of)


def plural(size):
    return f"{size} byte{'s' * (size != 1)}"


def place_fields(struct):
    """C's own layout; padding is refused, because what lies in it would travel."""
    problems = []
    offset = 0
    for field in struct.fields:
        alignment = alignment_of(field.type)
        gap = -offset % alignment
        if gap:
            problems.append((field.place, f"{plural(gap)} of padding before '{field.name}': put a reserved field "
                             "there"))
        field.offset = offset + gap
        offset = field.offset + field.size
        struct.alignment = max(struct.alignment, alignment)
    gap = -offset % struct.alignment
    if gap:
        problems.append((struct.place, f"{plural(gap)} of padding at the end of '{struct.name}': put a reserved field "
                         "there"))
    struct.size = offset + gap
    if not struct.fields:
        problems.append((struct.place, f"the structure '{struct.name}' has no field"))
    if struct.size > MAX_INLINE:
        problems.append((struct.place, f"the structure '{struct.name}' has {struct.size} bytes; a message carries "
                         f"{MAX_INLINE}"))
    return problems


def place_params(shape, place):
    """Gives each parameter its word, place in the inline data, or place among the capabilities."""
    problems = []
    arrays = 0
    offset = 0
    optional = None
    for param in shape.params:
        if isinstance(param.type, Cap):
            param.cap = shape.caps
            shape.caps += 1
            if param.type.optional:
                optional = param
            elif optional:
                problems.append((param.place, f"'{param.name}' must be there, so it stands before '{optional.name}', "
                                 "which need not"))
            else:
                shape.caps_required += 1
        elif isinstance(param.type, Struct):
            param.offset = offset
            offset += param.type.size
        elif isinstance(param.type, (Array, String)):
            param.array = arrays
            arrays += 1
            shape.max_size += array_size(param.type)
        else:
            param.word = shape.words
            shape.words += 1
    shape.fixed_size = offset
    shape.max_size += offset
    if arrays:
        shape.counts_word = shape.words
        shape.words += 1
    return problems + limits(shape, arrays, place)


def array_size(kind):
    return kind.limit if isinstance(kind, String) else kind.limit * kind.element.size


def limits(shape, arrays, place):
    problems = []
    if shape.words > MAX_WORDS:
        problems.append((place, f"{shape.words} words of values{' and counts' if arrays else ''}; a message has "
                         f"{MAX_WORDS}: put some into a structure"))
    if arrays > MAX_ARRAYS:
        problems.append((place, f"{arrays} strings and arrays; a message has room for the counts of {MAX_ARRAYS}"))
    if shape.max_size > MAX_INLINE:
        problems.append((place, f"{shape.max_size} bytes of inline data at most; a message carries {MAX_INLINE}"))
    if shape.caps > MAX_CAPS:
        problems.append((place, f"{shape.caps} capabilities; a message carries {MAX_CAPS}"))
    return problems
