"""Tests of the interface compiler. Run by tools/check --only tools, or python3 tests/tools/idl_test.py."""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from idl_compiler import abi, compatible, grammar, lexer, tables  # noqa: E402
from idl_compiler.grammar import IdlErrors, parse  # noqa: E402
from idl_compiler.main import outputs  # noqa: E402
from ferrous import programs  # noqa: E402

TOOL = os.path.join(ROOT, "tools/idl")
KNOWN = abi.load(os.path.join(ROOT, "abi"))
HEAD = "interface some = 7 version 2;\n"


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def mistakes(text):
    """What is wrong with an interface file, as line:column: text."""
    try:
        parse("bad.idl", text, KNOWN)
    except IdlErrors as error:
        return [f"{one.place.line}:{one.place.column}: {one.text}" for one in error.errors]
    return []


def interface(text):
    return parse("some.idl", HEAD + text, KNOWN)


class Wrong(unittest.TestCase):
    def cases(self):
        blocks = re.split(r"^=== ", text_of("tests/tools/idl/wrong.txt"), flags=re.MULTILINE)[1:]
        for block in blocks:
            name, _, rest = block.partition("\n")
            text, _, expected = rest.partition("--> ")
            yield name, text, ("--> " + expected).replace("--> ", "").splitlines()

    def test_each_mistake_is_told_with_its_place(self):
        count = 0
        for name, text, expected in self.cases():
            with self.subTest(name):
                self.assertEqual(mistakes(text), expected)
            count += 1
        self.assertGreater(count, 70)

    def test_each_complaint_of_the_compiler_is_provoked(self):
        """Every line that complains was reached by one of the cases."""
        reached = set()
        complain, error = grammar.Parser.complain, lexer.Place.error

        def note():
            caller = sys._getframe(2)
            reached.add((os.path.basename(caller.f_code.co_filename), caller.f_lineno))

        def noted_complain(parser, place, text):
            note()
            complain(parser, place, text)

        def noted_error(place, text):
            note()
            return error(place, text)

        with mock.patch.object(grammar.Parser, "complain", noted_complain), \
                mock.patch.object(lexer.Place, "error", noted_error):
            for _, text, _ in self.cases():
                mistakes(text)
        for name in ("grammar.py", "lexer.py"):
            lines = text_of(f"tools/idl_compiler/{name}").splitlines()
            expected = {number for number, line in enumerate(lines, 1)
                        if re.search(r"\b(?:complain|error)\(", line) and "def " not in line
                        and "self.errors.append" not in line}
            self.assertTrue(expected)
            self.assertEqual(expected - {line for file, line in reached if file == name}, set(), name)

    def test_damaged_files_end_in_mistakes_and_nothing_else(self):
        whole = text_of("tests/idl/sample.idl")
        pieces = re.findall(r"\s+|\w+|.", whole)
        chance = random.Random(0x1d1)
        for _ in range(1500):
            damaged = list(pieces)
            for _ in range(chance.randint(1, 3)):
                at = chance.randrange(len(damaged))
                kind = chance.randrange(4)
                if kind == 0:
                    del damaged[at]
                elif kind == 1:
                    damaged.insert(at, chance.choice(pieces))
                elif kind == 2:
                    damaged[at] = chance.choice(("0", "65536", "}", "<", "->", "\0", "u8", "é", "/*", '"'))
                else:
                    del damaged[at:]
                    damaged.append(" ")
            mistakes("".join(damaged))  # raises nothing


