# SPDX-License-Identifier: MIT
"""Token endpoints whose connection is odd: TLS that is none, bytes that drip,
and an end at every byte of the exchange.

THOROUGH=1 takes each byte; otherwise some of them, by a SEED that is printed.
"""

import contextlib
import os
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

from clients import need
from endpoints import (BROKE_OFF, CLOSED, HOUR, NOT_HTTP, TOKEN, Endpoint,
                       body, grant, reply)
from governor_callers import Clock, at_work, note
from marks import MARKER, holds
from raw import PATIENCE, RawServer, context, response
from session import poll
from tap import equal

THOROUGH = bool(os.environ.get("THOROUGH"))
SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
CUTS = 20  # of a way and a direction, where not all are taken
DRIP = 0.02  # seconds
DRIPS = 2500  # more than a fetcher waits for
HANDSHAKE = "the TLS handshake failed"
OLD = "DEFAULT@SECLEVEL=0"
V1 = ssl.TLSVersion.TLSv1
V2 = ssl.TLSVersion.TLSv1_2
NO_CUT = 1 << 30
# Without TLS nobody sees that headers are not all.
ENDED = [HANDSHAKE, BROKE_OFF, CLOSED, NOT_HTTP, "answered 200, but it is",
         "nothing answers at its address"]


def record(kind, data, version=b"\x03\x03"):
    return bytes([kind]) + version + struct.pack(">H", len(data)) + data


def say(*data):
    """Whatever the client says first."""
    def script(peer):
        peer.stream.recv(1 << 16)
        for part in data:
            peer.send(part)
    return script


def say_forever(data):
    def script(peer):
        peer.stream.recv(1 << 16)
        peer.forever(data)
    return script


# Kinds of records: 20 change cipher spec, 21 alert, 22 handshake, 23 data
NO_TLS = {
    "an answer in plain text": say(response(grant())),
    "a greeting of SSH": say(b"SSH-2.0-x\r\n"),
    "zeros without an end": say_forever(bytes(4096)),
    "a fatal alert": say(record(21, b"\x02\x28")),
    "warnings without an end": say_forever(record(21, b"\x01\x5a") * 99),
    "empty records without an end": say_forever(record(22, b"") * 99),
    "data before the handshake": say(record(23, response(grant()))),
    "a handshake of 16 MiB": say_forever(
        record(22, b"\x02\xff\xff\xff" + bytes(16000))),
    "SSL 3": say(record(22, b"\x02\0\0\x26\3\0" + bytes(36), b"\3\0")),
    "half a record": say(record(22, bytes(99))[:40]),
    "its own greeting back": lambda peer: peer.send(
        peer.stream.recv(1 << 16)),
    "nothing": lambda peer: peer.stream.recv(1 << 16),
}


def handshakes(tap, live):
    def is_no_tls(script):
        server.scheme = "https"
        end.judge(end.play(script), "", secrets=0)

    def is_refused(tls, said):
        end.judge(end.play(body(grant()), tls), said, secrets=0)

    def is_bearable(tls):
        end.judge(end.play(body(grant()), tls), None)

    pki = live.pki
    clock = Clock(live)
    with RawServer(pki, None, scheme="https") as server:
        end = Endpoint(live, clock, server, "no-tls")
        for name, script in NO_TLS.items():
            tap.check(f"for TLS an endpoint sends {name}", is_no_tls, script)
    with RawServer(pki, None, context(pki)) as server:
        end = Endpoint(live, clock, server, "odd-tls")
        for name, tls, said in (
                ("speaks TLS 1.0", context(pki, "server", V1, V1, OLD),
                 HANDSHAKE),
                ("has a certificate that has ended", context(pki, "expired"),
                 "its TLS certificate"),
                ("has a certificate of another host",
                 context(pki, "wrongname"), "is for another host"),
                ("has a certificate of nobody", context(pki, "selfsigned"),
                 "is not trusted")):
            tap.check(f"an endpoint {name}", is_refused, tls, said)
        tap.check("an endpoint wants HTTP/2", is_bearable,
                  context(pki, alpn=["h2"]))
        tap.check("an endpoint speaks TLS 1.2", is_bearable,
                  context(pki, highest=V2))
    tap.attempt(renegotiation, tap, live, clock)


class Renegotiator:
    """openssl s_server, which begins anew when it has read the request."""

    def __init__(self, pki):
        self.pki_dir = pki
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "localhost:0", "-4", "-tls1_2",
             "-cert", f"{pki}/server.crt", "-key", f"{pki}/server.key"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.port = int(self.read_until(rb"ACCEPT \S*:(\d+)\n")[1])

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.process.kill()
        self.process.communicate()

    def token_url(self):
        return f"https://localhost:{self.port}/oauth/token"

    def read_until(self, pattern):
        said = b""
        while not re.search(pattern, said):
            data = self.process.stdout.read1()
            assert data, said
            said += data
        self.said = said
        return re.search(pattern, said)

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()


