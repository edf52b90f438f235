# SPDX-License-Identifier: MIT
"""Token endpoints that send what no server should.

Whatever comes, the caller has a token or one honest line, the fetcher stays
small, nothing that is no token is kept, and the secret has gone out once.
Those that a server of node can play are golden cases (endpoint/).
"""

import json
import zlib

from governor_callers import Clock, note
from marks import MARKER, Exits, holds
from raw import RawServer, context, response
from tap import equal

TOKEN = "good.token.of.a-test"
OTHER = "other.token.of.a-test"
MUCH = 8 << 20  # bytes; libcurl takes no more before it gives up
KIB = 24 << 10  # a fetcher that has done nothing has 17 MiB
HOUR = 3600


def grant(token=TOKEN, **more):
    return json.dumps({"access_token": token, "token_type": "Bearer",
                       "expires_in": HOUR, **more})


def reply(*data):
    """These bytes, after the request."""
    def script(peer):
        peer.read()
        for part in data:
            peer.send(part)
    return script


def endless(start, more):
    def script(peer):
        peer.read()
        peer.send(start)
        peer.forever(more)
    return script


def early(data):
    """Before there is a request."""
    def script(peer):
        peer.send(data)
        peer.read()
    return script


def body(text, *headers, **more):
    return reply(response(text, *headers, **more))


def chunked(rest, trailer=b"\r\n"):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return reply(head + rest + trailer)


def chunk(text):
    return f"{len(text):x}\r\n{text}\r\n".encode()


def redirect(status, url, *more):
    return body("", f"Location: {url}", *more, status=f"{status} Go away")


def zipped(data):
    """gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def bomb():
    """256 MiB of blanks in 256 KiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * (1 << 20)
    return b"".join(packer.compress(block)
                    for _ in range(256)) + packer.flush()


LINE = b"X-A: " + b"a" * 1000 + b"\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
# A SETTINGS frame, and the end: what a server of HTTP/2 begins with
H2 = bytes.fromhex("000012040000000000000300000064000400bebc20000600004000")
NOT_JSON = "it is not a JSON object"
NOT_A_TOKEN = "blanks or control characters"
TOO_LARGE = "its answer is larger than 1 MiB"
HEADERS = "its headers are larger than 64 KiB"
BROKE_OFF = "it broke the connection off"
NOT_HTTP = "its answer is not HTTP"
CLOSED = "it closed the connection"
NO_ENDPOINT = "it is no answer of a token endpoint"


