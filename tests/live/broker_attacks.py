# SPDX-License-Identifier: MIT
"""Broker mode: users who try to get what is not theirs, and crashes."""

import ast
import errno
import os
import shutil
import signal
import subprocess

from live import User
from machine import Machine
from servers import Missing, scripted
from session import poll
from tap import equal

ROUNDS = 200
ATTACKS = ["setperm", "setperm-none", "unlink", "clear", "timeout",
           "timeout-1", "invalidate", "revoke", "chown", "update", "detach",
           "imitate"]
# More system calls on keys than an upcall makes for a token that is there
KEY_CALLS = 40
NAMESPACES = [["unshare", "-Ur"], ["unshare", "-U"],
              ["unshare", "-Urpfmnui", "--mount-proc"]]
CONTAINER = ["unshare", "-pfmnuiC", "--mount-proc"]
CRASHES = 8  # of an upcall that has to fetch: every so many of its calls


def under_construction(tap, live):
    """Each in a loop, beside one that asks, until the key is there or not."""
    def is_lost(attack):
        machine.clear(alice)
        seen = ast.literal_eval(machine.hostile(
            alice, "attack", attack, f"valetkey:{name}", str(ROUNDS)))
        print(f"# {attack}: {seen}", flush=True)
        equal(seen.get("won", 0), 0)
        equal(sum(seen.values()), ROUNDS)
        equal(server.count(), 1)
        machine.token(bob, name)
        poll(lambda: machine.run(alice, "valetkey", "token",
                                 name).returncode == 0, "an own token again")

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("target", server,
                           allow=f"{alice.pw_name},{bob.pw_name}")
        machine.token(bob, name)
        for attack in ATTACKS:
            tap.check(f"{attack}, {ROUNDS} times against a key under"
                      " construction", is_lost, attack)


def planted(tap, live):
    def record(token):
        found = machine.run(bob, "keyctl", "pipe", machine.key(bob, name))
        return found.stdout.replace(machine.token(bob, name), token)

    def is_replaced(ring, *start):
        machine.clear(alice)
        path = os.path.join(machine.directory, "record")
        with open(path, "w") as out:
            out.write(record("planted"))
        done = machine.run(
            alice, *start, "sh", "-c",
            f"keyctl padd user valetkey:{name} {ring} <{path} >/dev/null &&"
            f" valetkey token {name}")
        equal((done.returncode, done.stdout.strip()),
              (0, machine.token(bob, name)))

    def by_another_in_a_shared_session():
        """Root's session came to both by su; one of them plants a key."""
        machine.clear(alice)
        path = os.path.join(machine.directory, "record")
        become = "setpriv --clear-groups --reuid={0} --regid={0}".format
        script = f"""
            {become(bob.pw_uid)} keyctl padd user valetkey:{name} @s <{path} |
                {become(bob.pw_uid)} xargs -I K keyctl setperm K 0x3f3f3f3f
            {become(alice.pw_uid)} sh -c '
                keyctl pipe $(keyctl search @s user valetkey:{name}) |
                head -n 1; valetkey token {name}'"""
        done = subprocess.run(["keyctl", "session", "-", "sh", "-c", script],
                              env=machine.env, text=True, capture_output=True)
        equal((done.returncode, done.stdout.split()),
              (0, ["planted", machine.token(bob, name)]))

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("plant", server,
                           allow=f"{alice.pw_name},{bob.pw_name}")
        machine.token(bob, name)
        tap.check("a key planted in one's own keyring", is_replaced, "@u")
        tap.check("one planted in a session keyring", is_replaced, "@s",
                  "keyctl", "session", "-")
        tap.check("one planted by another user in a shared session keyring",
                  by_another_in_a_shared_session)
        equal(server.count(), 1)


