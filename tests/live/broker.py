# SPDX-License-Identifier: MIT
"""Broker mode: users of the machine, and one token for all of them."""

import errno
import os
import signal
import subprocess

from contexts import said_by, ways
from live import User
from machine import Machine
from servers import scripted
from session import SECRET, Session, poll
from tap import equal

CROWD = 1000
USERS = 200
SESSIONS = 100
FIRST_UID = 400000000
TOKEN = 'valetkey token "$1" &'


def allowed(tap, live):
    def has_token(user, name):
        token = machine.token(user, name)
        equal(token.count("."), 2)
        equal(machine.token(user, name), token)
        equal(machine.run(user, "keyctl", "pipe", machine.key(
            user, name)).stdout.split("\n")[0], token)

    def is_roots():
        said = machine.run(alice, "keyctl", "rdescribe",
                           machine.key(alice, names[0])).stdout.strip()
        equal(said.split(";")[:2] + said.split(";")[3:],
              ["user", "0", "1b3e0000", f"valetkey:{names[0]}"])

    def makes_no_upcall():
        before = machine.upcalls()
        machine.token(alice, names[0])
        equal(machine.upcalls(), before)

    def hits_the_registry():
        requests, upcalls = server.count(), machine.upcalls()
        token = machine.token(alice, names[0])
        machine.clear(alice)
        equal(machine.token(alice, names[0]), token)
        equal((server.count(), machine.upcalls()), (requests, upcalls + 1))

    def drops_his_own():
        requests = server.count()
        token = machine.token(alice, names[0])
        equal(machine.run(alice, "valetkey", "drop", names[0]).returncode, 0)
        equal(machine.token(alice, names[0]), token)
        equal(server.count(), requests)

    def reports_it_as_refused():
        """Then it is his own that goes; he is told who can do more."""
        requests, token = server.count(), machine.token(alice, names[0])
        fields = "protocol=https\nhost=broker.invalid\n"
        done = machine.run(alice, "git-credential-valetkey", "get",
                           text=fields + "\n")
        assert f"password={token}\n" in done.stdout, done
        done = machine.run(alice, "git-credential-valetkey", "erase",
                           text=f"{fields}password={token}\n\n")
        equal((done.returncode, done.stdout), (0, ""))
        assert f"valetkey --system drop {names[0]}\n" in done.stderr, done
        equal(machine.run(alice, "keyctl", "list", "@u").stdout.count(
            names[0]), 0)
        equal((machine.token(alice, names[0]), server.count()),
              (token, requests))

    def has_it_by_url():
        done = machine.run(alice, "docker-credential-valetkey", "get",
                           text="https://broker.invalid/x")
        assert machine.token(alice, names[0]) in done.stdout, done

    def needs_no_home():
        done = machine.run(alice, "env", "-u", "HOME", "valetkey", "token",
                           names[0])
        equal((done.returncode, done.stderr), (0, ""))

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        names = [
            machine.add("user", server, allow=f"nobody, {alice.pw_name}",
                        serves="broker.invalid"),
            machine.add("group", server, allow=f"@{alice.pw_name}"),
            machine.add("uid", server, allow=f"#{alice.pw_uid}")]
        for name in names:
            tap.check(f"a token for an allowed {name.split('-')[-1]}",
                      has_token, alice, name)
        tap.check("the key is root's", is_roots)
        tap.check("a warm get makes no upcall", makes_no_upcall)
        tap.check("the registry has it: an upcall, no request",
                  hits_the_registry)
        tap.check("a user drops his key, not the machine's token",
                  drops_his_own)
        tap.check("a helper has it by URL", has_it_by_url)
        tap.check("a user's report that it was refused concerns his own",
                  reports_it_as_refused)
        tap.check("a service without a home has it", needs_no_home)
        equal(server.count(), 3)


