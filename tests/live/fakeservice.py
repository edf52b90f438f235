# SPDX-License-Identifier: MIT
"""A Secret Service that does what a test wants, and not what it should.

As much of D-Bus (its specification, "Message Protocol") as that needs: it
connects to a session bus, takes the service's name and answers calls.
"""

import os
import socket
import struct
import threading

NAME = "org.freedesktop.secrets"
ROOT = "/org/freedesktop/secrets"
PROMPT = f"{ROOT}/prompt/1"
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY, DESTINATION, SENDER, SIGNATURE = (
    1, 2, 3, 4, 5, 6, 7, 8)


class Writer:
    """Little-endian; a struct begins at 8, an array's length not."""

    def __init__(self):
        self.data = b""

    def align(self, size):
        self.data += bytes(-len(self.data) % size)

    def put(self, kind, value):
        if kind[0] == "a":
            self.put_array(kind[1:], value)
        elif kind[0] == "(":
            self.align(8)
            for part, item in zip(split(kind[1:-1]), value):
                self.put(part, item)
        elif kind == "v":
            self.put("g", value[0])
            self.put(*value)
        elif kind in "so":
            text = value.encode()
            self.put("u", len(text))
            self.data += text + b"\0"
        elif kind == "g":
            self.data += bytes([len(value)]) + value.encode() + b"\0"
        else:
            form, size = {"y": ("B", 1), "b": ("I", 4), "u": ("I", 4),
                          "t": ("Q", 8)}[kind]
            self.align(size)
            self.data += struct.pack("<" + form, value)

    def put_array(self, kind, values):
        self.put("u", 0)
        at = len(self.data)
        self.align(8 if kind[0] in "({" or kind == "t" else
                   1 if kind in "yg" else 4)
        start = len(self.data)
        for value in values:
            self.put(kind.replace("{", "(").replace("}", ")"), value)
        length = struct.pack("<I", len(self.data) - start)
        self.data = self.data[:at - 4] + length + self.data[at:]


def split(kinds):
    """The single types of a signature."""
    found, depth, start = [], 0, 0
    for i, kind in enumerate(kinds):
        depth += kind in "({"
        depth -= kind in ")}"
        if depth == 0 and kind != "a":
            found.append(kinds[start:i + 1])
            start = i + 1
    return found


def message(kind, serial, fields, signature="", values=()):
    body = Writer()
    for part, value in zip(split(signature), values):
        body.put(part, value)
    if signature:
        fields = {**fields, SIGNATURE: ("g", signature)}
    head = Writer()
    for byte in ord("l"), kind, 0, 1:
        head.put("y", byte)
    head.put("u", len(body.data))
    head.put("u", serial)
    head.put("a(yv)", list(fields.items()))
    head.align(8)
    return head.data + body.data


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def align(self, size):
        self.at += -self.at % size

    def number(self):
        self.align(4)
        self.at += 4
        return struct.unpack("<I", self.data[self.at - 4:self.at])[0]

    def take(self, length):
        """A text and the NUL behind it."""
        self.at += length + 1
        return self.data[self.at - length - 1:self.at - 1].decode()

    def text(self):
        return self.take(self.number())

    def signature(self):
        self.at += 1
        return self.take(self.data[self.at - 1])

    def fields(self):
        end = self.number() + self.at
        found = {}
        while self.at < end:
            self.align(8)
            code = self.data[self.at]
            self.at += 1
            kind = self.signature()
            found[code] = {"u": self.number, "g": self.signature}.get(
                kind, self.text)()
        return found


class Item:
    def __init__(self, secret, username="me", server="r.invalid", modified=1,
                 **attributes):
        self.secret, self.modified = secret, modified
        self.attributes = {
            "xdg:schema": "io.docker.Credentials", "docker_cli": "1",
            "label": "Docker Credentials", "server": server,
            "username": username, **attributes}


