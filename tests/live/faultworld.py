# SPDX-License-Identifier: MIT
"""What the harness of faults.py breaks and repairs: a token endpoint with
moods, a user with a session, a configuration on a disk of its own."""

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
import types
import urllib.parse

from crowd import is_running
from governor_callers import Clock, at_work
from raw import RawServer, response
from session import SECRET, poll

LIFE = 3600  # seconds
MARGIN = 60
DISK = "64k"
TICK = 0.02
TOKENS = ["alpha", "beta"]
FILL = """
import ctypes
lib = ctypes.CDLL("libkeyutils.so.1")
number = 0
while lib.add_key(b"user", b"filler:%d" % number, b"x" * 99, 99, -4) >= 0:
    number += 1
"""


def encode(value):
    text = json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


class Town(RawServer):
    """Mints tokens in one of its moods.  minted: token -> its audience and
    when it was, by the clock that the programs see."""

    def __init__(self, pki, tls, now=time.monotonic):
        super().__init__(pki, self.answer, tls)
        self.now, self.mood, self.minted = now, "ok", {}
        self.asked, self.wrong = [], 0
        self.healed = threading.Event()

    def close_door(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def open_door(self):
        self.socket = socket.create_server(("127.0.0.1", self.port),
                                           backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def heal(self):
        self.mood = "ok"
        self.healed.set()
        self.settle()
        self.healed.clear()

    def mint(self, audience):
        at = int(time.time())
        token = ".".join([encode({"alg": "none"}), encode(
            {"aud": audience, "iat": at, "exp": at + LIFE,
             "jti": len(self.minted)}), "x"])
        self.minted[token] = audience, self.now()
        return response(json.dumps(
            {"access_token": token, "token_type": "Bearer",
             "expires_in": LIFE}))

    def answer(self, peer):
        form = dict(urllib.parse.parse_qsl(
            peer.read().partition(b"\r\n\r\n")[2].decode()))
        if not form:
            return
        self.asked.append(form["audience"])
        self.wrong += form["client_secret"] != SECRET
        mood = self.mood
        if mood == "hang":
            self.healed.wait()
        if mood == "slow":
            time.sleep(0.05)
        if mood == "drop":
            return
        if mood.isdigit():
            peer.send(response("", status=f"{mood} No"))
            return
        data = self.mint(form["audience"])
        peer.send(data[:len(data) // 2] if mood == "half" else data)


class World:
    """One user, two tokens, and everything that his callers need."""

    def __init__(self, live, session, pki, tls):
        self.clock = Clock(types.SimpleNamespace(
            directory=live.directory, session=session))
        os.chmod(self.clock.path, 0o644)
        self.session, self.origin = self.clock.session, session
        self.town = Town(pki, tls, self.now)
        self.disk = None
        self.kills = 0
        self.lock = threading.Lock()

    def now(self):
        return time.clock_gettime(time.CLOCK_BOOTTIME) + self.clock.boot

    def __enter__(self):
        self.config = os.path.join(self.session.home, ".config/valetkey")
        self.session.succeed("mkdir", "-p", "-m", "700", self.config)
        user = self.session.user
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700,"
             f"uid={user.pw_uid},gid={user.pw_gid}", "valetkey-test",
             self.config], capture_output=True)
        self.disk = self.config if done.returncode == 0 else None
        self.town.__enter__()
        self.names = {}
        for word in TOKENS:
            self.names[word] = self.session.add(
                word, self.town, audience=f"{word}.x",
                serves=f"https://{word}.invalid")
        self.conf = self.read_conf()
        return self

    def __exit__(self, *ignored):
        if self.disk:
            subprocess.run(["umount", "-l", self.disk], check=True)
        self.town.healed.set()
        self.town.__exit__()
        for pid in at_work(self.session):
            os.kill(pid, signal.SIGKILL)

    def read_conf(self):
        with open(os.path.join(self.config, "clients.conf"), "rb") as file:
            return file.read()

    # What is broken, and repaired

    @property
    def bus(self):
        return self.session.daemons[0]

    @property
    def service(self):
        return self.session.daemons[1]

    def start_again(self, bus=False):
        """What of the session was killed."""
        daemons = self.session.daemons
        for daemon in daemons[0 if bus else 1:]:
            daemon.kill()
            daemon.wait()
            for pipe in daemon.stdin, daemon.stdout, daemon.stderr:
                pipe.close()
        del daemons[0 if bus else 1:]
        for pid in self.activated():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        poll(lambda: not self.activated(), "the end of another service")
        for name in os.listdir(self.session.runtime):
            # Of those that are gone; locks stay.
            path = os.path.join(self.session.runtime, name)
            if name == "control" or bus and not os.path.isdir(path):
                os.unlink(path)
        if bus:
            self.origin.start_bus()
            self.session.env["DBUS_SESSION_BUS_ADDRESS"] = (
                self.origin.env["DBUS_SESSION_BUS_ADDRESS"])
        self.origin.start_secret_service()

    def activated(self):
        """Whoever asks for a service that was killed makes the bus start
        another one, which nobody unlocks."""
        return [int(entry) for entry in filter(str.isdigit,
                                               os.listdir("/proc"))
                if name_of(entry) == "gnome-keyring-d" and
                self.session.runtime.encode() in environment(entry)]

    def fetchers(self):
        return [pid for pid in at_work(self.session)
                if name_of(pid) == "valetkey-fetch"]

    def send(self, pid, signo):
        """A fetcher that was killed may have asked."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signo)
            self.kills += signo != signal.SIGCONT

    def fill_keyring(self):
        self.session.run("/usr/bin/python3", "-c", FILL)

    def empty_keyring(self):
        self.session.run("keyctl", "clear", "@u")

    def fill_disk(self):
        path = os.path.join(self.config, "filler")
        with open(path, "wb", 0) as out, contextlib.suppress(OSError):
            while True:
                out.write(bytes(64))

    def empty_disk(self):
        os.unlink(os.path.join(self.config, "filler"))

    def drop(self, word):
        self.session.run("valetkey", "drop", self.names[word])

    def move(self, boot=0, wall=0):
        """The boot clock goes forward only, whoever moves it."""
        with self.lock:
            self.clock.move(boot, wall)

    @contextlib.contextmanager
    def hurry(self):
        """Time goes by ten times as fast for who waits for his turn."""
        over = threading.Event()

        def tick():
            while not over.wait(TICK):
                self.move(9 * TICK)

        thread = threading.Thread(target=tick)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def settle(self):
        """Until nothing works on a token any more."""
        poll(lambda: not [pid for pid in at_work(self.session)
                          if is_running(pid)], "the fetchers' end")
        self.town.settle()

    def forgive(self):
        """As if a while had gone by, and somebody had said 'retry'."""
        self.move(2)
        for name in self.names.values():
            self.session.run("valetkey", "retry", name)


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return None


def environment(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""
