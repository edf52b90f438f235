# SPDX-License-Identifier: MIT
"""What git 2.46 and newer say, line by line, and such a git itself: that of
$NEWER_GIT, or of the path."""

import itertools
import os
import re

from clients import AUDIENCE, POST, make_repository, need
from fronts import GitFront
from repositories import Git, is_cached
from servers import Missing, oidc
from tap import equal

NEWER = (2, 46)
CAPABILITIES = ["capability[]=authtype", "capability[]=state"]
CHALLENGES = ['wwwauth[]=Basic realm="a, b"', 'wwwauth[]=Bearer realm="a"']


def lines(*words):
    return "".join(word + "\n" for word in words)


class Dialogue:
    """The helper, and the lines that git writes to it."""

    def __init__(self, session, name, front):
        self.session, self.name = session, name
        self.place = ["protocol=http", f"host=127.0.0.1:{front.port}"]

    def say(self, verb, *words):
        """git closes its end; it writes no blank line."""
        return self.session.succeed("git-credential-valetkey", verb,
                                    text=lines(*words))

    def get(self, *challenges):
        return self.say("get", *CAPABILITIES, *self.place, *challenges)

    def again(self, said):
        """An answer as git says it with `store` and `erase`, but for the
        state, which stands behind the challenges."""
        kept = [line for line in said.splitlines()
                if not line.startswith("state[]=")]
        return [*kept[:-1], *self.place, kept[-1]]

    def answer(self, token, *state):
        """The lines of a Bearer with this token, but for what varies."""
        return [*CAPABILITIES, "authtype=Bearer", f"credential={token}",
                "ephemeral=1", "password_expiry_utc=TIME", *state]

    def is_cached(self):
        return is_cached(self.session, self.name)


def without_time(text):
    return re.sub(r"(?m)^(password_expiry_utc)=\d+$", r"\1=TIME", text)


def git_dialogue(tap, live):
    session = live.session

    def gets():
        said = talk.get(*CHALLENGES)
        token = session.token(name)
        equal(without_time(said),
              lines(*talk.answer(token, state_of(said))))
        assert re.fullmatch(rf"state\[\]=valetkey:{name}:\d+",
                            state_of(said)), said

    def gets_before_a_challenge():
        equal(without_time(talk.get()),
              without_time(talk.get(*CHALLENGES)))

    def gets_basic():
        """http.proactiveAuth=basic"""
        said = talk.get("wwwauth[]=Basic")
        equal(without_time(said),
              lines("capability[]=state", "username=oauth2accesstoken",
                    f"password={session.token(name)}",
                    "password_expiry_utc=TIME", state_of(said)))

    def in_any_order():
        """git-lfs 3.6 writes what follows the capabilities as it comes."""
        more = [*talk.place, "wwwauth[]=Bearer", "state[]=other:1"]
        answers = {without_time(talk.say("get", *CAPABILITIES, *order))
                   for order in itertools.permutations(more)}
        equal(answers, {without_time(talk.get())})

    def stores():
        equal(talk.say("store", *talk.again(talk.get())), "")
        assert talk.is_cached()

    def keeps_another():
        """git's lines, but for the token, the state, or the state's name."""
        said = talk.again(talk.get())
        token, state = session.token(name), state_of(talk.get())
        other = [line.replace(token, "refused") for line in said]
        equal(talk.say("erase", *other, *CHALLENGES, state), "")
        bare = [line for line in said if not line.startswith("credential=")]
        for line in (state + "0", state.replace("valetkey:", "other:"),
                     state.replace(name, name + "x"), "state[]="):
            talk.say("erase", *bare, *CHALLENGES, line)
        talk.say("erase", *bare, state, "state[]=")
        talk.say("erase", *talk.place, state)
        assert talk.is_cached()

    def erases(*dropped):
        said = talk.get()
        gone = [line for line in talk.again(said)
                if not line.startswith(dropped)]
        equal(talk.say("erase", *gone, *CHALLENGES, state_of(said)), "")
        assert not talk.is_cached()
        session.succeed("valetkey", "retry", name)

    def erases_by_the_state():
        erases("credential=", "authtype=", "ephemeral=")

    def says_what_it_can():
        equal(talk.say("capability"),
              "version 0\ncapability authtype\ncapability state\n")

    with oidc(live.pki) as server, GitFront(bool, "") as front:
        name = session.add("talk", server, audience=AUDIENCE, **POST,
                           serves=front.url)
        talk = Dialogue(session, name, front)
        tap.check("get is answered with a Bearer and a state", gets)
        tap.check("so it is before there was a challenge",
                  gets_before_a_challenge)
        tap.check("get is answered with Basic where git wants it", gets_basic)
        tap.check("the lines may come in any order", in_any_order)
        tap.check("store keeps nothing and drops nothing", stores)
        tap.check("erase keeps what was not refused", keeps_another)
        tap.check("erase drops what was refused", erases)
        tap.check("erase goes by the state where there is no credential",
                  erases_by_the_state)
        tap.check("capability names both", says_what_it_can)


