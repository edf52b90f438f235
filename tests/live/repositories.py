# SPDX-License-Identifier: MIT
"""git and git-lfs as people use them: they push, they have several helpers,
and more repositories than one on a host."""

import os

from clients import AUDIENCE, PERSON, POST, make_repository, need
from fronts import GitFront, LocksFront
from servers import oidc
from tap import equal


class Git:
    """git with these helpers and settings, in order."""

    def __init__(self, session, *helpers, program="git", **settings):
        self.session, self.program = session, program
        self.words = ["-c", "credential.helper="]
        for helper in helpers:
            self.words += ["-c", f"credential.helper={helper}"]
        for name, value in settings.items():
            self.words += ["-c", f"credential.{name}={value}"]

    def run(self, *words, **more):
        return self.session.run(self.program, *self.words, *words, **more)

    def succeed(self, *words, **more):
        done = self.run(*words, **more)
        equal((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def fail(self, *words, **more):
        done = self.run(*words, **more)
        equal(done.returncode, 128)
        return done.stderr


def make_work(session, name):
    """An empty repository to call git in."""
    path = os.path.join(session.make_dir(name), "work")
    session.succeed("git", "init", "-q", path)
    return path


def is_cached(session, name):
    return f"valetkey:{name}" in session.keys().values()


def git_push(tap, live):
    session = live.session
    need("git")
    refused = set()

    def commit(work, subject):
        session.succeed("git", "-C", work, *PERSON, "commit", "-q",
                        "--allow-empty", "-m", subject)

    def head(repository):
        return session.succeed("git", "-C", repository, "rev-parse",
                               "refs/heads/main")

    def pushes():
        git.succeed("clone", "-q", url, here)
        commit(here, "two")
        git.succeed("-C", here, "push", "-q", "origin", "main")
        equal(head(bare), head(here))
        equal(set(front.shown), {session.token(name)})
        equal(server.count(), 1)

    def fetches():
        git.succeed("clone", "-q", url, there)
        commit(here, "three")
        git.succeed("-C", here, "push", "-q", "origin", "main")
        git.succeed("-C", there, "pull", "-q", "--ff-only")
        equal(head(there), head(here))
        equal(server.count(), 1)

    def does_not_push_with_a_refused_token():
        before = head(bare)
        refused.add(session.token(name))
        commit(here, "four")
        git.fail("-C", here, "push", "-q", "origin", "main")
        equal(head(bare), before)
        assert not is_cached(session, name)

    def does_not_push_without():
        refused.clear()
        before, shown = head(bare), len(front.shown)
        Git(session).fail("-C", here, "push", "-q", "origin", "main")
        equal((head(bare), len(front.shown)), (before, shown))

    root = session.make_dir("pushed")
    here, there = (os.path.join(root, name) for name in ("here", "there"))
    bare = make_repository(session, root)
    git = Git(session, "valetkey")
    with oidc(live.pki) as server, \
            GitFront(lambda token: token not in refused, root) as front:
        url = f"{front.url}/r.git"
        name = session.add("push", server, audience=AUDIENCE, **POST,
                           serves=front.url)
        tap.check("git pushes", pushes)
        tap.check("another clone fetches what was pushed", fetches)
        tap.check("with a refused token nothing is pushed, and it is dropped",
                  does_not_push_with_a_refused_token)
        tap.check("without the helper nothing is pushed",
                  does_not_push_without)


def git_paths(tap, live):
    """Two repositories of one host, each served by a client of its own."""
    session = live.session
    need("git")

    def accept(token):
        return token == good[front.paths[-1].split("/")[1]]

    def ls(directory, path="true"):
        return Git(session, "valetkey", useHttpPath=path).run(
            "ls-remote", f"{front.url}/{directory}/r.git")

    def each_by_its_own():
        for directory in "one", "two":
            done = ls(directory)
            equal((done.returncode, done.stderr), (0, ""))
            equal(front.shown[-1], good[directory])
        equal(len(set(front.shown)), 2)
        equal(server.count(), 2)

    def not_by_the_other_s():
        good.update(one=good["two"], two=good["one"])
        for directory in "one", "two":
            equal(ls(directory).returncode, 128)

    def no_other_path():
        shown = len(front.shown)
        for directory in "three", "onemore", "one%2f..%2ftwo":
            equal(ls(directory).returncode, 128)
        equal(len(front.shown), shown)

    def not_without_the_path():
        shown = len(front.shown)
        equal(ls("one", path="false").returncode, 128)
        equal(len(front.shown), shown)

    root = session.make_dir("paths")
    good = {}
    for directory in "one", "two", "three", "onemore":
        os.mkdir(os.path.join(root, directory))
        make_repository(session, os.path.join(root, directory))
    with oidc(live.pki) as server, GitFront(accept, root) as front:
        for directory in "one", "two":
            good[directory] = session.token(session.add(
                directory, server, audience=AUDIENCE, **POST,
                serves=f"{front.url}/{directory}"))
        tap.check("each repository is served by its own client",
                  each_by_its_own)
        tap.check("the other client's token would be refused",
                  not_by_the_other_s)
        tap.check("another path is served by none", no_other_path)
        tap.check("without useHttpPath git names no path, and gets nothing",
                  not_without_the_path)


def git_chain(tap, live):
    """With git-credential-store as another helper, before or behind."""
    session = live.session
    need("git")

    def stored():
        with open(path) as file:
            return file.read()

    def ls(front, *helpers, **more):
        return Git(session, *helpers).run(
            "ls-remote", f"{front.url}/r.git", **more)

    def leaves_other_hosts_alone():
        for helpers in ("valetkey", store), (store, "valetkey"):
            done = ls(other, *helpers)
            equal((done.returncode, done.stderr), (0, ""))
        equal(set(other.shown), {"stored"})
        equal(server.count(), 0)

    def needs_the_other_for_them():
        equal(ls(other, "valetkey").returncode, 128)

    def serves_its_own():
        for helpers in ("valetkey", store), (store, "valetkey"):
            write_store()
            done = ls(ours, *helpers)
            equal((done.returncode, done.stderr), (0, ""))
        equal(set(ours.shown), {session.token(name)})

    def is_kept_from_the_other():
        """As docs/protocols/git.md says."""
        home = os.path.join(session.home, ".gitconfig")
        section = f"credential.{ours.url}.helper"
        write_store()
        ls(ours, "valetkey", store)
        assert session.token(name) in stored(), "no negative control"
        write_store()
        for words in (["credential.helper", store], [section, ""],
                      ["--add", section, "valetkey"]):
            session.succeed("git", "config", "--global", *words)
        done = session.run("git", "ls-remote", f"{ours.url}/r.git")
        os.remove(home)
        equal((done.returncode, done.stderr), (0, ""))
        assert session.token(name) not in stored()

    def stops_the_chain():
        """A password that was stored once is not tried where a token should
        be and cannot be had."""
        session.add("broken", server, audience=AUDIENCE, secret="wrong",
                    client_id="post", serves=broken.url)
        done = ls(broken, "valetkey", store)
        equal(done.returncode, 128)
        assert "told us to quit" in done.stderr, done.stderr
        equal(broken.shown, [])
        equal(ls(broken, store).returncode, 0)
        equal(broken.shown[-1:], ["stored"])

    def write_store():
        with open(path, "w") as file:
            for front in other, broken:
                file.write(f"http://u:stored@127.0.0.1%3a{front.port}\n")

    root = session.make_dir("chain")
    make_repository(session, root)
    path = os.path.join(root, "store")
    store = f"store --file={path}"
    with oidc(live.pki) as server, \
            GitFront(lambda token: token == session.token(name),
                     root) as ours, \
            GitFront(lambda token: token == "stored", root) as other, \
            GitFront(lambda token: token == "stored", root) as broken:
        write_store()
        name = session.add("chain", server, audience=AUDIENCE, **POST,
                           serves=ours.url)
        tap.check("hosts that are not ours are left to git-credential-store",
                  leaves_other_hosts_alone)
        tap.check("without it they get nothing", needs_the_other_for_them)
        tap.check("ours are served, before it and behind", serves_its_own)
        tap.check("with an empty helper first the token is not stored",
                  is_kept_from_the_other)
        tap.check("where a token cannot be had, no other helper is asked",
                  stops_the_chain)


def git_lfs(tap, live):
    session = live.session
    for program in "git", "git-lfs":
        need(program)
    refused = set()

    def locks(*helpers):
        return Git(session, *helpers).run(
            "-C", work, "-c", f"lfs.url={front.url}/lfs", "lfs", "locks")

    def is_let_in():
        done = locks("valetkey")
        equal((done.returncode, done.stderr), (0, ""))
        equal(set(front.shown), {session.token(name)})
        equal(front.paths[-1].partition("?")[0], "/lfs/locks")
        equal(server.count(), 1)

    def is_kept_out():
        shown = len(front.shown)
        done = locks()
        assert done.returncode != 0, done.stdout
        equal(len(front.shown), shown)

    def drops():
        refused.add(session.token(name))
        done = locks("valetkey")
        assert done.returncode != 0, done.stdout
        assert set(front.shown) <= refused
        assert not is_cached(session, name)

    work = make_work(session, "lfs")
    with oidc(live.pki) as server, \
            LocksFront(lambda token: token not in refused) as front:
        name = session.add("lfs", server, audience=AUDIENCE, **POST,
                           serves=front.url)
        tap.check("git-lfs is let in", is_let_in)
        tap.check("git-lfs without the helper is not", is_kept_out)
        tap.check("a token that git-lfs is refused with is dropped", drops)


GROUPS = [git_push, git_paths, git_chain, git_lfs]
