# SPDX-License-Identifier: MIT
"""skopeo, docker, podman, buildah and docker-py with a registry whose
password is the token."""

import json
import os
import subprocess

from clients import AUDIENCE, POST, need
from live import docker_get
from registry import USER, Issuer, Registry, write_image
from servers import Missing, oidc
from tap import equal

# podman and buildah as root would use what the machine has otherwise.
STORAGE = ["root", "runroot"]


class Tools:
    """Each with one host whose credential helper is ours."""

    def __init__(self, session, host, word="tools"):
        self.session = session
        self.image = f"{host}/test/hello:v1"
        self.directory = session.make_dir(word)
        self.config = os.path.join(self.directory, "config.json")
        self.set_config({"credHelpers": {host: "valetkey"}})

    def set_config(self, config):
        with open(self.config, "w") as out:
            json.dump(config, out)

    def skopeo(self, verb, *words):
        return self.session.run("skopeo", "--insecure-policy", verb,
                                "--authfile", self.config, *words)

    def skopeo_copies(self):
        layout = os.path.join(self.directory, "layout")
        if not os.path.exists(layout):
            os.mkdir(layout)
            write_image(layout)
        return self.skopeo("copy", "--dest-tls-verify=false",
                           f"oci:{layout}:v1", f"docker://{self.image}")

    def skopeo_inspects(self):
        return self.skopeo("inspect", "--no-tags", "--tls-verify=false",
                           f"docker://{self.image}")

    def docker(self, *words, **more):
        return self.session.run("docker", "--config", self.directory, *words,
                                **more)

    def docker_inspects(self):
        return self.docker("manifest", "inspect", "--insecure", self.image)

    def storage(self):
        return [f"--{name}={self.directory}/{name}" for name in STORAGE] + [
            "--storage-driver=vfs"]

    def podman(self, verb, *words, **more):
        return self.session.run(
            "podman", *self.storage(), f"--tmpdir={self.directory}/tmp",
            f"--network-config-dir={self.directory}/cni",
            "--events-backend=none", "--cgroup-manager=cgroupfs", verb,
            f"--authfile={self.config}", *words, **more)

    def podman_pulls(self):
        return self.podman("pull", "-q", "--tls-verify=false", self.image)

    def buildah_pulls(self):
        return self.session.run(
            "buildah", *self.storage(), "pull", "-q",
            f"--authfile={self.config}", "--tls-verify=false",
            "--policy=always", f"docker://{self.image}")

    def docker_py(self, host):
        """What docker-py would send to the daemon."""
        program = ("import docker.auth, json, sys; print(json.dumps("
                   "docker.auth.AuthConfig(json.load(open(sys.argv[1])))"
                   ".resolve_authconfig(sys.argv[2])))")
        return self.session.run("/usr/bin/python3", "-B", "-c", program,
                                self.config, host)


TOOLS = [
    ("skopeo", "skopeo copies an image", Tools.skopeo_copies),
    ("skopeo", "skopeo inspects an image", Tools.skopeo_inspects),
    ("docker", "docker inspects an image", Tools.docker_inspects),
    ("podman", "podman pulls an image", Tools.podman_pulls),
    ("buildah", "buildah pulls an image", Tools.buildah_pulls),
]


def each_tool(tap, test):
    for program, what, run in TOOLS:
        tap.attempt(with_tool, tap, program, what, test, run)


def with_tool(tap, program, what, test, run):
    need(program)
    tap.check(what, test, run)


def images(tap, live):
    session = live.session
    for program in "docker-registry", "htpasswd", "skopeo":
        need(program)

    def is_let_in(run):
        """With the token only."""
        registry.set_password("another token")
        done = run(tools)
        assert done.returncode != 0, done.stdout
        registry.set_password(session.token(name))
        done = run(tools)
        assert done.returncode == 0, done.stderr
        equal(server.count(), 1)

    def answers():
        answer = docker_get(session, registry.host)
        equal(answer, {"ServerURL": registry.host, "Username": USER,
                       "Secret": session.token(name)})

    # No audience: a token short enough for bcrypt.
    with oidc(live.pki) as server, Registry(session) as registry:
        tools = Tools(session, registry.host)
        name = session.add("registry", server, serves=registry.host, **POST)
        tap.check("the docker helper's answer", answers)
        each_tool(tap, is_let_in)
        tap.attempt(podman_logins, tap, session, tools, registry, name)


def podman_logins(tap, session, tools, registry, name):
    need("podman")

    def login(password):
        return tools.podman("login", "--tls-verify=false", "-u", USER,
                            "--password-stdin", registry.host, text=password)

    def logs_in():
        """It asks us first, and stores with us what it was given."""
        registry.set_password("typed")
        done = login("typed")
        assert done.returncode == 0, done.stderr
        assert "this login is not stored" in done.stderr, done.stderr
        equal(docker_get(session, registry.host)["Secret"],
              session.token(name))
        assert login("wrong").returncode != 0

    def knows_the_user():
        done = tools.podman("login", "--get-login", registry.host)
        equal((done.returncode, done.stdout.strip()), (0, USER))

    def logs_out():
        token = session.token(name)
        done = tools.podman("logout", registry.host)
        equal(done.returncode, 0)
        assert session.token(name) != token

    tap.check("podman logs in, and nothing is stored", logs_in)
    tap.check("podman knows the user", knows_the_user)
    tap.check("podman logs out, and the token is dropped", logs_out)


def images_bearer(tap, live):
    """The registry sends its clients to a token server, which wants the
    password: there is no other way for a helper's token to get there."""
    session = live.session
    for program in "docker-registry", "openssl", "skopeo":
        need(program)

    def is_let_in(run):
        registry.set_password("another token")
        assert run(tools).returncode != 0
        registry.set_password(session.token(name))
        del issuer.shown[:]
        done = run(tools)
        assert done.returncode == 0, done.stderr
        equal(set(issuer.shown), {(USER, session.token(name))})
        equal(server.count(), 1)

    with oidc(live.pki) as server, Issuer(session) as issuer, \
            Registry(session, issuer) as registry:
        tools = Tools(session, registry.host, "tools-bearer")
        name = session.add("bearer", server, serves=registry.host,
                           audience=AUDIENCE, **POST)
        each_tool(tap, is_let_in)


def docker_py(tap, live):
    session = live.session
    found = subprocess.run(["/usr/bin/python3", "-c", "import docker"],
                           capture_output=True)
    if found.returncode:
        raise Missing("python3-docker is not installed")

    def resolves():
        done = tools.docker_py("py.invalid")
        equal((done.returncode, done.stderr), (0, ""))
        answer = json.loads(done.stdout)
        equal((answer["Username"], answer["Password"]),
              (USER, session.token(name)))

    def finds_none():
        done = tools.docker_py("other.invalid")
        equal((done.returncode, done.stdout), (0, "null\n"))

    with oidc(live.pki) as server:
        tools = Tools(session, "py.invalid", "tools-py")
        tools.set_config({"credsStore": "valetkey"})
        name = session.add("py", server, serves="py.invalid",
                           audience=AUDIENCE, **POST)
        tap.check("docker-py finds the token", resolves)
        tap.check("docker-py finds nothing for another host", finds_none)


GROUPS = [images, images_bearer, docker_py]
