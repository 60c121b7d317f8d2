#!/usr/bin/env python3
"""Where the instructions of a measured path go: by function, as a call tree and as a flat list.

    bench/attribute.py                       every path of the benchmark: one table each
    bench/attribute.py NAME...               these paths; with a call tree
    bench/attribute.py --share 2 NAME...     leaves out what takes less than 2 % of a path (default 1)
    bench/attribute.py --markdown NAME...    the tables as they stand in docs/costs.md
    bench/attribute.py --costly NAME...      one table: how many instructions of each path cost more than others
    bench/attribute.py --check               fails if the round trip of a call does more of those than it may

Boots the system as bench.py does, with a plugin of the emulator that writes down every instruction and every access to
memory (executed.py); the last round of each path is what is counted. Calls and returns are followed, and inlined
functions are told apart by the debug information. Needs the built image, with its unstripped files.
"""

import argparse
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests"), os.path.join(ROOT, "bench")]

import costly  # noqa: E402
import executed  # noqa: E402


class Node:
    """A function in the call tree."""

    def __init__(self):
        self.own = 0
        self.children = {}
        self.leaves = {}

    def child(self, name):
        if name not in self.children:
            self.children[name] = Node()
        return self.children[name]

    def leaf(self, key, chain):
        """The node of an instruction: `chain` below this one."""
        if key not in self.leaves:
            node = self
            for name in chain:
                node = node.child(name)
            self.leaves[key] = node
        return self.leaves[key]

    def total(self):
        return self.own + sum(child.total() for child in self.children.values())


def tree_of(instructions):
    """Follows calls and returns. The kernel begins each entry with an empty stack."""
    top = Node()
    stacks = {}
    was_kernel = False
    for module, address in instructions:
        name = module.name if module else "other programs"
        is_kernel = name == "kernel"
        stack = stacks.setdefault(name, [top.child(name)])
        if is_kernel and not was_kernel:
            del stack[1:]
        was_kernel = is_kernel
        node = stack[-1].leaf(address, module.chains[address] if module else ())
        node.own += 1
        word = module.words[address][0] if module else ""
        if word.startswith("call"):
            stack.append(node)
        elif word.startswith("ret") and len(stack) > 1:
            stack.pop()
    return top


def print_tree(node, name, whole, least, depth=0):
    total = node.total()
    if total < least:
        return
    print(f"{total:8,} {100 * total / whole:5.1f} %  {'  ' * depth}{name}"
          + (f"  (itself {node.own:,})" if node.own >= least and node.children else ""))
    for child_name, child in sorted(node.children.items(), key=lambda item: -item[1].total()):
        print_tree(child, child_name, whole, least, depth + 1)


def flat(node, where=None, out=None):
    """(program, function) -> instructions of its own."""
    out = {} if out is None else out
    for name, child in node.children.items():
        if where is None:
            flat(child, name, out)
        else:
            out[where, name] = out.get((where, name), 0) + child.own
            flat(child, where, out)
    return out


def print_table(name, top, least, markdown):
    whole = top.total()
    functions = flat(top)
    shown = sorted(((count, *key) for key, count in functions.items() if count >= least), reverse=True)
    rest = whole - sum(count for count, _, _ in shown)
    if markdown:
        print(f"\n### {name}: {whole:,} instructions\n")
        print("| instructions | share | program | function |\n|---:|---:|---|---|")
        line = "| {:,} | {:.1f} % | {} | `{}` |"
    else:
        print(f"\n{name}: {whole:,} instructions")
        line = "{:8,} {:5.1f} %  {:<8} {}"
    for count, program, function in shown + [(rest, "", "(all others)")]:
        print(line.format(count, 100 * count / whole, program, function))


def show(run, name, instructions, options):
    for module in (run.kernel, *run.programs):
        module.name_all(address for owner, address in instructions if owner is module)
    top = tree_of(instructions)
    least = max(1, top.total() * options.share / 100)
    print_table(name, top, least, options.markdown)
    if options.paths and not options.markdown:
        print()
        print_tree(top, name, top.total(), least)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="least share of a path that is shown, in percent")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--costly", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    if options.check:
        options.paths = [costly.CHECKED_PATH]
    run, rounds = executed.measure(options.paths)
    if options.check:
        sys.exit(costly.check(costly.count(run, rounds.get(costly.CHECKED_PATH, []))))
    if options.costly:
        print(costly.table({name: costly.count(run, found) for name, found in rounds.items()}))
        return
    for name, found in rounds.items():
        show(run, name, run.instructions(found), options)


if __name__ == "__main__":
    main()
