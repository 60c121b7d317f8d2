#!/usr/bin/env python3
"""The manual's checker: each rule is broken once in a page that is good, and the checker says so."""

import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from ferrous import manual  # noqa: E402
from ferrous.context import Context  # noqa: E402

CALL = manual.Call(8, "signal", "")


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.words = manual.known_words()
        cls.good = manual.read(manual.page_path(CALL.name))

    def problems(self, old="", new=""):
        self.assertIn(old, self.good)
        page = manual.parse("page", self.good.replace(old, new, 1))
        return "\n".join(manual.problems_of(page, CALL, self.words))

    def test_a_good_page_is_good(self):
        self.assertEqual(self.problems(), "")

    def test_sections(self):
        self.assertIn("they must be", self.problems("## Cost", "## Price"))
        text = manual.parse("page", self.good).sections["Arguments"]
        self.assertIn("section Arguments is empty", self.problems(text, "\n"))

    def test_number_and_name(self):
        self.assertIn("Name says signal 9", self.problems("number 8:", "number 9:"))
        self.assertIn("one row of number", self.problems("| number `rax` | 8 |", "| number `rax` | 7 |"))
        self.assertIn("the title is", self.problems("# signal", "# signals"))

    def test_statuses(self):
        self.assertIn("NO_RIGHT is not in abi/status.def", self.problems("| `MISSING_RIGHT` |", "| `NO_RIGHT` |"))
        self.assertIn("stands there twice", self.problems("| `EXPIRED` |", "| `REVOKED` |"))
        text = manual.parse("page", self.good).sections["Errors"]
        self.assertIn("no status in the table", self.problems(text, "It may fail.\n"))

    def test_rights(self):
        self.assertIn("SIGNALS is not a right", self.problems("`SIGNAL` on the endpoint.", "`SIGNALS` on it."))
        self.assertIn("REVOKED is not a right", self.problems("`SIGNAL` on the endpoint.", "`REVOKED`, `SIGNAL`."))

    def test_words_and_links(self):
        self.assertIn("MESSAGE_SIGNALS is defined nowhere", self.problems("`MESSAGE_SIGNAL`", "`MESSAGE_SIGNALS`"))
        self.assertIn("link to recieve.md", self.problems("(receive.md)", "(recieve.md)"))

    def test_costs(self):
        count = f"{manual.recorded()['signal']:,} instructions"
        self.assertIn("mends it", self.problems(count, "1 instructions"))
        self.assertIn("is not in bench", self.problems("Measured (`signal`)", "Measured (`signals`)"))

    def test_calls_and_pages_belong_together(self):
        page = manual.parse("page", self.good)
        self.assertEqual(manual.set_problems([CALL], {"signal": page}), [])
        self.assertEqual(len(manual.set_problems([CALL], {})), 1)
        self.assertEqual(len(manual.set_problems([], {"signal": page})), 1)

    def test_statuses_that_were_seen(self):
        self.assertEqual(manual.undocumented("signal                  10 OK:7 REVOKED:3\nnull      0"), [])
        self.assertEqual(manual.undocumented("signal                  10 OK:7 FULL:3"),
                         ["docs/manual/signal.md: Errors does not have FULL"])
        self.assertEqual(len(manual.undocumented("nothing")), 1)

    def test_code_that_is_not_true_of_the_sdk(self):
        context = Context()
        self.assertEqual(context.make("idl"), "")
        for old, new in (("endpoint_signal(endpoint_t endpoint);", "endpoint_signal(endpoint_t endpoint, u64 bits);"),
                         ("cap_derive(endpoint.cap,", "cap_derive(endpoint,"), ("", "")):
            self.assertIn(old, self.good)
            page = manual.parse("page", self.good.replace(old, new, 1))
            self.assertEqual(len(manual.compile_problems(context, {"signal": page})), 1 if old else 0)

    def test_a_skeleton_is_refused_until_it_is_written(self):
        call = manual.calls()[1]
        page = manual.parse("page", manual.skeleton(call))
        self.assertEqual(tuple(page.order), manual.SECTIONS)
        problems = "\n".join(manual.problems_of(page, call, self.words))
        self.assertIn("section Description is empty", problems)
        self.assertNotIn("one row of number", problems)


if __name__ == "__main__":
    unittest.main()
