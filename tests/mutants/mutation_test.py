#!/usr/bin/env python3
"""Tests of the mutation tool itself: what it finds in a piece of C, how it changes it, and that names are stable."""

import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from mutation import operators, reach, run, scan  # noqa: E402

SOURCE = '''/* if (this is no code) return STATUS_BAD_HANDLE; */
static enum status check(struct ref *ref, u64 offset, u64 length)
{
    if (offset > length || length - offset < ref->size)
        return STATUS_BAD_ARGUMENT;
    enum status status = syscall_lookup(ref, OBJECT_GROUP, RIGHT_SPAWN | RIGHT_DERIVE, ref);
    TRACE(CAP_DENIED, offset < length, 0, 0, 0);
    ASSERT(offset < 5);
    u32 index = (u32)arch_index_clamp(offset, ref->count);
    ref->rights = ref->held & length;
    if (status == STATUS_OK) {
        object_put(ref->object);
        status = STATUS_REVOKED;
    }
    spin_unlock(&ref->lock);
    needed |= RIGHT_WRITE;
    return status;
}
'''


def found(operator=None, source=SOURCE):
    return [m for m in operators.mutants_of("kernel/x.c", source) if not operator or f": {operator}: " in m.name]


class Scanning(unittest.TestCase):
    def test_comments_strings_and_silent_macros_are_no_code(self):
        code = scan.blank_silent('a("if (x)"); /* if */ TRACE(A, b < c, 0, 0, 0); // if\n#if X\nb < c;')
        self.assertNotIn("if", code)
        self.assertEqual(code.count("<"), 1)

    def test_offsets_stay(self):
        self.assertEqual(len(scan.blank_silent(SOURCE)), len(SOURCE))

    def test_functions_have_names_and_bodies(self):
        functions = scan.functions(scan.blank_silent(SOURCE))
        self.assertEqual([f.name for f in functions], ["check"])
        self.assertTrue(SOURCE[functions[0].start:functions[0].end].strip().endswith("return status;"))

    def test_attributes_are_no_names(self):
        text = "static __attribute__((noinline)) int look(int a)\n{\n    return a;\n}\n"
        self.assertEqual([f.name for f in scan.functions(scan.blank_silent(text))], ["look"])

    def test_reached_lines_are_read_from_lcov(self):
        self.assertEqual(reach.lines_of("SF:kernel/x.c\nDA:3,0\nDA:4,2\nend_of_record\n"), {"kernel/x.c": {"4": 2}})

    def test_chains_are_split_at_their_own_level(self):
        text = "a && (b || c) && d"
        self.assertEqual([text[s:e].strip() for s, e in scan.split_top(text, 0, len(text), "&&")],
                         ["a", "(b || c)", "d"])
        self.assertEqual(len(scan.split_top(text, 0, len(text), "||")), 1)


class Reach(unittest.TestCase):
    def test_the_rare_and_the_cheap_come_first_and_others_not_at_all(self):
        known = reach.Reach(None, [])
        known.tests = {name: {"seconds": cost, "lines": {"x.c": lines}} for name, cost, lines in (
            ("boot", 0.1, {"1": 1}), ("dear", 2.0, {"1": 5, "2": 1}), ("cheap", 0.2, {"1": 3}))}
        known._invert()
        self.assertEqual(known.of("x.c", 1, 1), ["cheap", "dear", "boot"])
        self.assertEqual(known.of("x.c", 2, 2), ["dear"])
        self.assertEqual(known.of("x.c", 3, 3), [])


class Kept:
    """A context whose only file is SOURCE, or what a test makes of it."""

    def __init__(self, source=SOURCE):
        self.source = source

    def read(self, path):
        return {run.KILLED_LIST: "# how\n0123 a: b: c d\n"}.get(path, self.source)

    @staticmethod
    def files(*_endings, folders=()):
        return ["kernel/x.c"] if folders else []


