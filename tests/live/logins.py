# SPDX-License-Identifier: MIT
"""Logins for registries that no client serves: the real helper of docker and
ours in one Secret Service, and the tools that use them."""

import json
import os
import re
import time

from clients import AUDIENCE, POST, need
from dockerd import Daemon
from fakeservice import FakeService, Item
from images import Tools
from live import docker_get
from registry import USER, Issuer, Registry
from servers import oidc
from session import Session
from tap import equal

OURS = "docker-credential-valetkey"
THEIRS = "docker-credential-secretservice"
PHRASE = "credentials not found in native keychain"
HUB = "https://index.docker.io/v1/"
ODD = "p\u00e4ss \"w\\o\u2028rd\U0001f600 <>&'\t$(x)"


class Helper:
    def __init__(self, session, program):
        self.session, self.program = session, program

    def run(self, verb, text):
        return self.session.run(self.program, verb, text=text)

    def store(self, server, user, secret):
        self.session.succeed(self.program, "store", text=json.dumps(
            {"ServerURL": server, "Username": user, "Secret": secret}) + "\n")

    def get(self, server):
        """User and secret, or None."""
        done = self.run("get", server)
        if done.returncode:
            equal((done.returncode, done.stdout.strip()), (1, PHRASE))
            return None
        answer = json.loads(done.stdout)
        equal(answer.pop("ServerURL"), server)
        return answer["Username"], answer["Secret"]

    def erase(self, server):
        equal(self.session.succeed(self.program, "erase", text=server), "")

    def list(self):
        return json.loads(self.session.succeed(self.program, "list",
                                               text="unused"))


def items(session):
    """All that the Secret Service has of each login, but for its number."""
    done = session.run("secret-tool", "search", "--all", "docker_cli", "1")
    text = re.sub(r"(?m)^(\[.*|(created|modified) = .*)\n", "",
                  done.stdout + done.stderr)
    return sorted(text.splitlines())


def wait_for_next_second():
    """Items have their times in seconds."""
    start = int(time.time())
    while int(time.time()) == start:
        time.sleep(0.01)


def logins(tap, live):
    for program in THEIRS, "secret-tool":
        need(program)
    with Session(live.programs, tag=f"{os.getpid()}-logins") as session:
        interplay(tap, session)


def interplay(tap, session):
    ours, theirs = (Helper(session, program) for program in (OURS, THEIRS))

    def finds(one, other, server):
        one.store(server, "me", ODD)
        equal(other.get(server), ("me", ODD))
        equal(other.list(), {server: "me"})
        one.store(server, "me", "another")
        equal(other.get(server), ("me", "another"))
        other.erase(server)
        equal((one.get(server), other.get(server)), (None, None))
        equal((one.list(), other.list()), ({}, {}))
        other.erase(server)

    def are_alike():
        theirs.store("r.invalid", "me", ODD)
        stored = items(session)
        theirs.erase("r.invalid")
        ours.store("r.invalid", "me", ODD)
        equal(items(session), stored)
        assert len(stored) > 5, stored
        ours.erase("r.invalid")

    def replaces_the_same_user():
        theirs.store("r.invalid", "me", "one")
        ours.store("r.invalid", "me", "two")
        equal(len([line for line in items(session)
                   if line.startswith("secret = ")]), 1)
        equal(theirs.get("r.invalid"), ("me", "two"))
        ours.erase("r.invalid")

    def finds_the_last():
        """Of two users; the original finds any of them."""
        for user in "b", "a", "c", "a":
            (ours if user == "a" else theirs).store("r.invalid", user, user)
            wait_for_next_second()
            equal(ours.get("r.invalid"), (user, user))
            equal(ours.list(), {"r.invalid": user})
        theirs.erase("r.invalid")
        equal(items(session), [])

    def knows_hub():
        theirs.store(HUB, "me", "hub")
        equal(ours.get("docker.io"), ("me", "hub"))
        equal(ours.get(HUB), ("me", "hub"))
        equal(ours.get(HUB + "access-token"), None)
        ours.erase("docker.io")
        equal(theirs.list(), {})

    def leaves_other_items():
        session.succeed("secret-tool", "store", "--label=x", "server",
                        "r.invalid", "docker_cli", "1", text="not a login")
        equal(ours.get("r.invalid"), None)
        equal(ours.list(), {})
        ours.erase("r.invalid")
        equal(session.succeed("secret-tool", "lookup", "server", "r.invalid",
                              "docker_cli", "1"), "not a login")

    for server in "r.invalid:5000", "https://r.invalid/v2/", HUB:
        tap.check(f"ours finds what theirs stored for {server}", finds,
                  theirs, ours, server)
        tap.check(f"theirs finds what ours stored for {server}", finds, ours,
                  theirs, server)
    tap.check("items of ours are those of theirs", are_alike)
    tap.check("ours replaces the login of the same user",
              replaces_the_same_user)
    tap.check("of two users the last one is found", finds_the_last)
    tap.check("a login for Docker Hub has several names", knows_hub)
    tap.check("what is no login is left alone", leaves_other_items)


