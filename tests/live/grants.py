# SPDX-License-Identifier: MIT
"""Tokens from two real authorization servers."""

import json
import os

from glewlwyd import RESOURCE, SCOPE, Glewlwyd
from live import (CLUSTER, SAMPLE_ID, SAMPLE_SECRET, audience, docker_get,
                  write_sample)
from servers import oidc, scripted
from session import SECRET
from tap import equal

UGLY = "p~q_r-.s%20+/=&:x"
WRONG = "Another.Secret~_-not.real"
AUDIENCES = {"": "zeebe.camunda.io", "/operate": "operate.camunda.io",
             "/tasklist": "tasklist.camunda.io",
             "/optimize": "optimize.camunda.io"}


def files_with(directory, text):
    found = []
    for parent, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    if text.encode() in file.read():
                        found.append(name)
    return found


def credentials_file(tap, live):
    session = live.session
    name = session.name("cluster")
    tokens = {}

    def takes_the_file():
        path = write_sample(session, server)
        done = session.run("valetkey", "import", path, "--name", name,
                           "--ca-file", live.ca)
        equal((done.returncode, done.stderr), (0, ""))
        assert SAMPLE_SECRET not in done.stdout
        equal(files_with(session.directory, SAMPLE_SECRET),
              [os.path.basename(path)])
        os.unlink(path)
        equal(server.count(), 0)

    def has_audience(word, wanted):
        tokens[word] = session.token(name + word)
        equal(audience(tokens[word]), wanted)
        equal(server.count(), len(tokens))

    def keeps_them_apart():
        for _ in range(5):
            for word, token in tokens.items():
                equal(session.token(name + word), token)
        equal(len(set(tokens.values())), len(AUDIENCES))
        equal(server.count(), len(AUDIENCES))

    def serves(url, word):
        equal(docker_get(session, url)["Secret"], tokens[word])
        equal(server.count(), len(AUDIENCES))

    def refuses(url):
        done = session.run("docker-credential-valetkey", "get", text=url)
        equal((done.returncode, done.stdout.strip()),
              (1, "credentials not found in native keychain"))

    def tells_json():
        told = json.loads(session.succeed(
            "valetkey", "token", name, "--json"))
        equal(told["access_token"], tokens[""])
        assert 0 < told["expires_in"] <= 300, told

    def makes_a_header():
        equal(session.succeed("valetkey", "header", name),
              f"Authorization: Bearer {tokens['']}\n")

    def forgets():
        equal(session.succeed("valetkey", "drop", name), "")
        again = session.token(name)
        assert again != tokens[""]
        equal(session.token(name + "/operate"), tokens["/operate"])
        equal(server.count(), len(AUDIENCES) + 1)

    def is_removed():
        session.succeed("valetkey", "remove", name)
        session.fail(3, "valetkey", "token", name)
        equal([text for text in session.keys().values()
               if name in text], [])

    with oidc(live.pki, {SAMPLE_ID: SAMPLE_SECRET}) as server:
        tap.check("import takes a downloaded file", takes_the_file)
        for word, wanted in AUDIENCES.items():
            tap.check(f"the audience is {wanted}", has_audience, word, wanted)
        tap.check("audiences are never mixed", keeps_them_apart)
        tap.check("the cluster's URL gets its token", serves,
                  f"https://{CLUSTER}", "")
        operate = CLUSTER.replace("zeebe", "operate")
        tap.check("Operate's URL gets its token", serves,
                  f"https://{operate}", "/operate")
        for url in (f"https://{CLUSTER[:-1]}b", f"https://{CLUSTER}x",
                    "https://bru-2.zeebe.camunda.io",
                    "https://api.cloud.camunda.io"):
            tap.check(f"no token for {url}", refuses, url)
        tap.check("token --json", tells_json)
        tap.check("header", makes_a_header)
        tap.check("a dropped token is fetched again", forgets)
        tap.check("a removed client is gone", is_removed)


def methods(tap, live):
    session = live.session

    def has_token(word, secret, **options):
        name = session.add(word, server, audience="x.invalid", secret=secret,
                           **options)
        equal(audience(session.token(name)), "x.invalid")

    with oidc(live.pki) as server:
        tap.check("client_secret_basic with an ugly secret", has_token,
                  "basic", UGLY, client_id="basic",
                  auth="client_secret_basic")
        tap.check("client_secret_post", has_token, "post", "post~Secret_-.1",
                  client_id="post")
        tap.check("a body of JSON", has_token, "json", "post~Secret_-.1",
                  client_id="post", body="json")


def opaque_tokens(tap, live):
    def is_opaque():
        name = live.session.add("opaque", server, client_id="post",
                                secret="post~Secret_-.1")
        token = live.session.token(name)
        assert "." not in token
        equal(live.session.token(name), token)
        equal(server.count(), 1)

    with oidc(live.pki) as server:
        tap.check("a token that is no JWT", is_opaque)


def wrong_secret(tap, live, server, word, **options):
    session = live.session

    def asks_once():
        name = session.add(word, server, secret=WRONG, **options)
        before = server.count()
        for _ in range(3):
            text = session.fail(4, "valetkey", "token", name)
            assert WRONG not in text, text
        equal(server.count(), before + 1)

    def takes_the_new_one():
        name = session.name(word)
        done = session.run("valetkey", "rotate", name, "--secret-stdin",
                           text=SECRET + "\n")
        equal((done.returncode, done.stderr), (0, ""))
        before = server.count()
        session.token(name)
        equal(server.count(), before + 1)

    tap.check(f"{word}: it is sent once", asks_once)
    tap.check(f"{word}: the next secret is sent at once", takes_the_new_one)


def refusals(tap, live):
    with oidc(live.pki, {"demo": SECRET}) as server:
        wrong_secret(tap, live, server, "wrong-secret", audience="x.invalid")


def second_opinion(tap, live):
    session = live.session

    def has_token(auth):
        name = session.add(f"glewlwyd-{auth[14:]}", server, auth=auth,
                           scope=SCOPE, resource=RESOURCE)
        equal(audience(session.token(name)), RESOURCE)
        assert session.succeed("valetkey", "header", name).startswith(
            "Authorization: Bearer ")

    with Glewlwyd(live.pki, {"demo": SECRET}) as server:
        for auth in "client_secret_post", "client_secret_basic":
            tap.check(f"glewlwyd gives a token, {auth}", has_token, auth)
        wrong_secret(tap, live, server, "glewlwyd-wrong", scope=SCOPE)


def trust(tap, live):
    session = live.session

    def refuses(listener, **options):
        name = session.add(f"tls-{listener}", server,
                           url=server.token_url(listener=listener), **options)
        session.marks.add(":" + server.urls[listener].rsplit(":", 1)[1])
        session.fail(6, "valetkey", "token", name)
        equal(server.count(), 0)

    names = ["wrongname", "expired", "selfsigned", "oldtls"]
    with scripted(live.pki, listen=["server", *names]) as server:
        tap.check("a CA that the machine does not know", refuses, "server",
                  ca_file=None)
        for name in names:
            tap.check(f"a server that is {name}", refuses, name)


GROUPS = [credentials_file, methods, opaque_tokens, refusals, second_opinion,
          trust]
