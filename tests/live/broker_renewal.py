# SPDX-License-Identifier: MIT
"""Broker mode: tokens are renewed early, in the background, once for all."""

import errno
import os
import re
import shutil
import signal
import subprocess
import time

from live import User
from machine import Machine, keyctl
from servers import Missing, scripted
from session import poll
from tap import equal

FIRST_UID = 410000000
USERS = 20
KEY_CALLS = 40
# Used from three quarters of its life to its margin: from 6 s to 8 s
SHORT = 9
READ = """
while test -e "$2"; do
    date +%s.%N; valetkey token "$1" 2>&1; echo
done >"$3"
"""


def is_renewed(machine, user, name, token):
    poll(lambda: machine.token(user, name) != token, "the next token")
    return machine.token(user, name)


def settle(machine):
    poll(lambda: not machine.processes(), "the end of what was started")


def has_no_end(key):
    """Root sees those of users where he possesses them, and the registry's
    where he lets himself see them."""
    look = f"""
        keyctl link {key} @s
        grep ^$(printf %08x {key}) /proc/keys && exit
        keyctl setperm {key} 0x003f0000
        grep ^$(printf %08x {key}) /proc/keys
        keyctl setperm {key} 0x003e0000"""
    done = subprocess.run(["keyctl", "session", "-", "sh", "-c", look],
                          capture_output=True, text=True)
    return done.stdout.split()[3] == "perm"


def answers(path):
    """What was read: [(time, text)]."""
    with open(path) as out:
        return [tuple(answer.split("\n"))
                for answer in out.read().split("\n\n")[:-1]]


def tokens(path):
    return {text for _, text in answers(path)}


def early_renewals(tap, live):
    """Of tokens that live 9 s, for users who read them all the time."""
    def read(readers, until):
        """Files with what each (user, name) was answered."""
        flag = os.path.join(machine.directory, "reading")
        paths = [f"{flag}{n}" for n in range(len(readers))]
        for path in [flag] + paths:
            open(path, "w").close()
            os.chmod(path, 0o666)
        running = [machine.popen(user, "sh", "-c", READ, "sh", name, flag,
                                 path)
                   for (user, name), path in zip(readers, paths)]
        try:
            poll(lambda: until(paths), "the end of reading")
        finally:
            os.unlink(flag)
            said = [process.communicate() for process in running]
        equal(set(said), {("", "")})
        return paths

    def have_read_on(paths):
        return server.count() == 3 and time.time() > end + 1 and all(
            len(tokens(path)) == 3 for path in paths[:-1])

    def serves_all():
        for path in paths[:-1]:
            equal({token.count(".") for token in tokens(path)}, {2})
            equal(len(tokens(path)), 3)
        # Nobody had to ask for the token itself: they would be others.
        equal([machine.key(user, good) for user in users], keys)
        equal(server.count(), 3)

    def serves_until_the_end():
        failed = [at for at, text in answers(paths[-1]) if text != first]
        # Of whole seconds, of which each counts from its beginning.
        assert failed and float(failed[0]) > end - 1.1, (failed, end)
        assert 2 <= failing.count() <= 6, failing.count()

    with Machine(live) as machine, User() as alice, User() as bob, scripted(
            live.pki, mode=f"ttl:{SHORT},slow:300+ttl:{SHORT}") as server, \
            scripted(live.pki, mode=f"ttl:{SHORT},500") as failing:
        users = [alice, bob, FIRST_UID]
        good, bad = [machine.add(word, where, allow=f"{alice.pw_name},"
                                 f"{bob.pw_name},#{FIRST_UID}")
                     for word, where in (("good", server), ("bad", failing))]
        first = machine.token(alice, bad)
        text = keyctl("pipe", *list(machine.copies(bad))[:1])
        end = int(re.search("\nexpires: (.*)", text)[1]) - SHORT // 5
        for user in users:
            machine.token(user, good)
        keys = [machine.key(user, good) for user in users]
        upcalls = machine.upcalls()
        paths = read([(user, good) for user in users] + [(alice, bad)],
                     have_read_on)
        print(f"# {sum(len(answers(path)) for path in paths)} answers,"
              f" {machine.upcalls() - upcalls} upcalls", flush=True)
        tap.check("three users read on through two renewals", serves_all)
        tap.check("a token is served to its end in an outage",
                  serves_until_the_end)


