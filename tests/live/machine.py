# SPDX-License-Identifier: MIT
"""A server with clients of its own, for the time of a test.

    with Machine(live) as machine, User() as alice:
        name = machine.add("prod", server, allow=alice.pw_name)
        machine.token(alice, name)

Upcalls run in the namespaces of the first process, as root, by the rules in
/etc/request-key.d: there is no way to have them apart.  So the rule is only
for names that begin with this process's number, and everything is put back.
"""

import ctypes
import errno
import os
import shutil
import subprocess

from live import forget_keyrings
from servers import Missing
from session import SECRET, poll

RULES = "/etc/request-key.d"
HOST_KEY = "/var/lib/systemd/credential.secret"
TURNS = "/run/valetkey"
HOSTILE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "hostile.py")
PYTHON = "/usr/bin/python3"  # one that every user can run
IN_PERSISTENT = """
anchor=$(keyctl get_persistent @s 0) || exit
for key in $(keyctl rlist $anchor); do
    case $(keyctl rdescribe $key) in
    *';_valetkey' | *';_valetkey.users') %s ;;
    esac
done
"""
WRAPPER = """#!/bin/sh
echo $$ >>{log}
if test -s {kill} && mv {kill} {kill}.done 2>/dev/null; then
    exec strace -o {kill}.trace -e trace=keyctl \
        -e inject=keyctl:signal=KILL:when=$(cat {kill}.done) {upcall} "$@"
fi
exec {upcall} "$@"
"""
BROKER = """#!/bin/sh
echo $$ >>{log}
exec {programs}/valetkey-broker "$@"
"""


def why_missing():
    if os.geteuid() != 0:
        return "only root can install a rule for request-key"
    for program in "/sbin/request-key", "/usr/bin/keyctl":
        if not os.path.exists(program):
            return f"{program} is not there"
    if not os.path.isdir(RULES):
        return f"{RULES} is not there"
    return None


def in_persistent(command):
    """Do something with the keyrings of the registry, if they are there."""
    return subprocess.run(["keyctl", "session", "-", "sh", "-c",
                           IN_PERSISTENT % command], capture_output=True,
                          text=True, check=True).stdout


def keyctl(*words):
    return subprocess.run(["keyctl", *words], capture_output=True,
                          text=True).stdout


def turns():
    return os.listdir(TURNS)


