# SPDX-License-Identifier: MIT
"""A private home with a session bus and an unlocked Secret Service.

    with Session(programs) as session:
        session.add("prod", server, audience="zeebe.camunda.io")
        session.token("prod")

programs is a directory with valetkey, its helpers and its internal programs.
The keys that it leaves in the user's keyring are found again by the names of
its clients, which hold the number of this process, and by its servers' ports.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from servers import PATIENCE, Missing

PASSWORD = "keyring password of a test"
SECRET = "Sample.Secret~_-not.real"
NEEDED = ["dbus-daemon", "dbus-send", "gnome-keyring-daemon", "keyctl"]
SECRET_SERVICE = "org.freedesktop.secrets"
PR_SET_PDEATHSIG = 1


def poll(test, what):
    """What test() gives once that is true; it gets half a minute."""
    for _ in range(PATIENCE * 100):
        value = test()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


def missing():
    """Why no session can be made here, or None."""
    for program in NEEDED:
        if not shutil.which(program):
            return f"{program} is not installed"
    done = subprocess.run(["keyctl", "rlist", "@u"], capture_output=True,
                          text=True)
    if done.returncode:
        return f"no kernel keyring: {done.stderr.strip()}"
    return None


class Session:
    """user: an entry of pwd, to be somebody else (who must be root).
    has_service: with gnome-keyring."""

    def __init__(self, programs, user=None, tag=None, has_service=True):
        self.has_service = has_service
        self.programs = os.path.abspath(programs)
        self.user = user
        self.tag = tag or str(os.getpid())
        self.marks = {f"-{self.tag}"}
        self.daemons = []
        self.holder = tempfile.TemporaryDirectory(prefix="vk-session-")
        self.directory = self.holder.name
        self.home = user.pw_dir if user else self.make_dir("home")
        self.runtime = self.make_dir("run")
        self.env = self.environment()
        if user:
            os.chown(self.directory, user.pw_uid, user.pw_gid)

    def make_dir(self, name):
        path = os.path.join(self.directory, name)
        os.mkdir(path, 0o700)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def environment(self):
        return {
            "HOME": self.home,
            "XDG_RUNTIME_DIR": self.runtime,
            "VALETKEY_LIBEXECDIR": self.programs,
            "VALETKEY_SYSCONFDIR": os.path.join(self.directory, "etc"),
            "PATH": f"{self.programs}:/usr/local/bin:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def __enter__(self):
        reason = missing()
        if reason:
            raise Missing(reason)
        try:
            self.start_bus()
            if self.has_service:
                self.start_secret_service()
            return self
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *ignored):
        self.stop()

    def start_bus(self):
        bus = self.popen("dbus-daemon", "--session", "--nofork",
                         "--nopidfile", "--print-address=1",
                         f"--address=unix:dir={self.runtime}", daemon=True)
        self.env["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()

    def start_secret_service(self):
        service = self.popen(
            "gnome-keyring-daemon", "--foreground", "--unlock",
            "--components=secrets", f"--control-directory={self.runtime}",
            daemon=True)
        service.stdin.write(PASSWORD)
        service.stdin.close()
        poll(self.has_secret_service, SECRET_SERVICE)

    def has_secret_service(self):
        said = self.run(
            "dbus-send", "--session", "--print-reply",
            "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner", f"string:{SECRET_SERVICE}")
        return "true" in said.stdout

    def stop(self):
        self.drop_keys()
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
            for pipe in daemon.stdin, daemon.stdout, daemon.stderr:
                if pipe:
                    pipe.close()
        self.daemons = []
        self.holder.cleanup()

    # What runs in the session

    def become(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid,
                "extra_groups": []}

    def popen(self, *command, daemon=False, **more):
        """A daemon ends with this process."""
        if daemon:
            more["preexec_fn"] = die_with_parent
        for stream in "stdin", "stdout", "stderr":
            more.setdefault(stream, subprocess.PIPE)
        process = subprocess.Popen(
            command, text=True, cwd=self.directory,
            **{"env": self.env, **self.become(), **more})
        if daemon:
            self.daemons.append(process)
        return process

    def run(self, *command, text="", env=None):
        """Run to the end; give returncode, stdout and stderr."""
        return subprocess.run(
            command, input=text, text=True, capture_output=True,
            cwd=self.directory, env={**self.env, **(env or {})},
            **self.become())

    def succeed(self, *command, **more):
        """Standard output of what must succeed in silence."""
        done = self.run(*command, **more)
        assert (done.returncode, done.stderr) == (0, ""), (
            command, done.returncode, done.stdout[:300], done.stderr)
        return done.stdout

    def fail(self, status, *command, **more):
        """The one line of what must fail with this status."""
        done = self.run(*command, **more)
        assert done.returncode == status, (
            command, done.returncode, done.stdout[:300], done.stderr)
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    # valetkey in it

    def name(self, word):
        """A client's name that nobody else has."""
        return f"{word}-{self.tag}"

    def add(self, word, server, client_id="demo", secret=SECRET, *, url=None,
            **options):
        """Add a client of server; options are those of 'valetkey add'."""
        name = self.name(word)
        self.marks.add(f":{server.port}")
        words = ["--token-url", url or server.token_url(),
                 "--client-id", client_id, "--secret-stdin"]
        ca = os.path.join(server.pki_dir, "ca.crt")
        for option, value in {"ca_file": ca, **options}.items():
            if value is not None:
                words += ["--" + option.replace("_", "-"), value]
        done = self.run("valetkey", "add", name, *words, text=secret + "\n")
        assert done.returncode == 0, done.stderr
        return name

    def remove_all(self):
        """So that the next group of tests can use the same names and URLs."""
        listed = self.run("valetkey", "list", "--json")
        if listed.returncode == 0:
            for client in json.loads(listed.stdout):
                if "/" not in client["name"]:
                    self.run("valetkey", "remove", client["name"])

    def token(self, name, *options):
        return self.succeed("valetkey", "token", name, *options).strip()

    def drop(self, name):
        return self.run("valetkey", "drop", name)

    # The kernel's keyring of the user

    def keys(self):
        """{serial: description} of valetkey's keys."""
        found = {}
        for serial in self.run("keyctl", "rlist", "@u").stdout.split():
            said = self.run("keyctl", "rdescribe", serial).stdout
            description = said.strip().split(";", 4)[-1]
            if description.startswith("valetkey"):
                found[serial] = description
        return found

    def drop_keys(self):
        for serial, description in self.keys().items():
            if any(mark in description for mark in self.marks):
                self.run("keyctl", "unlink", serial, "@u")


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
