# SPDX-License-Identifier: MIT
"""What a case runs in: a home of its own, and what the run shares."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import servers
from built import programs
from casefile import Wrong
from desktop import Desktop, children
from keys import Keys
from servers import Missing

LISTENERS = ["http", "server", "wrongname", "expired", "selfsigned", "oldtls"]
SANITIZERS = ["ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"]
# The mark of every secret in the cases: it must not come out anywhere.
MARK = b"not.real"


class Shared:
    """Made when first asked for, and then kept for the whole run."""

    def __init__(self, build):
        self.holder = tempfile.TemporaryDirectory(prefix="vk-golden-")
        # All programs beside each other, as they are when installed.
        self.build = os.path.join(self.holder.name, "programs")
        os.mkdir(self.build)
        self.programs = programs(build)
        for program, path in self.programs.items():
            if not os.access(path, os.X_OK):
                raise SystemExit(f"there is no '{path}'")
            os.symlink(path, os.path.join(self.build, program))
        self.made = {}
        # Bound, but not listening: nobody else gets the port, and whoever
        # connects is refused.
        self.closed_port = socket.socket()
        self.closed_port.bind(("127.0.0.1", 0))

    def get(self, name, make):
        """A thing that cannot be made is not tried again."""
        if name not in self.made:
            try:
                self.made[name] = make()
            except Missing as reason:
                self.made[name] = reason
        if isinstance(self.made[name], Missing):
            raise self.made[name]
        return self.made[name]

    def pki(self):
        if not shutil.which("openssl"):
            raise Missing("openssl is not installed")
        return self.get("pki", lambda: servers.make_pki(
            os.path.join(self.holder.name, "pki")))

    def server(self):
        return self.get("server", lambda: servers.scripted(
            self.pki(), listen=LISTENERS).start())

    def desktop(self):
        """gnome-keyring has been seen to end by itself between two cases."""
        made = self.made.get("desktop")
        if isinstance(made, Desktop) and made.service.poll() is not None:
            print(f"# gnome-keyring ended ({made.service.returncode});"
                  " here is another one", flush=True)
            made.stop()
            del self.made["desktop"]
        return self.get("desktop", Desktop)

    def keys(self):
        return self.get("keys", Keys)

    def refused_url(self):
        return f"https://localhost:{self.closed_port.getsockname()[1]}"

    def pids(self):
        """The processes that are not a case's."""
        kept = set()
        if isinstance(self.made.get("server"), servers.Server):
            kept.add(self.made["server"].process.pid)
        if isinstance(self.made.get("desktop"), Desktop):
            kept |= self.made["desktop"].pids()
        return kept

    def key_pattern(self):
        """The keys of the cases: those of clients whose name begins with
        "gold", and of the endpoints that are used here."""
        made = self.made.get("server")
        urls = list(made.urls.values()) if hasattr(made, "urls") else []
        hosts = [url.split("/")[2] for url in urls + [self.refused_url()]]
        hosts += ["no-such-host.invalid:443"]
        hosts += [host.replace("localhost", "127.0.0.1") for host in hosts]
        hosts = "|".join(re.escape(host) for host in hosts)
        return rf"valetkey(\.\w+)?:(gold(\W.*)?|{hosts})"

    def stop(self):
        for thing in self.made.values():
            if hasattr(thing, "stop"):
                thing.stop()
        self.closed_port.close()
        self.holder.cleanup()


class World:
    """One case's own."""

    def __init__(self, shared):
        self.shared = shared
        self.holder = tempfile.TemporaryDirectory(
            prefix="vk-case-", dir=shared.holder.name)
        self.home = os.path.join(self.holder.name, "home")
        self.runtime = os.path.join(self.holder.name, "run")
        for directory in self.home, self.runtime:
            os.mkdir(directory, 0o700)
        self.conf = os.path.join(self.home, ".config/valetkey/clients.conf")
        self.environment = {
            "HOME": self.home, "XDG_RUNTIME_DIR": self.runtime,
            "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC",
            "VALETKEY_LIBEXECDIR": shared.build,
            "VALETKEY_SYSCONFDIR": os.path.join(self.home, "etc")}
        for name in SANITIZERS:
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.desktop = None      # in use, and
        self.own_desktop = None  # to be stopped
        self.has_server = self.has_keys = False
        self.mounts = []
        self.tokens = {}
        self.put = {}            # files that the case put there: content
        self.next = {}           # what the next one is run with

    def value(self, name):
        """What @NAME@ stands for."""
        simple = {"HOME": self.home, "BUILD": self.shared.build,
                  "BESIDE": os.path.dirname(os.path.realpath(
                      self.shared.programs["valetkey"])),
                  "REFUSED": self.shared.refused_url()}
        if name in simple:
            return simple[name]
        if name == "CA":
            return os.path.join(self.shared.pki(), "ca.crt")
        listener = name.lower()
        if listener not in LISTENERS:
            raise Wrong(f"there is no @{name}@")
        return self.server().urls[listener]

    def server(self):
        server = self.shared.server()
        if not self.has_server:
            server.reset()
        self.has_server = True
        return server

    def keys(self):
        self.has_keys = True
        return self.shared.keys()

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, data, mode=0o600):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "wb") as out:
            out.write(data)
        os.chmod(path, mode)
        self.put[path] = data

    def use_desktop(self, desktop):
        self.desktop = desktop
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = desktop.address
        # Whoever has a secret fetches, and a fetch leaves keys.
        self.keys()

    def start_own_desktop(self, with_service=True):
        self.own_desktop = Desktop(with_service)
        self.use_desktop(self.own_desktop)

    def forget_pace(self):
        """Requests to one endpoint are a second apart, by a note in the
        keyring; the cases are not about that."""
        if self.has_keys:
            self.keys().drop(r"(?=valetkey\.pace:)" +
                             self.shared.key_pattern())

    def check_invariants(self):
        """What no command may do, whatever the case says."""
        directory = os.path.dirname(self.conf)
        for name in os.listdir(directory) if os.path.isdir(directory) else []:
            if name.startswith(".new-"):
                raise Wrong(f"'{name}' was left behind")
        for root in self.home, self.runtime:
            for path, _, names in os.walk(root):
                for name in names:
                    self.check_file(os.path.join(path, name))

    def check_file(self, path):
        if not os.path.isfile(path) or os.path.islink(path):
            return
        with open(path, "rb") as file:
            data = file.read()
        if MARK in data and data != self.put.get(path):
            raise Wrong(f"'{path}' has a secret in it")

    def end_processes(self):
        """A fetcher may outlive its caller, but not the case."""
        kept = self.shared.pids()
        if self.own_desktop:
            kept |= self.own_desktop.pids()
        for pid in children() - kept:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def end(self):
        self.end_processes()
        for path in reversed(self.mounts):
            subprocess.run(["umount", path], check=True)
        if self.own_desktop:
            self.own_desktop.stop()
        elif self.desktop:
            self.desktop.empty()
        if self.has_keys:
            self.shared.keys().drop(self.shared.key_pattern())
        self.holder.cleanup()
