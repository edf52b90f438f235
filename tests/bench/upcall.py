# SPDX-License-Identifier: MIT
"""What a request for a token of the machine takes that the registry has, or
that is refused, beside an upcall that does nothing but instantiate the key.

The time is that of request_key(2), which each round calls for all of them in a
new random order (ask.c); the trivial one is there twice.
"""

import errno
import os

from gates import compile
from live import User
from machine import Machine
from servers import scripted

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 100
WARM_UP = 10
USERS = 1000
FIRST_UID = 410000000
TRIVIAL, AGAIN = "a trivial upcall", "the same again"
KINDS = ALONE, CROWDED = "upcall", f"upcall, {USERS} users more"
HIT, REFUSAL = "a hit, by name", "a refusal, by name"


def keys():
    """How many root has to look through, of all users."""
    with open("/proc/key-users") as users:
        return sum(int(line.split()[2].partition("/")[0])
                   for line in users.readlines())


class Upcalls:
    """The rules name the programs themselves, not the script that counts
    upcalls."""

    def __init__(self, bench):
        self.bench, self.live = bench, bench.live
        self.user, self.machine = User(), Machine(self.live)
        self.server = scripted(self.live.pki)

    def __enter__(self):
        self.machine.__enter__()
        self.user.__enter__()
        self.server.__enter__()
        try:
            self.set_up()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *why):
        self.server.__exit__(*why)
        self.user.__exit__(*why)
        self.machine.__exit__(*why)

    def set_up(self):
        machine, login = self.machine, self.user.entry.pw_name
        self.ask, trivial = [
            compile(self.bench.build, name, self.machine.directory,
                    "-lkeyutils", source=HERE) for name in ("ask", "trivial")]
        name, group, closed = names = [
            machine.add("bench-user", self.server,
                        allow=f"{login}, #0, " + ", ".join(
                            f"#{FIRST_UID + n}" for n in range(USERS))),
            machine.add("bench-group", self.server, allow=f"@{login}, #0"),
            machine.add("bench-closed", self.server, allow="nobody, #0")]
        for token in names:
            machine.token(None, token)
        trivials = [f"{machine.tag}-t1", f"{machine.tag}-t2"]
        self.cases = {
            TRIVIAL: (trivials[0], 0), AGAIN: (trivials[1], 0), HIT: (name, 0),
            "a hit, by group": (group, 0), REFUSAL: (closed, errno.EACCES),
            "no such client": (machine.name("none"), errno.EINVAL)}
        with open(machine.rule, "w") as rule:
            for token in trivials:
                rule.write(f"create user valetkey:{token}* * {trivial} %k\n")
            rule.write(f"create user valetkey:{machine.tag}*"
                       f" * {machine.upcall} %k\n")

    def read(self, rounds):
        """{name: {round: nanoseconds}}"""
        descriptions = [f"valetkey:{name}" for name, _ in self.cases.values()]
        errors = [error for _, error in self.cases.values()]
        done = self.machine.run(self.user.entry, self.ask,
                                str(rounds + WARM_UP), *descriptions)
        assert done.returncode == 0, done
        rows = [list(map(int, line.split()))
                for line in done.stdout.splitlines()][WARM_UP:]
        assert all(row[1::2] == errors for row in rows), rows
        return {name: {number: row[2 * place]
                       for number, row in enumerate(rows)}
                for place, name in enumerate(self.cases)}

    def prepare(self, kind):
        """Keys of other users, as they have them who have a token."""
        if kind != CROWDED:
            return
        name = self.cases[HIT][0]
        for number in range(USERS):
            done = self.machine.run(FIRST_UID + number, "keyctl", "request2",
                                    "user", f"valetkey:{name}", "", "@u")
            assert done.returncode == 0, done
