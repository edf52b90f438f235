#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""upcall.py --build DIR: what a request for a token of the machine takes that
the registry has, or that is refused, compared with an upcall that does nothing
but instantiate the key, as a table in Markdown.

Each round asks for all of them in a new random order.  The figure is the
median over the rounds of the time that request_key(2) took, divided by that of
the trivial one in the same round; which is there twice, to tell what the
figures are worth.  Then all of it again with the keys of 1,000 users more.
"""

import argparse
import errno
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[1:1] = [os.path.join(TESTS, name)
                 for name in ("servers", "live", "gates")]

from gates import compile  # noqa: E402
from live import Live, User  # noqa: E402
from machine import Machine  # noqa: E402
from servers import Missing, scripted  # noqa: E402

ROUNDS = 300
WARM_UP = 10
USERS = 1000
FIRST_UID = 410000000
TRIVIAL, CONTROL = "a trivial upcall", "the same again"
KEY_SPEC_USER_KEYRING = "@u"


class Bench:
    """The rules name the programs themselves, not the script that counts
    upcalls."""

    def __init__(self, build, live, machine, server, user):
        self.machine, self.user = machine, user
        self.ask = compile(build, "ask", live.directory, "-lkeyutils",
                           source=HERE)
        self.trivial = compile(build, "trivial", live.directory, "-lkeyutils",
                               source=HERE)
        name, group, closed = self.names = [
            machine.add("bench-user", server,
                        allow=f"{user.pw_name}, #0, " + ", ".join(
                            f"#{FIRST_UID + n}" for n in range(USERS))),
            machine.add("bench-group", server,
                        allow=f"@{user.pw_name}, #0"),
            machine.add("bench-closed", server, allow="nobody, #0")]
        for token in self.names:
            machine.token(None, token)
        self.expected = {TRIVIAL: 0, CONTROL: 0, "a hit, by name": 0,
                         "a hit, by group": 0,
                         "a refusal, by name": errno.EACCES,
                         "no such client": errno.EINVAL}
        self.descriptions = [f"valetkey:{machine.tag}-t1",
                             f"valetkey:{machine.tag}-t2",
                             *(f"valetkey:{token}" for token in
                               (name, group, closed, machine.name("none")))]
        with open(machine.rule, "w") as rule:
            for number in "12":
                rule.write(f"create user valetkey:{machine.tag}-t{number}*"
                           f" * {self.trivial} %k\n")
            rule.write(f"create user valetkey:{machine.tag}*"
                       f" * {machine.upcall} %k\n")

    def run(self, rounds):
        done = self.machine.run(self.user, self.ask, str(rounds + WARM_UP),
                                *self.descriptions)
        assert done.returncode == 0, done
        table = [list(map(int, line.split()))
                 for line in done.stdout.splitlines()][WARM_UP:]
        for row in table:
            assert row[1::2] == list(self.expected.values()), row
        return [row[::2] for row in table]

    def report(self, title, rounds):
        columns = list(zip(*self.run(rounds)))
        print(f"\n{title}\n\n| upcall | times the trivial one | middle half "
              "| ms |\n|---|---|---|---|")
        for name, times in zip(self.expected, columns):
            low, middle, high = statistics.quantiles(
                [time / base for time, base in zip(times, columns[0])], n=4)
            print(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} "
                  f"| {statistics.median(times) / 1e6:.2f} |", flush=True)

    def crowd(self):
        """Keys of other users, as they have them who have a token."""
        for number in range(USERS):
            done = self.machine.run(FIRST_UID + number, "keyctl", "request2",
                                    "user", self.descriptions[2], "", "@u")
            assert done.returncode == 0, done


def keys():
    with open("/proc/keys") as file:
        return len(file.readlines())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vk-upcall-") as directory:
        try:
            live = Live(options.build, directory)
            with live.session, Machine(live) as machine, User() as user, \
                    scripted(live.pki) as server:
                bench = Bench(options.build, live, machine, server, user)
                bench.report(f"With {keys()} keys that root sees",
                             options.rounds)
                bench.crowd()
                bench.report(f"{USERS} users more, {keys()} keys that root"
                             " sees", options.rounds)
        except Missing as reason:
            print(f"skipped: {reason}")
    return 0


if __name__ == "__main__":
    # So that what was started is ended, and what was made removed.
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(1))
    sys.exit(main())