class Dependable(unittest.TestCase):
    """What may be listed as killed."""

    def setUp(self):
        self.laboratory = self.over(SOURCE)
        self.mutant = found("never")[0]

    @staticmethod
    def over(source):
        laboratory = run.Laboratory.__new__(run.Laboratory)
        laboratory.context, laboratory.texts, laboratory.effort = Kept(source), {"kernel/x.c": source}, run.ALL
        laboratory.sources, laboratory.results = run.digest_of_sources(laboratory.context), {}
        return laboratory

    def is_dependable(self, **changed):
        entry = {"key": self.laboratory.key(self.mutant), "outcome": run.KILLED, "detail": "FAIL it",
                 "on": self.laboratory.sources}
        self.laboratory.results[self.mutant.name] = {**entry, **changed}
        return run.is_dependable(self.laboratory, self.mutant)

    def test_a_test_that_failed_on_these_sources_counts(self):
        self.assertTrue(self.is_dependable())

    def test_other_sources_time_and_survival_do_not(self):
        for changed in ({"on": "others"}, {"detail": "FAIL (out of time)"}, {"detail": run.OUT_OF_TIME},
                        {"outcome": run.SURVIVED}, {"key": "another function"}):
            self.assertFalse(self.is_dependable(**changed), changed)

    def test_what_was_killed_with_other_sources_is_to_be_verified(self):
        self.is_dependable()
        self.assertEqual(run.to_verify(self.laboratory, [self.mutant]), [])
        self.is_dependable(on="others")
        self.assertEqual(run.to_verify(self.laboratory, [self.mutant]), [self.mutant])

    def test_the_list_holds_a_mark_before_each_name(self):
        self.assertEqual(run.read_killed(Kept()), {"a: b: c d": "0123"})

    def test_a_mark_changes_with_its_function_alone(self):
        same = self.over("int y;\n" + SOURCE)
        other = self.over(SOURCE.replace("RIGHT_WRITE", "RIGHT_READ"))
        first = {source: [m for m in found("never", source)][0] for source in
                 (same.texts["kernel/x.c"], other.texts["kernel/x.c"])}
        self.assertEqual(self.laboratory.mark(self.mutant), same.mark(first[same.texts["kernel/x.c"]]))
        self.assertNotEqual(self.laboratory.mark(self.mutant), other.mark(first[other.texts["kernel/x.c"]]))


class Operators(unittest.TestCase):
    def changed(self, operator):
        return [operators.apply(SOURCE, mutant) for mutant in found(operator)]

    def test_each_operator_finds_its_places(self):
        counts = {name: len(found(name)) for name in ("never", "always", "term", "compare", "right", "type", "mask",
                                                      "gain", "call", "status", "clamp")}
        self.assertEqual(counts, {"never": 2, "always": 1, "term": 2, "compare": 2, "right": 2, "type": 1, "mask": 1,
                                  "gain": 1, "call": 1, "status": 2, "clamp": 1})

    def test_a_guard_is_evaluated_and_not_heeded(self):
        self.assertIn("if (((offset > length || length - offset < ref->size) && 0))", self.changed("never")[0])

    def test_operands_bounds_rights_and_masks(self):
        self.assertIn("if (0 || length - offset < ref->size)", self.changed("term")[0])
        self.assertIn("if (offset >= length ||", self.changed("compare")[0])
        self.assertIn("OBJECT_GROUP, 0 | RIGHT_DERIVE", self.changed("right")[0])
        self.assertIn("ref, OBJECT_NONE,", self.changed("type")[0])
        self.assertIn("ref->rights = ref->held;", self.changed("mask")[0])
        self.assertIn("(u32)(offset);", self.changed("clamp")[0])

    def test_effects(self):
        self.assertIn("        (void)0;", self.changed("call")[0])
        self.assertNotIn("needed |=", self.changed("gain")[0])
        self.assertIn("return STATUS_OK;", self.changed("status")[0])

    def test_names_do_not_depend_on_lines_nor_on_how_they_are_broken(self):
        moved = "\n\n" + SOURCE.replace("offset > length || length", "offset > length ||\n        length")
        self.assertEqual([m.name for m in found()], [m.name for m in found(source=moved)])

    def test_names_are_unique(self):
        doubled = SOURCE.replace("    spin_unlock", "    object_put(ref->object);\n    spin_unlock")
        names = [m.name for m in found(source=doubled)]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