def state_of(said):
    return [line for line in said.splitlines()
            if line.startswith("state[]=")][0]


def newer_git(session):
    program = os.environ.get("NEWER_GIT", "git")
    need(program)
    said = session.run(program, "--version").stdout
    if tuple(map(int, re.findall(r"\d+", said)[:2])) < NEWER:
        raise Missing("git 2.46 or newer is not installed")
    return program


def git_newer(tap, live):
    session = live.session
    program = newer_git(session)
    accepted, spoken = set(), os.path.join(session.make_dir("spoken"), "log")
    helper = f"!tee -a {spoken} | git-credential-valetkey"

    def git(*helpers, **settings):
        return Git(session, *helpers, program=program, **settings)

    def ls(*words, **more):
        return git("valetkey", **more).run(
            *words, "ls-remote", f"{front.url}/r.git")

    def clones():
        accepted.add(session.token(name))
        git("valetkey").succeed("clone", "-q", f"{front.url}/r.git", target)
        equal(set(front.shown), accepted)

    def shows_it_unasked():
        seen = len(front.shown)
        done = ls("-c", "http.proactiveAuth=auto")
        equal((done.returncode, done.stderr), (0, ""))
        assert len(front.shown) > seen

    def says_these_lines():
        """What git_dialogue says is what git says."""
        git(helper).run("ls-remote", f"{front.url}/r.git")
        with open(spoken) as file:
            said = file.read()
        place = ["protocol=http", f"host=127.0.0.1:{front.port}"]
        get = lines(*CAPABILITIES, *place, "wwwauth[]=Bearer")
        assert said.startswith(get), said
        token = session.token(name)
        store = without_time(said[len(get):]).splitlines()
        equal(store[:-1], [*CAPABILITIES, "authtype=Bearer",
                           f"credential={token}", "ephemeral=1", *place,
                           "password_expiry_utc=TIME"])
        assert store[-1].startswith(f"state[]=valetkey:{name}:"), store

    def keeps_it_from_others():
        """A Bearer is ephemeral, so git-credential-store has no use for it."""
        path = spoken + ".store"
        git("valetkey", f"store --file={path}").succeed(
            "ls-remote", f"{front.url}/r.git")
        assert not os.path.exists(path) or not os.path.getsize(path)

    def fills_for_git_lfs():
        """What git-lfs 3.6 writes to `git credential`, and then hands back
        in an order of its own."""
        asked = [*CAPABILITIES, f"host=127.0.0.1:{front.port}",
                 "wwwauth[]=Bearer", "protocol=http"]
        said = git("valetkey").succeed("credential", "fill",
                                       text=lines(*asked) + "\n")
        assert f"credential={session.token(name)}\n" in said, said
        again = [line for line in said.splitlines()
                 if not line.startswith("capability[]")]
        git("valetkey").succeed(
            "credential", "approve",
            text=lines(*CAPABILITIES, *reversed(again)) + "\n")
        assert is_cached(session, name)
        git("valetkey").succeed(
            "credential", "reject",
            text=lines(*CAPABILITIES, *reversed(again)) + "\n")
        assert not is_cached(session, name)
        session.succeed("valetkey", "retry", name)

    def drops_a_refused_token():
        accepted.clear()
        session.token(name)
        equal(ls().returncode, 128)
        assert not is_cached(session, name)

    def fails_without():
        seen = len(front.shown)
        equal(git().run("ls-remote", f"{front.url}/r.git").returncode, 128)
        equal(len(front.shown), seen)

    root = session.make_dir("newer")
    target = os.path.join(root, "clone")
    make_repository(session, root)
    with oidc(live.pki) as server, \
            GitFront(lambda token: token in accepted, root,
                     scheme="Bearer") as front:
        name = session.add("newer", server, audience=AUDIENCE, **POST,
                           serves=front.url)
        tap.check("a newer git clones with Authorization: Bearer", clones)
        tap.check("it shows the token before it is asked", shows_it_unasked)
        tap.check("it says what git_dialogue says", says_these_lines)
        tap.check("git-credential-store does not get a Bearer",
                  keeps_it_from_others)
        tap.check("it fills, approves and rejects for git-lfs",
                  fills_for_git_lfs)
        tap.check("without the helper it gets nothing", fails_without)
        tap.check("a token that it is refused with is dropped",
                  drops_a_refused_token)


GROUPS = [git_dialogue, git_newer]