def broker_renewal(tap, live):
    def is_not_due():
        token = machine.token(alice, name)
        upcalls = machine.upcalls()
        machine.token(alice, name)
        equal(machine.upcalls(), upcalls)
        equal(machine.request(alice, mark), 0)
        settle(machine)
        equal((server.count(), machine.token(alice, name)), (1, token))

    def is_in_the_background():
        old = machine.token(alice, name)
        key = machine.key(alice, name)
        machine.clear(alice)
        equal(machine.token(alice, name), old)
        server.mode("slow:1500")
        machine.make_due(name)
        requests = server.count()
        equal(machine.token(alice, name), old)
        poll(lambda: server.count() > requests, "the request")
        # The server is still at it; others may ask as often as they like.
        for user in [alice, bob] * 5:
            equal(machine.token(user, name), old)
        equal(server.log()[-1]["closed"], None)
        keys = [machine.key(user, name) for user in (alice, bob)]
        assert key not in keys
        new = is_renewed(machine, alice, name, old)
        # With hers, for he had asked as well.
        settle(machine)
        equal(machine.token(bob, name), new)
        equal([machine.key(user, name) for user in (alice, bob)], keys)
        equal(server.count(), requests + 1)

    def is_handed_on():
        """To one who asks when it is over, without a request."""
        old = machine.token(bob, name)
        machine.forget_marks(name, alice, bob)
        machine.make_due(name)
        server.mode("ok")
        requests = server.count()
        new = is_renewed(machine, alice, name, old)
        settle(machine)
        key = machine.key(bob, name)
        equal(keyctl("pipe", key).split("\n")[0], old)
        equal(machine.token(bob, name), old)
        equal(is_renewed(machine, bob, name, old), new)
        equal((machine.key(bob, name), server.count()), (key, requests + 1))

    def has_an_end():
        for user in alice, bob:
            equal(has_no_end(machine.key(user, name)), False)

    def is_a_mark_of_roots():
        machine.clear(alice)
        machine.make_due(name)
        equal(machine.request(alice, mark), 0)
        key = keyctl_of(alice, "search", "@u", "user", mark)
        said = keyctl_of(alice, "rdescribe", key).split(";")
        equal((said[1], said[3], keyctl_of(alice, "pipe", key)),
              ("0", "1b3e0000", "busy"))
        for words in (["setperm", key, "0x3f3f3f3f"], ["timeout", key, "9"],
                      ["update", key, "evil"]):
            assert machine.run(alice, "keyctl", *words).returncode != 0
        settle(machine)

    def keyctl_of(user, *words):
        return machine.run(user, "keyctl", *words).stdout.strip()

    def is_one_of_a_flood():
        users = [FIRST_UID + n for n in range(USERS)] + [alice, bob]
        for user in users:
            machine.token(user, name)
        server.mode("slow:2000")
        machine.make_due(name)
        requests, upcalls = server.count(), machine.upcalls()
        flood = [machine.popen(
            user, "sh", "-c", f"i=0; while [ $i -lt 20 ]; do"
            f" keyctl request2 user {mark} '' @u >/dev/null;"
            f" keyctl clear @u; i=$((i+1)); done") for user in users]
        for process in flood:
            process.communicate()
        poll(lambda: server.count() > requests, "the request")
        settle(machine)
        print(f"# {machine.upcalls() - upcalls} upcalls", flush=True)
        equal(server.count(), requests + 1)
        for user in users:
            machine.token(user, name)

    def is_one_of_many_readers():
        old = machine.token(alice, name)
        machine.forget_marks(name, alice)
        server.mode("slow:500")
        machine.make_due(name)
        requests, upcalls = server.count(), machine.upcalls()
        done = machine.run(alice, "sh", "-c", """
            i=0; while [ $i -lt 200 ]; do
                valetkey token "$1" & i=$((i+1))
            done; wait""", "sh", name)
        equal((done.stderr, len(done.stdout.split())), ("", 200))
        is_renewed(machine, alice, name, old)
        settle(machine)
        equal((server.count(), machine.upcalls()),
              (requests + 1, upcalls + 1))

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("renew", server, allow=",".join(
            [alice.pw_name, bob.pw_name] +
            [f"#{FIRST_UID + n}" for n in range(USERS)]))
        mark = f"valetkey.refresh:{name}"
        tap.check("a token that is not due is left alone", is_not_due)
        tap.check("nobody waits, one request, all who asked have the new one",
                  is_in_the_background)
        tap.check("who asks later gets it without a request", is_handed_on)
        tap.check("what was handed out again has an end", has_an_end)
        tap.check("the mark is root's", is_a_mark_of_roots)
        tap.check("200 readers of a due token: one upcall, one request",
                  is_one_of_many_readers)
        tap.check(f"a flood of requests by {USERS + 2} users: one request",
                  is_one_of_a_flood)