def not_allowed(tap, live):
    def is_refused(user):
        before = server.count()
        for _ in range(20):
            machine.refused(user, name, 4, "not allowed")
        equal(server.count(), before)

    def changes_at_once():
        subprocess.run(["usermod", "-aG", alice.pw_name, mallory.pw_name],
                       check=True)
        # What the kernel keeps of the refusal lasts a second at most.
        poll(lambda: machine.run(mallory, "valetkey", "token",
                                 name).returncode == 0, "the new group")
        subprocess.run(["gpasswd", "-d", mallory.pw_name, alice.pw_name],
                       check=True, capture_output=True)
        machine.clear(mallory)
        machine.refused(mallory, name, 4, "not allowed")

    def is_taken_away():
        token = machine.token(alice, name)
        machine.edit(f"@{alice.pw_name}", "@no-such-group")
        equal(machine.system("drop", name).returncode, 0)
        machine.refused(alice, name, 4, "not allowed")
        machine.edit("@no-such-group", f"@{alice.pw_name}")
        poll(lambda: machine.run(alice, "valetkey", "token",
                                 name).returncode == 0, "the token")
        assert machine.token(alice, name) != token

    def knows_no_such_client():
        equal(machine.request(alice, f"valetkey:{machine.name('none')}"),
              errno.EINVAL)

    with Machine(live) as machine, User() as alice, User() as mallory, \
            scripted(live.pki) as server:
        name = machine.add("closed", server, allow=f"@{alice.pw_name}")
        tap.check("another user is refused, without a request", is_refused,
                  mallory)
        tap.check("so is root", is_refused, None)
        tap.check("so is a uid without an entry", is_refused, FIRST_UID)
        tap.check("who joins a group has it, who leaves has not",
                  changes_at_once)
        tap.check("out of allow, and dropped: no token", is_taken_away)
        tap.check("a client that is not there", knows_no_such_client)


def crowds(tap, live):
    def outputs(user, count, line):
        done = machine.run(user, "sh", "-c", f"""
            i=0; while [ $i -lt {count} ]; do {line} i=$((i+1)); done; wait
        """, "sh", name)
        equal(done.stderr.replace("Joined session keyring", ""), done.stderr)
        return done.stdout.split("\n")[:-1]

    def is_one_request():
        machine.system("drop", name)
        server.mode("slow:300")
        requests, upcalls = server.count(), machine.upcalls()
        answers = outputs(FIRST_UID, CROWD, TOKEN)
        equal((len(answers), len(set(answers))), (CROWD, 1))
        equal(server.count(), requests + 1)
        return machine.upcalls() - upcalls

    def is_one_upcall():
        equal(is_one_request(), 1)

    def in_private_sessions():
        machine.clear(FIRST_UID)
        machine.system("drop", name)
        requests = server.count()
        done = machine.run(
            FIRST_UID, "sh", "-c", f"""
            i=0; while [ $i -lt {SESSIONS} ]; do
                keyctl session - valetkey token "$1" 2>/dev/null & i=$((i+1))
            done; wait""", "sh", name)
        answers = done.stdout.split()
        equal((len(answers), len(set(answers))), (SESSIONS, 1))
        equal(server.count(), requests + 1)

    def of_many_users():
        machine.system("drop", name)
        requests = server.count()
        crowd = [machine.popen(FIRST_UID + n, "valetkey", "token", name)
                 for n in range(USERS)]
        answers = [process.communicate() + (process.returncode,)
                   for process in crowd]
        equal({answer[1:] for answer in answers}, {("", 0)})
        equal(len({answer[0] for answer in answers}), 1)
        equal(server.count(), requests + 1)

    def is_dropped_for_all():
        few = [FIRST_UID + n for n in range(5)]
        old = {machine.token(uid, name) for uid in few}
        keys = [machine.key(uid, name) for uid in few]
        requests = server.count()
        equal(machine.system("drop", name).returncode, 0)
        for uid, key in zip(few, keys):
            assert machine.run(uid, "keyctl", "pipe", key).returncode != 0
        new = {machine.token(uid, name) for uid in few}
        equal((len(old), len(new), len(old & new)), (1, 1, 0))
        equal(server.count(), requests + 1)

    def leaves_no_process():
        for n in range(100):
            machine.clear(FIRST_UID + n)
            machine.token(FIRST_UID + n, name)
        poll(lambda: not machine.processes(), "the end of all processes")

    with Machine(live) as machine, scripted(live.pki) as server:
        name = machine.add("crowd", server, allow=",".join(
            f"#{FIRST_UID + n}" for n in range(USERS)))
        tap.check(f"{CROWD} processes of a user: one upcall, one request",
                  is_one_upcall)
        tap.check(f"{SESSIONS} private session keyrings: one request",
                  in_private_sessions)
        tap.check(f"{USERS} users at once: one request", of_many_users)
        tap.check("drop takes it from all users at once", is_dropped_for_all)
        tap.check("no process is left after 100 requests", leaves_no_process)