def bodies(elsewhere):
    """name -> (script, what the line says; None: a token)"""
    good = grant()
    cases = {
        "no Content-Type": (body(good), None),
        "text/html around a token": (body(good, "Content-Type: text/html"),
                                     None),
        "a member twice": (body(good[:-1] + f',"x":1,"x":{good}}}'), None),
        "10,000 headers": (body(good, *["X-A: b"] * 10000), HEADERS),
        "headers without an end": (endless(OK, LINE * 64), HEADERS),
        "a header without an end": (endless(OK + b"X-A: ", b"a" * 65536),
                                    "its headers are too long"),
        "trailers without an end": (endless(
            OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(good) +
            b"0\r\n", LINE * 64), HEADERS),
        "100 Continue without an end": (endless(
            b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), HEADERS),
        "103 Early Hints without an end": (endless(
            b"", b"HTTP/1.1 103 Early Hints\r\n" + LINE + b"\r\n"), HEADERS),
        "100 Continue, thrice": (reply(
            b"HTTP/1.1 100 Continue\r\n\r\n" * 3, response(good)), None),
        "a body of 1 GB": (endless(
            OK + b"Content-Length: 1000000000\r\n\r\n", b" " * 65536),
            TOO_LARGE),
        "a body of 1 GB that is not told": (endless(
            OK + b"\r\n", b" " * 65536), TOO_LARGE),
        "chunks without an end": (endless(
            OK + b"Transfer-Encoding: chunked\r\n\r\n",
            b"10000\r\n" + b" " * 65536 + b"\r\n"), TOO_LARGE),
        "a gzip bomb nobody asked for": (body(
            bomb(), "Content-Encoding: gzip"), NOT_JSON),
        "a gzip bomb as transfer encoding": (body(
            bomb(), "Transfer-Encoding: gzip", "Connection: close"),
            TOO_LARGE),
        "a token in gzip nobody asked for": (body(
            zipped(good.encode()), "Content-Encoding: gzip"), NOT_JSON),
        "1,000 transfer encodings": (body(
            good, "Transfer-Encoding: " + ", ".join(["gzip"] * 1000)),
            "Transfer-Encoding"),
        "a negative Content-Length": (body(good, "Content-Length: -1"),
                                      NOT_HTTP),
        "a Content-Length beyond all numbers": (body(
            good, "Content-Length: " + "9" * 40), TOO_LARGE),
        "a Content-Length in words": (
            body(good, "Content-Length: all"), NOT_HTTP),
        "two lengths": (body(good, "Content-Length: 10",
                             f"Content-Length: {len(good)}"), None),
        "a length that is too short": (body(
            good, f"Content-Length: {len(good) - 1}"), NOT_JSON),
        "a length that is too long": (body(
            good, f"Content-Length: {len(good) + 1}"), BROKE_OFF),
        "a length and chunks": (reply(
            OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" +
            chunk(good) + b"0\r\n\r\n"), None),
        "chunks of one byte": (chunked(
            b"".join(map(chunk, good)) + b"0\r\n"), None),
        "a chunk that is cut": (chunked(chunk(good)[:-9], b""), BROKE_OFF),
        "a last chunk that is missing": (chunked(chunk(good), b""),
                                         BROKE_OFF),
        "a chunk of a negative size": (
            chunked(b"-5\r\nabcde\r\n0\r\n"), BROKE_OFF),
        "a chunk of 2^64 bytes": (chunked(
            b"1" + b"0" * 16 + b"\r\nabc\r\n0\r\n"), BROKE_OFF),
        "a chunk's size of 1,000 digits": (chunked(
            b"0" * 1000 + b"5\r\nabcde\r\n0\r\n"), BROKE_OFF),
        "an extension of 1 MiB of a chunk": (chunked(
            chunk(good).replace(b"\r\n", b";" + b"x" * (1 << 20) + b"\r\n", 1)
            + b"0\r\n"), None),
        "no size of a chunk": (chunked(b"zz\r\nabc\r\n0\r\n"), BROKE_OFF),
        "a NUL byte in a header": (reply(
            OK + b"X-A: b\0c\r\nContent-Length: 0\r\n\r\n"), NOT_HTTP),
        "a NUL byte in a header's name": (reply(
            OK + b"X\0A: b\r\nContent-Length: 0\r\n\r\n"), NOT_HTTP),
        "a header that is folded": (body(good, "X-A: b\r\n c"), None),
        "a header without a colon": (body(good, "X-A"), NOT_HTTP),
        "line breaks without CR": (reply(response(good).replace(
            b"\r\n", b"\n")), None),
        "HTTP/0.9": (reply(good.encode()), NOT_HTTP),
        "HTTP/9.9": (reply(response(good).replace(b"1.1", b"9.9")), NOT_HTTP),
        "HTTP/2 frames": (reply(H2 * 3), NOT_HTTP),
        "status 000": (body(good, status="000 None"), NOT_HTTP),
        "status 99999": (body(good, status="99999 Much"), NOT_HTTP),
        "status 101": (body(good, "Upgrade: h2c", "Connection: Upgrade",
                            status="101 Switching Protocols"), NO_ENDPOINT),
        "status 204 and a body": (body(good, status="204 Nothing"),
                                  NO_ENDPOINT),
        "status 205": (body(good, status="205 Reset"),
                       NO_ENDPOINT),
        "status 417": (body(good, status="417 Expectation Failed"),
                       NO_ENDPOINT),
        "status 421": (body(good, status="421 Misdirected Request"),
                       NO_ENDPOINT),
        "status 408": (body("", "Connection: close",
                            status="408 Request Timeout"),
                       NO_ENDPOINT),
        "a second answer behind the first": (reply(
            response(good) + response(grant(OTHER))), None),
        "the answer before the request": (early(response(good)), None),
        "an error before the request": (early(response(
            "", status="400 Bad Request")), "an error without a reason"),
        "nothing": (reply(b""), CLOSED),
        "another place to use, by Alt-Svc": (body(
            good, f'Alt-Svc: h2="localhost:{elsewhere}"',
            f"Refresh: 0; url=https://localhost:{elsewhere}/"), None),
    }
    for status in 301, 302, 303, 307, 308:
        for scheme in "http", "https":
            cases[f"{status} to {scheme} elsewhere"] = redirect(
                status, f"{scheme}://localhost:{elsewhere}/t"), "a redirect"
    for scheme in "file:///etc/passwd", "gopher://localhost/", "//evil.x/":
        cases[f"302 to {scheme}"] = redirect(302, scheme), "a redirect"
    for method in "Basic", "Digest", "NTLM", "Negotiate":
        cases[f"a challenge for {method}"] = body(
            "", f'WWW-Authenticate: {method} realm="x", nonce="y"',
            status="401 No"), "refuses the credential"
    return cases


