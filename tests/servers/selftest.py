#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Checks that the authorization servers of the tests do what they say."""

import json
import os
import sys
import tempfile
import urllib.error

import servers
from caller import Caller
from glewlwyd import RESOURCE, SCOPE, Glewlwyd
from selftest_modes import MODES, OTHERS
from servers import oidc, scripted
from tap import Tap, equal

ID = "wq0Rk.sample"
SECRET = "Sample.Secret~_-not.real"
UGLY = "p~q_r-.s%20+/=&:x"
SPACED = "two words+%20_not.real"
CLIENTS = {ID: SECRET, "ugly:id": UGLY, "spaced": SPACED}
AUDIENCE = "zeebe.camunda.io"


def grants(caller, url, *how, **more):
    reply = caller.ask(url, *how, **more)
    equal((reply.fault, reply.status), (None, 200))
    return reply


def scripted_clients(tap, caller, server):
    url = server.token_url()

    def accepts(method, who, secret):
        reply = grants(caller, url, method, who, secret, audience=AUDIENCE)
        equal(reply.json()["token_type"], "Bearer")
        equal(reply.claims()["aud"], AUDIENCE)

    def refuses(mode, method, who, secret, status, error):
        reply = caller.ask(server.token_url(mode), method, who, secret)
        equal(reply.status, status)
        equal(reply.text and reply.json()["error"], error)

    for method in "form", "json", "basic":
        tap.check(f"{method} is accepted", accepts, method, ID, SECRET)
        for who in "ugly:id", "spaced":
            tap.check(f"{method} is accepted, {who}",
                      accepts, method, who, CLIENTS[who])
    tap.check("basic that was not encoded is refused", refuses, "ok",
              "raw basic", "spaced", SPACED, 401, "access_denied")
    for mode, status, error in [
            ("ok", 401, "access_denied"),
            ("keycloak", 401, "unauthorized_client"),
            ("identityserver", 400, "invalid_client"),
            ("glewlwyd", 403, "")]:
        for method in "form", "basic":
            tap.check(f"{mode} refuses a wrong secret by {method}",
                      refuses, mode, method, ID, "wrong", status, error)
        tap.check(f"{mode} refuses an unknown client",
                  refuses, mode, "form", "nobody", SECRET, status, error)
    tap.check("keycloak refuses JSON", refuses, "keycloak", "json", ID,
              SECRET, 415, "HTTP 415 Unsupported Media Type")


def scripted_journal(tap, caller, server):
    url = server.token_url()

    def counts():
        server.reset()
        equal(server.count(), 0)
        tokens = {grants(caller, url).token() for _ in range(5)}
        equal((len(tokens), server.count()), (5, 5))

    def logs():
        server.reset()
        grants(caller, url, "json", audience=AUDIENCE)
        grants(caller, server.token_url("opaque"), "basic")
        first, second = server.log()
        equal((first["mode"], second["mode"]), ("ok", "opaque"))
        equal((first["method"], first["path"]), ("POST", "/oauth/token"))
        equal(first["content_type"], "application/json")
        equal((first["authorization"], second["authorization"]),
              (None, "Basic"))
        equal((first["params"]["audience"], second["basic"]["id"]),
              (AUDIENCE, ID))
        assert first["t"] < second["t"]

    def hides():
        raw = json.dumps(server.log(raw=True))
        assert SECRET in raw
        assert SECRET not in json.dumps(server.log())

    def follows_modes():
        server.reset()
        server.mode("503:1,401-auth0,ok")
        statuses = [caller.ask(url).status for _ in range(4)]
        equal(statuses, [503, 401, 200, 200])
        server.mode("500")
        server.reset()
        equal(caller.ask(url).status, 200)

    def knows_its_modes():
        for name in "no-such-mode", "ok+no-such-mode":
            equal(caller.ask(server.token_url(name)).status, 501)
            try:
                server.mode(name)
            except urllib.error.HTTPError as error:
                equal(error.code, 400)
                error.close()
            else:
                raise AssertionError("the mode was taken")

    tap.check("each token is new and is counted", counts)
    tap.check("requests are logged", logs)
    tap.check("secrets are not logged, but for raw", hides)
    tap.check("modes follow one another", follows_modes)
    tap.check("an unknown mode is refused", knows_its_modes)


def scripted_modes(tap, caller, server):
    def keeps(mode, expectation):
        server.reset()
        timeout = 0.3 if mode.startswith("hang") else 10
        replies = [caller.ask(server.token_url(mode), audience=AUDIENCE,
                              timeout=timeout) for _ in range(2)]
        expectation(server, *replies)

    for mode, expectation in MODES.items():
        tap.check(f"mode {mode}", keeps, mode, expectation)

    def all_checked():
        seen = {part.split(":")[0] for mode in MODES
                for part in mode.split("+")}
        equal(set(json.loads(server.get("/_modes"))) - seen, set())

    def resets():
        url = server.token_url("reset", listener="http")
        equal(type(caller.ask(url).fault), ConnectionResetError)

    tap.check("every mode is checked", all_checked)
    tap.check("reset is a TCP reset", resets)