def outages(tap, live):
    def holds_all(mode, status, text, errors):
        """errors: what the kernel says to one who is told by nobody else."""
        name = machine.add(mode.replace(":", "-"), server,
                           allow=f"{alice.pw_name}, #{FIRST_UID}")
        server.mode(mode)
        before = server.count()
        machine.refused(alice, name, status, text)
        equal(server.count(), before + 1)
        error = machine.request(FIRST_UID, f"valetkey:{name}")
        assert error in errors, error
        # The hold that follows a 500 is a second, which may be over.
        if error != errno.ECONNREFUSED:
            equal(server.count(), before + 1)
        before = server.count()
        server.mode("ok")
        equal(machine.system("retry", name).returncode, 0)
        machine.clear(alice)
        machine.token(alice, name)
        equal(server.count(), before + 1)

    def is_not_unsealed_again():
        """The secret, for each who asks while it is refused."""
        name = machine.add("sealed", server, audience="one.invalid",
                           allow=f"{alice.pw_name}, #{FIRST_UID}")
        server.mode("401-auth0")
        before = server.count()

        def refuses(brokers, requests):
            said = [machine.refused(alice, name, 4, "refuses"),
                    machine.request(FIRST_UID, f"valetkey:{name}")]
            equal(said[1], errno.EKEYREJECTED)
            machine.clear(alice)
            machine.clear(FIRST_UID)
            equal((machine.brokers() - started, server.count() - before),
                  (brokers, requests))

        started = machine.brokers()
        for _ in range(5):
            refuses(1, 1)
        # Another audience: is it the same secret?
        machine.edit("one.invalid", "two.invalid")
        for _ in range(5):
            refuses(2, 1)
        machine.system("rotate", name, "--secret-stdin", text="not.real.2")
        refuses(3, 2)
        os.utime(os.path.join(machine.etc, "secrets", name + ".cred"))
        refuses(4, 2)
        server.mode("ok")

    def cannot_be_reached():
        name = machine.add("away", server, url="https://127.0.0.1:1/t",
                           allow=alice.pw_name)
        machine.refused(alice, name, 6, "cannot be reached")

    def has_no_secret():
        name = machine.add("lost", server, allow=alice.pw_name)
        os.unlink(os.path.join(machine.etc, "secrets", name + ".cred"))
        before = server.count()
        machine.refused(alice, name, 1, "administrator")
        equal(server.count(), before)
        done = machine.system("rotate", name, "--secret-stdin", text=SECRET)
        equal((done.returncode, done.stderr), (0, ""))
        machine.clear(alice)
        machine.token(alice, name)

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server:
        tap.check("a refused credential is not sent again", holds_all,
                  "401-auth0", 4, "refuses the client's credential",
                  [errno.EKEYREJECTED])
        tap.check("nor is the secret unsealed again", is_not_unsealed_again)
        tap.check("a rate limit holds all users", holds_all, "429:30", 5,
                  "held back", [errno.EBUSY])
        tap.check("a failing server is left alone", holds_all, "500", 6,
                  "cannot be reached", [errno.ECONNREFUSED, errno.EBUSY])
        tap.check("a server that is not there", cannot_be_reached)
        tap.check("a secret that is not there", has_no_secret)