def not_for_renewal(tap, live):
    def is_not_allowed():
        machine.token(alice, name)
        machine.make_due(name)
        for user in mallory, None, FIRST_UID:
            equal(machine.request(user, mark), errno.EACCES)
            machine.run(user, "keyctl", "purge", "user", mark)
        equal(machine.request(alice, "valetkey.refresh:" +
                              machine.name("none")), errno.EINVAL)
        equal(machine.request(alice, mark, "unshare", "-Ur"), errno.EPERM)
        settle(machine)
        equal(server.count(), 1)

    def is_no_more():
        """What he has he keeps, to its end; what others renew is not his."""
        machine.system("drop", name)
        old = machine.token(bob, name)
        machine.edit(f"{alice.pw_name}, {bob.pw_name}", alice.pw_name)
        machine.clear(alice)
        equal(machine.token(alice, name), old)
        machine.make_due(name)
        equal(machine.token(bob, name), old)
        settle(machine)
        equal(server.count(), 2)
        is_renewed(machine, alice, name, old)
        settle(machine)
        equal(machine.token(bob, name), old)
        equal(machine.request(bob, mark), errno.EACCES)
        equal((machine.token(bob, name), server.count()), (old, 3))

    with Machine(live) as machine, User() as alice, User() as bob, \
            User() as mallory, scripted(live.pki) as server:
        name = machine.add("not", server,
                           allow=f"{alice.pw_name}, {bob.pw_name}")
        mark = f"valetkey.refresh:{name}"
        tap.check("who is not allowed gets nothing renewed", is_not_allowed)
        tap.check("who is not allowed any more gets no new one", is_no_more)


def renewal_fails(tap, live):
    def leaves_the_token():
        token = machine.token(alice, name)
        server.mode("429:30")
        machine.make_due(name)
        for _ in range(20):
            equal(machine.token(alice, name), token)
        poll(lambda: server.count() == 2, "the request")
        settle(machine)
        brokers = machine.brokers()
        # Nor is it tried again by others, or by one who takes his mark away.
        for user in [alice, bob] * 5:
            equal(machine.token(user, name), token)
            equal(machine.request(user, mark), 0)
            machine.clear(user)
        settle(machine)
        equal((server.count(), machine.brokers()), (2, brokers))

    def goes_on():
        server.mode("ok")
        equal(machine.system("retry", name).returncode, 0)
        old = machine.token(alice, name)
        is_renewed(machine, alice, name, old)
        settle(machine)
        equal(server.count(), 3)

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("fails", server,
                           allow=f"{alice.pw_name},{bob.pw_name}")
        mark = f"valetkey.refresh:{name}"
        tap.check("a server that says 429: the token stays, one request",
                  leaves_the_token)
        tap.check("after retry it is renewed", goes_on)


def renewal_crashes(tap, live):
    """Whoever reads hears nothing of it, and the next one starts anew."""
    def begin():
        machine.forget_marks(name, alice)
        machine.make_due(name)
        upcalls = machine.upcalls()
        token = machine.token(alice, name)
        poll(lambda: machine.upcalls() > upcalls, "the upcall")
        return token

    def goes_on(old, is_asked_again=True):
        settle(machine)
        new = machine.token(alice, name)
        equal(new.count("."), 2)
        equal([key for key in machine.copies(name) if has_no_end(key)], [])
        if new == old and is_asked_again:
            machine.system("retry", name)
            machine.forget_marks(name, alice)
            is_renewed(machine, alice, name, old)

    def of_the_upcall():
        number, killed = 1, True
        machine.token(alice, name)
        while killed and number < KEY_CALLS:
            machine.kill_at(number)
            # A renewal takes a second, for the endpoint's sake.
            goes_on(begin(), number % 5 == 0)
            killed = machine.was_killed()
            number += 1
        print(f"# killed at {number - 2} places", flush=True)
        assert 15 < number < KEY_CALLS, number

    def of_the_broker(part):
        server.mode("slow:1500")
        requests = server.count()
        old = begin()
        poll(lambda: server.count() > requests, "the request")
        for pid, words in machine.processes().items():
            if "broker" in words[0] and part in words:
                os.kill(pid, signal.SIGKILL)
        server.mode("ok")
        equal(machine.token(alice, name), old)
        goes_on(old)

    if not shutil.which("strace"):
        raise Missing("strace is not installed")
    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        name = machine.add("renew-crash", server, allow=alice.pw_name)
        tap.check("kill -9 at every step of the upcall", of_the_upcall)
        for part in "--renew", "--exchange":
            tap.check(f"kill -9 of what renews, with {part}", of_the_broker,
                      part)


GROUPS = [early_renewals, broker_renewal, not_for_renewal, renewal_fails,
          renewal_crashes]
