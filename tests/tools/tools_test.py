"""Tests of the tools themselves. Run by tools/check --only tools, or python3 tests/tools/tools_test.py."""

import itertools
import os
import subprocess
import sys
import tempfile
import unittest
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests")]

import mkarchive  # noqa: E402
import mkimage  # noqa: E402
from checks import layers, memory_safety, text_rules  # noqa: E402
from ferrous import console, count, image, machine, packages, programs  # noqa: E402
from ferrous.context import Context  # noqa: E402
from system import booted, machines  # noqa: E402


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


class Archive(unittest.TestCase):
    FILES = {"shell": b"\x7fELF" + bytes(range(256)), "manifest": b"a", "empty": b"", "four": b"1234"}

    def test_what_goes_in_comes_out(self):
        self.assertEqual(mkarchive.entries(mkarchive.archive(self.FILES)), self.FILES)

    def test_order_of_files_does_not_matter(self):
        backwards = dict(reversed(list(self.FILES.items())))
        self.assertEqual(mkarchive.archive(self.FILES), mkarchive.archive(backwards))

    def test_names_with_times_and_owners_are_fixed(self):
        data = mkarchive.archive({"a": b"x"})
        self.assertEqual(data[:110], b"070701" + b"00000001" + b"000081A4" + b"00000000" * 2 + b"00000001"
                         + b"00000000" + b"00000001" + b"00000000" * 4 + b"00000002" + b"00000000")

    def test_a_cut_archive_is_noticed(self):
        with self.assertRaises((ValueError, IndexError)):
            mkarchive.entries(mkarchive.archive(self.FILES)[:-130])


class DiskImage(unittest.TestCase):
    def test_same_files_same_image_and_files_are_readable(self):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "in.txt")
            with open(source, "w", encoding="utf-8") as file:
                file.write("hello\n")
            paths = [os.path.join(folder, name) for name in ("one.img", "two.img")]
            for age, path in enumerate(paths):
                os.utime(source, (1000000000 * age, 1000000000 * age))
                mkimage.build(path, [("EFI/BOOT/BOOTX64.EFI", source), ("ferrous/cmdline.txt", source)])
            contents = [read_bytes(path) for path in paths]
            self.assertEqual(contents[0], contents[1])
            self.assertEqual(image.read(paths[0], "ferrous/cmdline.txt", folder), b"hello\n")

    def test_a_variant_has_the_words_and_leaves_the_original(self):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "in.txt")
            with open(source, "w", encoding="utf-8") as file:
                file.write("\n")
            original = os.path.join(folder, "disk.img")
            mkimage.build(original, [("ferrous/cmdline.txt", source)])
            before = read_bytes(original)
            copy = image.variant(original, folder, append="slide=off")
            self.assertNotEqual(copy, original)
            self.assertEqual(image.read(copy, "ferrous/cmdline.txt", folder), b"slide=off\n")
            self.assertEqual(read_bytes(original), before)
            self.assertEqual(image.variant(original, folder), original)

    def test_partition_table_checks_out(self):
        header = mkimage.gpt_header(1, mkimage.DISK_SECTORS - 1, 2)
        self.assertEqual(header[:8], b"EFI PART")
        blank = header[:16] + bytes(4) + header[20:92]
        self.assertEqual(int.from_bytes(header[16:20], "little"), zlib.crc32(blank))