def docker_logins(tap, live):
    """docker with nothing but "credsStore": "valetkey"."""
    need("docker")
    with Session(live.programs, tag=f"{os.getpid()}-docker") as session, \
            oidc(live.pki) as server, \
            Daemon(session, lambda login: login["password"] == "good") as dock:
        docker_client(tap, session, server, dock)


def docker_client(tap, session, server, dock):
    session.env["DOCKER_HOST"] = dock.host
    tools = Tools(session, "unused.invalid")
    tools.set_config({"credsStore": "valetkey"})
    ours = Helper(session, OURS)
    name = session.add("docker", server, serves="served.invalid",
                       audience=AUDIENCE, **POST)

    def pull(host):
        done = tools.docker("pull", "-q", f"{host}/test/hello:v1")
        equal((done.returncode, done.stderr), (0, ""))
        return dock.auths[-1]

    def login(host, password):
        return tools.docker("login", "-u", "me", "--password-stdin", host,
                            text=password)

    def shows_the_token():
        auth = pull("served.invalid")
        equal((auth["username"], auth["password"]),
              (USER, session.token(name)))

    def shows_nothing():
        for host in "other.invalid", "docker.io":
            auth = pull(host)
            assert not auth.get("password"), auth

    def shows_nothing_without_us():
        tools.set_config({})
        auth = pull("served.invalid")
        tools.set_config({"credsStore": "valetkey"})
        assert not (auth or {}).get("password"), auth

    def logs_in():
        done = login("other.invalid", "good")
        assert done.returncode == 0, done.stderr
        equal(ours.list()["other.invalid"], "me")
        auth = pull("other.invalid")
        equal((auth["username"], auth["password"]), ("me", "good"))
        with open(tools.config) as config:
            assert "good" not in config.read()

    def logs_in_to_hub():
        done = tools.docker("login", "-u", "me", "--password-stdin",
                            text="good")
        assert done.returncode == 0, done.stderr
        equal(pull("docker.io")["password"], "good")
        equal(ours.get("docker.io"), ("me", "good"))

    def is_refused():
        done = login("third.invalid", "bad")
        assert done.returncode != 0, done.stdout
        assert "third.invalid" not in ours.list()

    def logs_in_where_a_client_serves():
        """And still the token counts."""
        done = login("served.invalid", "good")
        assert done.returncode == 0, done.stderr
        assert "this login is not stored" in done.stderr, done.stderr
        shows_the_token()

    def logs_in_with_the_token():
        dock.accept = lambda login: login["password"] == session.token(name)
        done = tools.docker("login", "served.invalid")
        dock.accept = lambda login: login["password"] == "good"
        assert done.returncode == 0, done.stderr
        equal(session.run("secret-tool", "search", "server",
                          "served.invalid").stdout, "")

    def builds():
        """The builder of old asks for all there is."""
        context = os.path.join(tools.directory, "context")
        os.mkdir(context)
        with open(os.path.join(context, "Dockerfile"), "w") as out:
            out.write("FROM scratch\n")
        done = tools.session.run(
            "docker", "--config", tools.directory, "build", "-q", context,
            env={"DOCKER_BUILDKIT": "0"})
        assert done.returncode == 0, done.stderr
        sent = {host: auth["password"]
                for host, auth in dock.configs[-1].items()}
        equal(sent, {"served.invalid": session.token(name),
                     "other.invalid": "good", HUB: "good"})

    def logs_out():
        done = tools.docker("logout", "other.invalid")
        equal((done.returncode, done.stderr), (0, ""))
        assert not pull("other.invalid").get("password")
        assert "other.invalid" not in ours.list()

    def logs_out_where_a_client_serves():
        token = session.token(name)
        done = tools.docker("logout", "served.invalid")
        equal((done.returncode, done.stderr), (0, ""))
        assert session.token(name) != token

    tap.check("docker pull shows the token", shows_the_token)
    tap.check("docker pull of another host shows nothing", shows_nothing)
    tap.check("docker pull without the helper shows nothing",
              shows_nothing_without_us)
    tap.check("docker login stores, docker pull finds it", logs_in)
    tap.check("docker login to Docker Hub stores, and podman's name is good",
              logs_in_to_hub)
    tap.check("docker login that is refused stores nothing", is_refused)
    tap.check("docker login where a client serves stores nothing",
              logs_in_where_a_client_serves)
    tap.check("docker login with the token itself stores nothing",
              logs_in_with_the_token)
    tap.check("docker build of old gets all of them", builds)
    tap.check("docker logout deletes the login", logs_out)
    tap.check("docker logout where a client serves drops the token",
              logs_out_where_a_client_serves)


def registry_logins(tap, live):
    """A registry that no client serves: the password is stored by login."""
    for program in "docker-registry", "htpasswd", "skopeo", "podman":
        need(program)
    with Session(live.programs, tag=f"{os.getpid()}-reg") as session:
        with Registry(session) as registry:
            password_logins(tap, session, registry)
        with Issuer(session) as issuer, Registry(session, issuer) as registry:
            identity_logins(tap, session, registry, issuer)