def scripted_listeners(tap, caller, pki):
    names = ["server", "http", *OTHERS]

    def untrusted(server, name, text):
        reply = caller.ask(server.token_url(listener=name))
        assert text in str(reply.fault), reply.fault

    with scripted(pki, listen=names) as server:
        for name in "server", "http":
            tap.check(f"listener {name} grants, to any client", grants,
                      caller, server.token_url(listener=name))
        for name, text in OTHERS.items():
            tap.check(f"listener {name} is not trusted",
                      untrusted, server, name, text)


def endings(tap, pki):
    def by_signal():
        with scripted(pki) as server:
            server.process.terminate()
            equal(server.process.wait(servers.PATIENCE), 0)

    def by_stdin():
        with scripted(pki) as server:
            server.process.stdin.close()
            equal(server.process.wait(servers.PATIENCE), 0)

    tap.check("a server ends when told to", by_signal)
    tap.check("a server ends when its stdin closes", by_stdin)


def provider(tap, caller, pki):
    paths = ["token", "oauth/token", "oauth/token/", "connect/token",
             "auth/realms/camunda-platform/protocol/openid-connect/token"]

    def audience_is_right(server, path, method, **client):
        reply = grants(caller, server.token_url(path=path), method,
                       audience=AUDIENCE, **client)
        equal(reply.claims()["aud"], AUDIENCE)
        equal(reply.json()["expires_in"], 77)

    def is_opaque(server, **more):
        reply = grants(caller, server.token_url(), **more)
        assert "." not in reply.token()

    def refuses(server, method, who, secret):
        reply = caller.ask(server.token_url(), method, who, secret)
        equal((reply.status, reply.json()["error"]),
              (401, "invalid_client"))
        equal("WWW-Authenticate" in reply.headers, method != "form")

    def counts(server):
        server.reset()
        for _ in range(3):
            grants(caller, server.token_url())
        equal((server.count(), len(server.log())), (3, 3))

    with oidc(pki, CLIENTS, ttl=77) as server:
        for path in paths:
            for method in "form", "json":
                tap.check(f"oidc gives the audience, {method} at /{path}",
                          audience_is_right, server, path, method)
        tap.check("oidc takes its own basic client", audience_is_right,
                  server, "token", "basic", who="basic", secret=UGLY)
        tap.check("oidc takes its own post client", audience_is_right,
                  server, "token", "form", who="post",
                  secret="post~Secret_-.1")
        tap.check("oidc without an audience is opaque", is_opaque, server)
        tap.check("oidc refuses a wrong secret", refuses, server, "form",
                  ID, "wrong")
        tap.check("oidc refuses basic that was not encoded", refuses,
                  server, "raw basic", "basic", UGLY)
        tap.check("oidc counts", counts, server)
    with oidc(pki, CLIENTS, form="opaque") as server:
        tap.check("oidc gives opaque tokens if told to", is_opaque, server,
                  audience=AUDIENCE)


def second_opinion(tap, caller, pki):
    def grants_token(url, method):
        reply = grants(caller, url, method, scope=SCOPE, resource=RESOURCE)
        equal(reply.json()["token_type"], "bearer")
        equal(reply.claims()["aud"], RESOURCE)

    def refuses(url, **more):
        reply = caller.ask(url, **more)
        equal((reply.status, reply.text), (403, ""))

    def has_counted(server, number):
        equal(server.count(), number)

    with Glewlwyd(pki, {ID: SECRET}) as server:
        url = server.token_url()
        for method in "form", "basic":
            tap.check(f"glewlwyd gives a token, {method}",
                      grants_token, url, method)
        tap.check("glewlwyd refuses a wrong secret", refuses, url,
                  secret="wrong", scope=SCOPE)
        tap.check("glewlwyd refuses the same way without a scope",
                  refuses, url)
        tap.check("glewlwyd's requests are counted", has_counted, server, 4)


def scripted_server(tap, caller, pki):
    with scripted(pki, CLIENTS) as server:
        scripted_clients(tap, caller, server)
        scripted_journal(tap, caller, server)
        scripted_modes(tap, caller, server)
    scripted_listeners(tap, caller, pki)
    endings(tap, pki)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        pki = servers.make_pki(os.path.join(directory, "pki"))
        caller = Caller(pki, ID, SECRET)
        for test in scripted_server, provider, second_opinion:
            tap.attempt(test, tap, caller, pki)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
