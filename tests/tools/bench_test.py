"""Tests of the benchmark's runner: what it reads, compares, refuses and writes. No emulator."""

import os
import sys
import tempfile
import types
import unittest
import xml.dom.minidom

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests"), os.path.join(ROOT, "bench")]

import bench as bench_run  # noqa: E402
import chart  # noqa: E402
import costly  # noqa: E402
import executed  # noqa: E402
import ferrous_side  # noqa: E402
import linux_side  # noqa: E402
import ratios  # noqa: E402
import workloads  # noqa: E402
from ferrous import packages  # noqa: E402

OUTPUT = """junk
CALIBRATION 20000 instructions 20005 ticks
BENCH null 82 instructions
      median 83 of 1000 rounds
BENCH boot 2610854 instructions
"""
TABLE = [
    {"id": "a", "title": "a row", "ferrous": "null", "linux": ["slow_*", "quick"], "sel4": 89, "target": 60},
    {"id": "b", "title": "tracing", "unit": "percent", "ferrous": "on/off", "linux": ["t_on/t_off"], "target": 10},
    {"id": "c", "title": "nobody has it", "ferrous": None, "linux": [], "target": 5},
]
OURS = {"null": {"least": 90, "median": 91}, "on": {"least": 105}, "off": {"least": 100}}
LINUX = {"slow_1": {"least": 400}, "slow_2": {"least": 300}, "quick": {"least": 350},
         "t_on": {"least": 300}, "t_off": {"least": 200}}


class Reading(unittest.TestCase):
    def test_least_median_and_rounds_are_read(self):
        found = workloads.counted(OUTPUT)
        self.assertEqual(found["null"], {"least": 82, "median": 83, "rounds": 1000})
        self.assertEqual(found["boot"], {"least": 2610854})

    def test_a_counter_that_does_not_count_instructions_is_refused(self):
        for wrong in (OUTPUT.replace("20005 ticks", "31000 ticks"), OUTPUT.replace("20005 ticks", "19999 ticks"),
                      OUTPUT.replace("CALIBRATION", "calibration"), OUTPUT.replace("82 instructions", "82 ticks"),
                      "CALIBRATION 20000 instructions 20005 ticks\n"):
            with self.assertRaises(workloads.Miscounted):
                workloads.counted(wrong)

    def test_the_table_names_each_row_once(self):
        rows = workloads.load()
        self.assertGreater(len(rows), 25)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "t.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write('{"rows": [{"id": "x"}, {"id": "x"}]}')
            with self.assertRaises(ValueError):
                workloads.load(path)

    def test_what_was_recorded_of_linux_fits_the_table(self):
        linux = bench_run.load(bench_run.LINUX)
        for key in ("best", "default"):
            self.assertEqual(workloads.unmatched(workloads.load(), linux[key]["figures"]), [])

    def test_a_name_that_fits_nothing_is_told(self):
        self.assertEqual(workloads.unmatched(TABLE, {"quick": {}, "t_on": {}, "t_off": {}}), ["slow_*"])


class Comparing(unittest.TestCase):
    def rows(self, ours=None):
        return workloads.join(TABLE, OURS if ours is None else ours, LINUX, {})

    def test_the_cheapest_way_is_the_one_compared(self):
        self.assertEqual((self.rows()[0].way, self.rows()[0].linux), ("slow_2", 300))

    def test_a_quotient_is_shown_in_percent(self):
        row = self.rows()[1]
        self.assertEqual((row.linux, row.ours, row.mark), (50.0, 5.0, "met"))

    def test_marks(self):
        self.assertEqual([row.mark for row in self.rows()], ["missed, 1.5 times", "met", "not measured"])
        self.assertEqual(self.rows({"null": {"least": 60}})[0].mark, "met")

    def test_what_the_table_does_not_name_is_shown_all_the_same(self):
        self.assertEqual(self.rows(dict(OURS, new={"least": 7}))[-1].ours, 7)

    def test_two_runs_must_be_alike_in_every_figure(self):
        self.assertEqual(bench_run.differences(OURS, dict(OURS)), [])
        other = dict(OURS, null={"least": 90, "median": 92})
        self.assertEqual([text.split(":")[0] for text in bench_run.differences(OURS, other)], ["null"])
        self.assertEqual([text.split(":")[0] for text in bench_run.differences(OURS, {})], ["null", "off", "on"])

    def test_growth_of_two_percent_passes_and_more_does_not(self):
        recorded = {"big": 1000, "small": 10, "gone": 5}
        results = {"big": {"least": 1021}, "small": {"least": 11}}
        self.assertEqual([problem.split(":")[0] for problem in bench_run.grown(results, recorded)], ["big", "gone"])
        self.assertEqual(bench_run.grown({"big": {"least": 1020}}, {"big": 1000}), [])

    def test_ratios_are_of_the_least_medians(self):
        found = {}
        for median in (30, 20, 25):
            ratios.keep_least(found, {"null": {"least": 1, "median": median}})
        self.assertEqual(found["null"], {"least": 20})
        self.assertIn("15.0   slow_2", ratios.table(TABLE[:1], found, LINUX)[0])