class FakeService:
    """items: what every search finds.  is_locked: until a prompt is
    answered, with is_willing or not.  silent: members that get no answer."""

    def __init__(self, session, items, is_locked=False, is_willing=True,
                 silent=()):
        self.items, self.is_locked = items, is_locked
        self.is_willing, self.silent = is_willing, silent
        self.calls = []
        self.serial = 0
        address = session.env["DBUS_SESSION_BUS_ADDRESS"]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address.split("path=")[1].split(",")[0])
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        user = str(os.getuid()).encode().hex()
        self.socket.sendall(f"\0AUTH EXTERNAL {user}\r\n".encode())
        assert self.file.readline().startswith(b"OK"), "no session bus"
        self.socket.sendall(b"BEGIN\r\n")
        self.call_bus("Hello")
        self.call_bus("RequestName", "su", (NAME, 4))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.file.close()
        self.socket.close()

    def send(self, kind, fields, signature="", values=()):
        self.serial += 1
        self.socket.sendall(message(kind, self.serial, fields, signature,
                                    values))

    def call_bus(self, member, signature="", values=()):
        bus = "org.freedesktop.DBus"
        self.send(CALL, {PATH: ("o", "/"), DESTINATION: ("s", bus),
                         INTERFACE: ("s", bus), MEMBER: ("s", member)},
                  signature, values)
        while True:
            kind, fields, _, _ = self.read()
            if fields.get(REPLY) == self.serial:
                assert kind == RETURN, member
                return

    def read(self):
        head = self.file.read(16)
        if len(head) < 16:
            raise EOFError
        kind = head[1]
        body, serial, length = struct.unpack("<III", head[4:])
        length += -length % 8
        fields = Reader(head + self.file.read(length), 12).fields()
        return kind, fields, self.file.read(body), serial

    def serve(self):
        while True:
            try:
                kind, fields, body, serial = self.read()
            except (EOFError, OSError):
                return
            if kind == CALL:
                self.calls.append(fields[MEMBER])
                self.answer(fields, body, serial)

    def answer(self, fields, body, serial):
        member = fields[MEMBER]
        if member in self.silent:
            return
        method = getattr(self, "on_" + member, None)
        answer = method(fields, body) if method else None
        to = {DESTINATION: ("s", fields[SENDER]), REPLY: ("u", serial)}
        if answer is None:
            to[ERROR_NAME] = ("s", "org.freedesktop.DBus.Error.NotSupported")
            self.send(ERROR, to, "s", ("not here",))
        else:
            self.send(RETURN, to, *answer)
        if member == "Prompt":
            self.is_locked = not self.is_willing
            self.send(SIGNAL, {
                PATH: ("o", PROMPT), MEMBER: ("s", "Completed"),
                INTERFACE: ("s", "org.freedesktop.Secret.Prompt")},
                "bv", (not self.is_willing, ("ao", self.paths())))

    # The interfaces of the Secret Service API

    def paths(self):
        return [f"{ROOT}/item/{i}" for i in range(len(self.items))]

    def item(self, fields):
        return self.items[int(fields[PATH].rsplit("/", 1)[1])]

    def on_OpenSession(self, fields, body):
        if Reader(body).text() == "plain":
            return "vo", (("s", ""), f"{ROOT}/session/1")

    def on_SearchItems(self, fields, body):
        found = self.paths()
        return "aoao", ([], found) if self.is_locked else (found, [])

    def on_GetAll(self, fields, body):
        if "/item/" not in fields[PATH]:
            return "a{sv}", ([("Collections", ("ao", []))],)
        item = self.item(fields)
        hidden = {} if self.is_locked else item.attributes
        return "a{sv}", ([
            ("Locked", ("b", self.is_locked)), ("Label", ("s", "x")),
            ("Attributes", ("a{ss}", list(hidden.items()))),
            ("Created", ("t", 1)), ("Modified", ("t", item.modified))],)

    def on_Unlock(self, fields, body):
        return "aoo", ([], PROMPT) if self.is_locked else (self.paths(), "/")

    def on_Prompt(self, fields, body):
        return "", ()

    on_Dismiss = on_Prompt

    def on_GetSecret(self, fields, body):
        return "(oayays)", ((f"{ROOT}/session/1", b"",
                             self.item(fields).secret, "text/plain"),)