def password_logins(tap, session, registry):
    tools = Tools(session, registry.host)
    ours = Helper(session, OURS)
    words = ["--tls-verify=false", "-u", "me", "--password-stdin",
             registry.host]

    def logs_in():
        registry.set_password("pass", "me")
        assert tools.skopeo_copies().returncode != 0
        assert tools.podman("login", *words, text="wrong").returncode != 0
        equal(ours.list(), {})
        done = tools.podman("login", *words, text="pass")
        equal((done.returncode, done.stderr), (0, ""))
        equal(ours.get(registry.host), ("me", "pass"))
        done = tools.skopeo_copies()
        assert done.returncode == 0, done.stderr
        done = tools.podman_pulls()
        assert done.returncode == 0, done.stderr

    def logs_out():
        done = tools.podman("logout", registry.host)
        equal((done.returncode, done.stderr), (0, ""))
        equal(ours.list(), {})
        assert tools.skopeo_inspects().returncode != 0

    tap.check("podman login stores, skopeo and podman find it", logs_in)
    tap.check("podman logout deletes it", logs_out)


def identity_logins(tap, session, registry, issuer):
    tools = Tools(session, registry.host, "tools-identity")

    def shows_the_refresh_token():
        registry.set_password("refresh~token")
        Helper(session, OURS).store(registry.host, "<token>", "refresh~token")
        done = tools.skopeo_copies()
        assert done.returncode == 0, done.stderr
        equal((set(issuer.methods), set(issuer.shown)),
              ({"POST"}, {("<token>", "refresh~token")}))

    def a_wrong_one_is_refused():
        registry.set_password("another")
        assert tools.skopeo_inspects().returncode != 0

    tap.check("an identity token is handed out as it was stored",
              shows_the_refresh_token)
    tap.check("a wrong identity token is refused", a_wrong_one_is_refused)


def odd_services(tap, live):
    """What gnome-keyring does not do without a person, or not at all."""
    with Session(live.programs, tag=f"{os.getpid()}-odd",
                 has_service=False) as session:
        odd_answers(tap, session)


def odd_answers(tap, session):
    ours = Helper(session, OURS)

    def with_service(test, items, **more):
        with FakeService(session, items, **more) as service:
            test(service)

    def fails(message, verb="get"):
        def check(service):
            done = ours.run(verb, "r.invalid")
            equal((done.returncode, done.stdout), (1, message))
            equal(done.stderr, f"{OURS}: {message}\n")
        return check

    def is_found(service):
        equal(ours.get("r.invalid"), ("me", "good"))

    def is_found_after_unlocking(service):
        is_found(service)
        equal(service.calls.count("Prompt"), 1)

    def is_listed(service):
        equal(ours.list(), {"r.invalid": "me"})
        assert not {"Prompt", "Unlock", "GetSecret"} & set(service.calls)

    def is_not_listed(service):
        done = ours.run("list", "unused")
        equal((done.returncode, done.stdout), (0, "{}"))
        assert "locked" in done.stderr, done.stderr
        assert "Prompt" not in service.calls

    def is_none(service):
        equal(ours.get("r.invalid"), None)
        assert not {"Prompt", "Unlock", "GetSecret"} & set(service.calls)

    locked = ("cannot read the login of 'r.invalid': the keyring is locked;"
              " unlock it and try again")
    good = [Item(b"good")]
    for what, test, items, more in [
        ("an open keyring has its login", is_found, good, {}),
        ("a locked keyring is unlocked for its login",
         is_found_after_unlocking, good, {"is_locked": True}),
        ("a prompt that is dismissed is told", fails(locked), good,
         {"is_locked": True, "is_willing": False}),
        ("the last of several users is found", is_found,
         [Item(b"a", modified=8, username="a"), Item(b"good", modified=9),
          Item(b"b", modified=7, username="b")], {}),
        ("so it is once the keyring is unlocked", is_found_after_unlocking,
         [Item(b"good", modified=9), Item(b"b", username="b")],
         {"is_locked": True}),
        ("the last of several users is listed", is_listed,
         [Item(b"good", modified=9), Item(b"b", username="b")], {}),
        ("a locked keyring is not unlocked for a list", is_not_listed, good,
         {"is_locked": True}),
        ("nothing is asked where there is no item", is_none, [],
         {"is_locked": True}),
        ("an item of another schema is none", is_none,
         [Item(b"x", **{"xdg:schema": "org.valetkey.ClientSecret"})], {}),
        ("a password that is no text is not changed into one",
         fails("the password of the login of 'r.invalid' is not text; log in"
               " again"), [Item(b"\xff\xfe")], {}),
        ("a password with a NUL is not cut",
         fails("the password of the login of 'r.invalid' is not text; log in"
               " again"), [Item(b"a\0b")], {}),
        ("a service that keeps the password to itself is given up",
         fails("cannot read the login of 'r.invalid': the Secret Service does"
               " not answer"), good, {"silent": ["GetSecret"]}),
    ]:
        tap.check(what, with_service, test, items, **more)


GROUPS = [logins, docker_logins, registry_logins, odd_services]
