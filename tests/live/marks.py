# SPDX-License-Identifier: MIT
"""A secret, and all the ways in which it is written on its way; and programs
that are run under the eyes of exits.py."""

import base64
import json
import os
import tempfile
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
EXITS = os.path.join(HERE, "exits.py")
PYTHON = "/usr/bin/python3"
# So that percent-encoded, in JSON and in base64 it looks different; and each
# of its parts is in no other text.
MARKER = 'Mark/er"Secret+~_%:8\\qZ.not.real'
PART = 12  # what is left of it counts from so many characters


def forms(secret, client_id="demo"):
    """Name -> text; those of a token are all the same."""
    percent = urllib.parse.quote(secret, safe="")
    pair = f"{urllib.parse.quote(client_id, safe='')}:{percent}"
    return {
        "as it is": secret,
        "percent-encoded": percent,
        "in JSON": json.dumps(secret)[1:-1],
        "in Basic": base64.b64encode(pair.encode()).decode().rstrip("="),
        # Whatever comes before it in what is encoded
        **{f"in base64 at {n}": base64.b64encode(
            b" " * n + secret.encode()).decode()[4:].rstrip("=")
           for n in range(3)},
        "in hex": secret.encode().hex(),
    }


def parts(text):
    """Enough of them to find any PART and a half of it in a row."""
    last = max(0, len(text) - PART)
    return {text[at:at + PART] for at in (*range(0, last, PART // 2), last)}


def all_parts(*secrets):
    return sorted({part for secret in secrets
                   for text in forms(secret).values()
                   # What Basic begins with is the client's name.
                   for part in parts(text)
                   if not base64.b64encode(b"demo:").decode().startswith(
                       part[:6])})


def holds(text, secrets):
    """The parts of secrets that are in text."""
    return [part for part in all_parts(*secrets) if part in text]


class Exits:
    """Runs programs so that their memory is looked at when they end."""

    def __init__(self, session, directory):
        self.session = session
        self.holder = tempfile.mkdtemp(prefix="exits-", dir=directory)
        self.texts = os.path.join(self.holder, "texts")
        self.report = os.path.join(self.holder, "report")
        self.processes = []
        self.look_for(MARKER)

    def look_for(self, *secrets):
        with open(self.texts, "w") as out:
            json.dump({part: part for part in all_parts(*secrets)}, out)

    def command(self, *words):
        return [PYTHON, "-B", EXITS, self.texts, self.report, *words]

    def run(self, *words, text="", env=None):
        open(self.report, "w").close()
        done = self.session.run(*self.command(*words), text=text, env=env)
        self.read()
        return done

    def read(self):
        with open(self.report) as report:
            self.processes = [json.loads(line) for line in report]

    def programs(self):
        return sorted(os.path.basename(process["words"][0])
                      for process in self.processes)

    def clean(self):
        """None of them held any of it."""
        found = {" ".join(process["words"][:2]): process["found"]
                 for process in self.processes if process["found"]}
        assert not found, str(found)[:2000]

    def peak(self):
        return max(process["peak"] for process in self.processes)