TOKENS = {
    "a line break": "good\r\nX-Injected: yes",
    "a newline": "good\nX-Injected: yes",
    "an escape": "good\x1b[2J",
    "a NUL byte": "good\0token",
    "a delete": "good\x7ftoken",
    "a C1 control": "good\x9btoken",
    "a blank": "good token",
    "a no-break space": "good\xa0token",
    "64 KiB": "x" * (64 << 10),
    "900 KiB": "x" * (900 << 10),
    "a lone surrogate": "good\ud800",
}
ODD_JSON = {
    "access_token twice": ('{"access_token":"first","access_token":"%s",'
                           '"token_type":"Bearer"}' % TOKEN, None),
    "a life of 1e300": (grant(expires_in=10 ** 300), None),
    "a byte order mark": ("\ufeff" + grant(), NOT_JSON),
    "a comment": ("/* x */" + grant(), NOT_JSON),
    "another object behind it": (grant() + grant(OTHER), NOT_JSON),
    "single quotes": (grant().replace('"', "'"), NOT_JSON),
    "not UTF-8": (grant().encode()[:-1] + b',"x":"\xff"}', NOT_JSON),
    "a million members": (grant()[:-1] + ',"a":1' * 170000 + "}", None),
    "17 objects in each other": ('{"a":' * 17 + grant() + "}" * 17,
                                 NOT_JSON),
}


def contents():
    cases = {name: (body(text), said)
             for name, (text, said) in ODD_JSON.items()}
    for name, token in TOKENS.items():
        cases[f"a token with {name}"] = body(grant(token)), NOT_A_TOKEN
    return cases


class Endpoint:
    """One client, and a server that plays one case after the other; between
    them so much time goes by that no hold is left."""

    def __init__(self, live, clock, server, word, **options):
        self.clock, self.session = clock, clock.session
        self.server = server
        self.exits = Exits(self.session, live.directory)
        self.exits.look_for(MARKER, TOKEN, OTHER)
        self.name = self.session.add(word, server, secret=MARKER, **options)

    def play(self, script, tls=None):
        self.clock.move(2 * HOUR)
        self.session.drop(self.name)
        self.server.script = script
        if tls:
            self.server.tls = tls
        self.server.forget()
        return self.exits.run("valetkey", "token", self.name)

    def judge(self, done, said, secrets=1):
        """said: a part of the line, None if there must be a token."""
        self.server.settle()
        self.exits.clean()
        assert "valetkey-fetch" in self.exits.programs(), "nobody fetched"
        assert self.exits.peak() < KIB, self.exits.peak()
        assert self.server.sent() < MUCH, self.server.sent()
        equal(self.server.connections, 1)
        times = sum(bool(holds(data.decode("latin-1"), [MARKER]))
                    for data in self.server.seen)
        equal(times, secrets)
        if said is None:
            equal((done.returncode, done.stdout, done.stderr),
                  (0, TOKEN + "\n", ""))
            return
        assert done.returncode in (4, 6), (done, said)
        equal(done.stdout, "")
        assert said in done.stderr, (said, done.stderr)
        equal(done.stderr.count("\n"), 1)
        assert done.stderr[:-1].isprintable(), done.stderr
        equal(holds(done.stderr, [MARKER, TOKEN, OTHER]), [])
        equal(note(self.session, f"valetkey:{self.name}"), None)


def answers(tap, live):
    """In both ways to send the secret."""
    def is_borne(name):
        script, said = cases[name]
        end.judge(end.play(script), said)

    tls = context(live.pki)
    with RawServer(live.pki, None, tls) as server, \
            RawServer(live.pki, reply(b""), tls) as other, \
            RawServer(live.pki, reply(b"")) as plain:
        clock = Clock(live)
        ways = [Endpoint(live, clock, server, "raw-post"),
                Endpoint(live, clock, server, "raw-basic",
                         auth="client_secret_basic")]
        cases = {**bodies(other.port), **contents()}
        for count, name in enumerate(cases):
            end = ways[count % 2]
            tap.check(f"an endpoint sends {name}", is_borne, name)
        end = ways[1]
        for name in cases:
            if "elsewhere" in name or "challenge" in name:
                tap.check(f"an endpoint sends {name}, to Basic", is_borne,
                          name)
        equal((other.connections, plain.connections), (0, 0))


GROUPS = [answers]
