# SPDX-License-Identifier: MIT
"""pip, with a package index that asks for a token."""

import glob
import io
import os
import re
import shutil
import subprocess
import tempfile
import zipfile

from clients import AUDIENCE, POST
from fronts import LoginFront
from servers import Missing, oidc
from tap import equal

WHEEL = "vkfoo-1.0-py3-none-any.whl"
NEWEST_PIP_WITHOUT = (23, 0)  # --keyring-provider came with 23.1


def make_wheel():
    out = io.BytesIO()
    info = "vkfoo-1.0.dist-info/"
    files = {
        "vkfoo.py": "word = 'one'\n",
        info + "METADATA":
            "Metadata-Version: 2.1\nName: vkfoo\nVersion: 1.0\n",
        info + "WHEEL": "Wheel-Version: 1.0\nGenerator: none\n"
                        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[info + "RECORD"] = "".join(
        f"{name},,\n" for name in [*files, info + "RECORD"])
    with zipfile.ZipFile(out, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return out.getvalue()


class IndexFront(LoginFront):
    """A package index with one wheel."""

    def serve(self, request):
        if request.path == "/simple/vkfoo/":
            self.reply(request, 200, "text/html",
                       f'<a href="/files/{WHEEL}">{WHEEL}</a>\n'.encode())
        elif request.path == f"/files/{WHEEL}":
            self.reply(request, 200, "application/zip", make_wheel())
        else:
            self.reply(request, 404, "text/plain", b"not here\n")


def pythons():
    """The interpreters of PATH and of pyenv."""
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    found = [shutil.which("python3"), "/usr/bin/python3",
             *sorted(glob.glob(os.path.join(root, "versions/*/bin/python3")))]
    return [path for path in found if path and os.path.exists(path)]


def pips():
    """{version: interpreter} of those that can run a keyring."""
    found = {}
    for path in pythons():
        done = subprocess.run(
            [path, "-c", "import sys, pip; print(sys.executable,"
                         " pip.__version__)"],
            capture_output=True, text=True)
        if done.returncode:
            continue
        program, version = done.stdout.rsplit(None, 1)
        numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
        if numbers > NEWEST_PIP_WITHOUT:
            found.setdefault(version, program)
    return found


def pip(tap, live):
    if not pips():
        raise Missing("there is no pip of version 23.1 or newer")
    session = live.session
    shims = session.make_dir("keyring")
    os.symlink(os.path.join(session.programs, "valetkey-keyring"),
               os.path.join(shims, "keyring"))
    path = {"PATH": f"{shims}:{session.env['PATH']}"}
    index = "http://me@{}/simple/"

    def download(python, env):
        target = tempfile.mkdtemp(dir=session.directory)
        done = session.run(
            python, "-m", "pip", "download", "--no-deps", "--no-cache-dir",
            "--no-input", "--disable-pip-version-check",
            "--keyring-provider", "subprocess", "--index-url",
            index.format(front.host), "--dest", target, "vkfoo",
            env={"PIP_CONFIG_FILE": os.devnull, **env})
        return done, os.listdir(target)

    def is_let_in(python):
        front.shown.clear()
        done, files = download(python, path)
        assert done.returncode == 0, done.stderr
        equal(files, [WHEEL])
        equal(set(front.shown), {session.token(name)})
        equal(server.count(), 1)

    def is_kept_out(python):
        wrong.add(session.token(name))
        done, files = download(python, path)
        wrong.clear()
        assert done.returncode != 0, done.stdout
        equal(files, [])

    def is_kept_out_without(python):
        front.shown.clear()
        done, files = download(python, {})
        assert done.returncode != 0, done.stdout
        equal((files, front.shown), ([], []))

    def answers(words, expected):
        said = session.succeed("keyring", *words, env=path)
        equal(said.replace(session.token(name), "TOKEN"), expected)
        equal(server.count(), 1)

    def accept(token):
        return token == session.token(name) and token not in wrong

    wrong = set()
    with oidc(live.pki) as server, IndexFront(accept) as front:
        name = session.add("pip", server, audience=AUDIENCE, **POST,
                           serves=front.url)
        for version, python in pips().items():
            tap.check(f"pip {version} is let in", is_let_in, python)
            tap.check(f"pip {version} with a wrong token is not",
                      is_kept_out, python)
            tap.check(f"pip {version} without keyring is not",
                      is_kept_out_without, python)
        url = f"{front.url}/simple/"
        tap.check("the dialogue of pip 26.2", answers,
                  ["--mode=creds", "--output=json", "get", url, "me"],
                  '{"username":"me","password":"TOKEN"}\n')
        tap.check("the dialogue of pip 26.2, no user name", answers,
                  ["--mode=creds", "--output=json", "get", url],
                  '{"username":"oauth2accesstoken","password":"TOKEN"}\n')
        tap.check("the dialogue of uv", answers, ["get", url, "me"],
                  "TOKEN\n")
        tap.check("the dialogue of uv, no user name", answers,
                  ["get", url, "--mode", "creds"],
                  "oauth2accesstoken\nTOKEN\n")


GROUPS = [pip]
