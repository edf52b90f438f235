# SPDX-License-Identifier: MIT
"""git and curl, each with a server that asks for a token."""

import json
import os
import shutil

from fronts import Front, GitFront
from servers import Missing, oidc, scripted
from tap import equal

AUDIENCE = "api.invalid"
POST = {"client_id": "post", "secret": "post~Secret_-.1"}


def need(program):
    if not shutil.which(program):
        raise Missing(f"{program} is not installed")


PERSON = ["-c", "user.name=n", "-c", "user.email=e@example.invalid"]


def make_repository(session, root, name="r.git"):
    """A bare repository with one commit, that can be pushed to."""
    work = os.path.join(root, name + "-work")
    bare = os.path.join(root, name)
    session.succeed("git", "init", "-q", work, "-b", "main")
    session.succeed("git", "-C", work, *PERSON, "commit", "-q",
                    "--allow-empty", "-m", "one")
    session.succeed("git", "clone", "-q", "--bare", work, bare)
    session.succeed("git", "-C", bare, "config", "http.receivepack", "true")
    return bare


def git(tap, live):
    session = live.session
    need("git")
    refused = set()

    def run(*words, helper="valetkey"):
        return session.run("git", "-c", "credential.helper=",
                           "-c", f"credential.helper={helper}", *words)

    def clones():
        done = run("clone", "-q", f"{front.url}/r.git", target)
        equal((done.returncode, done.stderr), (0, ""))
        equal(set(front.shown), {session.token(name)})
        equal(server.count(), 1)

    def pushes_nothing_new():
        equal(run("-C", target, "fetch").returncode, 0)
        equal(run("ls-remote", f"{front.url}/r.git").returncode, 0)
        equal(server.count(), 1)

    def drops_a_refused_token():
        old = session.token(name)
        refused.add(old)
        done = run("ls-remote", f"{front.url}/r.git")
        equal(done.returncode, 128)
        equal(server.count(), 1)
        equal([text for text in session.keys().values()
               if text == f"valetkey:{name}"], [])

    def waits_after_a_young_one():
        """A server that refuses what was just made will do so again."""
        done = run("ls-remote", f"{front.url}/r.git")
        equal(done.returncode, 128)
        assert "held back" in done.stderr, done.stderr
        equal(server.count(), 1)

    def gets_a_new_one():
        session.succeed("valetkey", "retry", name)
        done = run("ls-remote", f"{front.url}/r.git")
        equal((done.returncode, done.stderr), (0, ""))
        assert front.shown[-1] not in refused
        equal(server.count(), 2)

    def keeps_another_token():
        token = session.token(name)
        session.succeed(
            "git-credential-valetkey", "erase",
            text=f"protocol=http\nhost=127.0.0.1:{front.port}\n"
                 "username=u\npassword=not-this-one\n\n")
        equal(session.token(name), token)
        equal(server.count(), 2)

    def fails_without():
        done = run("ls-remote", f"{front.url}/r.git", helper="")
        equal(done.returncode, 128)

    def hears_of_failure():
        session.add("git-bad", server, audience=AUDIENCE, secret="wrong",
                    client_id="post", serves="https://bad.invalid")
        done = run("credential", "fill")
        equal(done.returncode, 128)
        done = session.run(
            "git", "-c", "credential.helper=valetkey", "credential", "fill",
            text="url=https://bad.invalid/\n\n")
        equal(done.returncode, 128)
        assert "refuses the credential" in done.stderr, done.stderr

    root = session.make_dir("repositories")
    target = os.path.join(session.directory, "clone")
    make_repository(session, root)
    with oidc(live.pki) as server, \
            GitFront(lambda token: token not in refused, root) as front:
        name = session.add("git", server, audience=AUDIENCE, **POST,
                           serves=front.url)
        tap.check("git clones", clones)
        tap.check("git asks again, the server does not hear of it",
                  pushes_nothing_new)
        tap.check("a token that git's server refuses is dropped",
                  drops_a_refused_token)
        tap.check("it was young, so the next one has to wait",
                  waits_after_a_young_one)
        tap.check("after 'valetkey retry' git gets a new token",
                  gets_a_new_one)
        tap.check("git erases no other token", keeps_another_token)
        tap.check("without the helper git gets nothing", fails_without)
        tap.check("git hears why there is no token", hears_of_failure)


