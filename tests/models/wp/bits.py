#!/usr/bin/env python3
"""Decides goals of WP about masks and shifts, by turning them from integers into bit vectors.

Usage: bits.py SOLVER SECONDS FILE. FILE is what Why3 writes for z3. WP states C arithmetic over unbounded integers,
with `land`, `lsr` and the like as functions that provers know by axioms only; they seldom get far with those. This
takes the goal alone (no axioms), works out from the hypotheses (is_uint64 x, ...) between which bounds each term lies,
and writes it as bit vectors so wide that nothing can overflow: then equal as integers is equal as vectors.

Of WP's theories it relies on this: the arithmetic and bit functions mean what their names say; a word of a memory of
which is_uint64_chunk holds is a uint64; a read gives what was last written to that address; addresses differ when
they are the same pointer with different offsets, or lie in ranges that a hypothesis calls separated.

What it does not know it replaces by a variable of its own (the same for the same term), also whole predicates and
quantified formulas. That makes the goal stronger, never weaker, so `unsat` (the goal's negation cannot hold) carries
over; anything else is printed as `unknown`.
"""

import re
import subprocess
import sys
import tempfile

TOKEN = re.compile(r'[()]|"[^"]*"|\|[^|]*\||[^\s()"|]+')
CAST = re.compile(r"^to_(u|s)int(8|16|32|64)$")
CHUNK = re.compile(r"^is_(u|s)int(8|16|32|64)_chunk$")
RANGE = re.compile(r"^is_(u|s)int(8|16|32|64)$")
NUMBER = re.compile(r"^[0-9]+$")
INT_FUNCTIONS = {"+", "-", "*", "land", "lor", "lxor", "lnot", "lsl", "lsr", "div", "mod", "div1", "mod1"}
BOOL_FUNCTIONS = {"and", "or", "not", "=>", "=", "<", "<=", ">", ">=", "bit_test", "bit_testb", "zlt", "zleq",
                  "is_bool", "true", "false", "forall", "exists"}
WIDEST = 400


class Unsupported(Exception):
    """The term is none of those that are understood, or has no bounds."""


def parse(text):
    """All expressions of an SMT-LIB text, as nested tuples of strings."""
    text = re.sub(r";[^\n]*", "", text)
    stack = [[]]
    for token in TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token == ")":
            done = tuple(stack.pop())
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    return stack[0]


class Terms:
    """Terms with each let replaced by what it stands for; equal ones are one number."""

    def __init__(self):
        self.numbers, self.nodes = {}, []

    def add(self, node):
        if node not in self.numbers:
            self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return self.numbers[node]

    def build(self, term, scope):
        if isinstance(term, str):
            return scope[term] if term in scope else self.add(term)
        if term and term[0] == "let":
            inner = dict(scope)
            for name, value in term[1]:
                inner[name] = self.build(value, scope)
            return self.build(term[2], inner)
        if term and term[0] == "!":
            return self.build(term[1], scope)
        if term and term[0] in ("forall", "exists"):
            # Opaque, but it may name variables of outer lets: those are part of what it is.
            inner = {name: number for name, number in scope.items() if name not in [v for v, _ in term[1]]}
            return self.add((term[0], repr(term[1]), self.build(term[2], inner)))
        return self.add(tuple(self.build(part, scope) for part in term))


