# SPDX-License-Identifier: MIT
"""What each mode of the scripted server must look like from outside: mode ->
expectation, called with the server and the replies to two equal requests."""

import email.utils
import time

HOUR = 3600
DAY = 86400


def expect(test):
    def expectation(server, first, second):
        assert first.fault is None, first.fault
        result = test(first)
        assert result, (result, first.status, first.text[:300])
    return expectation


def error(status, name):
    return expect(lambda r: (
        r.status == status and r.json()["error"] == name))


def page(status, after=None):
    """An HTML page, with this Retry-After."""
    return expect(lambda r: (
        r.status == status and "<html>" in r.text and
        r.headers["Retry-After"] == after))


def dated(status, seconds):
    def test(reply):
        at, now = (email.utils.parsedate_to_datetime(reply.headers[name])
                   for name in ("Retry-After", "Date"))
        return (reply.status == status and
                abs((at - now).total_seconds() - seconds) <= 1)
    return expect(test)


def body(text):
    return expect(lambda r: r.status == 200 and r.text == text)


def member(name, value):
    """The reply has this member; None: has it not."""
    return expect(lambda r: (
        r.status == 200 and "scope" in r.json() and
        r.json().get(name, None) == value and
        (name in r.json()) == (value is not None)))


def literal(text):
    return expect(lambda r: (
        f'"expires_in":{text},' in r.text and valid_claims(r)))


def valid_claims(reply):
    claims = reply.claims()
    return 0 < claims["exp"] - claims["iat"] <= DAY and claims["jti"]


def fault(name):
    def expectation(server, first, second):
        causes = [first.fault, getattr(first.fault, "reason", None)]
        kinds = [type(cause).__name__ for cause in causes]
        assert name in kinds, first.fault
        assert server.count() == 2
    return expectation


def granted(test):
    return expect(lambda r: r.status == 200 and valid_claims(r) and test(r))


def took(ms, bytewise=False):
    def expectation(server, first, second):
        expected = ms * len(first.text) if bytewise else ms
        entry = server.log()[0]
        assert first.status == 200
        assert entry["closed"] - entry["t"] >= expected
    return expectation


def skewed(seconds):
    def test(reply):
        date = email.utils.parsedate_to_datetime(reply.headers["Date"])
        return (abs(date.timestamp() - time.time() - seconds) < 60 and
                abs(reply.claims()["iat"] - date.timestamp()) <= 1)
    return expect(test)


def same(server, first, second):
    assert first.token() == second.token()
    assert second.json()["expires_in"] <= first.json()["expires_in"] <= DAY


def one_then_429(server, first, second):
    assert (first.status, second.status) == (200, 429)
    assert "<html>" in second.text


def blocked(server, first, second):
    assert (first.status, second.status) == (200, 429)
    assert second.headers["Retry-After"] == "3"


def second_late(server, first, second):
    gaps = [entry["closed"] - entry["t"] for entry in server.log()]
    assert (first.status, second.status) == (401, 401)
    assert gaps[1] >= 200, gaps


def goes_to(status, start):
    return expect(lambda r: (
        r.status == status and r.headers["Location"].startswith(start) and
        r.headers["Location"].endswith("/m/ok/redirected")))


def describes(test):
    return expect(lambda r: (
        r.status == 401 and r.json()["error"] == "access_denied" and
        test(r.json()["error_description"])))


