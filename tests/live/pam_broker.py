# SPDX-License-Identifier: MIT
"""Logins of a server, with all the real parts: pam_valetkey.so,
valetkey-prefetch, the kernel, valetkey-upcall, valetkey-broker.

What a login takes longer for it is measured and told; there is no limit to
it, for that would be one of the machine.  That a login does not wait is
proven by a server that never answers.
"""

import os
import shlex
import signal
import statistics
import time

from clients import need
from live import User
from machine import Machine
from pam_module import Logins, Sshd, build_module, why_missing
from servers import Missing, scripted
from session import poll
from tap import equal

PAIRS = 15
# In a login, as the user: the key once it is there, 5 s at most.
AWAIT = """i=0
until key=$(keyctl search @u user "valetkey:$0" 2>/dev/null); do
    i=$((i+1)); test $i -lt 500 || exit 9; sleep 0.01
done
keyctl pipe $key | head -n 1"""


def in_login(machine, *command):
    """What a login's shell runs, with the environment of the test."""
    words = ["env", *(f"{name}={value}"
                      for name, value in machine.env.items()), *command]
    return shlex.join(words)


class Server:
    """Ways to log in to the machine of a test."""

    def __init__(self, logins, sshd=None):
        self.logins = logins
        self.sshd = sshd

    def su(self, line):
        return self.logins.run("su", "-", self.logins.user.pw_name, "-c", line)

    def sudo(self, line):
        return self.logins.run("sudo", "-n", "-u", self.logins.user.pw_name,
                               "sh", "-c", line)

    def ssh(self, line):
        return self.sshd.login(line)


def has_token(machine, server, logins, way, service, name):
    """It comes with the login: nothing in there asks for it."""
    logins.configure(service, f"prefetch={name}")
    machine.clear(logins.user)
    requests, upcalls = server.count(), machine.upcalls()
    done = way(in_login(machine, "sh", "-c", AWAIT, name))
    equal((done.returncode, done.stdout.count(".")), (0, 2))
    equal(machine.upcalls(), upcalls + 1)
    assert server.count() <= requests + 1
    # And a tool has it without another upcall.
    done = way(in_login(machine, "valetkey", "token", name))
    equal((done.returncode, done.stdout.count(".")), (0, 2))
    equal(machine.upcalls(), upcalls + 1)


def pam_broker(tap, live):
    if why_missing():
        raise Missing(why_missing())
    need("pamtester")
    directory = os.path.join(live.directory, "pam-broker")
    os.mkdir(directory, 0o755)
    module = build_module(live.build, directory, live.programs)
    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        logins = Logins(live, alice, module, directory)
        name = machine.add("login", server, allow=alice.pw_name)
        for test in by_all_ways, in_the_background, purged, measured:
            tap.attempt(test, tap, machine, server, logins, name)


def by_all_ways(tap, machine, server, logins, name):
    def is_refused():
        other = machine.add("closed", server, allow="root")
        before = server.count(), machine.upcalls()
        logins.configure("su-l", f"prefetch={other}")
        done = ways.su("id -un")
        equal((done.returncode, done.stdout.strip()),
              (0, logins.user.pw_name))
        poll(lambda: machine.upcalls() > before[1], "the upcall")
        poll(lambda: not machine.processes(), "its end")
        equal(server.count(), before[0])

    def is_there_at_once():
        """wait=: nothing in the login has to look twice."""
        logins.configure("su-l", f"prefetch={name}", "wait=5000")
        machine.system("drop", name)
        done = ways.su(f"keyctl search @u user valetkey:{name}")
        equal((done.returncode, done.stderr), (0, ""))

    def are_all_there():
        """Without pam_keyinit, and in a session keyring of root's."""
        names = [name] + [machine.add(word, server,
                                      allow=logins.user.pw_name)
                          for word in ("second", "third")]
        logins.configure("sudo", "prefetch=" + ",".join(names))
        machine.clear(logins.user)
        done = logins.run("keyctl", "session", "-", "sudo", "-n", "-u",
                          logins.user.pw_name, "true")
        equal(done.returncode, 0)
        for each in names:
            poll(lambda: machine.key(logins.user, each), each)
        poll(lambda: not machine.processes(), "the end")

    def comes_with(service, way):
        has_token(machine, server, logins, way, service, name)

    ways = Server(logins)
    tap.check("pam: su - and the machine's token", comes_with, "su-l",
              ways.su)
    tap.check("pam: sudo and the machine's token", comes_with, "sudo",
              ways.sudo)
    try:
        with Sshd(logins) as sshd:
            tap.check("pam: sshd and the machine's token", comes_with, "sshd",
                      Server(logins, sshd).ssh)
    except Missing as reason:
        tap.skip("pam: sshd and the machine's token", reason)
    tap.check("pam: several tokens, in root's session keyring",
              are_all_there)
    tap.check("pam: wait=, and the machine's token is there",
              is_there_at_once)
    tap.check("pam: who is not allowed logs in without", is_refused)


