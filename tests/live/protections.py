# SPDX-License-Identifier: MIT
"""Promises of docs/threat-model.md that no other group is about: keys seen
by other users, programs with a secret in hand, issuers, proxies."""

import json
import os
import re

from clients import need
from fronts import Front
from live import User
from servers import scripted
from session import SECRET, Session, poll
from tap import equal

KEYCTL = [["rdescribe"], ["pipe"], ["setperm", "0x3f3f3f3f"], ["invalidate"],
          ["revoke"], ["link", "@u"]]


def keys_of_others(tap, live):
    """Tokens of one user, and another who looks for them."""
    def gives_nobody_else_rights():
        said = session.succeed("keyctl", "rdescribe", serial).strip()
        uid, permissions = said.split(";")[1], said.split(";")[3]
        equal((int(uid), permissions[4:]), (alice.pw_uid, "0000"))

    def is_in_no_list_of_his():
        def listed(who):
            return f"valetkey:{name}" in who.succeed("cat", "/proc/keys")
        assert listed(session)
        assert not listed(other)

    def is_out_of_his_reach():
        for verb, *rest in KEYCTL:
            done = other.run("keyctl", verb, serial, *rest)
            assert done.returncode != 0 and token not in done.stdout, done
        equal(session.token(name), token)

    def locks_are_her_own():
        found = []
        for parent, _, names in os.walk(session.runtime):
            found += [(path, os.stat(path)) for path in [parent] + [
                os.path.join(parent, name) for name in names
                if name.endswith(".lock")] if "valetkey" in path]
        assert any(path.endswith(".lock") for path, _ in found), found
        equal([path for path, stat in found
               if stat.st_mode & 0o077 or stat.st_uid != alice.pw_uid], [])

    with User() as alice, User() as bob, scripted(live.pki) as server, \
            Session(live.programs, alice) as session, \
            Session(live.programs, bob) as other:
        name = session.add("others", server)
        token = session.token(name)
        serial = session.succeed("keyctl", "search", "@u", "user",
                                 f"valetkey:{name}").strip()
        tap.check("a token's key gives others no rights",
                  gives_nobody_else_rights)
        tap.check("another user does not see it in /proc/keys",
                  is_in_no_list_of_his)
        tap.check("another user can do nothing with its number",
                  is_out_of_his_reach)
        tap.check("locks and their directories are for their owner",
                  locks_are_her_own)


def secret_in_hand(tap, live):
    """What gets a secret is protected before it reads it."""
    def waits(process):
        assert process.poll() is None, process.communicate()
        with open(f"/proc/{process.pid}/syscall") as file:
            words = file.read().split()
        return len(words) > 1 and words[:2] == ["0", "0x0"]

    def is_protected(*command, text):
        process = session.popen(*command)
        try:
            process.stdin.write(text)
            process.stdin.flush()
            poll(lambda: waits(process), "a read of standard input")
            with open(f"/proc/{process.pid}/limits") as limits:
                core = re.search(r"Max core file size +(\S+) +(\S+)",
                                 limits.read())
            equal(core.groups(), ("0", "0"))
            equal(os.stat(f"/proc/{process.pid}/environ").st_uid, 0)
            for path in "environ", "mem", "maps":
                done = session.run("sh", "-c", ': <"$1"', "sh",
                                   f"/proc/{process.pid}/{path}")
                assert done.returncode != 0, path
        finally:
            process.kill()
            process.communicate()

    with User() as user, scripted(live.pki) as server, \
            Session(live.programs, user) as session:
        name = session.add("hand", server)
        half = SECRET[:8]
        for title, words in {
                "valetkey add": [
                    "valetkey", "add", session.name("new"), "--token-url",
                    server.token_url(), "--client-id", "demo",
                    "--secret-stdin"],
                "valetkey rotate": ["valetkey", "rotate", name,
                                    "--secret-stdin"],
                "valetkey import": ["valetkey", "import", "-"],
                "valetkey-store": [
                    os.path.join(live.programs, "valetkey-store"), "put",
                    session.name("x"), "demo", server.token_url()],
                "valetkey-store, with a login": [
                    os.path.join(live.programs, "valetkey-store"),
                    "login-put"]}.items():
            tap.check(f"{title} is protected while it reads a secret",
                      is_protected, *words, text=half)