MODES = {
    "ok": granted(lambda r: set(r.json()) == {
        "access_token", "scope", "expires_in", "token_type"}),
    "auth0": granted(lambda r: r.json()["expires_in"] == DAY),
    "keycloak": granted(lambda r: r.json()["refresh_expires_in"] == 0),
    "identityserver": granted(lambda r: r.json()["scope"] == "api"),
    "glewlwyd": granted(lambda r: r.json()["token_type"] == "bearer"),

    "slow:50": took(50),
    "drip:1": took(0.9, bytewise=True),
    "close": fault("IncompleteRead"),
    "hang-body": fault("TimeoutError"),
    "truncated": expect(lambda r: (
        r.status == 200 and "}" not in r.text and
        r.text.startswith('{"access_token"'))),
    "date-skew:7200": skewed(2 * HOUR),
    "date-skew:-7200": skewed(-2 * HOUR),
    "date-none": granted(lambda r: r.headers["Date"] is None),

    "opaque": expect(lambda r: r.status == 200 and "." not in r.token()),
    "token-newline": expect(lambda r: "\n" in r.token()),
    "token-space": expect(lambda r: " " in r.token()),
    "token-control": expect(lambda r: "\x1b" in r.token()),
    "token-nul": expect(lambda r: "\0" in r.token()),
    "token-utf8": expect(lambda r: not r.token().isascii()),
    "token-empty": member("access_token", ""),
    "token-number": member("access_token", 12345),
    "token-object": member("access_token", {"token": "nested"}),
    "token-huge": expect(lambda r: len(r.token()) > 16 * 1024),
    "no-token": member("access_token", None),
    "ttl:20": granted(lambda r: (
        r.json()["expires_in"] == 20 and
        r.claims()["exp"] - r.claims()["iat"] == 20)),
    "expires-missing": member("expires_in", None),
    "expires-string": literal('"3600"'),
    "expires:0": literal("0"),
    "expires:-5": literal("-5"),
    "expires:1e12": literal("1e12"),
    'expires:"3600"': literal('"3600"'),
    "expires:null": literal("null"),
    "expires:3600.5": literal("3600.5"),
    "jwt-exp:20": granted(lambda r: (
        r.claims()["exp"] - r.claims()["iat"] == 20)),
    "jwt-past": expect(lambda r: r.claims()["exp"] < r.claims()["iat"]),
    "date-skew:7200+jwt-past": skewed(2 * HOUR),
    "type:MAC": member("token_type", "MAC"),
    "type-lower": member("token_type", "bearer"),
    "type-missing": member("token_type", None),
    "type-dpop": member("token_type", "DPoP"),
    "same-token": same,
    "body-huge": granted(lambda r: len(r.text) > 1 << 20),

    "empty": body(""),
    "array": body('["access_token"]'),
    "null": body("null"),
    "deep": body("[" * 100000),
    "garbage": body("\0\1\2 not JSON"),
    "html": page(200),
    "body-endless": expect(lambda r: len(r.text) == 4 << 20),
    "hang": fault("TimeoutError"),
    # Python and curl both take the half header for the last one.
    "close-headers": expect(lambda r: (
        (r.status, r.text, r.headers["Date"]) == (200, "", None))),
    "close-silent": fault("RemoteDisconnected"),
    "reset": fault("RemoteDisconnected"),
    "redirect": goes_to(302, "/"),
    "redirect:307": goes_to(307, "/"),
    "redirect-http": goes_to(302, "http://"),

    "401-auth0": error(401, "access_denied"),
    "401-keycloak": error(401, "unauthorized_client"),
    "400-identityserver": error(400, "invalid_client"),
    "403-glewlwyd": expect(lambda r: (r.status, r.text) == (403, "")),
    "401-invalid-client": error(401, "invalid_client"),
    "401-basic": expect(lambda r: (
        r.status == 401 and
        r.headers["WWW-Authenticate"].startswith("Basic realm="))),
    "401-entra": error(401, "invalid_client"),
    "401-escapes": describes(lambda text: (
        {"\x1b", "\n", "\r", "\0", "\a", "\x9b", "\u202e"} <= set(text))),
    "401-long": describes(lambda text: len(text) > 1000),
    "401-empty": expect(lambda r: (r.status, r.text) == (401, "")),
    "401-html": page(401),
    "401-echo": describes(lambda text: "client_secret=Sample" in text),
    "401-tarpit:200": second_late,
    "403-auth0-grant": expect(lambda r: (
        r.status == 403 and r.json()["error"] == "access_denied" and
        '"zeebe.camunda.io"' in r.json()["error_description"])),
    "403-auth0-service": error(403, "access_denied"),
    "err:invalid_scope": error(400, "invalid_scope"),
    "err:invalid_target": error(400, "invalid_target"),
    "err:unsupported_grant_type": error(400, "unsupported_grant_type"),
    "err:temporarily_unavailable:503": error(503, "temporarily_unavailable"),
    "slow:20+401-auth0": error(401, "access_denied"),
    "drip:1+429:7": page(429, "7"),
    "status:404": page(404),
    "500": page(500),
    "503": page(503),
    "503:9": page(503, "9"),
    "503-date:9": dated(503, 9),
    "429:7": page(429, "7"),
    "429-date:7": dated(429, 7),
    "429-none": page(429),
    "429-auth0": error(429, "too_many_requests"),
    "rate:1": one_then_429,
    "rate:1:3": blocked,
}

# Listeners that a client must not trust, and what Python says of them
OTHERS = {
    "wrongname": "Hostname mismatch",
    "expired": "certificate has expired",
    "selfsigned": "self-signed certificate",
    "oldtls": "alert protocol version",
}
