# SPDX-License-Identifier: MIT
"""The main jobs: what they run, and what must be true afterwards."""

import json
import os

from issuer import OTHER_SECRET
from session import SECRET

LOGIN_SECRET = "Login.Secret~_-not.real"
SERVER = "https://plain.example"
GITCONFIG = "# mine\n[user]\n\tname = Someone\n[credential]\n\thelper = x\n"
ENV = """ZEEBE_CLIENT_ID=demo
ZEEBE_CLIENT_SECRET={secret}
ZEEBE_ADDRESS=5d2e.bru-2.zeebe.camunda.io:443
ZEEBE_AUTHORIZATION_SERVER_URL={url}
ZEEBE_TOKEN_AUDIENCE=zeebe.camunda.io
"""


class Job:
    programs = []
    excused = ()  # calls whose failure cannot be noticed
    text = ""
    options = ()

    def __init__(self, world):
        self.world = world
        self.name = world.session.name(type(self).__name__.lower())
        self.begin()

    def begin(self):
        self.world.add(self.name, *self.options)

    def prepare(self):
        pass

    def judge(self, good, done):
        pass

    def go_on(self):
        self.world.token(self.name)

    def mend(self):
        """After what went wrong, so that the next may be right."""

    def end(self):
        self.world.remove(self.name)
        self.world.keys.drop()

    def hidden(self):
        return [SECRET, OTHER_SECRET, LOGIN_SECRET]

    def tokens(self):
        return self.world.issuer.tokens


class Asking(Job):
    """A token goes to standard output, whole and right, or there is none."""
    warm = True

    def prepare(self):
        if not self.warm:
            self.world.keys.drop()
        elif not any(self.world.keys.ours()):
            self.world.token(self.name)
        self.requests = len(self.world.issuer.secrets)

    def judge(self, good, done):
        given = [token for token in self.tokens() if token in done.stdout]
        if good and not self.is_nothing(done.stdout):
            assert given[-1:] == self.answered(done.stdout), done.stdout
        for token in self.tokens():
            assert token not in done.stderr, done.stderr
        assert len(self.world.issuer.secrets) - self.requests <= 1

    def is_nothing(self, said):
        return False


class Token(Asking):
    programs = ["valetkey"]

    def begin(self):
        super().begin()
        self.command = ["valetkey", "token", self.name]

    def answered(self, said):
        return [said.rstrip("\n")]


class Fetch(Token):
    programs = ["valetkey", "valetkey-fetch"]
    warm = False


class Git(Asking):
    programs = ["git-credential-valetkey"]
    options = ("--serves", "https://git.fault.example")
    command = ["git-credential-valetkey", "get"]
    text = "protocol=https\nhost=git.fault.example\n\n"

    def answered(self, said):
        lines = dict(line.split("=", 1) for line in said.splitlines())
        return [lines["password"]]

    def is_nothing(self, said):
        return said in ("", "quit=1\n")


class Docker(Asking):
    programs = ["docker-credential-valetkey"]
    options = ("--serves", "https://docker.fault.example")
    command = ["docker-credential-valetkey", "get"]
    text = "https://docker.fault.example"

    def answered(self, said):
        return [json.loads(said)["Secret"]]


class Run(Asking):
    """The command gets the token, or is not run."""
    programs = ["valetkey"]
    options = ()

    def begin(self):
        super().begin()
        self.command = ["valetkey", "run", self.name, "--env", "THE_TOKEN",
                        "--", "/usr/bin/printenv", "THE_TOKEN"]

    def answered(self, said):
        return [said.rstrip("\n")]