def forged(tap, live):
    def is_invalid(rest):
        description = f"valetkey:{machine.tag}{rest}"
        equal(machine.request(alice, description), errno.EINVAL)
        machine.clear(alice)

    def is_ignored(callout):
        equal(machine.request(alice, f"valetkey:{name}", callout=callout), 0)
        machine.clear(alice)

    def needs_another_rule():
        """No rule of ours: the kernel's own refusal."""
        error = machine.request(alice, f"valetkey.hold:{name}")
        equal(error, errno.ENOKEY)

    def is_no_upcall():
        """By hand, by root, without anything to decide."""
        done = subprocess.run(
            [os.path.join(machine.programs, "valetkey-upcall"), "1"],
            capture_output=True, stdin=subprocess.DEVNULL)
        equal(done.returncode, 1)

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        name = machine.add("forge", server, allow=alice.pw_name)
        for rest in ("", "/", "/../x", "\nb", "$(id)", ";id", "%k", " ",
                     "A", "/a/b", "\x1b[2J", "x" * 4000, "-" * 64,
                     "/" + "x" * 64, "\udcff"):
            if rest == "":
                tap.check("a name without a client", is_invalid, "-none")
            else:
                tap.check(f"the name ...{rest[:9]!a}", is_invalid, rest)
        for callout in "uid=0", "x" * 4000, "\n$(id)\n":
            tap.check(f"the callout {callout[:9]!a}", is_ignored, callout)
        tap.check("a kind of key without a rule", needs_another_rule)
        tap.check("valetkey-upcall run by hand", is_no_upcall)
        equal(server.count(), 1)


def identities(tap, live):
    def is_refused(owner, group, mode, expected, user):
        copy = shutil.copy(shutil.which("keyctl"), machine.directory)
        os.chown(copy, owner, group)
        os.chmod(copy, mode)
        done = machine.run(user, copy, "request2", "user",
                           f"valetkey:{name}", "", "@u")
        os.unlink(copy)
        machine.clear(user)
        equal((done.returncode, done.stdout), (1, ""))
        assert expected in done.stderr, done

    def is_foreign(*start):
        equal(machine.request(alice, f"valetkey:{name}", *start), errno.EPERM)
        done = machine.run(alice, *start, "valetkey", "token", name)
        assert done.returncode != 0 and done.stdout == "", done

    def by_another_thread():
        """User IDs of who asks, those of the process, what comes of it."""
        one, two = alice.pw_uid, mallory.pw_uid
        for ids, other, expected in (
                ((two, two, two), one, "EACCES"),
                ((two, one, one), one, "EPERM"),
                ((one, two, one), one, "EPERM"),
                ((one, one, two), two, "EPERM"),
                ((0, one, one), one, "EPERM"),
                ((one, one, one), two, "genuine")):
            equal(server.count(), 0)
            equal(ast.literal_eval(machine.hostile(
                None, "switch", *map(str, ids), str(other),
                f"valetkey:{name}", "10")), {expected: 10})

    def in_a_container():
        """Without a user namespace of its own: the host's users."""
        token = machine.token(alice, name)
        for user, expected in ((alice, token), (mallory, ""), (None, "")):
            done = subprocess.run(
                [*CONTAINER, *become(user), "keyctl", "session", "-",
                 "valetkey", "token", name], env=machine.env, text=True,
                capture_output=True)
            equal((done.stdout.strip(), done.returncode),
                  (expected, 0 if expected else 4))

    def become(user):
        return [] if user is None else [
            "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
            "--clear-groups"]

    def has_nothing_in_there():
        """Of what a user has outside; nor has another one with his number."""
        machine.token(alice, name)
        for start in NAMESPACES:
            done = machine.run(alice, *start, "keyctl", "session", "-",
                               "keyctl", "search", "@u", "user",
                               f"valetkey:{name}")
            equal((done.returncode, done.stdout), (1, ""))

    if os.statvfs(live.directory).f_flag & os.ST_NOSUID:
        raise Missing("temporary files are on a file system without set-uid")
    with Machine(live) as machine, User() as alice, User() as mallory, \
            scripted(live.pki) as server:
        name = machine.add("identity", server, allow=f"@{alice.pw_name}")
        denied = "Operation not permitted"
        tap.check("a set-user-ID program of who is allowed", is_refused,
                  alice.pw_uid, 0, 0o4755, denied, mallory)
        tap.check("a set-user-ID program of root's", is_refused, 0, 0,
                  0o4755, denied, mallory)
        tap.check("a set-group-ID program of who is allowed", is_refused, 0,
                  alice.pw_gid, 0o2755, "Permission denied", mallory)
        for start in NAMESPACES:
            tap.check(f"who is allowed, by {' '.join(start)}", is_foreign,
                      *start)
        equal(server.count(), 0)
        tap.check("user IDs that change meanwhile", by_another_thread)
        tap.check("a container with users of the machine", in_a_container)
        tap.check("a user namespace has no token of outside",
                  has_nothing_in_there)
        equal(server.count(), 1)


