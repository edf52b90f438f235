# SPDX-License-Identifier: MIT
"""The proxy that clients.conf names, for a user and for the machine."""

import base64
import json
import os
import select
import socket
import socketserver

from doctor import Report
from fronts import TlsFront
from live import User
from machine import Machine
from protections import Issuer, Proxy
from servers import PATIENCE
from session import SECRET
from tap import equal

TOKEN = "token.through.a-tunnel"
REFUSALS = [401, 407, 502]
DEAD = "http://127.0.0.1:1"


class Endpoint(TlsFront):
    """Metadata of an issuer, and a token for whoever has the secret; notes
    from which port it was asked."""

    def __init__(self, pki):
        super().__init__(lambda token: False, pki)
        self.pki_dir = pki
        self.asked = []

    def token_url(self):
        return self.url + "/t"

    def handle(self, request):
        self.asked.append((request.command, request.client_address[1]))
        body = request.rfile.read(
            int(request.headers.get("Content-Length", 0)))
        basic = request.headers.get("Authorization", "").split()[-1:]
        shown = body + b"".join(map(base64.b64decode, basic))
        if request.command == "GET":
            answer = {"issuer": self.url, "token_endpoint": self.token_url()}
        elif SECRET.encode() in shown:
            answer = {"access_token": TOKEN, "expires_in": 600}
        else:
            answer = {"error": "invalid_client"}
        self.reply(request, 200, "application/json",
                   json.dumps(answer).encode())


