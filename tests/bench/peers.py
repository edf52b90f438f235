# SPDX-License-Identifier: MIT
"""What people use today: each with the token in its store, ready for a get.

Each function puts it there and gives the Case, or raises Missing.
"""

import json
import os
import shutil
import subprocess

from endpoint import TOKEN
from servers import Missing

SERVER = "https://bench.invalid"
HOST = "bench.invalid"
USER = "oauth2accesstoken"
GIT = f"protocol=https\nhost={HOST}\n\n"
CONTRIB = "/usr/share/doc/git/contrib/credential/libsecret"
KEY = """%no-protection
Key-Type: EDDSA
Key-Curve: ed25519
Subkey-Type: ECDH
Subkey-Curve: cv25519
Name-Real: bench
Expire-Date: 0
"""


class Case:
    """A command and its standard input.  every: it takes part in each so
    many-th round, if it is slow.  restore: puts its token back, if another
    program of this user may have dropped it."""

    def __init__(self, name, *argv, text="", wanted=TOKEN, env=None, every=1):
        self.name, self.text, self.wanted = name, text, wanted
        self.argv, self.env, self.every = list(argv), env or {}, every
        self.restore = lambda: None

    def line(self, directory):
        """For the runner; its input goes into a file."""
        path = os.path.join(directory, "in." + "".join(
            c if c.isalnum() else "-" for c in self.name))
        with open(path, "w") as out:
            out.write(self.text)
        env = [f"{name}={value}" for name, value in self.env.items()]
        return "\t".join([str(self.every), path, self.wanted, *env,
                          *self.argv]) + "\n"


def need(session, program):
    path = shutil.which(program, path=session.env["PATH"])
    if not path:
        raise Missing(f"{program} is not installed")
    return path


def docker_login(session, name, program, every):
    path = need(session, program)
    session.succeed(path, "store", text=json.dumps(
        {"ServerURL": SERVER, "Username": USER, "Secret": TOKEN}))
    return Case(name, path, "get", text=SERVER, every=every)


def docker_secretservice(session, name):
    return docker_login(session, name, "docker-credential-secretservice", 2)


def docker_pass(session, name):
    for program in "gpg", "pass":
        need(session, program)
    home = os.path.join(session.directory, "gnupg")
    os.mkdir(home, 0o700)
    session.env["GNUPGHOME"] = home
    session.env["PASSWORD_STORE_DIR"] = os.path.join(session.home, "pass")
    done = session.run("gpg", "--batch", "--quiet", "--gen-key", text=KEY)
    assert done.returncode == 0, done.stderr
    session.run("pass", "init", "bench")
    return docker_login(session, name, "docker-credential-pass", 5)


def git_libsecret(session, name):
    if not os.path.isdir(CONTRIB):
        raise Missing(f"{CONTRIB} is not there")
    directory = os.path.join(session.directory, "git-libsecret")
    shutil.copytree(CONTRIB, directory)
    made = subprocess.run(["make", "-C", directory], capture_output=True,
                          text=True)
    if made.returncode:
        raise Missing(made.stderr.strip().splitlines()[-1])
    path = os.path.join(directory, "git-credential-libsecret")
    session.succeed(path, "store", text=GIT.rstrip() +
                    f"\nusername={USER}\npassword={TOKEN}\n")
    return Case(name, path, "get", text=GIT, every=2)


def git_cache(session, name):
    git = need(session, "git")
    words = ["credential-cache", "--socket",
             os.path.join(session.runtime, "git-cache")]
    session.succeed(git, *words, "store", text=GIT.rstrip() +
                    f"\nusername={USER}\npassword={TOKEN}\n\n")
    session.enders.append(lambda: session.run(git, *words, "exit"))
    return Case(name, git, *words, "get", text=GIT)


def secret_tool(session, name):
    path = need(session, "secret-tool")
    session.succeed(path, "store", "--label=bench", "bench", HOST, text=TOKEN)
    return Case(name, path, "lookup", "bench", HOST, every=2)


def python_keyring(session, name):
    python = "/usr/bin/python3"
    words = [python, "-m", "keyring", "-b",
             "keyring.backends.SecretService.Keyring"]
    done = session.run(*words, "set", HOST, USER, text=TOKEN + "\n")
    if done.returncode:
        raise Missing(done.stderr.strip().splitlines()[-1])
    return Case(name, *words, "get", HOST, USER, every=10)


def oidc_token(session, name):
    for program in "oidc-agent", "oidc-gen", "oidc-token":
        need(session, program)
    said = session.run("oidc-agent")
    for part in said.stdout.replace("\n", ";").split(";"):
        key, found, value = part.strip().partition("=")
        if found:
            session.env[key] = value

    def stop():
        os.kill(int(session.env["OIDCD_PID"]), 15)
        shutil.rmtree(os.path.dirname(session.env["OIDC_SOCK"]))

    session.enders.append(stop)
    endpoint = session.endpoint
    done = session.run(
        "oidc-gen", "bench", "--issuer", endpoint.url, "--client-id", "demo",
        "--client-secret", "sample.not.real", "--rt", "sample.not.real",
        "--flow", "refresh", "--scope", "openid", "--no-url-call", "--manual",
        "--redirect-uri", "http://localhost:8080", "--prompt", "none",
        "--confirm-default", "--pw-cmd", "echo sample.not.real",
        "--cp", os.path.join(endpoint.pki_dir, "ca.crt"))
    if done.returncode:
        raise Missing(done.stderr.strip().splitlines()[-1])
    return Case(name, need(session, "oidc-token"), "bench")


def keyctl_pipe(session, name):
    case = Case(name, need(session, "keyctl"), "pipe", "0")

    def restore():
        case.argv[-1] = session.succeed(
            "keyctl", "padd", "user", session.name("bench"), "@u",
            text=TOKEN).strip()

    restore()
    case.restore = restore
    session.enders.append(
        lambda: session.run("keyctl", "unlink", case.argv[-1], "@u"))
    return case


PEERS = {
    "keyctl pipe": keyctl_pipe,
    "git credential-cache get": git_cache,
    "oidc-token": oidc_token,
    "secret-tool lookup": secret_tool,
    "git-credential-libsecret get": git_libsecret,
    "docker-credential-secretservice get": docker_secretservice,
    "docker-credential-pass get": docker_pass,
    "python3 -m keyring get": python_keyring,
}


def set_up(session, endpoint, report):
    """The cases of those that are here; report is told of the others."""
    session.endpoint = endpoint
    cases = []
    for name, prepare in PEERS.items():
        try:
            cases.append(prepare(session, name))
        except Missing as reason:
            report(name, str(reason))
    return cases


def end(session):
    while session.enders:
        session.enders.pop()()
    if "GNUPGHOME" in session.env:
        session.run("gpgconf", "--kill", "all")
