# SPDX-License-Identifier: MIT
"""pnpm and npm, with a registry that asks for a token."""

import base64
import hashlib
import io
import json
import os
import tarfile

from clients import AUDIENCE, POST, need
from fronts import Front
from servers import Missing, oidc
from tap import equal


def make_tarball():
    out = io.BytesIO()
    text = json.dumps({"name": "vkfoo", "version": "1.0.0"}).encode()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/package.json")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


class RegistryFront(Front):
    """A registry with one package."""

    tarball = make_tarball()

    def serve(self, request):
        if request.path == "/vkfoo":
            self.reply(request, 200, "application/json",
                       json.dumps(self.package()).encode())
        elif request.path == "/vkfoo/-/vkfoo-1.0.0.tgz":
            self.reply(request, 200, "application/octet-stream",
                       self.tarball)
        else:
            self.reply(request, 404, "text/plain", b"not here\n")

    def package(self):
        digest = base64.b64encode(hashlib.sha512(self.tarball).digest())
        return {"name": "vkfoo", "dist-tags": {"latest": "1.0.0"},
                "versions": {"1.0.0": {
                    "name": "vkfoo", "version": "1.0.0",
                    "dist": {"tarball": f"{self.url}/vkfoo/-/vkfoo-1.0.0.tgz",
                             "integrity": f"sha512-{digest.decode()}"}}}}


class Project:
    """New projects, a home's .npmrc, and whether the package arrives."""

    def __init__(self, session, front):
        self.session = session
        self.front = front
        self.npmrc = os.path.join(session.home, ".npmrc")
        self.count = 0

    def configure(self, *lines):
        with open(self.npmrc, "w") as out:
            out.write(f"registry={self.front.url}/\nfetch-retries=0\n"
                      "update-notifier=false\n")
            for line in lines:
                out.write(f"//{self.front.host}/:{line}\n")

    def install(self, command):
        """command is for the shell, in a new project; what it keeps for the
        next one is new, too."""
        self.front.shown.clear()
        self.count += 1
        place = self.session.make_dir(f"{self.front.word}-{self.count}")
        with open(os.path.join(place, "package.json"), "w") as out:
            json.dump({"name": "p", "version": "1.0.0"}, out)
        done = self.session.run("sh", "-c", f"cd {place} && {command}",
                                env={"XDG_CACHE_HOME": place + "/cache"})
        return done, os.path.exists(
            os.path.join(place, "node_modules", "vkfoo", "package.json"))


def pnpm_command():
    modules = os.environ.get("CLIENT_MODULES", os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "clients"))
    program = os.path.join(modules, "node_modules", "pnpm", "bin", "pnpm.cjs")
    need("node")
    if not os.path.exists(program):
        raise Missing("npm's pnpm is not installed")
    return f"node {program}"


def judge(tap, live, word, commands):
    """The same for both: let in, kept out with a wrong token, and without
    one.  commands(project, name) gives what does each."""
    session = live.session

    def is_let_in():
        done, arrived = good()
        equal((done.returncode, arrived), (0, True))
        equal(set(front.shown), {session.token(name)})
        equal(server.count(), 1)

    def is_kept_out():
        wrong.add(session.token(name))
        done, arrived = good()
        wrong.clear()
        assert done.returncode != 0, done.stdout
        assert not arrived
        assert front.shown

    def is_kept_out_without():
        done, arrived = without()
        assert done.returncode != 0, done.stdout
        equal((arrived, front.shown), (False, []))

    def accept(token):
        return token == session.token(name) and token not in wrong

    wrong = set()
    with oidc(live.pki) as server, RegistryFront(accept) as front:
        front.word = word
        name = session.add(word, server, audience=AUDIENCE, **POST)
        project = Project(session, front)
        good, without = commands(project, name)
        tap.check(f"{word} is let in", is_let_in)
        tap.check(f"{word} with a wrong token is not", is_kept_out)
        tap.check(f"{word} without a token is not", is_kept_out_without)
        os.unlink(project.npmrc)


def pnpm(tap, live):
    program = pnpm_command()

    def commands(project, name):
        session = project.session
        helper = os.path.join(session.make_dir("pnpm-helpers"),
                              f"valetkey-npm-{name}")
        os.symlink(os.path.join(session.programs, "valetkey-npm"), helper)

        def add(*lines):
            project.configure(*lines)
            return project.install(f"{program} add vkfoo --store-dir store")

        return lambda: add(f"tokenHelper={helper}"), add

    judge(tap, live, "pnpm", commands)


def npm(tap, live):
    need("npm")

    def commands(project, name):
        def install(*lines):
            project.configure(*lines)
            return project.install(
                f'export NPM_TOKEN="$(valetkey token {name})" &&'
                " npm install vkfoo --no-audit --no-fund --cache cache")

        return lambda: install("_authToken=${NPM_TOKEN}"), install

    judge(tap, live, "npm", commands)


GROUPS = [pnpm, npm]
