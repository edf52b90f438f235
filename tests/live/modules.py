# SPDX-License-Identifier: MIT
"""terraform, with a registry of modules that asks for a token."""

import io
import json
import os
import shutil
import tarfile

from clients import AUDIENCE, POST, need
from fronts import TlsFront
from servers import oidc
from tap import equal

PROGRAM = "terraform-credentials-valetkey"


def module_archive():
    """A module of one output."""
    out = io.BytesIO()
    text = b'output "word" { value = "one" }\n'
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("main.tf")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


class ModuleFront(TlsFront):
    """A registry with the module test/one/any.  The archive is for all, as
    terraform shows no token where it gets it."""

    answers = {
        "/.well-known/terraform.json": {"modules.v1": "/m/"},
        "/m/test/one/any/versions": {
            "modules": [{"versions": [{"version": "1.0.0"}]}]},
    }

    def __enter__(self):
        self.downloads = []
        return super().__enter__()

    def handle(self, request):
        if request.path.startswith("/one.tar.gz"):
            self.downloads.append(request.headers.get("Authorization"))
            self.reply(request, 200, "application/gzip", module_archive())
        else:
            super().handle(request)

    def serve(self, request):
        if request.path in self.answers:
            self.reply(request, 200, "application/json",
                       json.dumps(self.answers[request.path]).encode())
        elif request.path == "/m/test/one/any/1.0.0/download":
            self.reply(request, 204, "text/plain", b"", [
                ("X-Terraform-Get", f"{self.url}/one.tar.gz")])
        else:
            self.reply(request, 404, "text/plain", b"not here\n")


class OpenFront(ModuleFront):
    """A registry that is for all; it notes who shows a token anyway."""

    def token(self, header):
        return super().token(header) or "none"


class Terraform:
    """terraform with a home of its own and the helper in the one place where
    it looks for helpers."""

    def __init__(self, live):
        self.session = live.session
        self.plugins = os.path.join(self.session.home, ".terraform.d",
                                    "plugins")
        os.makedirs(self.plugins, 0o700)
        self.helper = os.path.join(self.plugins, PROGRAM)
        self.conf = os.path.join(self.session.directory, "terraformrc")
        self.env = {"TF_CLI_CONFIG_FILE": self.conf, "SSL_CERT_FILE": live.ca,
                    "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        self.count = 0

    def configure(self, text):
        with open(self.conf, "w") as out:
            out.write(text)

    def link(self):
        """As a user does it."""
        os.symlink(os.path.join(self.session.programs, PROGRAM), self.helper)

    def note_calls(self):
        """The same by way of a script that notes what it is asked, and what
        it answers to get."""
        os.unlink(self.helper)
        with open(self.helper, "w") as out:
            out.write('#!/bin/sh\necho "$*" >>"$0.calls"\n'
                      f'{PROGRAM} "$@" >"$0.answer" || exit\n'
                      'cat "$0.answer"\n')
        os.chmod(self.helper, 0o755)

    def calls(self):
        """What it was asked since this was last called."""
        path = self.helper + ".calls"
        if not os.path.exists(path):
            return []
        with open(path) as calls:
            found = calls.read().splitlines()
        os.unlink(path)
        return found

    def answer(self):
        with open(self.helper + ".answer") as answer:
            return answer.read()

    def init(self, front):
        """In a new directory."""
        self.count += 1
        place = self.session.make_dir(f"terraform-{self.count}")
        with open(os.path.join(place, "main.tf"), "w") as out:
            out.write('module "one" {\n'
                      f'  source  = "{front.host}/test/one/any"\n'
                      '  version = "1.0.0"\n}\n')
        return place, self.run(f"-chdir={place}", "init", "-no-color")

    def run(self, *words):
        return self.session.run("terraform", *words, env=self.env)

    def remove(self):
        shutil.rmtree(os.path.dirname(self.plugins))


def terraform(tap, live):
    need("terraform")
    session = live.session
    client = Terraform(live)

    def is_let_in():
        place, done = client.init(front)
        assert done.returncode == 0, done.stderr
        equal(set(front.shown), {session.token(name)})
        equal(front.downloads, [None])
        assert os.path.exists(os.path.join(
            place, ".terraform", "modules", "one", "main.tf"))
        equal(server.count(), 1)

    def asks_once():
        front.shown.clear()
        client.note_calls()
        _, done = client.init(front)
        assert done.returncode == 0, done.stderr
        equal(client.calls(), [f"get {front.host}"])
        equal(set(front.shown), {session.token(name)})
        equal(server.count(), 1)

    def is_kept_out_with_a_wrong_token():
        wrong.add(session.token(name))
        _, done = client.init(front)
        wrong.clear()
        assert done.returncode != 0, done.stdout

    def is_kept_out_without():
        client.configure("")
        client.calls()
        front.shown.clear()
        _, done = client.init(front)
        client.configure('credentials_helper "valetkey" {}\n')
        assert done.returncode != 0, done.stdout
        equal((front.shown, client.calls()), ([], []))

    def goes_on_alone():
        _, done = client.init(other)
        assert done.returncode == 0, done.stderr
        equal(set(other.shown), {"none"})
        equal(client.calls(), [f"get {other.host}"])
        equal(client.answer(), "{}\n")

    def forgets():
        token = session.token(name)
        done = client.run("logout", "-no-color", front.host)
        assert done.returncode == 0, done.stderr
        assert f"forget {front.host}" in client.calls()
        assert f"valetkey:{name}" not in session.keys().values()
        assert session.token(name) != token
        equal(server.count(), 2)

    def forgets_nothing():
        done = client.run("logout", "-no-color", other.host)
        assert done.returncode == 0, done.stderr
        assert f"valetkey:{name}" in session.keys().values()

    def hears_of_failure():
        session.succeed("valetkey", "drop", name)
        session.run("valetkey", "rotate", name, "--secret-stdin",
                    text="wrong\n")
        front.shown.clear()
        place, done = client.init(front)
        assert done.returncode != 0, done.stdout
        equal(front.shown, [])
        done = session.run("terraform", f"-chdir={place}", "init",
                           env={**client.env, "TF_LOG": "warn"})
        assert "refuses the credential" in done.stderr, done.stderr

    def accept(token):
        return token == session.token(name) and token not in wrong

    wrong = set()
    try:
        with oidc(live.pki, ttl=3600) as server, \
                ModuleFront(accept, live.pki) as front, \
                OpenFront(lambda token: True, live.pki) as other:
            name = session.add("terraform", server, audience=AUDIENCE,
                               serves=front.url, **POST)
            client.configure('credentials_helper "valetkey" {}\n')
            client.link()
            tap.check("terraform init with a link to the helper is let in",
                      is_let_in)
            tap.check("terraform asks for a token once", asks_once)
            tap.check("terraform with a wrong token is kept out",
                      is_kept_out_with_a_wrong_token)
            tap.check("terraform without the helper is kept out",
                      is_kept_out_without)
            tap.check("a host that nobody serves gets no token",
                      goes_on_alone)
            tap.check("terraform logout drops the token", forgets)
            tap.check("terraform logout of another host does not",
                      forgets_nothing)
            tap.check("terraform's log says why there is no token",
                      hears_of_failure)
    finally:
        client.remove()


GROUPS = [terraform]