class Right(unittest.TestCase):
    def test_parameters_lie_where_the_document_says(self):
        method = interface("struct pair { u32 a; u32 b; }\n"
                           "call put = 1 (bytes<9> one, u8 two, pair three, string<5> four, bool five,\n"
                           "              endpoint<SEND> six, pair seven, optional memory<READ> eight);").methods[0]
        places = {param.name: tables.place_of(param) for param in method.request.params}
        self.assertEqual(places, {"one": ("array", 0), "two": ("word", 0), "three": ("offset", 0),
                                  "four": ("array", 1), "five": ("word", 1), "six": ("cap", 0),
                                  "seven": ("offset", 8), "eight": ("cap", 1)})
        self.assertEqual((method.request.words, method.request.counts_word), (3, 2))
        self.assertEqual((method.request.fixed_size, method.request.max_size), (16, 30))
        self.assertEqual((method.request.caps_required, method.request.caps), (1, 2))

    def test_limits_may_be_reached(self):
        found = interface("call a = 1 (u8 a, u8 b, u8 c, u8 d, u8 e, u8 f, u8 g, bytes<1> h, bytes<1> i, bytes<1> j,\n"
                          "            bytes<253> k, endpoint<SEND> l, endpoint<SEND> m, endpoint<SEND> n,\n"
                          "            endpoint<SEND> o) -> (string<255> p) since 2;")
        self.assertEqual(found.methods[0].request.max_size, 256)
        self.assertEqual(found.max_caps, 4)

    def test_structures_are_laid_out_as_c_does(self):
        struct = interface("struct s { u8 a; i8 b; u16 c; string<3> d; u64 e[2]; bool f[8]; }\n"
                           "call a = 1 (s b);").structs[0]
        self.assertEqual([(field.offset, field.size) for field in struct.fields],
                         [(0, 1), (1, 1), (2, 2), (4, 4), (8, 16), (24, 8)])
        self.assertEqual((struct.size, struct.alignment), (32, 8))

    def test_comments_reach_the_generated_code(self):
        found = parse("some.idl", "/* About all. */\n" + HEAD + "/* Does it. */\ncall a = 1 (/* How. */ u32 b);", KNOWN)
        files = outputs([found], ["some.idl"], "", "")
        self.assertIn("/* About all. */", files["some.h"])
        self.assertIn("Does it.", files["some_client.h"])
        self.assertIn("/* How. */", files["some_server.h"])

    def test_a_comment_does_not_begin_another(self):
        found = parse("some.idl", HEAD + "/* See /* there. */\ncall a = 1 ();", KNOWN)
        self.assertIn("See / * there.", outputs([found], ["some.idl"], "", "")["some_client.h"])

    def test_the_same_file_gives_the_same_code(self):
        first, second = (outputs([parse("sample.idl", text_of("tests/idl/sample.idl"), KNOWN)], ["sample.idl"], "", "t")
                         for _ in range(2))
        self.assertEqual(first, second)

    def test_json_tells_what_c_does(self):
        found = parse("sample.idl", text_of("tests/idl/sample.idl"), KNOWN)
        data = json.loads(tables.as_json([found]))["interfaces"][0]
        methods = {method["name"]: method for method in data["methods"]}
        self.assertEqual(data["structs"]["item"]["size"], 72)
        self.assertEqual(methods["note"]["one_way"], True)
        self.assertEqual(methods["items"]["request"]["counts_word"], 1)
        self.assertEqual(methods["choosy"]["fails"], ["NOT_FOUND", "FULL"])
        self.assertIsNone(methods["any"]["fails"])
        second = methods["capabilities"]["request"]["params"][1]
        self.assertEqual((second["object"], second["rights"], second["move"]), ("memory", ["READ"], True))