class Add(Job):
    programs = ["valetkey", "valetkey-cli", "valetkey-store"]
    text = SECRET + "\n"
    secret = SECRET

    def begin(self):
        self.other = self.world.session.name("other")
        self.world.add(self.other)
        self.command = ["valetkey", "add", self.name, "--token-url",
                        self.world.issuer.url, "--client-id", "demo",
                        "--secret-stdin"]

    def prepare(self):
        if self.name in self.world.names():
            self.world.session.succeed("valetkey", "remove", self.name)
        self.before = self.world.read_conf()

    def judge(self, good, done):
        after = self.world.read_conf()
        assert good <= (self.name in self.world.names())
        if self.name not in self.world.names():
            assert after == self.before, after
            if self.world.has_secret(self.name):
                assert "in the keyring" in done.stderr or \
                    done.returncode < 0, "the secret stayed in silence"
                self.world.session.run("valetkey-store", "clear", self.name)
        else:
            assert after.startswith(self.before), after
            self.world.keys.drop()
            self.world.token(self.name)
            assert self.world.issuer.secrets[-1] == self.secret

    def go_on(self):
        """Nothing of the other is lost."""
        assert self.world.has_secret(self.other)
        self.world.session.succeed("valetkey", "list")

    def mend(self):
        self.world.remove(self.name)
        self.world.session.run("valetkey-store", "clear", self.name)

    def end(self):
        self.mend()
        self.world.remove(self.other)
        self.world.keys.drop()


class Import(Add):
    """Until the client is there, so is its secret's file."""
    text = ""

    def begin(self):
        super().begin()
        self.path = os.path.join(self.world.directory, "credentials.txt")
        self.command = ["valetkey", "import", self.path, "--name", self.name,
                        "--shred"]

    def prepare(self):
        super().prepare()
        with open(self.path, "w") as file:
            file.write(ENV.format(secret=SECRET, url=self.world.issuer.url))

    def judge(self, good, done):
        kept = False
        if os.path.exists(self.path):
            with open(self.path) as file:
                kept = SECRET in file.read()
        assert kept or self.name in self.world.names(), "the secret is lost"
        assert not (good and kept), "not shredded"
        super().judge(good, done)


class Rotate(Job):
    """One secret or the other, but never none."""
    programs = ["valetkey-cli", "valetkey-store"]
    text = OTHER_SECRET + "\n"

    def begin(self):
        super().begin()
        self.command = ["valetkey", "rotate", self.name, "--secret-stdin"]

    def prepare(self):
        if not self.world.has_secret(self.name):
            self.mend()
        done = self.world.session.run("valetkey", "rotate", self.name,
                                      "--secret-stdin", text=SECRET + "\n")
        assert done.returncode == 0, done.stderr
        self.before = self.world.read_conf()

    def judge(self, good, done):
        assert self.world.read_conf() == self.before
        assert self.world.has_secret(self.name), "the secret is lost"
        self.world.keys.drop()
        self.world.token(self.name)
        if good:
            assert self.world.issuer.secrets[-1] == OTHER_SECRET

    def mend(self):
        self.world.remove(self.name)
        self.world.add(self.name)


class Remove(Job):
    """All of it, or it still works."""
    programs = ["valetkey-cli", "valetkey-store"]

    def begin(self):
        self.command = ["valetkey", "remove", self.name]

    def prepare(self):
        if self.name in self.world.names():
            self.mend()
        self.world.add(self.name)

    def judge(self, good, done):
        there = self.name in self.world.names()
        if good:
            assert not there and not self.world.has_secret(self.name)
        elif not there and self.world.has_secret(self.name):
            assert "keyring" in done.stderr or done.returncode < 0
            self.world.session.run("valetkey-store", "clear", self.name)

    def go_on(self):
        if self.name in self.world.names():
            self.world.session.succeed("valetkey", "remove", self.name)
            assert not self.world.has_secret(self.name)

    def mend(self):
        self.world.remove(self.name)
        self.world.session.run("valetkey-store", "clear", self.name)


