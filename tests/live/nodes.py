# SPDX-License-Identifier: MIT
"""A node that pulls images, with the kubelet's side of its providers."""

import json
import os
import re

from clients import AUDIENCE, POST
from fronts import LoginFront
from kubelets import (SERVICE_ACCOUNT, VERSIONS, Kubelet, Refused,
                      check_config, decode, duration, provider_for, read_yaml)
from live import claims
from servers import oidc
from tap import equal

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "..", "..", "docs", "protocols", "kubelet.md")


class Registry(LoginFront):
    """Notes who was asked for by whom, those without a token too."""

    def __init__(self, accept):
        super().__init__(accept)
        self.asked = []

    def handle(self, request):
        self.asked.append(
            (request.path.split("/")[2],
             self.token(request.headers.get("Authorization", ""))))
        super().handle(request)


def examples():
    """The configurations that the page shows."""
    with open(PAGE) as page:
        blocks = re.findall(r"(?m)((?:^    .*\n|^\n)+)", page.read())
    return [read_yaml("".join(line[4:] + "\n" for line in block.splitlines()))
            for block in blocks if "kind: CredentialProviderConfig" in block]


def is_refused(function, *arguments):
    try:
        function(*arguments)
    except Refused:
        return
    raise AssertionError(f"{arguments!r} is taken")


def strictness(tap):
    good = {"kind": "CredentialProviderResponse",
            "apiVersion": VERSIONS[0], "cacheKeyType": "Registry",
            "cacheDuration": "1h2.5m", "auth": None}

    def takes_what_is_right():
        decode(json.dumps(good), VERSIONS[0])
        equal(duration(good["cacheDuration"]), 3750)

    def takes_nothing_else():
        for text in [json.dumps({**good, "expires": 1}),
                     json.dumps({**good, "cacheKeyType": "registry"}),
                     json.dumps({**good, "auth": {"h": {"username": "u"}}}),
                     json.dumps(good)[:-1] + ',"auth":null}']:
            is_refused(decode, text, VERSIONS[0])
        for text in "240", "240 s", "", "s", "1d", 240:
            is_refused(duration, text)

    tap.check("what stands for the kubelet takes what is right",
              takes_what_is_right)
    tap.check("it takes nothing else", takes_nothing_else)