class Goal:
    def __init__(self, text):
        self.sorts, self.terms = {}, Terms()
        conclusion = None
        for form in parse(text):
            if form[0] == "declare-fun":
                self.sorts[form[1]] = form[3]
            elif form[0] == "declare-const":
                self.sorts[form[1]] = form[2]
            elif form[0] == "assert":
                conclusion = form[1]
        if not conclusion or conclusion[0] != "not":
            raise Unsupported("no goal")
        self.hypotheses = []
        self.conclusion = self.peel(conclusion[1], {})
        self.bounds, self.ranges, self.cells, self.apart = {}, {}, {}, []
        for number in self.hypotheses:
            self.learn(number)
        self.reads = {}
        self.atoms, self.predicates = {}, {}

    def peel(self, term, scope):
        """Opens the outermost quantifiers, lets and implications."""
        while not isinstance(term, str):
            if term[0] == "forall":
                for name, sort in term[1]:
                    self.sorts[name] = sort
                    scope = {k: v for k, v in scope.items() if k != name}
                term = term[2]
            elif term[0] == "let":
                inner = dict(scope)
                for name, value in term[1]:
                    inner[name] = self.terms.build(value, scope)
                scope, term = inner, term[2]
            elif term[0] == "=>" and len(term) == 3:
                self.hypotheses.append(self.terms.build(term[1], scope))
                term = term[2]
            else:
                break
        return self.terms.build(term, scope)

    def learn(self, number):
        """Bounds of a term that a hypothesis gives."""
        node = self.terms.nodes[number]
        if isinstance(node, str) or not isinstance(self.head(node), str):
            return
        if self.head(node) == "and":
            for part in node[1:]:
                self.learn(part)
        match = RANGE.match(self.head(node))
        if match:
            self.bounds[node[1]] = bounds_of(match)
        elif self.head(node) == "is_bool":
            self.bounds[node[1]] = (0, 1)
        elif CHUNK.match(self.head(node)):
            self.cells[node[1]] = bounds_of(CHUNK.match(self.head(node)))
        elif self.head(node) == "separated":
            sizes = self.constant(node[2]), self.constant(node[4])
            if None not in sizes:
                self.apart.append((self.place(node[1]), sizes[0], self.place(node[3]), sizes[1]))

    # --- memory: words by address ------------------------------------------------------------------------------------

    def constant(self, number):
        node = self.terms.nodes[number]
        return int(node) if isinstance(node, str) and NUMBER.match(node) else None

    def place(self, number):
        """An address as (what it is counted from, how far)."""
        node, offset = self.terms.nodes[number], 0
        while not isinstance(node, str) and self.head(node) == "shift" and self.constant(node[2]) is not None:
            offset += self.constant(node[2])
            number = node[1]
            node = self.terms.nodes[number]
        return number, offset

    def differ(self, one, other):
        """Are two addresses surely different?"""
        (a, i), (b, j) = self.place(one), self.place(other)
        if a == b:
            return i != j
        for (p, k), n, (q, m_offset), m in self.apart:
            for (x, xi), (y, yj) in (((a, i), (b, j)), ((b, j), (a, i))):
                if x == p and y == q and k <= xi < k + n and m_offset <= yj < m_offset + m:
                    return True
        return False

    def read(self, number):
        """A read of memory without the writes before it that went elsewhere, or what the last one wrote."""
        if number in self.reads:
            return self.reads[number]
        result, node = number, self.terms.nodes[number]
        if not isinstance(node, str) and self.head(node) == "select":
            memory = self.terms.nodes[node[1]]
            if not isinstance(memory, str) and self.head(memory) == "store":
                if memory[2] == node[2]:
                    result = self.read(memory[3])
                elif self.differ(memory[2], node[2]):
                    result = self.read(self.terms.add((node[0], memory[1], node[2])))
        self.reads[number] = result
        return result

    def head(self, node):
        """The function's or variable's name; a quantifier's is kept in the node itself."""
        if isinstance(node, str):
            return node
        return node[0] if isinstance(node[0], str) else self.terms.nodes[node[0]]

    def is_int(self, number):
        node = self.terms.nodes[number]
        head = self.head(node)
        if not isinstance(head, str) or (isinstance(node, str) and node == "ite"):
            return False
        if head == "ite":
            return self.is_int(node[2])
        if head == "select" and not isinstance(node, str):
            before = self.read(number)
            return self.cell_bounds(node) is not None or (before != number and self.is_int(before))
        return bool(NUMBER.match(head) or head in INT_FUNCTIONS or CAST.match(head) or self.sorts.get(head) == "Int")

    def is_bool(self, number):
        node = self.terms.nodes[number]
        head = self.head(node)
        if not isinstance(head, str) or (isinstance(node, str) and node == "ite"):
            return False
        if head == "ite":
            return self.is_bool(node[2])
        return bool(head in BOOL_FUNCTIONS or RANGE.match(head) or self.sorts.get(head) == "Bool")

    def cell_bounds(self, node):
        """Bounds of a word of memory: every one of a chunk has them."""
        return self.cells.get(node[1])

    # --- bounds ----------------------------------------------------------------------------------------------------

    def range(self, number):
        if number not in self.ranges:
            low, high = self.find_range(number)
            if max(abs(low), abs(high)).bit_length() > WIDEST:
                raise Unsupported("too wide")
            self.ranges[number] = (low, high)
        return self.ranges[number]

    def find_range(self, number):
        node = self.terms.nodes[number]
        head = self.head(node)
        known = self.bounds.get(number)
        if self.read(number) != number:
            return self.range(self.read(number))
        if not isinstance(node, str) and head == "select" and known is None:
            known = self.cell_bounds(node)
        if isinstance(head, str) and NUMBER.match(head):
            return int(head), int(head)
        if isinstance(node, str) or head not in INT_FUNCTIONS | {"ite"} and not CAST.match(head):
            if known is None:
                raise Unsupported(f"no bounds of {node}")
            return known
        match = CAST.match(head)
        if match:
            self.range(node[1])
            return bounds_of(match)
        if head == "ite":
            (a, b), (c, d) = self.range(node[2]), self.range(node[3])
            return min(a, c), max(b, d)
        return range_of(head, [self.range(part) for part in node[1:]])

    # --- translation -----------------------------------------------------------------------------------------------

    def atom(self, number):
        name = self.atoms.setdefault(number, f"a{len(self.atoms)}")
        return name

    def int(self, number):
        low, high = self.range(number)
        number = self.read(number)
        node = self.terms.nodes[number]
        head = self.head(node)
        if low == high:
            return literal(low, self.width)
        match = CAST.match(head)
        if match:
            return cast(match, self.int(node[1]), self.width)
        if head == "ite" and not isinstance(node, str):
            return f"(ite {self.bool(node[1])} {self.int(node[2])} {self.int(node[3])})"
        if isinstance(node, str) or head not in INT_FUNCTIONS:
            return self.atom(number)
        parts = [self.int(part) for part in node[1:]]
        if head == "-" and len(parts) == 1:
            return f"(bvneg {parts[0]})"
        names = {"+": "bvadd", "-": "bvsub", "*": "bvmul", "land": "bvand", "lor": "bvor", "lxor": "bvxor",
                 "lnot": "bvnot", "lsl": "bvshl", "lsr": "bvlshr", "div": "bvudiv", "div1": "bvudiv",
                 "mod": "bvurem", "mod1": "bvurem"}
        return f"({names[head]} {' '.join(parts)})"

    def bool(self, number):
        try:
            return self.known_bool(number)
        except Unsupported:
            return self.predicates.setdefault(number, f"p{len(self.predicates)}")

    def known_bool(self, number):
        node = self.terms.nodes[number]
        head = self.head(node)
        if not isinstance(head, str):
            raise Unsupported("not a predicate")
        if head in ("true", "false"):
            return head
        if isinstance(node, str):
            raise Unsupported("a predicate's variable")
        arguments = node[1:]
        if head in ("and", "or", "not", "=>"):
            return f"({head} {' '.join(self.bool(part) for part in arguments)})"
        if head == "ite":
            return f"(ite {' '.join(self.bool(part) for part in arguments)})"
        if head == "=" and all(self.is_bool(part) for part in arguments):
            return f"(= {' '.join(self.bool(part) for part in arguments)})"
        comparison = {"=": "=", "<": "bvslt", "<=": "bvsle", ">": "bvsgt", ">=": "bvsge", "zlt": "bvslt",
                      "zleq": "bvsle"}.get(head)
        if comparison and all(self.is_int(part) for part in arguments) and len(arguments) == 2:
            return f"({comparison} {' '.join(self.int(part) for part in arguments)})"
        match = RANGE.match(head)
        if match or head == "is_bool":
            low, high = bounds_of(match) if match else (0, 1)
            term = self.int(arguments[0])
            return f"(and (bvsle {literal(low, self.width)} {term}) (bvsle {term} {literal(high, self.width)}))"
        if head in ("bit_test", "bit_testb"):
            low, high = self.range(arguments[1])
            if low < 0 or high >= self.width:
                raise Unsupported("a bit beyond the width")
            shifted = f"(bvashr {self.int(arguments[0])} {self.int(arguments[1])})"
            return f"(= ((_ extract 0 0) {shifted}) #b1)"
        raise Unsupported(head)

    def all_widths(self):
        """The width at which no term overflows: that of the widest of all that have bounds, and a sign."""
        widest = 64
        for number in range(len(self.terms.nodes)):
            try:
                if self.is_int(number):
                    low, high = self.range(number)
                    widest = max(widest, low.bit_length(), high.bit_length())
            except Unsupported:
                continue
        return widest + 2

    def script(self):
        self.width = self.all_widths()
        hypotheses = [self.bool(number) for number in self.hypotheses]
        conclusion = self.bool(self.conclusion)
        lines = ["(set-logic QF_BV)"]
        lines += [f"(declare-fun {name} () (_ BitVec {self.width}))" for name in self.atoms.values()]
        lines += [f"(declare-fun {name} () Bool)" for name in self.predicates.values()]
        for number, name in self.atoms.items():
            low, high = self.range(number)
            lines.append(f"(assert (and (bvsle {literal(low, self.width)} {name}) "
                         f"(bvsle {name} {literal(high, self.width)})))")
        lines += [f"(assert {text})" for text in hypotheses] + [f"(assert (not {conclusion}))", "(check-sat)"]
        return "\n".join(lines) + "\n"