def recover(machine, server, user, name):
    """End what waits for a server that never answers; let it answer."""
    server.mode("ok")
    for pid, words in machine.processes().items():
        if "--exchange" in words:
            os.kill(pid, signal.SIGKILL)
    poll(lambda: not machine.processes(), "the end of the upcall")
    machine.system("retry", name)
    # What holds the endpoint back is over in a second.
    poll(lambda: machine.run(user, "valetkey", "token",
                             name).returncode == 0, "the token")


def in_the_background(tap, machine, server, logins, name):
    ways = Server(logins)

    def does_not_wait(service, way):
        logins.configure(service, f"prefetch={name}")
        machine.system("drop", name)
        machine.system("retry", name)
        server.mode("hang")
        machine.clear(logins.user)
        before = server.count()
        done = way("id -un")
        equal((done.returncode, done.stdout.strip()),
              (0, logins.user.pw_name))
        poll(lambda: server.count() > before, "the request")
        # The login is over, and the request is not.
        assert machine.processes(), "nobody asked"
        equal(server.log()[-1].get("status"), None)
        recover(machine, server, logins.user, name)

    tap.check("pam: su - does not wait for a server that never answers",
              does_not_wait, "su-l", ways.su)
    tap.check("pam: nor does sudo", does_not_wait, "sudo", ways.sudo)


def purged(tap, machine, server, logins, name):
    user = logins.user
    prefetch = os.path.join(machine.programs, "valetkey-prefetch")

    def at_the_last():
        logins.configure("vk-test", f"prefetch={name}", "purge=last",
                         "wait=5000")
        logins.login("open_session")
        logins.login("open_session")
        logins.login("close_session")
        key = machine.key(user, name)
        assert key, "it went with the first"
        logins.login("close_session")
        poll(lambda: not machine.key(user, name), "the purge")
        # It was the user's; the machine has it still.
        before = server.count()
        machine.token(user, name)
        equal(server.count(), before)
        machine.clear(user)

    def keeps_others():
        machine.run(user, "keyctl", "padd", "user", "valetkey:own", "@u",
                    text="x")
        logins.login("open_session", "close_session")
        poll(lambda: not machine.key(user, name), "the purge")
        assert machine.key(user, "own"), "it took the user's own"
        machine.clear(user)

    def looks_for_sessions():
        """However late it is: the number is looked at after the token."""
        path = os.path.join(machine.directory, "sessions")
        for count, stays in ("1", True), ("0", False), ("", True):
            machine.clear(user)
            with open(path, "w") as out:
                out.write(f"{count:10}\n")
            equal(machine.run(user, "sh", "-c",
                              'exec "$@" 4<' + path, "sh", prefetch,
                              "--sessions-fd=4", name).returncode, 0)
            equal(machine.key(user, name) != "", stays)

    def comes_too_late():
        """The last logout is before the token has come."""
        logins.configure("su-l", f"prefetch={name}", "purge=last")
        machine.system("drop", name)
        server.mode("slow:1000")
        before = server.count()
        equal(Server(logins).su("true").returncode, 0)
        poll(lambda: server.count() > before, "the request")
        poll(lambda: not machine.processes(), "its end")
        poll(lambda: not logins.processes(), "the end of the login")
        server.mode("ok")
        equal(machine.key(user, name), "")

    tap.check("pam: purge=last takes the machine's token", at_the_last)
    tap.check("pam: purge=last leaves the user's own keys", keeps_others)
    tap.check("pam: valetkey-prefetch drops what comes after the last",
              looks_for_sessions)
    tap.check("pam: purge=last, and a token that comes later",
              comes_too_late)


def measured(tap, machine, server, logins, name):
    """With and without, turn by turn; the server never answers."""
    times = {True: [], False: []}

    def logs_in():
        machine.system("drop", name)
        server.mode("hang")
        for n in range(2 * PAIRS):
            with_it = n % 2 == 1
            logins.configure("su-l", *([f"prefetch={name}"] if with_it
                                       else []))
            start = time.monotonic()
            equal(Server(logins).su("true").returncode, 0)
            times[with_it].append(time.monotonic() - start)
        recover(machine, server, logins.user, name)

    tap.check(f"pam: {2 * PAIRS} logins with a server that never answers",
              logs_in)
    if times[True]:
        more = [1000 * (with_it - without)
                for with_it, without in zip(times[True], times[False])]
        print(f"# a login took {statistics.median(more):.1f} ms more, of"
              f" {1000 * statistics.median(times[False]):.1f} ms",
              flush=True)


GROUPS = [pam_broker]