class Writing(unittest.TestCase):
    def test_the_section_between_the_markers_is_replaced_and_nothing_else(self):
        text = f"before\n{bench_run.BEGIN}\nold\n{bench_run.END}\nafter\n"
        new = bench_run.section(workloads.join(TABLE, OURS, LINUX, {}), {"kernel": "6.1"})
        out = bench_run.replace_section(text, new)
        self.assertTrue(out.startswith("before\n") and out.endswith("\nafter\n") and "old" not in out)
        self.assertIn("| a row | 300 | `slow_2` |", out)
        self.assertEqual(bench_run.replace_section(out, new), out)
        with self.assertRaises(ValueError):
            bench_run.replace_section("no markers", new)

    def test_readme_and_chart_are_what_the_results_say(self):
        rows, linux = bench_run.joined()
        with open(bench_run.README, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(bench_run.replace_section(text, bench_run.section(rows, linux)), text)
        with open(os.path.join(bench_run.RESULTS, "chart.svg"), encoding="utf-8") as file:
            self.assertEqual(file.read(), chart.draw(rows, bench_run.NOTE))

    def test_the_chart_is_xml_with_longer_bars_for_more(self):
        rows = workloads.join(TABLE, OURS, LINUX, {})
        picture = xml.dom.minidom.parseString(chart.draw(rows, "a < b"))
        width = {rect.getAttribute("fill"): float(rect.getAttribute("width"))
                 for rect in picture.getElementsByTagName("rect") if rect.getAttribute("x") == str(chart.LABELS)
                 and rect.getAttribute("height") == str(chart.BAR - 1)}
        colours = {key: colour for key, _, colour in chart.SERIES}
        self.assertGreater(width[colours["linux"]], width[colours["ours"]])
        self.assertGreater(width[colours["ours"]], width[colours["target"]])


class Systems(unittest.TestCase):
    MANIFEST = "endpoint console\n\nservice uart\n    use console receive\n\nservice shell\n    machine power\n\n" \
               "program *\n    limit memory=1M\n\nprogram bench\n    use console send\n    archive\n"

    def test_bench_takes_the_place_of_the_shell(self):
        text = ferrous_side.manifest_of(self.MANIFEST, ["--pinned"])
        self.assertIn("service uart", text)
        self.assertIn("service bench\n    use console send\n    archive\n    restart never\n    arguments --pinned\n",
                      text)
        for gone in ("shell", "program"):
            self.assertNotIn(gone, text)
        with self.assertRaises(ValueError):
            ferrous_side.manifest_of("service uart\n")

    def test_the_real_manifest_can_be_changed_so(self):
        with open(ferrous_side.MANIFEST, encoding="utf-8") as file:
            self.assertIn("service bench\n", ferrous_side.manifest_of(file.read()))

    def test_linux_is_measured_on_the_same_machine(self):
        words = linux_side.command("K", linux_side.AT_ITS_BEST, "S")
        self.assertEqual(words[words.index("-icount") + 1], "shift=0,sleep=off")
        self.assertEqual(words[words.index("-cpu") + 1], "max,-erms")
        self.assertEqual(words[words.index("-smp") + 1], "1")
        self.assertIn("mitigations=off", words[words.index("-append") + 1])
        both = linux_side.command("K", "", "S", two_cpus=True)
        self.assertEqual((both[both.index("-smp") + 1], "-icount" in both), ("2", False))

    def test_without_the_package_it_is_skipped(self):
        before = packages.depends_on, packages.update_lists
        packages.depends_on, packages.update_lists = lambda *_: "", lambda: False
        try:
            with tempfile.TemporaryDirectory() as folder, self.assertRaises(linux_side.Unavailable):
                linux_side.kernel(folder)
        finally:
            packages.depends_on, packages.update_lists = before


class Costly(unittest.TestCase):
    def test_kinds(self):
        for words, kind in ((("movq", "%rcx, %cr3"), "CR3"), (("movq", "%cr3, %rcx"), None), (("wrmsr", ""), "MSR"),
                            (("movq", "%rax, %cr0"), "CR0"), (("clts", ""), "CR0"), (("rdmsr", ""), None),
                            (("swapgs", ""), "segment base"), (("wrfsbaseq", "%rax"), "segment base"),
                            (("xsaveopt64", "(%rdi)"), "XSAVE/XRSTOR"), (("lock", ""), "locked"),
                            (("xchgl", "%eax, 32(%rdi)"), "locked"), (("xchgq", "%rax, %rbx"), None),
                            (("invlpg", "(%rax)"), "TLB flush"), (("cmpxchgq", "%rax, (%rbx)"), None)):
            self.assertEqual(costly.kind_of(*words), kind, words)

    def test_a_round_is_counted(self):
        nops = {address: ("nop", "") for address in range(100)}
        kernel = Executed.module("kernel", nops | {16: ("sti", ""), 80: ("lock", "")}, None)
        kernel.is_kernel = True
        program = Executed.module("bench", nops, None)
        path = [(kernel, n) for n in range(5)] + [(program, n) for n in range(9)] + [(kernel, n) for n in range(10, 90)]
        run = types.SimpleNamespace(instructions=lambda records: path, data_lines=executed.Run.data_lines)
        records = [(0, 640 << 2 | executed.LOADED), (0, 648 << 2 | executed.STORED), (0, 704 << 2 | executed.LOADED)]
        found = costly.count(run, records)
        self.assertEqual(found[costly.STRETCH], 73)  # from behind the sti at 16 to the end
        self.assertEqual((found["locked"], found[costly.CODE_LINES]), (1, 3))
        self.assertEqual((found[costly.DATA_LINES], found[costly.WRITTEN_LINES]), (2, 1))
        self.assertEqual(costly.kind_of("sti", ""), costly.WINDOW)

    def test_more_than_allowed_is_told(self):
        found = dict.fromkeys(costly.KINDS, 0)
        found.update(CR3=2, locked=2)
        self.assertEqual(costly.excess(found), [])
        found.update(CR3=3, MSR=1)
        self.assertEqual(len(costly.excess(found)), 2)

    def test_nothing_counted_is_a_failure(self):
        self.assertEqual(costly.check(dict.fromkeys(costly.KINDS, 0)), 1)


class Executed(unittest.TestCase):
    """What the plugin wrote, made up: 16 bytes a record."""

    @staticmethod
    def module(name, words, distance):
        module = executed.Module.__new__(executed.Module)
        module.name, module.words, module.distance, module.is_kernel = name, words, distance, False
        module.start, module.end = min(words), max(words) + 16
        module.files = dict.fromkeys(words, "./apps/bench/calls.c")
        module.name_all = lambda addresses: None
        module.address_of = lambda symbol: max(words)
        return module

    def run_of(self, counts, places):
        """A run whose benchmark executed these of its addresses; 0 is a read of the counter, 9 the report."""
        words = {n: ("rdtsc" if n == 0 else "nop", "") for n in range(10)}
        run = executed.Run.__new__(executed.Run)
        run.bench = self.module("bench", words, 4096)
        run.kernel, run.programs, run.names = None, [run.bench], counts
        run.data = b"".join(executed.RECORD.pack(0x7000 + n, (n + 4096) << 2 | executed.EXECUTED) for n in places)
        return run

    def test_the_last_round_that_is_as_long_as_reported_is_cut_out(self):
        # A round of 3, one of 4, and the counter read once more, as who waits does.
        run = self.run_of([("path", 4)], [0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 5, 0, 9])
        (name, records), = run.rounds()
        self.assertEqual((name, [address for _, address in run.instructions(records)]), ("path", [1, 2, 3, 4]))

    def test_two_paths_may_be_measured_in_one_round(self):
        run = self.run_of([("short", 2), ("whole", 6)], [0, 1, 2, 0, 3, 4, 5, 0, 9, 9])
        self.assertEqual([len(run.instructions(records)) for _, records in run.rounds()], [2, 6])

    def test_code_is_found_by_what_fits(self):
        words = {4096 + n * n: ("nop", "") for n in range(50)}
        module = self.module("bench", words, None)
        module.settle({77: {n * n for n in range(40)}, 78: {3}})
        self.assertEqual(module.distance, 76 * 4096)
        module.distance = None
        module.settle({77: {n * n + 1 for n in range(40)}})
        self.assertIsNone(module.distance)


if __name__ == "__main__":
    unittest.main()