class Chance(unittest.TestCase):
    """Interfaces made by chance: what the compiler accepts, a C compiler accepts without a warning."""
    COUNT = 6
    FLAGS = ("-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wcast-qual",
             "-Wconversion", "-Wno-sign-conversion", "-Werror", "-ffreestanding", "-fsyntax-only", "-DFERROUS_USER")

    def value(self, chance):
        return chance.choice(("u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "bool", "status", "e0", "e1"))

    def param(self, chance):
        kind = chance.randrange(6)
        size = chance.choice((1, 2, 7, 32, 60))
        if kind == 0:
            return chance.choice((f"string<{size}>", f"bytes<{size}>"))
        if kind == 1:
            return f"array<{chance.choice(('u16', 'i64', 'bool', 'e0', 'e1', 's0', 's1'))}, {chance.randint(1, 4)}>"
        if kind == 2:
            optional, move = chance.choice(("", "optional ")), chance.choice(("", "move "))
            object_type = chance.choice(sorted(KNOWN.objects))
            rights = sorted(KNOWN.objects[object_type].rights)
            return f"{optional}{move}{object_type}<{' | '.join(chance.sample(rights, chance.randint(1, 3)))}>"
        return chance.choice(("s0", "s1")) if kind == 3 else self.value(chance)

    def params(self, chance):
        return "(" + ", ".join(f"{self.param(chance)} p{i}" for i in range(chance.randint(0, 6))) + ")"

    def method(self, chance, number):
        if chance.randrange(4) == 0:
            return f"send m{number} = {number} {self.params(chance)};\n"
        fails = chance.choice(("", " fails any", " fails FULL", " fails FULL, BUSY, DEAD, NOT_FOUND, REVOKED, NO_SLOT"))
        reply = f" -> {self.params(chance)}" if chance.randrange(3) else ""
        return f"call m{number} = {number} {self.params(chance)}{reply}{fails};\n"

    def struct(self, chance, name):
        """Fields from wide to narrow leave no gap between them, and bytes fill the last one."""
        fields = [chance.choice(("u64", "i64")) + " a[2];"] * chance.randint(0, 1)
        fields += [f"{chance.choice(('u32', 'i32', 'status', 'e1'))} b{i};" for i in range(2 * chance.randint(0, 2))]
        fields += [chance.choice(("bool", "u8", "i8", "e0")) + " c[4];", "string<3> d;"]
        return f"struct {name} {{ {' '.join(fields)} }}\n"

    def text(self, chance, index):
        head = f"interface chance{index} = {index + 1} version 1;\nenum e0 : u8 {{ A = 0; B = 255; }}\n" \
               "enum e1 : u32 { A = 1; B = 0xffffffff; }\n" + self.struct(chance, "s0") + self.struct(chance, "s1")
        methods = []
        while len(methods) < 12:
            method = self.method(chance, len(methods) + 1)
            if not mistakes(head + method):
                methods.append(method)
        return head + "".join(methods)

    def test_generated_code_compiles_without_a_warning(self):
        chance = random.Random(0xC)
        with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
            paths = []
            for index in range(self.COUNT):
                paths.append(os.path.join(folder, f"chance{index}.idl"))
                with open(paths[-1], "w", encoding="utf-8") as file:
                    file.write(self.text(chance, index))
            done = subprocess.run([sys.executable, TOOL, "--out", folder, "--table", "all_names", *paths],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""))
            sources = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".c")]
            self.assertEqual(len(sources), 2 * self.COUNT + 1)
            includes = ("-I.", "-Isdk/include", "-I" + folder)
            done = subprocess.run([programs.find("clang"), *self.FLAGS, *includes, *sources],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=ROOT)
            self.assertEqual((done.returncode, done.stdout[:3000]), (0, ""))


