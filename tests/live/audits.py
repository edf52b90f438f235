# SPDX-License-Identifier: MIT
"""What the broker decides is in the log, and cannot be forged there."""

import errno
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess

from live import User
from machine import Machine
from servers import Missing, scripted
from session import poll
from tap import equal

JOURNALD = "/lib/systemd/systemd-journald"
FIELDS = ["uid", "loginuid", "pid", "exe", "unit", "name", "outcome",
          "source", "hash", "why"]
FORGED = 'x" uid=0\nVALETKEY_UID=0\nVALETKEY_OUTCOME=ok\n\nMESSAGE=uid=0'
# A journald in namespaces of its own, which is given what the test's has got.
IN_JOURNALD = """
set -e
mount -t tmpfs none /run
mount -t tmpfs none /var/log
mkdir -p /run/systemd/journal
{journald} >/dev/null 2>&1 &
trap "kill $!" EXIT
{python} - <<'END'
import os, socket, sys, time
for _ in range(3000):
    if os.path.exists("/run/systemd/journal/socket"):
        break
    time.sleep(0.01)
for uid, text in {entries!r}:
    if os.fork() == 0:
        os.setuid(uid)
        out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        out.sendto(text, "/run/systemd/journal/socket")
        os._exit(0)
    os.wait()
END
journalctl --sync
exec 3>&1
valetkey --system log --json
valetkey --system log "$1"
journalctl -o json VALETKEY_OUTCOME=EACCES
"""


