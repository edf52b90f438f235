#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""demo.py --build DIR: the main job, shown for real.

A private home, session bus, keyring and authorization server; at the end
nothing is left of them.  What is shown is what is run.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(TESTS, "servers"), os.path.join(TESTS, "live")]

from fronts import Front  # noqa: E402
from live import (CLUSTER, SAMPLE_ID, SAMPLE_SECRET, Live,  # noqa: E402
                  audience, write_sample)
from servers import Missing, StartError, oidc  # noqa: E402

NAME = "demo-cluster"
FILE = "credentials.txt"
MANY = 100
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


class Wrong(Exception):
    """A step did not do what it should; the text says what."""


def paint(code, text):
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\033[{code}m{text}\033[0m"


def shorten(text):
    """Tokens, and the secret of the sample, are too long to look at."""
    text = text.replace(SAMPLE_SECRET, SAMPLE_SECRET[:21] + "…")
    return JWT.sub(lambda found: f"{found[0][:10]}…{found[0][-6:]}", text)


class Show:
    def __init__(self, session):
        self.session = session
        self.step = 0

    def say(self, title, *lines):
        self.step += 1
        print("\n" + paint("1", f"{self.step}. {title}"))
        for line in lines:
            print("   " + line)

    def run(self, command, terminal=False):
        """Show a command as a person would type it, run it, show what it
        said, and give that."""
        print("   " + paint("36", "$ " + command), flush=True)
        if terminal and sys.stdout.isatty():
            said = ""
            status = subprocess.run(
                ["sh", "-c", command], env=self.session.env,
                cwd=self.session.directory).returncode
        else:
            done = self.session.run("sh", "-c", command)
            said, status = done.stdout, done.returncode
            for line in shorten(said + done.stderr).splitlines():
                print("   " + line)
        if status:
            raise Wrong(f"'{command}' failed with status {status}")
        return said


def expect(what, one, other):
    if one != other:
        raise Wrong(f"{what}: {shorten(str(one))} is not "
                    f"{shorten(str(other))}")


def one_token(said):
    """The only token in what a tool said."""
    found = set(JWT.findall(said))
    if len(found) != 1:
        raise Wrong("no token came out")
    return found.pop()


def take_file(show, server):
    os.rename(write_sample(show.session, server),
              os.path.join(show.session.directory, FILE))
    show.say("A credentials file, as Camunda's Console gives it to you",
             "This is a sample; a server on this machine plays Camunda's.")
    show.run(f"grep -E 'ZEEBE_(CLIENT|REST|AUTH)' {FILE}")
    show.say("Import it: the secret goes into the keyring, the file goes",
             "--ca-file is for this demo's server; Camunda's needs none.")
    show.run(f"valetkey import {FILE} --name {NAME} --ca-file $PWD/ca.crt"
             " --shred")
    if os.path.exists(os.path.join(show.session.directory, FILE)):
        raise Wrong("the file is still there")


def ask_everybody(show, front):
    """The token, as each tool gets it."""
    url = f"https://{CLUSTER}"
    show.say("docker's protocol", "The first to ask: this one is fetched.")
    token = one_token(show.run(
        f"echo {url} | docker-credential-valetkey get"))
    expect("its audience", audience(token), "zeebe.camunda.io")
    show.say("git's protocol", "The same token, from the kernel's keyring.")
    expect("git's token", one_token(show.run(
        f"echo url={url} | git -c credential.helper=valetkey"
        " -c credential.useHttpPath=true credential fill")), token)
    show.say("curl, and an API that wants to see a token")
    show.run(f"valetkey header {NAME} | curl -sS -H @- {front.url}/topology")
    expect("what the API saw", front.shown, [token])
    print("   " + shorten(f"The API saw: Bearer {token}"))
    show.say("No valetkey at all: a key is a key",
             "Any program can read it, as valetkey-keys(7) says.")
    expect("keyctl's token", one_token(show.run(
        f"keyctl pipe $(keyctl request user valetkey:{NAME}) | head -n 1")),
        token)
    return token


def ask_often(show, server, token):
    show.say(f"{MANY} more times",
             "The authorization server counts what it is asked.")
    for _ in range(MANY):
        said = show.session.succeed("docker-credential-valetkey", "get",
                                    text=f"https://{CLUSTER}")
        expect("the token", json.loads(said)["Secret"], token)
    expect("token requests", server.count(), 1)
    print(f"   {MANY} gets, the same token each time; the authorization"
          " server was asked once.")


def demo(build, directory):
    live = Live(build, directory)
    with live.session as session, \
            oidc(live.pki, {SAMPLE_ID: SAMPLE_SECRET}) as server, \
            Front(lambda token: True) as front:
        session.marks.add(f":{NAME}")
        shutil.copy(live.ca, session.directory)
        show = Show(session)
        take_file(show, server)
        token = ask_everybody(show, front)
        ask_often(show, server, token)
        show.say("What is there, and for how long")
        show.run(f"valetkey status {NAME}", terminal=True)
        show.say("And it is gone")
        show.run(f"valetkey remove {NAME}")
    print("\nNothing is left of this: home, keyring and server were the"
          " demo's own.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    with tempfile.TemporaryDirectory(prefix="vk-demo-") as directory:
        try:
            demo(build, directory)
        except (Missing, StartError, Wrong) as reason:
            print(f"demo: {reason}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    # So that what was started is ended, and what was made removed.
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(1))
    sys.exit(main())