def privilege(tap, live):
    def status_of(pid):
        with open(f"/proc/{pid}/status") as status:
            return dict(line.rstrip("\n").split(":\t", 1) for line in status
                        if ":\t" in line)

    def exchange():
        for pid, words in machine.processes().items():
            if "--exchange" in words:
                return pid
        return None

    def is_confined():
        server.mode("slow:1500")
        process = machine.popen(alice, "valetkey", "token", name)
        poll(lambda: server.count() > 0, "the request")
        pid = exchange()
        found = status_of(pid)
        assert "0" not in found["Uid"].split() + found["Gid"].split(), found
        equal((found["Groups"].strip(), found["NoNewPrivs"],
               found["Seccomp"]), ("", "1", "2"))
        equal({int(found[what], 16)
               for what in ("CapPrm", "CapEff", "CapInh", "CapAmb")}, {0})
        for other in machine.processes():
            for what in "cmdline", "environ":
                with open(f"/proc/{other}/{what}", "rb") as text:
                    assert SECRET.encode() not in text.read()
        out, errors = process.communicate()
        equal((process.returncode, errors), (0, ""))

    def cannot_be_read():
        for path in ("secrets", f"secrets/{name}.cred"):
            done = machine.run(alice, "cat", os.path.join(machine.etc, path))
            assert "Permission denied" in done.stderr, done
        for words in (["valetkey-vault", "has", name, "demo", "x"],
                      ["valetkey-broker", "--sysconfdir", machine.etc, name],
                      ["valetkey-upcall", "--sysconfdir", machine.etc, "1"],
                      ["valetkey", "--system", "list"]):
            equal(machine.run(alice, *words).returncode, 2)

    def is_for_him_only():
        machine.token(alice, name)
        key = machine.key(alice, name)
        for words in (["setperm", key, "0x3f3f3f3f"], ["revoke", key],
                      ["chown", key, str(alice.pw_uid)],
                      ["timeout", key, "99999"], ["update", key, "evil"]):
            done = machine.run(alice, "keyctl", *words)
            assert done.returncode != 0, words
        for words in (["rdescribe", key], ["pipe", key], ["link", key, "@u"],
                      ["invalidate", key]):
            done = machine.run(bob, "keyctl", *words)
            assert done.returncode != 0, words

    def is_out_of_reach():
        """Root's session keyring comes to another user by su."""
        script = """
            keyctl link @u @s
            exec setpriv --reuid=$1 --regid=$1 --clear-groups sh -c '
                keyctl search @s keyring _valetkey
                keyctl search @s keyring _valetkey.users
                keyctl get_persistent @s 0'"""
        done = subprocess.run(
            ["keyctl", "session", "-", "sh", "-c", script, "sh",
             str(bob.pw_uid)], capture_output=True, text=True)
        equal((done.returncode, done.stdout), (1, ""))
        # In @u it could be unlinked from there, whatever its permissions.
        found = subprocess.run(["keyctl", "search", "@u", "keyring",
                                "_valetkey"], capture_output=True)
        equal(found.returncode, 1)
        machine.token(alice, name)

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("power", server, allow=alice.pw_name)
        tap.check("what talks to the network has no rights", is_confined)
        tap.check("a user cannot read the secret", cannot_be_read)
        tap.check("a user cannot change his key, others not see it",
                  is_for_him_only)
        tap.check("the registry is out of reach from root's session",
                  is_out_of_reach)


def broker_contexts(tap, live):
    def serves(run):
        token = machine.token(alice, name)
        machine.clear(alice)
        equal(said_by(run(["valetkey", "token", name])), token)
        equal(said_by(run(["valetkey", "token", name])), token)
        equal(server.count(), 1)

    with Machine(live) as machine, User() as alice, scripted(live.pki) as \
            server, Session(live.programs, alice) as session:
        name = machine.add("context", server, allow=alice.pw_name)
        session.env["VALETKEY_SYSCONFDIR"] = machine.etc
        for where, run in ways(session, alice.pw_name).items():
            if run:
                tap.check(f"the machine's token in {where}", serves, run)
            else:
                tap.skip(f"the machine's token in {where}",
                         "it is not installed")


def interrupted(tap, live):
    def ends_by_ctrl_c():
        server.mode("slow:3000")
        process = machine.popen(alice, "valetkey", "token", name)
        poll(lambda: server.count() == 1, "the request")
        process.send_signal(signal.SIGINT)
        process.communicate()
        equal(process.returncode, -signal.SIGINT)
        equal(server.log()[-1].get("status"), None)
        machine.token(alice, name)
        equal(server.count(), 1)

    def goes_on_without(how):
        machine.system("drop", name)
        server.reset()
        server.mode("slow:1000")
        first = machine.popen(alice, "keyctl", "request2", "user",
                              f"valetkey:{name}", "", "@u")
        poll(lambda: server.count() == 1, "the request")
        first.send_signal(how)
        try:
            machine.token(bob, name)
            machine.token(alice, name)
            equal(server.count(), 1)
        finally:
            first.kill()
            first.communicate()

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("stop", server,
                           allow=f"{alice.pw_name}, {bob.pw_name}")
        tap.check("Ctrl-C ends the caller, not the request", ends_by_ctrl_c)
        for how in signal.SIGKILL, signal.SIGSTOP:
            tap.check(f"the requester gets {how.name}", goes_on_without, how)


GROUPS = [allowed, not_allowed, crowds, outages, privilege, broker_contexts,
          interrupted]