class Issuer(Front):
    """Metadata that say what they are told to; a token for whoever asks."""

    def __init__(self):
        super().__init__(lambda token: False)
        self.metadata, self.requests = {}, []

    def handle(self, request):
        self.requests.append((request.command, request.path))
        body = request.rfile.read(
            int(request.headers.get("Content-Length", 0)))
        if request.command == "POST":
            assert SECRET.encode() in body
            answer = {"access_token": "from.the.issuer", "expires_in": 600}
        else:
            answer = self.metadata
        self.reply(request, 200, "application/json",
                   json.dumps(answer).encode())


def issuers(tap, live):
    session = live.session

    def add(word, issuer, *more):
        name = session.name(word)
        done = session.run(
            "valetkey", "add", name, "--issuer", issuer, "--client-id",
            "demo", "--secret-stdin", text=SECRET + "\n")
        equal((done.returncode, done.stderr), (0, ""))
        return name

    def has_token():
        front.metadata = {"issuer": front.url,
                          "token_endpoint": front.url + "/t"}
        equal(session.token(add("own", front.url)), "from.the.issuer")
        equal(front.requests[-1], ("POST", "/t"))

    def is_refused(word, text, **metadata):
        front.metadata = {"issuer": front.url,
                          "token_endpoint": front.url + "/t", **metadata}
        front.requests.clear()
        name = add(word, front.url)
        assert text in session.fail(6, "valetkey", "token", name)
        equal([verb for verb, _ in front.requests], ["GET"])
        session.run("valetkey", "retry", name)

    with Issuer() as front:
        session.marks.add(f":{front.port}")
        tap.check("metadata of the issuer itself give a token", has_token)
        tap.check("metadata of another issuer are refused", is_refused,
                  "another", "another issuer's",
                  issuer="https://issuer.invalid")
        tap.check("metadata with an endpoint of plain http are refused",
                  is_refused, "plain", "no https",
                  token_endpoint="http://endpoint.invalid/t")
        tap.check("metadata without an endpoint are refused", is_refused,
                  "without", "no https", token_endpoint=None)


class Proxy(Front):
    """Lets nobody through, and notes who wanted to go where."""

    def __init__(self):
        super().__init__(lambda token: False)
        self.wanted = []

    def listen(self, handler):
        handler.do_CONNECT = handler.do_GET
        return super().listen(handler)

    def handle(self, request):
        self.wanted.append((request.command, request.path))
        self.reply(request, 403, "text/plain", b"not here\n")


def proxies(tap, live):
    session = live.session

    def is_not_used():
        with Issuer() as front:
            session.marks.add(f":{front.port}")
            name = session.add("plain", server, url=front.url + "/t",
                               ca_file=None)
            equal(session.succeed("valetkey", "token", name,
                                  env=use).strip(), "from.the.issuer")
        equal(proxy.wanted, [])

    def sees_a_host():
        name = session.add("proxied", server)
        session.fail(6, "valetkey", "token", name, env=use)
        equal(proxy.wanted[0], ("CONNECT", f"localhost:{server.port}"))
        equal(server.count(), 0)

    with Proxy() as proxy, scripted(live.pki) as server:
        use = {variable: proxy.url for variable in
               ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY")}
        use["no_proxy"] = ""
        tap.check("an endpoint of plain http is asked without a proxy",
                  is_not_used)
        tap.check("for https a proxy is told the host alone", sees_a_host)


OLD_TLS = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = system
[system]
MinProtocol = TLSv1
CipherString = DEFAULT:@SECLEVEL=0
"""


def old_tls(tap, live):
    """On a machine whose OpenSSL would speak TLS 1.1."""
    session = live.session

    def is_spoken_there():
        done = session.run("curl", "-s", "-o", os.devnull, "-w",
                           "%{http_code}", "--cacert", live.ca, "--tlsv1.0",
                           server.urls["oldtls"], env=use)
        equal(done.returncode, 0)
        equal(len(done.stdout), 3)

    def is_not_spoken():
        name = session.add("old", server,
                           url=server.token_url(listener="oldtls"))
        session.marks.add(":" + server.urls["oldtls"].rsplit(":", 1)[1])
        before = server.count()
        text = session.fail(6, "valetkey", "token", name, env=use)
        assert "TLS handshake failed" in text, text
        equal(server.count(), before)

    need("curl")
    path = os.path.join(session.directory, "openssl.cnf")
    with open(path, "w") as out:
        out.write(OLD_TLS)
    use = {"OPENSSL_CONF": path}
    with scripted(live.pki, listen=["server", "oldtls"]) as server:
        tap.check("a server of TLS 1.1 is one that curl talks to",
                  is_spoken_there)
        tap.check("TLS 1.1 is not spoken, whatever the machine allows",
                  is_not_spoken)


GROUPS = [keys_of_others, secret_in_hand, issuers, proxies, old_tls]