class Machines(unittest.TestCase):
    def test_the_small_set_covers_every_pair(self):
        wanted = set().union(*(machines.pairs_of(c) for c in itertools.product(*machines.FACTORS)))
        cover = machines.pairwise_cover(machines.FACTORS)
        self.assertEqual(set().union(*(machines.pairs_of(c) for c in cover)), wanted)
        self.assertLessEqual(len(cover), 18)

    def test_the_full_product_is_full(self):
        self.assertEqual(len(machines.machines("soak")), 4 * 3 * 2 * 4)

    def test_nodes_share_memory_and_processors(self):
        words = machine.numa_arguments(machine.Machine(cpus=4, memory_mib=512, nodes=2))
        self.assertIn("node,nodeid=0,memdev=node0,cpus=0,cpus=1", words)
        self.assertIn("node,nodeid=1,memdev=node1,cpus=2,cpus=3", words)
        self.assertEqual(machine.numa_arguments(machine.Machine()), [])

    def test_counted_runs_are_repeatable_machines(self):
        words = machine.processor_arguments(machine.Machine(icount=True, cpus=4))
        self.assertEqual(words[words.index("-smp") + 1], "1")
        self.assertIn("shift=0,sleep=off", words)

    def test_the_exit_device_status_is_undone(self):
        self.assertEqual([machine.exit_status(code) for code in (0, 1, 3, 255)], [0, 0, 1, 127])


class Leaks(unittest.TestCase):
    def test_less_free_and_more_in_use_is_a_loss(self):
        before = {"free": 100, "kernel data": 8, "threads of shell": 1}
        self.assertEqual(booted.losing(before, before), set())
        self.assertEqual(booted.losing(before, before | {"free": 99, "kernel data": 9}), {"free", "kernel data"})
        self.assertEqual(booted.losing(before, before | {"free": 101, "kernel data": 7}), set())


class Console(unittest.TestCase):
    def test_escapes_and_erased_characters_vanish(self):
        self.assertEqual(console.clean("\x1b[2J\x1b[=3hab\b\bcd\r\n\x1b[1;31mred\x1b[0m"), "cd\nred")

    def test_panics_and_refusals_are_seen(self):
        self.assertTrue(console.PANIC.search("[1.0] PANIC on CPU 3: assertion failed"))
        self.assertTrue(console.LOADER_ERROR.search("ferrous loader: error: init.elf is missing"))
        self.assertFalse(console.PANIC.search("don't panic"))


class Counting(unittest.TestCase):
    def test_comments_and_blanks_are_not_counted(self):
        text = '/* a\n b */\n\nint a; /* c */\n// d\nchar *s = "/* no comment";\n  \nint b;\n'
        self.assertEqual(count.code_lines(text), 3)

    def test_code_before_a_comment_counts(self):
        self.assertEqual(count.code_lines("int a; /* b\n c */ int d;"), 2)


class Layers(unittest.TestCase):
    def test_the_way_up_is_barred_and_the_way_down_free(self):
        table = layers.load_table()
        self.assertIn("core", layers.allowed_zones("ipc", table))
        self.assertNotIn("ipc", layers.allowed_zones("sched", table))
        self.assertNotIn("core", layers.allowed_zones("lib", table))
        self.assertNotIn("sdk", layers.allowed_zones("boot", table))

    def test_a_wrong_include_is_named(self):
        table = layers.load_table()
        wrong = layers.problem_with("lib/list.c", "../kernel/core/lock.h", False, table)
        self.assertIn("lib may not include core", wrong)
        self.assertIn("not a freestanding header", layers.problem_with("kernel/core/lock.c", "stdio.h", True, table))
        self.assertIn("found nowhere", layers.problem_with("lib/list.c", "no/such.h", False, table))
        self.assertIsNone(layers.problem_with("kernel/core/lock.c", "core/lock.h", False, table))


    def test_sides_of_an_interface_belong_to_the_sdk(self):
        table = layers.load_table()
        for path, name, allowed in (("apps/shell/main.c", "interfaces/console_client.h", True),
                                    ("sdk/console.c", "interfaces/console.h", True),
                                    ("lib/list.c", "interfaces/console.h", False),
                                    ("interfaces/console.h", "interfaces/manager_client.h", False),
                                    ("kernel/ipc/send.c", "interfaces/console.h", False),
                                    ("apps/shell/main.c", "interfaces/nobody_client.h", False)):
            with self.subTest(f"{path} {name}"):
                self.assertEqual(layers.problem_with(path, name, False, table) is None, allowed)


