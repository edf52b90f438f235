# SPDX-License-Identifier: MIT
"""Broker mode: how many at once, and for how long."""

import errno
import fcntl
import os
import signal
import struct
import time

from live import User
from machine import TURNS, Machine
from servers import scripted
from session import poll
from tap import equal

FIRST_UID = 420000000
# server/slots.h, server/slots.c
USER_PLACES = 4
PLACES = 32
AFTER_ALL_USERS = USER_PLACES << 32
F_OFD_SETLK = 37


class Places:
    """Taken by us in place of those who are at it."""

    def __init__(self, first, count):
        self.first, self.count = first, count

    def __enter__(self):
        path = os.path.join(TURNS, "slots")
        self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, self.first,
                           self.count, 0)
        fcntl.fcntl(self.file, F_OFD_SETLK, lock)
        return self

    def has_waiting(self):
        inode = os.fstat(self.file).st_ino
        with open("/proc/locks") as locks:
            return any(" -> " in line and f":{inode} " in line
                       for line in locks)

    def __exit__(self, *ignored):
        os.close(self.file)


def of_user(uid):
    return Places(uid * USER_PLACES, USER_PLACES)


def brokers(machine):
    """The token of each fetch that is under way."""
    return [words[-2] for words in machine.processes().values()
            if words[0].endswith("valetkey-broker") and
            "--exchange" not in words]


def places(tap, live):
    def are_four_for_a_user():
        *hers, his = names
        crowd = [machine.popen(alice, "valetkey", "token", name)
                 for name in hers]
        try:
            poll(lambda: len(brokers(machine)) >= USER_PLACES, "four of hers")
            crowd.append(machine.popen(bob, "valetkey", "token", his))
            poll(lambda: his in brokers(machine), "his")
            most = 0
            while any(process.poll() is None for process in crowd):
                most = max(most, len(set(brokers(machine)) - {his}))
            equal(most, USER_PLACES)
        finally:
            answers = [process.communicate() + (process.returncode,)
                       for process in crowd]
        equal({answer[1:] for answer in answers}, {("", 0)})
        equal(server.count(), len(names))

    def are_kept(taken):
        """None is free: wait.  One becomes free: go on."""
        machine.system("drop", names[0])
        requests = server.count()
        with taken:
            waiting = machine.popen(alice, "valetkey", "token", names[0])
            poll(taken.has_waiting, "one who waits")
            equal((brokers(machine), server.count()), ([], requests))
            # A token that is there takes no place.
            machine.clear(bob)
            machine.token(bob, names[-1])
        out, errors = waiting.communicate()
        equal((waiting.returncode, errors, out.count(".")), (0, "", 2))

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki, mode="slow:1000") as server:
        both = f"{alice.pw_name},{bob.pw_name}"
        names = [machine.add(f"place{n}", server, allow=both)
                 for n in range(USER_PLACES + 3)]
        tap.check("four at once for a user, another has his own",
                  are_four_for_a_user)
        server.mode("ok")
        tap.check("the places of a user are all taken", are_kept,
                  of_user(alice.pw_uid))
        tap.check("the places of the machine are all taken", are_kept,
                  Places(AFTER_ALL_USERS, PLACES))


def deadlines(tap, live):
    """All in the same 20 seconds."""
    def ask(user, name):
        """request_key(2) itself, in a process of its own."""
        return machine.popen(user, *machine.requester(f"valetkey:{name}"))

    def has_alarm(pid):
        with open(f"/proc/{pid}/status") as status:
            found = dict(line.split(":\t") for line in status if ":\t" in line)
        return int(found["ShdPnd"], 16) >> (signal.SIGUSR1 - 1) & 1

    def answer(process):
        out, errors = process.communicate()
        equal(errors, "")
        return int(out), time.monotonic() - began

    def is_over(name, least, error):
        code, seconds = answers[name]
        equal(code, error)
        assert least <= seconds < 22, seconds

    with Machine(live) as machine, User() as alice, User() as bob, \
            User() as carol, scripted(live.pki) as server:
        allow = ",".join([alice.pw_name, bob.pw_name, carol.pw_name,
                          f"#{FIRST_UID}"])
        names = [machine.add(word, server, url=url, allow=allow)
                 for word, url in (
                     ("hangs", server.token_url("hang")),
                     ("drips", server.token_url("drip:100")),
                     ("stops", server.token_url("slow:500")),
                     ("good", server.token_url()))]
        began = time.monotonic()
        stopped = ask(bob, names[2])
        poll(lambda: server.count() == 1, "the request")
        upcall = machine.upcall_ids()[-1]
        os.kill(upcall, signal.SIGSTOP)
        answers = {}
        try:
            with of_user(carol.pw_uid):
                waiting = [ask(alice, names[0]), ask(FIRST_UID, names[1]),
                           ask(carol, names[3])]
                poll(lambda: server.count() == 3, "the requests")
                machine.token(alice, names[3])
                served = time.monotonic() - began
                machine.clear(alice)
                for word, process in zip(("hangs", "drips", "full"), waiting):
                    answers[word] = answer(process)
            poll(lambda: has_alarm(upcall), "the alarm")
        finally:
            os.kill(upcall, signal.SIGCONT)
        answers["stops"] = answer(stopped)
        print(f"# {answers}, another user after {served:.1f} s", flush=True)
        tap.check("a server that never answers", is_over, "hangs", 17,
                  errno.ETIMEDOUT)
        tap.check("a server that answers byte by byte", is_over, "drips", 17,
                  errno.ETIMEDOUT)
        tap.check("no place in time", is_over, "full", 17, errno.EBUSY)
        tap.check("an upcall that is stopped ends at the hard limit", is_over,
                  "stops", 19.9, errno.ETIMEDOUT)
        tap.check("others are served meanwhile", equal, served < 17, True)


GROUPS = [places, deadlines]