class Log:
    """A socket that plays journald, or a syslog daemon."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.setblocking(False)
        return self

    def __exit__(self, *ignored):
        self.socket.close()
        os.unlink(self.path)

    def texts(self):
        found = []
        while True:
            try:
                found.append(self.socket.recv(65536))
            except BlockingIOError:
                return found


def read_entry(text):
    """As journald does: KEY=VALUE, line by line."""
    lines = text.decode().split("\n")
    equal(lines.pop(), "")
    pairs = [line.split("=", 1) for line in lines]
    assert len({key for key, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def entries(log):
    """The fields of ours, of each entry."""
    found = []
    for text in log.texts():
        entry = read_entry(text)
        equal((entry["SYSLOG_IDENTIFIER"], entry["SYSLOG_FACILITY"]),
              ("valetkey-upcall", "10"))
        found.append({name: entry.get("VALETKEY_" + name.upper())
                      for name in FIELDS})
    return found


def short_hash(token):
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def can_set_loginuid():
    """The kernel lets it be set, and it is not set for good."""
    try:
        with open("/proc/self/loginuid") as file:
            return file.read() == "4294967295"
    except OSError:
        return False


def audits(tap, live):
    def request(user, name, *start, program="keyctl"):
        """By a process of which we know the number."""
        process = machine.popen(user, *start, program, "request2", "user",
                                f"valetkey:{name}", "", "@u")
        process.communicate()
        return process.pid

    def one():
        found = entries(log)
        equal(len(found), 1)
        return found[0]

    def tells(user, outcome, source, **more):
        pid = request(user, name)
        got = one()
        equal(got, {"uid": str(user.pw_uid), "pid": str(pid), "name": name,
                    "exe": os.path.realpath("/usr/bin/keyctl"),
                    "loginuid": got["loginuid"], "unit": got["unit"],
                    "outcome": outcome, "source": source, "hash": None,
                    "why": None, **more})

    def tells_each():
        log.texts()
        request(alice, name)
        token = machine.token(alice, name)
        more = {"hash": short_hash(token)}
        got = one()
        equal((got["outcome"], got["source"], got["hash"]),
              ("ok", "fetch", more["hash"]))
        tells(bob, "ok", "registry", **more)
        tells(mallory, "EACCES", "refused")

    def tells_of_outages():
        def goes(mode, outcome, *sources):
            machine.system("drop", name)
            machine.system("retry", name)
            server.mode(mode)
            for source in sources:
                machine.clear(alice)
                request(alice, name)
                got = one()
                equal((got["outcome"], got["source"]), (outcome, source))
                assert got["why"], got

        try:
            goes("401-empty", "EKEYREJECTED", "fetch", "refused")
            goes("status:500", "ECONNREFUSED", "fetch")
            goes("429-none", "EBUSY", "busy", "busy")
        finally:
            server.mode("ok")
            machine.system("retry", name)

    def tells_wrong_names():
        for wrong, shown in (machine.name("none"), machine.name("none")), \
                (f"{machine.tag}-A\nVALETKEY_UID=0", None):
            equal(machine.request(alice, "valetkey:" + wrong), errno.EINVAL)
            got = one()
            equal((got["name"], got["outcome"], got["source"], got["uid"]),
                  (shown, "EINVAL", "refused", str(alice.pw_uid)))

    def is_not_forged():
        path = os.path.join(machine.directory, FORGED.replace("/", "-"))
        shutil.copy("/usr/bin/keyctl", path)
        machine.clear(bob)
        request(bob, name, program=path)
        got = one()
        equal((got["uid"], got["outcome"]), (str(bob.pw_uid), "ok"))
        assert got["exe"].endswith(r"\x0aMESSAGE=uid=0"), got

    def tells_who_had_logged_in():
        if not can_set_loginuid():
            raise Missing("/proc/self/loginuid cannot be set here")
        machine.clear(bob)
        script = 'echo "$1" >/proc/self/loginuid; shift; exec setpriv "$@"'
        subprocess.run(
            ["sh", "-c", script, "sh", str(alice.pw_uid),
             f"--reuid={bob.pw_uid}", "--clear-groups", "keyctl", "request2",
             "user", f"valetkey:{name}", "", "@u"], env=machine.env,
            capture_output=True, check=True)
        got = one()
        equal((got["uid"], got["loginuid"]),
              (str(bob.pw_uid), str(alice.pw_uid)))

    def tells_that_it_was_ended():
        machine.system("drop", name)
        machine.clear(alice)
        server.reset()
        server.mode("slow:1000")
        log.texts()
        process = machine.popen(alice, "keyctl", "request2", "user",
                                f"valetkey:{name}", "", "@u")
        poll(lambda: server.count() == 1, "the request")
        os.kill(machine.upcall_ids()[-1], signal.SIGTERM)
        process.communicate()
        got = one()
        equal((got["outcome"], got["source"], got["pid"]),
              ("ETIMEDOUT", "fetch", str(process.pid)))
        server.mode("ok")

    with Machine(live) as machine, User() as alice, User() as bob, \
            User() as mallory, scripted(live.pki) as server:
        name = machine.add("log", server,
                           allow=f"{alice.pw_name}, {bob.pw_name}")
        with Log(os.path.join(machine.directory, "journal")) as log:
            for what, test in {
                    "an entry for each decision": tells_each,
                    "names that are wrong": tells_wrong_names,
                    "a forged name makes no fields": is_not_forged,
                    "who had logged in": tells_who_had_logged_in,
                    "what the endpoint said": tells_of_outages,
                    "an upcall that was ended": tells_that_it_was_ended,
                    }.items():
                tap.check(what, test)


def logs(tap, live):
    def line_of(program="valetkey-upcall[7]", time="Nov  1 04:05:06", **more):
        """As a syslog daemon writes it."""
        words = {"uid": "0", "loginuid": "-", "pid": "8", "exe": "/bin/x",
                 "unit": "-", "name": "prod", "outcome": "ok",
                 "source": "fetch", "hash": "-", **more}
        return f"{time} host {program}: " + " ".join(
            f"{key}={value}" for key, value in words.items()) + "\n"

    def log(*words, status=0):
        done = machine.system("log", *words)
        equal((done.returncode, bool(done.stderr)), (status, status != 0))
        return done.stdout if status == 0 else done.stderr

    def write(text):
        path = os.path.join(machine.directory, "auth.log")
        with open(path, "w") as out:
            out.write(text)
        return path

    def is_read_back():
        """From the logger's socket into a file, and out of there."""
        path = os.path.join(machine.directory, "syslog")
        with Log(path) as logger:
            machine.clear(alice)
            machine.clear(bob)
            token = machine.token(alice, name)
            machine.refused(bob, name, 4, "not allowed")
            texts = [text.decode() for text in logger.texts()]
        equal([text[:len("<86>valetkey-upcall[")] for text in texts],
              ["<86>valetkey-upcall[", "<85>valetkey-upcall["])
        path = write("".join(f"Nov 21 14:33:0{number} host {text[4:]}\n"
                             for number, text in enumerate(texts)))
        got = json.loads(log("--file", path, "--json"))
        equal([(entry["time"], entry["uid"], entry["name"], entry["outcome"],
                entry["source"], entry["hash"]) for entry in got],
              [("Nov 21 14:33:00", alice.pw_uid, name, "ok",
                got[0]["source"], short_hash(token)),
               ("Nov 21 14:33:01", bob.pw_uid, name, "EACCES", "refused",
                None)])
        rows = log("--file", path).split("\n")
        equal([row.split()[:2] for row in rows[:1]], [["TIME", "USER"]])
        assert short_hash(token) in rows[1] and alice.pw_name in rows[1], rows
        assert bob.pw_name in rows[2] and "EACCES" in rows[2], rows

    def needs_no_logger():
        """Nobody listens; one listens, and takes nothing."""
        for path in "journal", "syslog":
            machine.clear(alice)
            machine.token(alice, name)
            with Log(os.path.join(machine.directory, path)) as full:
                out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                out.setblocking(False)
                try:
                    while True:
                        out.sendto(b"x", full.path)
                except BlockingIOError:
                    pass
                machine.clear(alice)
                machine.token(alice, name)
                assert all(text == b"x" for text in full.texts())
                out.close()

    def takes_no_forged_lines():
        good = line_of(exe="/bin/good")
        forged = line_of(exe="/bin/bad")
        text = forged.split("host ", 1)[1].strip()
        path = write(
            f"Nov  1 04:05:06 host sshd[1]: Invalid user {text}\n"
            f"Nov  1 04:05:06 host sshd[1]: x {forged}"
            f"2026-11-01T04:05:06Z host sshd[1]: {forged}"
            f"{text}\n host {text}\n"
            + line_of("valetkey-upcall[x]", exe="/bin/bad")
            + line_of("valetkey-upcall", exe="/bin/bad")
            + line_of(exe='"/bin/bad"x') + line_of(exe="/bin/bad", x="y")
            + good)
        equal([entry["exe"] for entry in json.loads(log("--file", path,
                                                        "--json"))],
              ["/bin/good"])

    def shows_what_is_asked_for():
        names = ["a", "a/b", "ab", "b/a"]
        path = write("".join(line_of(name=name) for name in names)
                     + line_of(time="2026-11-01T04:05:06.789+01:00",
                               name="-", exe=r'"/x y\x0a\x1b\xff"',
                               outcome="EACCES", why='"it is late"'))
        def shown(*words):
            return [entry["name"] for entry in json.loads(log(
                *words, "--file", path, "--json"))]
        equal(shown(), [*names, None])
        equal(shown("a"), ["a", "a/b"])
        equal(shown("a/b"), ["a/b"])
        equal(shown("c"), [])
        equal(json.loads(log("--file", path, "--json"))[-1],
              {"time": "2026-11-01T04:05:06.789+01:00", "uid": 0,
               "loginuid": None, "pid": 8, "exe": "/x y\n\x1b\ufffd",
               "unit": None, "name": None, "outcome": "EACCES",
               "source": "fetch", "hash": None, "why": "it is late"})
        assert "/x y\\x0a\\x1b\\xff  (it is late)\n" in log("--file", path)
        equal(log("c", "--file", path), "")

    def says_what_to_do():
        path = os.path.join(machine.directory, "none")
        assert path in log("--file", path, status=1)
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", """
             mount -t tmpfs none /var/log && mount -t tmpfs none /run &&
             valetkey --system log"""], env=machine.env, text=True,
            capture_output=True)
        equal((done.returncode, done.stdout), (1, ""))
        assert "--file" in done.stderr, done
        done = machine.run(None, "valetkey", "log")
        equal((done.returncode, done.stdout), (2, ""))

    def finds_the_file():
        path = write(line_of())
        for file in "auth.log", "secure":
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-c", """
                 mount -t tmpfs none /run && cp "$1" /tmp/$$ &&
                 mount -t tmpfs none /var/log && mv /tmp/$$ "/var/log/$2" &&
                 valetkey --system log --json""", "sh", path, file],
                env={**machine.env, "VALETKEY_SYSCONFDIR": "/nonexistent"},
                text=True, capture_output=True)
            equal((done.returncode, done.stderr), (0, ""))
            equal(len(json.loads(done.stdout)), 1)

    def goes_through_journald():
        if not os.path.exists(JOURNALD) or not shutil.which("journalctl"):
            raise Missing("systemd-journald is not installed")
        with Log(os.path.join(machine.directory, "journal")) as journal:
            machine.clear(alice)
            machine.clear(bob)
            machine.token(alice, name)
            machine.refused(bob, name, 4, "not allowed")
            texts = journal.texts()
        equal(len(texts), 2)
        given = [(0, texts[0]), (bob.pw_uid, texts[0]), (0, texts[1]),
                 (0, b"SYSLOG_IDENTIFIER=valetkey-upcall\nMESSAGE\n"
                  b"\x04\0\0\0\0\0\0\0\n\n\n\n\n")]
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", IN_JOURNALD.format(
                journald=JOURNALD, python="/usr/bin/python3", entries=given),
             "sh", name], env=machine.env, text=True, capture_output=True)
        equal((done.returncode, done.stderr), (0, ""))
        first, *rest = done.stdout.strip().split("\n")
        equal([(entry["uid"], entry["outcome"])
               for entry in json.loads(first)],
              [(alice.pw_uid, "ok"), (bob.pw_uid, "EACCES")])
        assert json.loads(first)[0]["time"].endswith("Z"), first
        equal(len(rest), 4)
        assert alice.pw_name in rest[1] and bob.pw_name in rest[2], rest
        got = json.loads(rest[3])
        equal((got["VALETKEY_NAME"], got["VALETKEY_UID"], got["_UID"]),
              (name, str(bob.pw_uid), "0"))

    with Machine(live) as machine, User() as alice, User() as bob, \
            scripted(live.pki) as server:
        name = machine.add("logs", server, allow=alice.pw_name)
        for what, test in {
                "the log of a syslog daemon is read back": is_read_back,
                "without a log, and with one that is full": needs_no_logger,
                "no forged lines": takes_no_forged_lines,
                "what is asked for": shows_what_is_asked_for,
                "without a log it says what to do": says_what_to_do,
                "it finds the file": finds_the_file,
                "a real journald": goes_through_journald}.items():
            tap.check(what, test)


GROUPS = [audits, logs]
