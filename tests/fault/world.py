# SPDX-License-Identifier: MIT
"""What the jobs look at: files, the keyring's keys, the secret's store."""

import ctypes
import os

from session import SECRET

KEY_SPEC_USER_KEYRING = -4


class Keys:
    """Keys of valetkey in @u, without a program for each."""

    def __init__(self, marks):
        self.marks = [mark.encode() for mark in marks]
        self.lib = ctypes.CDLL("libkeyutils.so.1")

    def ours(self):
        room = 1 << 20
        serials = (ctypes.c_int32 * (room // 4))()
        length = self.lib.keyctl_read(KEY_SPEC_USER_KEYRING, serials, room)
        text = ctypes.create_string_buffer(4200)
        for serial in serials[:max(length, 0) // 4]:
            if self.lib.keyctl_describe(serial, text, len(text)) <= 0:
                continue
            name = text.value.split(b";", 4)[-1]
            if name.startswith(b"valetkey") and any(
                    mark in name for mark in self.marks):
                yield serial

    def drop(self):
        """Tokens, and all that the governor remembers."""
        for serial in list(self.ours()):
            self.lib.keyctl_unlink(serial, KEY_SPEC_USER_KEYRING)


class World:
    def __init__(self, session, issuer, directory):
        self.session, self.issuer = session, issuer
        self.directory = directory
        self.conf = os.path.join(session.home, ".config", "valetkey",
                                 "clients.conf")
        session.marks.add(f":{issuer.port}")
        self.keys = Keys(session.marks)

    def read_conf(self):
        if not os.path.exists(self.conf):
            return b""
        with open(self.conf, "rb") as file:
            return file.read()

    def add(self, name, *options, secret=SECRET):
        done = self.session.run(
            "valetkey", "add", name, "--token-url", self.issuer.url,
            "--client-id", "demo", "--secret-stdin", *options,
            text=secret + "\n")
        assert done.returncode == 0, done.stderr

    def remove(self, name):
        self.session.run("valetkey", "remove", name)

    def names(self):
        return [line.split(b"]")[0].split()[1].decode()
                for line in self.read_conf().splitlines()
                if line.startswith(b"[client ")]

    def has_secret(self, name):
        done = self.session.run("valetkey-store", "has", name, "demo",
                                self.issuer.url)
        assert done.returncode in (0, 3), done
        return done.returncode == 0

    def token(self, name):
        """A token must be had; where a fault has brought a hold about, it is
        lifted, as a person would."""
        done = self.session.run("valetkey", "token", name)
        for _ in range(3):
            if done.returncode == 0:
                break
            self.session.succeed("valetkey", "retry", name)
            done = self.session.run("valetkey", "token", name,
                                    "--timeout", "20")
        assert done.returncode == 0, f"no token afterwards: {done.stderr}"
        token = done.stdout.strip()
        assert token in self.issuer.tokens, token
        return token

    def strays(self):
        """What lies beside clients.conf."""
        return sorted(set(os.listdir(os.path.dirname(self.conf))) -
                      {"clients.conf", ".lock"})