def kubelet(tap, live):
    session = live.session

    def accept(token):
        return token not in refused

    def is_let_in(version):
        node = Kubelet(session, provider_for("127.0.0.1:" + str(
            registry.port), version=version))
        registry.shown.clear()
        equal(node.pull(f"{host}/team/app:v1"), 200)
        equal(set(registry.shown), {session.token(name)})
        equal(server.count(), 1)
        return node

    def is_asked_once_for_a_registry():
        node = is_let_in("v1")
        equal(node.pull(f"{host}/other/app@sha256:0123"), 200)
        equal(len(node.runs), 1)
        equal(list(node.runs[0]["auth"]), [host])

    def is_asked_for_each_image():
        node = Kubelet(session, provider_for(
            host, args=["--cache-key-type", "Image"]))
        for image in "team/app:v1", "team/app:v1", "team/other":
            equal(node.pull(f"{host}/{image}"), 200)
        equal([list(answer["auth"]) for answer in node.runs],
              [[f"{host}/team/app"], [f"{host}/team/other"]])
        equal(server.count(), 1)

    def is_kept_no_longer_than_it_is_good():
        node = is_let_in("v1")
        token = session.token(name)
        life = claims(token)["exp"] - claims(token)["iat"]
        kept = duration(node.runs[0]["cacheDuration"])
        assert 0 < kept <= life - 60, (kept, life)

    def is_kept_out():
        refused.add(session.token(name))
        node = Kubelet(session, provider_for(host))
        equal(node.pull(f"{host}/team/app:v1"), 401)
        refused.clear()

    def has_no_login_for_others():
        node = Kubelet(session, provider_for("127.0.0.1:*", "*.*.*.*", "*"))
        equal(node.ask("registry.invalid/a")["auth"], None)
        equal(node.ask("nginx")["auth"], None)
        equal(node.ask("registry.invalid/a")["cacheDuration"], "0s")

    def is_not_asked():
        """The negative control: without the provider there is no login."""
        node = Kubelet(session, provider_for("registry.invalid"))
        equal(node.pull(f"{host}/team/app:v1"), 401)
        equal(node.runs, [])

    def keeps_paths_apart(*words):
        node = Kubelet(session, provider_for(paths.host, args=words))
        tokens = {team: session.token(session.name(f"kubelet-{team}"))
                  for team in ("blue", "red")}
        for image in "blue/a", "red/a", "blue/b", "green/a", "red/b":
            node.pull(f"{paths.host}/{image}:v1")
        equal(paths.asked, [
            ("blue", tokens["blue"]), ("red", tokens["red"]),
            ("blue", tokens["blue"]), ("green", ""), ("red", tokens["red"])])
        paths.asked.clear()

    def fails_in_time_and_tells_no_secret():
        session.add("kubelet-bad", server, audience=AUDIENCE,
                    client_id="post", secret="wrong",
                    serves="https://kubelet-bad.invalid")
        node = Kubelet(session, provider_for("kubelet-bad.invalid"),
                       account=True)
        equal(node.logins("kubelet-bad.invalid/a"), {})
        equal(node.runs, [])
        assert "refuses the credential" in node.said, node.said
        assert SERVICE_ACCOUNT not in node.said, node.said

    def takes_no_notice_of_a_service_account():
        node = Kubelet(session, provider_for(host), account=True)
        equal(node.pull(f"{host}/team/app:v1"), 200)
        equal(node.said, "")

    def does_as_the_page_says():
        shown = examples()
        equal(len(shown), 1)
        check_config(shown[0])
        page = session.add("kubelet-page", server, audience=AUDIENCE, **POST,
                           serves="https://registry.example.com")
        for provider in shown[0]["providers"]:
            # The page's user is not the one of this test.
            node = Kubelet(session, {**provider, "env": []})
            equal(list(node.logins("registry.example.com/team/app")),
                  ["registry.example.com"])
        session.succeed("valetkey", "remove", page)

    refused = set()
    strictness(tap)
    with oidc(live.pki) as server, Registry(accept) as registry, \
            Registry(lambda token: True) as paths:
        host = registry.host
        name = session.add("kubelet", server, audience=AUDIENCE, **POST,
                           serves=host)
        for team in "blue", "red":
            session.add(f"kubelet-{team}", server, audience=f"{team}.invalid",
                        **POST, serves=f"{paths.host}/{team}")
        tap.check("a node pulls with v1", lambda: is_let_in("v1"))
        tap.check("a node pulls with v1beta1", lambda: is_let_in("v1beta1"))
        tap.check("one answer serves a registry",
                  is_asked_once_for_a_registry)
        tap.check("or one image, where that is configured",
                  is_asked_for_each_image)
        tap.check("it is kept no longer than the token is good",
                  is_kept_no_longer_than_it_is_good)
        tap.check("a wrong token is kept out", is_kept_out)
        tap.check("a provider that is not asked gives no login", is_not_asked)
        tap.check("an image of another registry has no login",
                  has_no_login_for_others)
        tap.check("a token for a path is shown for no other",
                  keeps_paths_apart)
        tap.check("whatever is configured", lambda: keeps_paths_apart(
            "--cache-key-type=Global"))
        tap.check("the kubelet hears of failure, and of nothing secret",
                  fails_in_time_and_tells_no_secret)
        tap.check("a service account's token does not matter",
                  takes_no_notice_of_a_service_account)
        tap.check("the page's example works", does_as_the_page_says)


GROUPS = [kubelet]
