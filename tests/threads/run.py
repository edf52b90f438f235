#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""run.py --build DIR: the programs with threads, built with ThreadSanitizer.

valetkey-store and valetkey-fetch have one thread of their own and those of
GLib; what they do for a client and for a login runs once, with a real Secret
Service.
"""

import argparse
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", name)
                 for name in ("servers", "live", "fault")]

from issuer import Issuer  # noqa: E402
from servers import Missing  # noqa: E402
from session import SECRET, Session  # noqa: E402
from tap import Tap  # noqa: E402

PROGRAMS = ["valetkey", "valetkey-cli", "valetkey-store", "valetkey-fetch"]
LOGIN = {"ServerURL": "https://plain.example", "Username": "u",
         "Secret": "Login.Secret-not.real"}


def jobs(name, url):
    login, server = json.dumps(LOGIN), LOGIN["ServerURL"]
    yield ("valetkey", "add", name, "--token-url", url, "--client-id", "demo",
           "--secret-stdin"), SECRET
    yield ("valetkey", "token", name), ""
    yield ("valetkey", "rotate", name, "--secret-stdin"), SECRET
    yield ("valetkey-store", "login-put"), login
    yield ("valetkey-store", "login-get"), server
    yield ("valetkey-store", "login-list"), ""
    yield ("valetkey-store", "login-erase"), server
    yield ("valetkey", "remove", name), ""


def run(session, command, text):
    done = session.run(*command, text=text)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert "ThreadSanitizer" not in done.stderr, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="vk-threads-") as directory:
        for program in PROGRAMS:
            os.symlink(os.path.join(build, program),
                       os.path.join(directory, program))
        try:
            with Session(directory) as session, Issuer() as issuer:
                session.marks.add(f":{issuer.port}")
                session.env["TSAN_OPTIONS"] = (
                    "exitcode=66:suppressions="
                    + os.path.join(HERE, "suppressions"))
                name = session.name("threads")
                for command, text in jobs(name, issuer.url):
                    tap.check(" ".join(command[:2]), run, session, command,
                              text)
        except Missing as reason:
            tap.skip("everything", reason)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