class Machine:
    count = 0

    def __init__(self, live):
        if why_missing():
            raise Missing(why_missing())
        Machine.count += 1
        self.tag = f"b{os.getpid()}-{Machine.count}"
        self.programs = live.programs
        self.directory = os.path.join(live.directory, self.tag)
        self.etc = os.path.join(self.directory, "etc")
        self.rule = os.path.join(RULES, f"{self.tag}.conf")
        self.log = os.path.join(self.directory, "upcalls")
        self.broker_log = os.path.join(self.directory, "brokers")
        self.kill = os.path.join(self.directory, "kill")
        self.env = {"PATH": f"{live.programs}:/usr/local/bin:/usr/bin:/bin",
                    "VALETKEY_SYSCONFDIR": self.etc,
                    "VALETKEY_LIBEXECDIR": live.programs,
                    "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
        self.names = []
        self.uids = set()

    def __enter__(self):
        self.had_host_key = os.path.exists(HOST_KEY)
        self.had_turns = set(turns()) if os.path.isdir(TURNS) else None
        self.had_registry = bool(in_persistent("echo $key"))
        os.mkdir(self.directory, 0o755)
        os.mkdir(self.etc, 0o755)
        self.run_upcall_by()
        self.script("valetkey-broker", BROKER.format(
            log=self.broker_log, programs=self.programs))
        for log in self.log, self.broker_log:
            open(log, "w").close()
        shutil.copy(HOSTILE, self.directory)
        with open(self.rule, "w") as out:
            for kind in "valetkey", "valetkey.refresh":
                out.write(f"create user {kind}:{self.tag}* * {self.wrapper}"
                          " %k\n")
        try:
            self.probe()
        except BaseException:
            self.__exit__()
            raise
        return self

    def script(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as out:
            out.write(text)
        os.chmod(path, 0o755)
        return path

    def probe(self):
        """A container has request-key, but the kernel runs another one."""
        done = self.request(None, f"valetkey:{self.tag}-probe")
        if not self.upcalls():
            raise Missing("the kernel does not run our rule for request-key:"
                          f" {errno.errorcode.get(done, done)}")

    def __exit__(self, *ignored):
        for name in self.names:
            self.system("remove", name)
        os.unlink(self.rule)
        poll(lambda: not self.processes(), "the end of all upcalls")
        shutil.rmtree(self.directory)
        forget_keyrings(self.uids)
        if not self.had_registry:
            in_persistent("keyctl unlink $key $anchor")
        if self.had_turns is None:
            shutil.rmtree(TURNS, ignore_errors=True)
        else:
            for name in set(turns()) - self.had_turns:
                os.unlink(os.path.join(TURNS, name))
        if not self.had_host_key and os.path.exists(HOST_KEY):
            os.unlink(HOST_KEY)

    def run_upcall_by(self, *words):
        """From now on, by the program that these words begin with."""
        # The log of the system is not for tests.
        self.upcall = " ".join([
            *words, f"{self.programs}/valetkey-upcall",
            "--sysconfdir", self.etc, "--libexecdir", self.directory,
            "--journal", f"{self.directory}/journal",
            "--syslog", f"{self.directory}/syslog"])
        self.wrapper = self.script("valetkey-upcall", WRAPPER.format(
            log=self.log, kill=self.kill, upcall=self.upcall))

    # What root does

    def system(self, *words, text=""):
        return subprocess.run(["valetkey", "--system", *words], input=text,
                              text=True, capture_output=True, env=self.env)

    def name(self, word):
        return f"{self.tag}-{word}"

    def add(self, word, server, *, url=None, secret=SECRET, **options):
        """A client of the machine; allow is one text with commas."""
        name = self.name(word)
        self.names.append(name)
        words = ["--token-url", url or server.token_url(),
                 "--client-id", "demo", "--secret-stdin",
                 "--ca-file", os.path.join(server.pki_dir, "ca.crt")]
        for option, value in options.items():
            words += ["--" + option, value]
        done = self.system("add", name, *words, text=secret + "\n")
        assert done.returncode == 0, done.stderr
        return name

    def edit(self, old, new):
        path = os.path.join(self.etc, "clients.conf")
        with open(path) as conf:
            text = conf.read()
        assert old in text, (old, text)
        with open(path, "w") as conf:
            conf.write(text.replace(old, new))

    @staticmethod
    def copies(name, kind="valetkey"):
        """{key: keyring} of what the machine and its users have of it."""
        search = ctypes.CDLL("libkeyutils.so.1").keyctl_search
        rings = in_persistent("echo $key; keyctl rlist $key").split()
        found = {search(int(ring), b"user", f"{kind}:{name}".encode(), 0):
                 ring for ring in rings}
        return {str(key): ring for key, ring in found.items() if key >= 0}

    def make_due(self, name):
        """For its early renewal, everywhere, without waiting for it."""
        for key in self.copies(name):
            text = keyctl("pipe", key)
            value = {line.split(": ")[0]: line.split(": ")[1]
                     for line in text.split("\n")[1:-1]}
            early = int(value["expires"]) - int(value["life"])
            subprocess.run(
                ["keyctl", "pupdate", key], check=True, text=True,
                input=text.replace(f"refresh: {value['refresh']}",
                                   f"refresh: {early}"))
            keyctl("timeout", key, value["life"])

    def forget_marks(self, name, *users):
        """As if nobody had asked for a renewal of late."""
        for key, ring in self.copies(name, "valetkey.refresh").items():
            keyctl("unlink", key, ring)
        for user in users:
            self.run(user, "keyctl", "purge", "user",
                     f"valetkey.refresh:{name}")

    def upcalls(self):
        with open(self.log) as log:
            return len(log.readlines())

    def brokers(self):
        """How many have been started: each has the secret unsealed."""
        with open(self.broker_log) as log:
            return len(log.readlines())

    def upcall_ids(self):
        with open(self.log) as log:
            return [int(line) for line in log]

    def kill_at(self, number):
        """SIGKILL for the next upcall, at one of its calls of keyctl(2)."""
        with open(self.kill, "w") as out:
            out.write(str(number))

    def was_killed(self):
        """Did it make so many calls?  None of it is left."""
        for rest in self.kill, self.kill + ".done":
            if os.path.exists(rest):
                os.unlink(rest)
        if not os.path.exists(self.kill + ".trace"):
            return False
        with open(self.kill + ".trace") as trace:
            said = trace.read()
        os.unlink(self.kill + ".trace")
        return "+++ killed by SIGKILL +++" in said

    def processes(self):
        """Ours that still run: {pid: command line}."""
        found = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/cmdline",
                          errors="replace") as cmdline:
                    words = cmdline.read().split("\0")
            except OSError:
                continue
            if any(word.startswith(self.directory) or word == self.etc
                   for word in words) and int(entry) != os.getpid():
                found[int(entry)] = words
        return found

    # What users do

    def who(self, user):
        """user: an entry of pwd, a number without one, or None for root."""
        if user is None:
            return {}
        uid = getattr(user, "pw_uid", user)
        self.uids.add(uid)
        return {"user": uid, "group": getattr(user, "pw_gid", uid),
                "extra_groups": []}

    def run(self, user, *command, text="", env=None):
        return subprocess.run(command, input=text, text=True,
                              capture_output=True, cwd="/",
                              env={**self.env, **(env or {})},
                              **self.who(user))

    def popen(self, user, *command, stdin=subprocess.DEVNULL):
        return subprocess.Popen(command, text=True, cwd="/", env=self.env,
                                stdin=stdin, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **self.who(user))

    def token(self, user, name):
        done = self.run(user, "valetkey", "token", name)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.strip()

    def refused(self, user, name, status, text):
        done = self.run(user, "valetkey", "token", name)
        assert (done.returncode, done.stdout) == (status, ""), done
        assert text in done.stderr and done.stderr.count("\n") == 1, done
        return done.stderr

    def key(self, user, name):
        """The serial number of what he has in @u."""
        done = self.run(user, "keyctl", "search", "@u", "user",
                        f"valetkey:{name}")
        return done.stdout.strip()

    def clear(self, user):
        self.run(user, "keyctl", "clear", "@u")

    def request(self, user, description, *start, callout=""):
        """The errno of request_key(2) itself, 0 if there is a key."""
        return int(self.hostile(user, "request", description, callout,
                                start=start))

    def requester(self, description, callout=""):
        """The command that asks, and prints the errno."""
        return [PYTHON, "-B", os.path.join(self.directory, "hostile.py"),
                "request", description, callout]

    def hostile(self, user, *words, start=()):
        done = self.run(user, *start, PYTHON, "-B",
                        os.path.join(self.directory, "hostile.py"), *words)
        assert done.returncode == 0 and done.stdout, done
        return done.stdout
