# SPDX-License-Identifier: MIT
"""What the groups of live tests share."""

import base64
import ctypes
import json
import os
import pwd
import shutil
import subprocess
import time

from built import helpers, programs
from servers import Missing, make_pki
from session import Session, missing

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(HERE, "..", "samples", "camunda")
SAMPLE_URL = "https://login.cloud.camunda.io/oauth/token"
SAMPLE_ID = "wq0Rk.8yJmN3eB_2xT~pLd7VhA5sUcZf"
SAMPLE_SECRET = "Sample.ClusterSecret~8.6_aB3dE5gH7jK9mN1pQ3sT5vW7yZ-not.real"
CLUSTER = "bru-2.zeebe.camunda.io/7b1d9f0e-4c55-4b0e-9d6c-2f9a54c0b6aa"
FORGET = """
both="$(keyctl id @u) $(keyctl id @us)"
for keyring in $both; do keyctl invalidate $keyring; done
"""
KEY_SPEC_SESSION_KEYRING = -3
KEY_SPEC_USER_KEYRING = -4


class Live:
    """A directory that every user can read, with the programs and the test
    certificates, and a session of this user."""

    def __init__(self, build, directory):
        if missing():
            raise Missing(missing())
        reach_user_keyring()
        os.chmod(directory, 0o755)
        self.build = os.path.abspath(build)
        self.directory = directory
        self.programs = os.path.join(directory, "programs")
        os.mkdir(self.programs, 0o755)
        self.helpers = helpers(build)
        for path in programs(build).values():
            copy = shutil.copy(path, self.programs)
            os.chmod(copy, 0o755)
        self.pki = make_pki(os.path.join(directory, "pki"))
        os.chmod(self.pki, 0o755)
        self.ca = os.path.join(self.pki, "ca.crt")
        self.session = Session(self.programs)


def reach_user_keyring():
    """Be in a session as a login makes it, where keyctl finds what is in @u;
    what runs the tests may have none such.  Another process looks: a look at
    @s makes the default session keyring one's own."""
    found = subprocess.run(["keyctl", "search", "@s", "keyring",
                            f"_uid.{os.geteuid()}"], capture_output=True)
    if found.returncode:
        keyutils = ctypes.CDLL("libkeyutils.so.1")
        keyutils.keyctl_join_session_keyring(None)
        keyutils.keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING)


def forget_keyrings(uids):
    """What the kernel keeps for these users until it starts again; with it
    every search of /proc/keys takes longer.  Only root can do it."""
    for uid in uids:
        subprocess.run(["sh", "-c", FORGET], user=uid, group=uid,
                       extra_groups=[], capture_output=True)
    # The kernel takes them away a moment later; until then there are no others.
    for _ in range(100):
        with open("/proc/key-users") as users:
            have = {int(line.split(":")[0]) for line in users.readlines()}
        if not have.intersection(uids):
            break
        time.sleep(0.01)


class User:
    """A user of the machine for the time of a test; only root can do it."""

    count = 0

    def __init__(self):
        if os.geteuid() != 0:
            raise Missing("only root can make users")
        if not shutil.which("useradd"):
            raise Missing("useradd is not installed")
        User.count += 1
        self.login = f"vk{os.getpid()}-{User.count}"

    def __enter__(self):
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh",
                        self.login], check=True, capture_output=True)
        self.entry = pwd.getpwnam(self.login)
        os.chmod(self.entry.pw_dir, 0o700)
        # Its number may have been another's, whose keys still are.
        forget_keyrings([self.entry.pw_uid])
        return self.entry

    def __exit__(self, *ignored):
        forget_keyrings([self.entry.pw_uid])
        # Even if a process of an interrupted test still ends.
        subprocess.run(["userdel", "--force", "--remove", self.login],
                       check=True, capture_output=True)


def claims(token):
    """What a JWT says of itself."""
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def audience(token):
    return claims(token)["aud"]


def write_sample(session, server, sample="saas-8.6.txt"):
    """A downloaded credentials file, but for the authorization server."""
    session.marks.add(f":{server.port}")
    with open(os.path.join(SAMPLES, sample)) as source:
        text = source.read().replace(SAMPLE_URL, server.token_url())
    path = os.path.join(session.directory, sample)
    with open(path, "w") as out:
        out.write(text)
    return path


def docker_get(session, url):
    """The answer of the docker helper, as an object."""
    return json.loads(session.succeed(
        "docker-credential-valetkey", "get", text=url))