def renegotiation(tap, live, clock):
    session = clock.session

    def is_bearable():
        with Renegotiator(live.pki) as server:
            name = session.add("renegotiated", server, secret=MARKER)
            caller = session.popen("valetkey", "token", name)
            server.read_until(rb"client_secret=")
            server.write(b"r\n")
            server.read_until(rb"SSL_do_handshake -> 1")
            server.write(response(grant(), "Connection: close"))
            server.write(b"Q\n")
            out, errors = caller.communicate()
        if caller.returncode:
            equal((caller.returncode, out, errors.count("\n")), (6, "", 1))
            assert HANDSHAKE in errors or BROKE_OFF in errors, errors
        else:
            equal((out, errors), (TOKEN + "\n", ""))

    need("openssl")
    tap.check("an endpoint renegotiates", is_bearable)


def drips(tap, live):
    """However long it goes on."""
    session = live.session

    def drip(peer):
        peer.read()
        for byte in response(grant() + " " * DRIPS):
            peer.send(bytes([byte]))
            time.sleep(DRIP)

    def keeps_nobody():
        name = session.add("dripping", server)
        text = session.fail(6, "valetkey", "token", name, "--timeout", "1")
        assert "in time" in text, text
        assert 0 < server.sent() < DRIPS, server.sent()
        working = at_work(session)
        equal(len(working), 1)
        if THOROUGH:
            # In 35 s, for which one poll() is too short.
            poll(lambda: server.sent() > DRIPS / 4, "drips")
            poll(lambda: not at_work(session), "its end")
            assert server.sent() < DRIPS, server.sent()
        for fetcher in at_work(session):
            os.kill(fetcher, signal.SIGKILL)
        equal(server.connections, 1)
        equal(note(session, f"valetkey:{name}"), None)

    with RawServer(live.pki, drip, context(live.pki)) as server:
        tap.check("an endpoint that drips keeps nobody", keeps_nobody)


class Cutter:
    """Stands between a client and a server, and ends the connection when so
    many bytes have gone one way: "down" to the client, or "up"."""

    def __init__(self, server):
        self.server, self.pki_dir = server, server.pki_dir
        self.way, self.left, self.resets = "down", NO_CUT, False
        self.connections = 0
        self.passed = {}
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *ignored):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def token_url(self):
        return f"{self.server.scheme}://localhost:{self.port}/oauth/token"

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.passed = {"down": 0, "up": 0}
            server = socket.create_connection(("127.0.0.1", self.server.port))
            for ends in (("up", client, server), ("down", server, client)):
                threading.Thread(target=self.carry, args=ends,
                                 daemon=True).start()

    def carry(self, way, source, target):
        left = self.left if way == self.way else NO_CUT
        # The other direction's end closes both.
        with contextlib.suppress(OSError):
            source.settimeout(PATIENCE)
            while left > 0:
                data = source.recv(min(left, 1 << 16))
                if not data:
                    break
                target.sendall(data)
                self.passed[way] += len(data)
                left -= len(data)
        self.hang_up(source, target, left == 0)

    def hang_up(self, source, target, is_cut):
        for end in source, target:
            with contextlib.suppress(OSError):
                if is_cut and self.resets:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
                elif not is_cut and end is source:
                    continue
                end.shutdown(socket.SHUT_RDWR if is_cut
                             else socket.SHUT_WR)
            if is_cut:
                end.close()


def cuts(tap, live):
    session = (clock := Clock(live)).session

    def fetch():
        clock.move(2 * HOUR)
        session.drop(name)
        server.forget()
        cutter.connections = 0
        return session.run("valetkey", "token", name)

    def cut(way, at, resets):
        cutter.way, cutter.left, cutter.resets = way, at, resets
        done = fetch()
        cutter.left = NO_CUT
        poll(lambda: server.connections == cutter.connections,
             "the server's part")
        server.settle()
        equal(cutter.connections, 1)
        times = sum(bool(holds(data.decode("latin-1"), [MARKER]))
                    for data in server.seen)
        assert times <= 1, times
        kept = note(session, f"valetkey:{name}")
        if done.returncode == 0:
            equal((done.stdout, done.stderr), (TOKEN + "\n", ""))
            assert kept, "the token is not kept"
            return True
        equal((done.returncode, done.stdout, kept), (6, "", None))
        equal(done.stderr.count("\n"), 1)
        assert any(said in done.stderr for said in ENDED), done.stderr
        equal(holds(done.stderr, [MARKER, TOKEN]), [])
        return False

    def at_each(way, resets):
        equal(fetch().returncode, 0)
        length = cutter.passed[way]
        places = range(length + 1)
        if not THOROUGH:
            places = sorted(random.Random(SEED).sample(places, CUTS))
        granted = [at for at in places if cut(way, at, resets)]
        print(f"# {len(places)} of {length + 1} places, a token after"
              f" {len(granted)}", flush=True)
        assert len(granted) < len(places) / 2, granted

    print(f"# SEED={SEED}", flush=True)
    for scheme, tls in ("https", context(live.pki)), ("http", None):
        with RawServer(live.pki, reply(response(grant())), tls) as server, \
                Cutter(server) as cutter:
            name = session.add(f"cut-{scheme}", cutter, secret=MARKER)
            for way in "down", "up":
                for resets in True, False:
                    how = "reset" if resets else "closed"
                    tap.check(f"{scheme}: {how} at every byte, {way}",
                              at_each, way, resets)


GROUPS = [handshakes, drips, cuts]