def bounds_of(match):
    bits = int(match.group(2))
    return (0, 2 ** bits - 1) if match.group(1) == "u" else (-2 ** (bits - 1), 2 ** (bits - 1) - 1)


def literal(value, width):
    return f"(_ bv{value % 2 ** width} {width})"


def cast(match, term, width):
    """The C conversion to a type of so many bits."""
    bits = int(match.group(2))
    kind = "zero_extend" if match.group(1) == "u" else "sign_extend"
    return f"((_ {kind} {width - bits}) ((_ extract {bits - 1} 0) {term}))"


def range_of(head, ranges):
    """Bounds of a function's value from those of its arguments."""
    lows, highs = [low for low, _ in ranges], [high for _, high in ranges]
    negative = min(lows) < 0
    bits = max(max(abs(low), abs(high)).bit_length() for low, high in ranges)
    if head == "+":
        return sum(lows), sum(highs)
    if head == "-":
        return (-highs[0], -lows[0]) if len(ranges) == 1 else (lows[0] - highs[1], highs[0] - lows[1])
    if head == "*" and len(ranges) == 2:
        corners = [a * b for a in ranges[0] for b in ranges[1]]
        return min(corners), max(corners)
    if head == "lnot":
        return ~highs[0], ~lows[0]
    if head in ("land", "lor", "lxor"):
        if negative:
            return -2 ** bits, 2 ** bits - 1
        return (0, min(highs)) if head == "land" else (0, 2 ** bits - 1)
    if negative:
        raise Unsupported("a negative argument")
    if head == "lsl" and highs[1] <= WIDEST:
        return lows[0] << lows[1], highs[0] << highs[1]
    if head == "lsr" and highs[1] <= WIDEST:
        return lows[0] >> highs[1], highs[0] >> lows[1]
    if head in ("div", "div1") and lows[1] > 0:
        return 0, highs[0]
    if head in ("mod", "mod1") and lows[1] > 0:
        return 0, highs[1] - 1
    raise Unsupported(head)


def solve(solver, seconds, script):
    command = {"z3": ["z3", f"-T:{seconds}"], "cvc5": ["cvc5", f"--tlimit={seconds}000"]}[solver]
    with tempfile.NamedTemporaryFile("w", suffix=".smt2") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(command + [file.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
    return done.stdout.split("\n", 1)[0]


def main(arguments):
    sys.setrecursionlimit(100000)
    solver, seconds, path = arguments
    try:
        with open(path, encoding="utf-8") as file:
            script = Goal(file.read()).script()
    except Unsupported:
        print("unknown")
        return
    answer = solve(solver, seconds, script)
    print(answer if answer == "unsat" else "unknown")


if __name__ == "__main__":
    main(sys.argv[1:])
