# SPDX-License-Identifier: MIT
"""A private D-Bus session with a real Secret Service (gnome-keyring)."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from servers import PATIENCE, Missing

# Nothing is started on demand: there is neither a second keyring nor
# anybody who could ask for a password.
BUS = """<busconfig>
<type>session</type>
<listen>unix:path={}</listen>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/>
<allow receive_sender="*"/>
<allow own="*"/>
</policy>
</busconfig>
"""
SECRETS = "org.freedesktop.secrets"
ROOT = "/org/freedesktop/secrets"
COLLECTION = ROOT + "/collection/login"


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.002)


def adopt_orphans():
    """What outlives its parent becomes a child of this process."""
    set_subreaper = 36
    if ctypes.CDLL(None, use_errno=True).prctl(set_subreaper, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def children():
    """The process IDs of this process's children."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                parent = stat.read().rsplit(")", 1)[1].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == os.getpid():
            found.add(int(pid))
    return found


class Desktop:
    """with_service: False for a bus that nobody serves secrets on."""

    def __init__(self, with_service=True):
        for program in "dbus-daemon", "dbus-send", "gnome-keyring-daemon":
            if not shutil.which(program):
                raise Missing(f"{program} is not installed")
        self.holder = tempfile.TemporaryDirectory(prefix="vk-desktop-")
        self.directory = self.holder.name
        self.address = f"unix:path={self.directory}/bus"
        self.environment = {
            "HOME": self.directory, "XDG_RUNTIME_DIR": self.directory,
            "PATH": os.environ["PATH"],
            "DBUS_SESSION_BUS_ADDRESS": self.address}
        self.bus = self.service = None
        try:
            self.start_bus()
            if with_service:
                self.start_service()
        except BaseException:
            self.stop()
            raise

    def start(self, *command, **more):
        with open(f"{self.directory}/log", "ab") as log:
            return subprocess.Popen(command, env=self.environment,
                                    stderr=log, **more)

    def start_bus(self):
        conf = f"{self.directory}/bus.conf"
        with open(conf, "w") as out:
            out.write(BUS.format(self.address.split("=")[1]))
        self.bus = self.start(
            "dbus-daemon", f"--config-file={conf}", "--nofork",
            "--nopidfile", "--print-address", stdout=subprocess.PIPE)
        self.bus.stdout.readline()

    def start_service(self):
        self.service = self.start(
            "gnome-keyring-daemon", "--foreground", "--unlock",
            "--components=secrets", stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL)
        self.service.stdin.write(b"password")
        self.service.stdin.close()
        wait_for(self.has_service, "gnome-keyring does not start")

    def send(self, destination, path, *call):
        return subprocess.run(
            ["dbus-send", "--session", "--print-reply=literal",
             f"--dest={destination}", path, *call], env=self.environment,
            capture_output=True, text=True, timeout=PATIENCE).stdout

    def has_service(self):
        return "true" in self.send(
            "org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner",
            f"string:{SECRETS}")

    def items(self, client=None):
        """The object paths of the secrets, all or a client's."""
        if client:
            said = self.send(
                SECRETS, ROOT, "org.freedesktop.Secret.Service.SearchItems",
                f"dict:string:string:client,{client}")
        else:
            said = self.send(
                SECRETS, COLLECTION, "org.freedesktop.DBus.Properties.Get",
                "string:org.freedesktop.Secret.Collection", "string:Items")
        return re.findall(rf"{COLLECTION}/\w+", said)

    def empty(self):
        for item in self.items():
            self.send(SECRETS, item, "org.freedesktop.Secret.Item.Delete")

    def lock(self):
        self.send(SECRETS, ROOT, "org.freedesktop.Secret.Service.Lock",
                  f"array:objpath:{COLLECTION}")

    def freeze(self):
        """From now on the service takes calls and does not answer."""
        self.service.send_signal(signal.SIGSTOP)

    def connections(self):
        """What the bus has open."""
        return len(os.listdir(f"/proc/{self.bus.pid}/fd"))

    def pids(self):
        return {process.pid for process in (self.bus, self.service)
                if process is not None}

    def stop(self):
        for process in self.service, self.bus:
            if process is not None:
                process.kill()
                process.wait()
                if process.stdout:
                    process.stdout.close()
        self.holder.cleanup()