class Redirect(Front):
    """Sends everybody on to the URL `to`."""

    to = None

    def serve(self, request):
        self.reply(request, 302, "text/plain", b"",
                   [("Location", self.to)])


def curl(tap, live):
    session = live.session
    need("curl")

    def shows(*words, text=""):
        return session.run("curl", "-sSf", *words, f"{front.url}/topology",
                           text=text)

    def is_in(done):
        equal((done.returncode, done.stderr), (0, ""))
        equal(json.loads(done.stdout), {"brokers": []})

    def is_let_in():
        is_in(shows("-H", "@-", text=session.succeed(
            "valetkey", "header", name)))

    def is_kept_out():
        equal(shows("-H", "@-", text="Authorization: Bearer none\n")
              .returncode, 22)
        equal(shows("-K", "-", text='oauth2-bearer = "none"\n').returncode,
              22)
        equal(shows().returncode, 22)

    def reads_config():
        line = session.succeed("valetkey", "curl-config", name)
        equal(line, f'oauth2-bearer = "{session.token(name)}"\n')
        is_in(shows("-K", "-", text=line))

    def reads_config_beside_stdin():
        """What bash makes of <(...) is a pipe; standard input is free."""
        need("bash")
        is_in(session.run(
            "bash", "-c", f"curl -sSf -K <(valetkey curl-config {name})"
            f" --data-binary @- {front.url}/topology", text="body"))

    def reads_odd_token():
        """Which has what has to be escaped."""
        odd = 'a"b\\c\\\\"\\n%d$e'
        session.drop(name)
        session.token(name)
        serial = session.succeed("keyctl", "search", "@u", "user",
                                 f"valetkey:{name}").strip()
        record = session.succeed("keyctl", "pipe", serial)
        session.succeed("keyctl", "pupdate", serial, text=odd + "\n" +
                        record.split("\n", 1)[1])
        front.shown.clear()
        is_in(shows("-K", "-", text=session.succeed(
            "valetkey", "curl-config", name)))
        equal(front.shown, [odd])
        session.drop(name)

    def follows(start, *words):
        """The tokens that the last server of a redirect is shown."""
        front.shown.clear()
        done = session.run("curl", "-sS", "-L", "-K", "-", *words, start,
                           text=session.succeed("valetkey", "curl-config",
                                                name))
        equal(done.returncode, 0)
        equal(redirect.shown[-1], session.token(name))
        return list(front.shown)

    def keeps_it_from_others():
        """Another host, and another port of the same host."""
        there = f"http://localhost:{redirect.port}"
        for redirect.to in front.url, front.url.replace("127.0.0.1",
                                                        "localhost"):
            equal(follows(there), [])
            # That it could have been seen there:
            equal(follows(there, "--location-trusted"),
                  [session.token(name)])

    def keeps_header_from_others():
        redirect.to = front.url
        front.shown.clear()
        session.run("curl", "-sS", "-L", "-H", "@-",
                    f"http://localhost:{redirect.port}",
                    text=session.succeed("valetkey", "header", name))
        equal((redirect.shown[-1], front.shown), (session.token(name), []))

    def accept(token):
        return token == session.token(name)

    with scripted(live.pki) as server, Front(accept) as front, \
            Redirect(accept) as redirect:
        name = session.add("curl", server)
        tap.check("curl -H @- with 'valetkey header' is let in", is_let_in)
        tap.check("curl -K - with 'valetkey curl-config' is let in",
                  reads_config)
        tap.check("curl -K <(valetkey curl-config) is let in",
                  reads_config_beside_stdin)
        tap.check("curl with another token, or none, is not", is_kept_out)
        tap.check("curl takes the token to no other host or port",
                  keeps_it_from_others)
        tap.check("nor the header", keeps_header_from_others)
        tap.check("curl reads a token with quotes and backslashes",
                  reads_odd_token)


GROUPS = [git, curl]
