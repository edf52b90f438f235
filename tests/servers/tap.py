# SPDX-License-Identifier: MIT
"""Results of tests, in the Test Anything Protocol."""

import os
import re
import traceback

from servers import Missing

# Without these nothing is skipped (.ci/run)
NEEDED = os.environ.get("TESTS_NEED", "").split()


class Tap:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def line(self, result, name, more=""):
        number = self.passed + self.failed + self.skipped
        print(f"{result} {number} - {name}{more}", flush=True)

    def check(self, name, test, *arguments, **more):
        """One test: it passes unless it raises."""
        try:
            test(*arguments, **more)
            self.passed += 1
            self.line("ok", name)
        except Exception:
            self.fail(name)

    def attempt(self, group, *arguments):
        """A group of tests, skipped where what it needs is missing."""
        try:
            group(*arguments)
        except Missing as reason:
            self.skip(group.__name__, reason)
        except Exception:
            self.fail(group.__name__)

    def fail(self, name):
        """Within the handler of what went wrong."""
        self.failed += 1
        self.line("not ok", name)
        for line in traceback.format_exc().splitlines():
            print("#", line)

    def skip(self, name, reason):
        what = re.fullmatch(r"(?:npm's )?(\S+) is not installed", str(reason))
        if what and what[1] in NEEDED:
            self.failed += 1
            self.line("not ok", name, f" # {reason}")
            return
        self.skipped += 1
        self.line("ok", name, f" # SKIP {reason}")

    def end(self):
        print(f"1..{self.passed + self.failed + self.skipped}")
        print(f"{self.passed} passed, {self.failed} failed, "
              f"{self.skipped} skipped")
        return 1 if self.failed else 0


def equal(one, other):
    assert one == other, f"{one!r} is not {other!r}"