class Drop(Job):
    programs = ["valetkey-cli"]
    # A key that cannot be looked at may be another's, and is none of ours.
    excused = ("keyctl_describe",)

    def begin(self):
        super().begin()
        self.command = ["valetkey", "drop", self.name]

    def prepare(self):
        self.token = self.world.token(self.name)

    def judge(self, good, done):
        if good:
            done = self.world.session.run("valetkey", "token", self.name,
                                          "--timeout", "5")
            assert done.stdout.strip() != self.token

    def go_on(self):
        self.world.keys.drop()
        super().go_on()


class Setup(Job):
    """The tool's file is as it was, or as it should be."""
    programs = ["valetkey-cli"]
    options = ("--serves", "https://setup.fault.example")
    undo = ()

    def begin(self):
        super().begin()
        self.path = os.path.join(self.world.session.home, ".gitconfig")
        self.command = ["valetkey", "setup", "git", self.name, "--yes",
                        *self.undo]
        self.write(GITCONFIG)
        self.world.session.succeed("valetkey", "setup", "git", self.name,
                                   "--yes")
        with open(self.path) as file:
            self.changed = file.read()
        assert self.changed != GITCONFIG

    def write(self, text):
        with open(self.path, "w") as file:
            file.write(text)

    def prepare(self):
        self.write(self.changed if self.undo else GITCONFIG)

    def judge(self, good, done):
        with open(self.path) as file:
            text = file.read()
        old, new = self.changed, GITCONFIG
        if not self.undo:
            old, new = new, old
        assert text in (old, new), text
        assert text == new or not good, text

    def end(self):
        super().end()
        for name in os.listdir(self.world.session.home):
            if name.startswith(".gitconfig"):
                os.unlink(os.path.join(self.world.session.home, name))


class Undo(Setup):
    undo = ("--undo",)

    def begin(self):
        super().begin()
        self.command.remove(self.name)


class Login(Job):
    """Docker's logins, kept for it."""
    programs = ["docker-credential-valetkey", "valetkey-store"]
    verb = "store"
    text = json.dumps({"ServerURL": SERVER, "Username": "u",
                       "Secret": LOGIN_SECRET})

    def begin(self):
        self.command = ["docker-credential-valetkey", self.verb]

    def store(self):
        self.world.session.succeed("docker-credential-valetkey", "store",
                                   text=Login.text)

    def erase(self):
        self.world.session.run("docker-credential-valetkey", "erase",
                               text=SERVER)

    def prepare(self):
        self.erase()

    def get(self):
        done = self.world.session.run("docker-credential-valetkey", "get",
                                      text=SERVER)
        assert done.returncode in (0, 1), done
        if done.returncode == 0:
            return json.loads(done.stdout)["Secret"]
        assert "not found" in done.stdout, done
        return None

    def judge(self, good, done):
        have = self.get()
        assert have in (None, LOGIN_SECRET), have
        assert have or not good

    def go_on(self):
        self.store()
        assert self.get() == LOGIN_SECRET

    def end(self):
        self.erase()


class LoginGet(Login):
    verb = "get"
    text = SERVER

    def prepare(self):
        if self.get() is None:
            self.store()

    def hidden(self):
        return [SECRET, OTHER_SECRET]

    def judge(self, good, done):
        assert LOGIN_SECRET not in done.stderr
        if good:
            assert json.loads(done.stdout)["Secret"] == LOGIN_SECRET
        else:
            assert LOGIN_SECRET not in done.stdout


class LoginErase(Login):
    """docker wants no error; what stays is told on standard error."""
    verb = "erase"
    text = SERVER

    def prepare(self):
        self.store()

    def judge(self, good, done):
        have = self.get()
        assert have in (None, LOGIN_SECRET), have
        assert have is None or done.stderr or done.returncode < 0, \
            "not erased, in silence"


JOBS = {job.__name__.lower(): job for job in (
    Token, Fetch, Git, Docker, Run, Add, Import, Rotate, Remove, Drop, Setup,
    Undo, Login, LoginGet, LoginErase)}
