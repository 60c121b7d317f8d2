"""Which names an interface may use: they become C's."""

import re

LOWER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
UPPER = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*\Z")
LONGEST = 40

C_WORDS = frozenset("""
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof
    true false bool u8 u16 u32 u64 i8 i16 i32 i64 cap_t size_t
""".split())
# What generated functions call their own things.
TAKEN_PARAMS = frozenset(("server", "deadline_ns", "reply", "request", "context", "badge", "message", "typed_out",
                          "typed_in", "typed_status"))
TAKEN_METHODS = frozenset(("version", "dispatch", "ops"))


def problem(name, upper=False):
    """Why this cannot be a name, or None."""
    pattern, style = (UPPER, "UPPER_CASE") if upper else (LOWER, "lower_case")
    if not pattern.match(name):
        return f"'{name}' is not {style}"
    if len(name) > LONGEST:
        return f"'{name}' is longer than {LONGEST} characters"
    if name in C_WORDS:
        return f"'{name}' is a word of C"
    return None