class Safety(unittest.TestCase):
    CODE = """int read_io(unsigned long a);
int read_io(unsigned long a)
{
    return *(volatile int *)a;
}
unsigned long number(int *p);
unsigned long number(int *p)
{
    __asm__ volatile("nop");
    return (unsigned long)p;
}
"""

    def test_casts_and_assembly_are_found_where_they_are(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "a.c"), "w", encoding="utf-8") as file:
                file.write(self.CODE)
            dump = subprocess.run([programs.find("clang"), "-fsyntax-only", "-Xclang", "-ast-dump",
                                   "-fno-color-diagnostics", "a.c"], cwd=folder, stdout=subprocess.PIPE, text=True,
                                  check=True).stdout
        found = [(line, kind) for _, line, _, kind in memory_safety.places_in_tree(dump)]
        self.assertEqual(found, [(4, "makes a pointer from a number"), (9, "assembly"),
                                 (10, "makes a number from a pointer")])

    def test_a_comment_counts_only_in_its_own_function(self):
        lines = ["/* SAFETY: yes */", "a", "}", "b"]
        self.assertTrue(memory_safety.is_explained(lines, False, 2))
        self.assertFalse(memory_safety.is_explained(lines, False, 4))
        self.assertTrue(memory_safety.is_explained(lines, True, 4))


class TextRules(unittest.TestCase):
    def test_left_over_marks_are_seen(self):
        self.assertTrue(text_rules.LEFT_OVER.search("/* TO" + "DO: later */"))
        self.assertFalse(text_rules.LEFT_OVER.search("mastodon"))

    def test_machine_paths_are_seen(self):
        self.assertTrue(text_rules.MACHINE_PATH.search("see /ho" + "me/me/x"))
        self.assertFalse(text_rules.MACHINE_PATH.search("kernel/core and /usr/share"))


class Setup(unittest.TestCase):
    """tools/setup on a machine that seems to lack packages: dpkg-query and apt-get are replaced by scripts."""

    def run_setup(self, folder, missing):
        log = os.path.join(folder, "log")
        installed = "".join(f"echo '{name} installed'\n" for name in packages.FOR_CHECK if name not in missing)
        for name, body in (("dpkg-query", installed), ("apt-get", f'echo "$@" >> {log}\n'), ("sudo", 'exec "$@"\n')):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\n" + body)
            os.chmod(path, 0o755)
        done = subprocess.run([os.path.join(ROOT, "tools/setup"), "check"], text=True, stdout=subprocess.PIPE,
                              env=dict(os.environ, PATH=folder + ":" + os.environ["PATH"]), check=True)
        return done.stdout, read_bytes(log).decode().splitlines() if os.path.exists(log) else []

    def test_only_what_is_missing_is_installed_and_said(self):
        with tempfile.TemporaryDirectory() as folder:
            output, commands = self.run_setup(folder, ("mtools", "ovmf"))
        self.assertIn("not installed: mtools ovmf", output)
        self.assertEqual(commands[0].split()[0], "update")
        self.assertEqual(commands[1].split()[-2:], ["mtools", "ovmf"])

    def test_nothing_is_done_where_nothing_is_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            output, commands = self.run_setup(folder, ())
        self.assertEqual(commands, [])
        self.assertIn("are installed", output)


class Tools(unittest.TestCase):
    def test_a_package_that_cannot_exist_is_missing(self):
        self.assertEqual(packages.missing(["no-such-package-as-this"]), ["no-such-package-as-this"])

    def test_every_file_belongs_to_a_part(self):
        context = Context()
        self.assertEqual(context.part_of("lib/list_test.c"), "host")
        self.assertEqual(context.part_of("boot/uefi/main.c"), "boot")
        self.assertEqual(context.part_of("kernel/core/lock.h"), "kernel")
        self.assertEqual(context.part_of("apps/shell/main.c"), "user")


if __name__ == "__main__":
    unittest.main()
