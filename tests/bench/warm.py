#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""warm.py --build DIR: what a warm helper takes, compared with an empty
program, as a table in Markdown.

All are started in turn, in a new random order each round, so that whatever
else the machine does meets each of them alike.  The figure is the median over
the rounds of the time from start to end, divided by that of the empty program
in the same round.  Another empty program is among them: it tells what the
figures are worth.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[1:1] = [os.path.join(TESTS, name)
                 for name in ("servers", "live", "gates")]

from gates import HELPERS, RUN, Helper, compile, set_up  # noqa: E402
from live import Live  # noqa: E402
from servers import Missing, scripted  # noqa: E402

ROUNDS = 300
WARM_UP = 10
EMPTY, CONTROL, JSON = "an empty program", "the same again", "with json-c"


class Bench:
    def __init__(self, build, live):
        self.live, self.meter = live, compile(build, "measure",
                                              live.directory)
        empty = compile(build, "empty", live.directory)
        linked = compile(build, "empty", live.directory,
                         "-Wl,--no-as-needed", "-ljson-c")
        nothing = Helper()
        self.runners = {EMPTY: (empty, nothing), CONTROL: (empty, nothing),
                        JSON: (linked, nothing)}
        self.times = {}

    def add_helpers(self, values):
        for program, helper in HELPERS.items():
            path = os.path.join(self.live.programs, program)
            self.runners[f"`{program}`"] = (path, helper.fill(**values))
        path = os.path.join(self.live.programs, "valetkey")
        for words in ["token", "{name}"], ["header", "{name}"], \
                ["curl-config", "{name}"], [*RUN, self.runners[EMPTY][0]]:
            self.runners[f"`valetkey {words[0]}`"] = (
                path, Helper(*words).fill(**values))

    def time(self, path, helper):
        """In nanoseconds."""
        done = self.live.session.run(self.meter, path, *helper.words,
                                     text=helper.text, env=helper.env)
        assert done.returncode == 0, (path, done.stdout, done.stderr)
        return int(done.stderr.split()[-1])

    def run(self, rounds):
        names = list(self.runners)
        for number in range(rounds + WARM_UP):
            random.shuffle(names)
            times = {name: self.time(*self.runners[name]) for name in names}
            if number >= WARM_UP:
                for name, value in times.items():
                    self.times.setdefault(name, []).append(value)

    def report(self):
        print("| program | warm time | middle half | ms |")
        print("|---|---|---|---|")
        for name in self.runners:
            times = self.times[name]
            ratios = [time / empty for time, empty
                      in zip(times, self.times[EMPTY])]
            low, middle, high = statistics.quantiles(ratios, n=4)
            print(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} "
                  f"| {statistics.median(times) / 1e6:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vk-warm-") as directory:
        try:
            live = Live(options.build, directory)
            with live.session, scripted(live.pki) as server:
                bench = Bench(options.build, live)
                bench.add_helpers(set_up(live.session, server))
                bench.run(options.rounds)
                bench.report()
        except Missing as reason:
            print(f"skipped: {reason}")
    return 0


if __name__ == "__main__":
    # So that what was started is ended, and what was made removed.
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(1))
    sys.exit(main())