def flood(tap, live):
    def has_room_for_others():
        server.mode("slow:500")
        flood = [machine.popen(
            mallory, "keyctl", "session", "-", "sh", "-c",
            f"i=0; while [ $i -lt 25 ]; do valetkey token {name};"
            " keyctl clear @u; i=$((i+1)); done") for _ in range(20)]
        try:
            token = machine.token(alice, name)
            for _ in range(20):
                machine.clear(alice)
                equal(machine.token(alice, name), token)
        finally:
            for process in flood:
                process.communicate()
        equal(server.count(), 1)

    def is_told():
        fill = 'while keyctl add user filler:$i x @u; do i=$((i+1)); done'
        done = machine.run(mallory, "sh", "-c", f"i=0; {fill}")
        assert "quota" in done.stderr, done
        before = machine.upcalls()
        machine.refused(mallory, name, 7, "keyring is full")
        equal(machine.upcalls(), before)
        machine.token(alice, name)

    with Machine(live) as machine, User() as alice, User() as mallory, \
            scripted(live.pki) as server:
        name = machine.add("flood", server,
                           allow=f"{alice.pw_name},{mallory.pw_name}")
        tap.check("500 requests of one user while another works",
                  has_room_for_others)
        tap.check("a full quota is told, without an upcall", is_told)


def crashes(tap, live):
    """kill -9 at each of the upcall's calls that concern keys, one after
    the other: the kernel keeps "no key" for a minute, the caller does not."""
    def kill_at(number):
        machine.kill_at(number)
        token = machine.token(alice, name)
        poll(lambda: not machine.processes(), "the end of the upcall")
        killed = machine.was_killed()
        machine.clear(alice)
        equal(machine.token(alice, name), token)
        return killed

    def with_the_token_there():
        machine.token(alice, name)
        requests, killed = server.count(), 0
        for number in range(1, KEY_CALLS):
            machine.clear(alice)
            if not kill_at(number):
                break
            killed += 1
        print(f"# killed at {killed} places", flush=True)
        assert 15 < killed < KEY_CALLS - 1, killed
        equal(server.count(), requests)

    def while_it_fetches():
        for number in range(1, KEY_CALLS, CRASHES):
            machine.system("drop", name)
            machine.clear(alice)
            requests = server.count()
            kill_at(number)
            # A fetch that was paid for goes on without the upcall.
            assert server.count() - requests in (1, 2), server.count()

    def while_the_server_is_asked():
        machine.system("drop", name)
        machine.clear(alice)
        requests = server.count()
        server.mode("slow:1500")
        process = machine.popen(alice, "valetkey", "token", name)
        poll(lambda: server.count() > requests, "the request")
        os.kill(machine.upcall_ids()[-1], signal.SIGKILL)
        out, errors = process.communicate()
        equal((process.returncode, errors), (0, ""))
        equal(machine.token(bob, name), out.strip())
        equal(server.count(), requests + 1)

    def of_the_broker():
        """Root's part or the exchange: the caller hears of it, the next
        one is served."""
        for part in "--timeout-ms", "--exchange":
            machine.system("drop", name)
            machine.clear(alice)
            requests = server.count()
            server.mode("slow:1500")
            process = machine.popen(alice, "valetkey", "token", name)
            poll(lambda: server.count() > requests, "the request")
            for pid, words in machine.processes().items():
                if "broker" in words[0] and part in words:
                    os.kill(pid, signal.SIGKILL)
            out, errors = process.communicate()
            equal((out, errors.count("\n")), ("", 1))
            assert process.returncode in (1, 6), (process.returncode, errors)
            server.mode("ok")
            equal(machine.system("retry", name).returncode, 0)
            poll(lambda: machine.run(bob, "valetkey", "token",
                                     name).returncode == 0, "the next one")
            machine.clear(bob)

    if not shutil.which("strace"):
        raise Missing("strace is not installed")
    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("crash", server,
                           allow=f"{alice.pw_name},{bob.pw_name}")
        tap.check("kill -9 at every step: the same call is served",
                  with_the_token_there)
        tap.check("kill -9 of one that has to fetch", while_it_fetches)
        tap.check("kill -9 while the server is asked",
                  while_the_server_is_asked)
        tap.check("kill -9 of what fetches", of_the_broker)


GROUPS = [under_construction, planted, forged, identities, flood, crashes]