class Tunnel(Proxy):
    """CONNECT to 127.0.0.1; or another answer than 200.  Notes all that it
    gets to see, and from which port it asked."""

    def __init__(self):
        super().__init__()
        self.answer, self.seen, self.ports = 200, b"", []

    def handle(self, request):
        self.seen += request.raw_requestline + bytes(request.headers)
        if self.answer != 200 or request.command != "CONNECT":
            self.wanted.append((request.command, request.path))
            self.reply(request, self.answer, "text/plain", b"not here\n",
                       [("Retry-After", "3000")])
            return
        request.close_connection = True
        request.send_response_only(200)
        request.end_headers()
        self.connect(request.path, request.connection)

    def connect(self, path, near):
        port = int(path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as far:
            self.wanted.append(("CONNECT", path))
            self.ports.append(far.getsockname()[1])
            self.pump(near, far)

    def pump(self, near, far):
        other = {near: far, far: near}
        while True:
            ready = select.select(list(other), [], [], PATIENCE)[0]
            for one in ready:
                data = one.recv(65536)
                if not data:
                    return
                self.seen += data
                other[one].sendall(data)
            if not ready:
                return

    def forget(self):
        self.answer, self.seen = 200, b""
        self.wanted.clear()
        self.ports.clear()


class Socks(Tunnel):
    """The same by SOCKS 5 (RFC 1928), for names only."""

    def listen(self, handler):
        tunnel = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                tunnel.talk(self.rfile, self.connection)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.server_port = server.server_address[1]
        return server

    def talk(self, said, near):
        methods = said.read(2)[1]
        said.read(methods)
        near.sendall(b"\5\0")
        equal(said.read(4), b"\5\1\0\3")
        host = said.read(said.read(1)[0])
        self.seen += b"CONNECT " + host
        path = f"{host.decode()}:{int.from_bytes(said.read(2), 'big')}"
        good = self.answer == 200
        near.sendall(bytes([5, 0 if good else 2, 0, 1]) + bytes(6))
        if good:
            self.connect(path, near)


def saw_no_secret(tunnel):
    """But it saw the name of the host, and TLS."""
    assert b"CONNECT " in tunnel.seen and b"\x16\x03" in tunnel.seen
    for text in (SECRET, TOKEN, "client_secret", "access_token",
                 "Authorization", base64.b64encode(
                     f"demo:{SECRET}".encode()).decode()):
        assert text.encode() not in tunnel.seen, tunnel.seen


def came_through(tunnel, endpoint, *methods, host="127.0.0.1"):
    """So many requests, each by a connection that the proxy made."""
    equal(tunnel.wanted,
          [("CONNECT", f"{host}:{endpoint.port}")] * len(methods))
    equal(endpoint.asked, list(zip(methods, tunnel.ports)))
    saw_no_secret(tunnel)
    tunnel.forget()
    endpoint.asked.clear()


def came_directly(tunnel, endpoint, *methods):
    equal(tunnel.wanted, [])
    equal([method for method, _ in endpoint.asked], list(methods))
    endpoint.asked.clear()


def tunnels(tap, live):
    session = live.session

    def token(word, env=None, **options):
        name = session.add(word, endpoint, **options)
        equal(session.succeed("valetkey", "token", name,
                              env=env).strip(), TOKEN)
        equal(session.drop(name).returncode, 0)
        return name

    def is_used():
        name = token("key", {"https_proxy": DEAD, "no_proxy": ""},
                     proxy=tunnel.url)
        came_through(tunnel, endpoint, "POST")
        session.succeed("valetkey", "token", name)
        came_through(tunnel, endpoint, "POST")
        session.succeed("valetkey", "doctor")
        came_through(tunnel, endpoint, "GET")
        session.run("valetkey", "remove", name)
        token("basic", proxy=tunnel.url + "/", auth="client_secret_basic")
        came_through(tunnel, endpoint, "POST")

    def is_used_for_metadata():
        name = session.name("issuer")
        done = session.run(
            "valetkey", "add", name, "--issuer", endpoint.url, "--client-id",
            "demo", "--ca-file", live.ca, "--proxy", tunnel.url,
            "--secret-stdin", text=SECRET + "\n")
        equal((done.returncode, done.stderr), (0, ""))
        equal(session.token(name), TOKEN)
        came_through(tunnel, endpoint, "GET", "POST")

    def goes_before_the_environment():
        env = {"https_proxy": tunnel.url, "no_proxy": ""}
        token("environment", env)
        came_through(tunnel, endpoint, "POST")
        token("none", env, proxy="")
        came_directly(tunnel, endpoint, "POST")

    def makes_no_other_token():
        """What was cached by another way is the same token."""
        name = session.add("cached", endpoint, proxy=tunnel.url)
        session.token(name)
        came_through(tunnel, endpoint, "POST")
        path = os.path.join(session.home, ".config/valetkey/clients.conf")
        with open(path) as conf:
            text = conf.read()
        assert tunnel.url in text
        with open(path, "w") as conf:
            conf.write(text.replace(tunnel.url, DEAD))
        equal(session.token(name), TOKEN)
        came_directly(tunnel, endpoint)

    def is_not_for_plain_http():
        with Issuer() as front:
            session.marks.add(f":{front.port}")
            name = session.add("plain", endpoint, url=front.url + "/t",
                               ca_file=None, proxy=tunnel.url)
            equal(session.token(name), "from.the.issuer")
        came_directly(tunnel, endpoint)

    def is_to_blame(status):
        name = session.add(f"refused-{status}", endpoint, proxy=tunnel.url)
        tunnel.answer = status
        text = session.fail(6, "valetkey", "token", name)
        assert f"the proxy '{tunnel.url}' does not let it through " \
            f"({status}" in text, text
        equal((len(tunnel.wanted), endpoint.asked), (1, []))
        tunnel.forget()
        # No quarantine, nor what Retry-After says: a second, then again.
        equal(session.token(name, "--timeout", "20"), TOKEN)
        came_through(tunnel, endpoint, "POST")

    def is_dead(title, proxy, env):
        name = session.add(title, endpoint, proxy=proxy)
        text = session.fail(6, "valetkey", "token", name, env=env)
        came_directly(tunnel, endpoint)
        session.succeed("valetkey", "retry", name)
        return text

    def is_named_where_it_is_dead():
        text = is_dead("dead", DEAD, {"no_proxy": ""})
        assert f"failed: the proxy '{DEAD}': nothing answers at its " \
            "address\n" in text, text
        text = is_dead("dead-or-not", DEAD, {"no_proxy": "a.invalid"})
        assert f"failed: it, or the proxy '{DEAD}': nothing" in text, text
        secure = tunnel.url.replace("http:", "https:")
        text = is_dead("no-tls", secure, {"no_proxy": ""})
        assert f"the proxy '{secure}': the TLS handshake failed" in text, text

    def may_speak_socks():
        with Socks() as socks:
            proxy = socks.url.replace("http:", "socks5h:")
            name = token("socks", proxy=proxy, url="https://localhost:"
                         f"{endpoint.port}/t")
            came_through(socks, endpoint, "POST", host="localhost")
            socks.answer = 502
            text = session.fail(6, "valetkey", "token", name)
            came_directly(tunnel, endpoint)
        assert f"the proxy '{proxy}': it does not let it through" in text, \
            text
        session.succeed("valetkey", "retry", name)

    with Tunnel() as tunnel, Endpoint(live.pki) as endpoint:
        session.marks.add(f":{endpoint.port}")
        tap.check("the client's proxy is used, and sees no secret", is_used)
        tap.check("an issuer's metadata come by it too", is_used_for_metadata)
        tap.check("it goes before the environment's, and so does none",
                  goes_before_the_environment)
        tap.check("a cached token stays good under another proxy",
                  makes_no_other_token)
        tap.check("it is not used for plain http", is_not_for_plain_http)
        for status in REFUSALS:
            tap.check(f"a proxy that answers {status} is to blame, not the"
                      " secret", is_to_blame, status)
        tap.check("a proxy that is not there is named",
                  is_named_where_it_is_dead)
        tap.check("a proxy may speak SOCKS", may_speak_socks)


def tunnels_of_machine(tap, live):
    def is_used():
        name = machine.add("key", endpoint, allow=alice.pw_name,
                           proxy=tunnel.url)
        equal(machine.token(alice, name), TOKEN)
        came_through(tunnel, endpoint, "POST")
        return name

    def is_what_doctor_uses():
        report = Report(machine)
        report.find(f"client '{names[0]}'", "ok", "can be reached")
        came_through(tunnel, endpoint, "GET")
        tunnel.answer = 407
        report = Report(machine)
        report.find(f"client '{names[0]}'", "fail", f"'{tunnel.url}'",
                    "(407", "the proxy, and ca-file")
        equal(endpoint.asked, [])
        tunnel.forget()

    def is_to_blame():
        machine.clear(alice)
        equal(machine.system("drop", names[0]).returncode, 0)
        tunnel.answer = 407
        machine.refused(alice, names[0], 6, "cannot be reached")
        equal((len(tunnel.wanted), endpoint.asked), (1, []))
        done = machine.system("status", names[0])
        assert f"the proxy '{tunnel.url}' does not let" in done.stdout, done
        tunnel.forget()
        equal(machine.system("retry", names[0]).returncode, 0)
        machine.clear(alice)
        equal(machine.token(alice, names[0]), TOKEN)
        came_through(tunnel, endpoint, "POST")

    def is_dead():
        machine.edit(tunnel.url, DEAD)
        equal(machine.token(alice, names[0]), TOKEN)
        machine.clear(alice)
        equal(machine.system("drop", names[0]).returncode, 0)
        machine.refused(alice, names[0], 6, "cannot be reached")
        came_directly(tunnel, endpoint)
        for verb in "retry", "remove":
            equal(machine.system(verb, names[0]).returncode, 0)

    def is_not_the_environments():
        """Neither root's nor the user's, for whoever runs it."""
        name = machine.add("environment", endpoint, allow=alice.pw_name)
        env = {variable: tunnel.url for variable in
               ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
        done = machine.run(alice, "valetkey", "token", name, env=env)
        equal((done.returncode, done.stdout.strip()), (0, TOKEN))
        came_directly(tunnel, endpoint, "POST")
        for words, methods in (["status", name], []), (["doctor"], ["GET"]):
            done = machine.run(None, "valetkey", "--system", *words, env=env)
            equal((done.returncode, done.stderr), (0, ""))
            came_directly(tunnel, endpoint, *methods)
        equal(machine.system("drop", name).returncode, 0)
        done = machine.run(None, "valetkey-broker", "--sysconfdir",
                           machine.etc, name, env=env)
        equal((done.returncode, done.stderr), (0, ""))
        came_directly(tunnel, endpoint, "POST")

    with Machine(live) as machine, User() as alice, Tunnel() as tunnel, \
            Endpoint(live.pki) as endpoint:
        names = []
        tap.check("the broker uses the client's proxy, which sees no secret",
                  lambda: names.append(is_used()))
        tap.check("doctor uses it too, and tells what it answers",
                  is_what_doctor_uses)
        tap.check("a proxy that refuses the broker is to blame", is_to_blame)
        tap.check("a proxy that is not there stops the broker", is_dead)
        tap.check("the broker uses no proxy of the environment",
                  is_not_the_environments)


GROUPS = [tunnels, tunnels_of_machine]
