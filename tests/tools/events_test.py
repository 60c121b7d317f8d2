#!/usr/bin/env python3
"""docs/events.md is what the definitions make, and tools/events notices when it is not."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = ("tools/events", "abi/trace_events.def", "abi/metrics.def", "docs/events.md")


class Reference(unittest.TestCase):
    def check(self, path="", old="", new=""):
        """Runs the check on a copy in which one thing was changed; what it says."""
        with tempfile.TemporaryDirectory(prefix="ferrous-") as folder:
            for name in FILES:
                os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
                shutil.copy(os.path.join(ROOT, name), os.path.join(folder, name))
            if path:
                with open(os.path.join(folder, path), encoding="utf-8") as file:
                    text = file.read()
                self.assertIn(old, text)
                with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                    file.write(text.replace(old, new, 1))
            done = subprocess.run([sys.executable, os.path.join(folder, "tools/events"), "--check"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode == 0, done.stderr == "")
            return done.stderr

    def test_it_is_current(self):
        self.assertEqual(self.check(), "")

    def test_changes_are_noticed(self):
        self.assertIn("is not what", self.check("abi/trace_events.def", '"late_ns"', '"late_us"'))
        self.assertIn("is not what", self.check("abi/metrics.def", "page faults of", "faults of"))
        self.assertIn("is not what", self.check("docs/events.md", "`IPC_CALL`", "`IPC_CULL`"))
        self.assertIn("is not described", self.check("abi/trace_events.def",
                                                            '/* a capability was given up */\n', ""))
        self.assertIn("of another form", self.check("abi/trace_events.def", 'TRACE_EVENT(70, USER,',
                                                      'TRACE_EVENT(70,USER,'))


if __name__ == "__main__":
    unittest.main()