class Compatible(unittest.TestCase):
    OLD = "enum e : u8 { A = 1; }\nstruct s { u32 a; }\ncall one = 1 (e b, s c) -> (u32 d) fails FULL;\n"

    def problems(self, new, version=3):
        old = interface(self.OLD)
        return compatible.problems(old, parse("some.idl", f"interface some = 7 version {version};\n" + new, KNOWN))

    def test_methods_may_be_added_in_a_new_version(self):
        self.assertEqual(self.problems(self.OLD), [])
        self.assertEqual(self.problems(self.OLD + "call two = 2 () since 3;\nsend three = 3 () since 3;"), [])
        self.assertIn("says 'since' a version above 2", self.problems(self.OLD + "call two = 2 ();")[0])

    def test_what_is_there_stays(self):
        for new, expected in (
                ("call two = 2 () since 3;", "'one' (1) is gone"),
                (self.OLD.replace("e b, s c", "s c, e b"), "request of method 'one'"),
                (self.OLD.replace("(u32 d)", "(u64 d)"), "reply of method 'one'"),
                (self.OLD.replace("fails FULL", "fails any"), "fails in more ways"),
                (self.OLD.replace("fails FULL", "fails FULL, BUSY"), "fails in more ways"),
                (self.OLD.replace("A = 1;", "A = 1; B = 2;"), "values of enum 'e'"),
                (self.OLD.replace("u32 a;", "u16 a; u16 b;"), "layout of structure 's'")):
            with self.subTest(expected):
                self.assertTrue(any(expected in text for text in self.problems(new)), self.problems(new))

    def test_fewer_errors_are_no_harm(self):
        self.assertEqual(self.problems(self.OLD.replace(" fails FULL", "")), [])

    def test_a_version_does_not_go_back(self):
        self.assertEqual(self.problems(self.OLD, version=1), ["version 1 is below version 2"])


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="ferrous-")
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def idl(self, *arguments):
        done = subprocess.run([sys.executable, TOOL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, cwd=self.folder.name)
        return done.returncode, done.stdout

    def test_mistakes_of_all_files_are_told_and_nothing_is_written(self):
        one = self.write("one.idl", "interface one = 1 version 1;\ncall a = 1 (u31 b);\n")
        two = self.write("two.idl", "interface two = 2 version 1;\n")
        status, output = self.idl("--out", "made", one, two)
        self.assertEqual(status, 1)
        self.assertIn(f"{one}:2:13: error: no type is called 'u31'", output)
        self.assertIn(f"{two}:1:11: error: the interface 'two' has no method", output)
        self.assertFalse(os.path.exists(os.path.join(self.folder.name, "made")))

    def test_numbers_and_names_belong_to_one_interface(self):
        one = self.write("one.idl", "interface one = 9 version 1;\ncall a = 1 ();\n")
        two = self.write("two.idl", "interface two = 9 version 1;\ncall a = 1 ();\n")
        status, output = self.idl("--check", one, two)
        self.assertEqual(status, 1)
        self.assertIn("'two' (9) and the interface of", output)

    def test_a_file_is_called_as_its_interface(self):
        status, output = self.idl("--check", self.write("one.idl", "interface two = 9 version 1;\ncall a = 1 ();\n"))
        self.assertEqual(status, 1)
        self.assertIn("its interface is 'one'", output)

    def test_a_file_that_is_not_there_is_told(self):
        status, output = self.idl("--check", "missing.idl")
        self.assertEqual(status, 1)
        self.assertIn("missing.idl: error: cannot be read", output)

    def test_against_an_older_description(self):
        old = self.write("old.idl", "interface some = 9 version 1;\ncall a = 1 ();\n")
        new = self.write("some.idl", "interface some = 9 version 2;\ncall a = 1 (u32 b);\n")
        status, output = self.idl("--against", old, new)
        self.assertEqual(status, 1)
        self.assertIn("request of method 'a' has changed", output)
        self.write("some.idl", "interface some = 9 version 2;\ncall a = 1 ();\ncall b = 2 () since 2;\n")
        self.assertEqual(self.idl("--against", old, new), (0, ""))

    def test_files_are_made(self):
        path = self.write("one.idl", "interface one = 9 version 1;\ncall a = 1 ();\n")
        self.assertEqual(self.idl("--out", "made", "--table", "names", path), (0, ""))
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder.name, "made"))),
                         ["names.c", "names.json", "one.h", "one_client.c", "one_client.h", "one_server.c",
                          "one_server.h"])


class Tree(unittest.TestCase):
    def test_examples_of_the_documents_are_right(self):
        texts = text_of("docs/interfaces.md") + text_of("docs/guide-first-program.md")
        blocks = re.findall(r"^```idl\n(.*?)^```", texts, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(blocks), 2)
        for block in blocks:
            with self.subTest(block.split("\n", 1)[0]):
                self.assertEqual(mistakes(block), [])

    def test_no_message_of_a_typed_interface_is_packed_by_hand(self):
        """Nobody outside the tests names a label of console or manager."""
        folders = ("apps", "services", "drivers", "sdk")
        for folder in folders:
            for place, _, names in os.walk(os.path.join(ROOT, folder)):
                for name in names:
                    path = os.path.relpath(os.path.join(place, name), ROOT)
                    if name.endswith((".c", ".h")) and not path.startswith("apps/systest/"):
                        self.assertNotRegex(text_of(path), r"MESSAGE_INIT\((?:CONSOLE|MANAGER)_", path)


if __name__ == "__main__":
    unittest.main()
