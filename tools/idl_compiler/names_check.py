"""Which names an interface may use: they become C's."""

import re

LOWER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
UPPER = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*\Z")
HEADER = re.compile(r"[A-Za-z0-9_./-]+\.h\Z")
LONGEST = 40

C_WORDS = frozenset("""
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof
    true false bool u8 u16 u32 u64 i8 i16 i32 i64 cap_t size_t endpoint_t process_t thread_t memory_t group_t
    interrupt_t ports_t ktimer_t machine_t trace_domain_t
""".split())
# What generated functions call their own things.
TAKEN_PARAMS = frozenset(("server", "deadline_ns", "reply", "request", "context", "badge", "message", "typed_out",
                          "typed_in", "typed_status"))
TAKEN_INTERFACES = frozenset(("typed", "message", "cap", "fault"))  # the SDK's and the ABI's
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
