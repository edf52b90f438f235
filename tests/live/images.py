# SPDX-License-Identifier: MIT
"""docker and skopeo with a registry whose password is the token."""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile

from clients import POST, need
from live import docker_get
from servers import oidc
from session import poll
from tap import equal


def write_image(directory):
    """The smallest image in the layout of OCI, with the tag v1."""
    blobs = os.path.join(directory, "blobs", "sha256")
    os.makedirs(blobs)

    def blob(kind, data):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, digest), "wb") as out:
            out.write(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}",
                "digest": f"sha256:{digest}", "size": len(data)}

    layer = io.BytesIO()
    tarfile.open(fileobj=layer, mode="w").close()
    config = {"architecture": "amd64", "os": "linux", "rootfs": {
        "type": "layers",
        "diff_ids": ["sha256:" +
                     hashlib.sha256(layer.getvalue()).hexdigest()]}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob("config.v1+json", json.dumps(config).encode()),
        "layers": [blob("layer.v1.tar+gzip",
                        gzip.compress(layer.getvalue()))],
    }
    entry = blob("manifest.v1+json", json.dumps(manifest).encode())
    entry["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
    for name, value in [("index.json",
                         {"schemaVersion": 2, "manifests": [entry]}),
                        ("oci-layout", {"imageLayoutVersion": "1.0.0"})]:
        with open(os.path.join(directory, name), "w") as out:
            json.dump(value, out)


class Registry:
    """Debian's docker-registry; its one user's password can be changed."""

    def __init__(self, session):
        self.session = session
        self.directory = session.make_dir("registry")
        self.users = os.path.join(self.directory, "users")
        self.log = os.path.join(self.directory, "log")

    def configure(self):
        path = os.path.join(self.directory, "config.yml")
        with open(path, "w") as out:
            json.dump({
                "version": "0.1",
                "log": {"level": "info"},
                "http": {"addr": "127.0.0.1:0"},
                "storage": {"filesystem": {"rootdirectory": self.directory}},
                "auth": {"htpasswd": {"realm": "test", "path": self.users}},
            }, out)
        return path

    def __enter__(self):
        self.set_password("nobody knows it")
        with open(self.log, "w") as log:
            self.process = self.session.popen(
                "docker-registry", "serve", self.configure(), daemon=True,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.host = poll(self.address, "docker-registry")
        return self

    def __exit__(self, *ignored):
        self.process.terminate()
        self.process.wait()
        self.session.daemons.remove(self.process)

    def address(self):
        assert self.process.poll() is None, "docker-registry ended"
        with open(self.log) as log:
            found = re.search(r"listening on (127\.0\.0\.1:\d+)", log.read())
        return found and found[1]

    def set_password(self, password):
        subprocess.run(["htpasswd", "-Bbc", "-C", "4", self.users,
                        "oauth2accesstoken", password],
                       check=True, capture_output=True)


def images(tap, live):
    session = live.session
    for program in "docker-registry", "htpasswd", "skopeo":
        need(program)

    def write_config():
        """What 'docker --config' and 'skopeo --authfile' read."""
        path = os.path.join(session.make_dir("docker"), "config.json")
        with open(path, "w") as out:
            json.dump({"credHelpers": {registry.host: "valetkey"}}, out)
        return path

    def skopeo(verb, *words):
        return session.run("skopeo", "--insecure-policy", verb,
                           "--authfile", config, *words)

    def inspect():
        return skopeo("inspect", "--no-tags", "--tls-verify=false",
                      f"docker://{image}")

    def docker():
        return session.run("docker", "--config", os.path.dirname(config),
                           "manifest", "inspect", "--insecure", image)

    def is_let_in(run):
        registry.set_password(session.token(name))
        done = run()
        assert done.returncode == 0, done.stderr
        equal(server.count(), 1)

    def is_kept_out(run):
        registry.set_password("another token")
        done = run()
        registry.set_password(session.token(name))
        assert done.returncode != 0, done.stdout

    def copy():
        layout = session.make_dir("layout")
        write_image(layout)
        return skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}:v1",
                      f"docker://{image}")

    def answers():
        answer = docker_get(session, registry.host)
        equal(answer, {"ServerURL": registry.host,
                       "Username": "oauth2accesstoken",
                       "Secret": session.token(name)})

    # No audience: a token short enough for bcrypt.
    with oidc(live.pki) as server, Registry(session) as registry:
        image = f"{registry.host}/test/hello:v1"
        config = write_config()
        name = session.add("registry", server, serves=registry.host, **POST)
        tap.check("the docker helper's answer", answers)
        tap.check("skopeo copies an image", is_let_in, copy)
        tap.check("skopeo inspects an image", is_let_in, inspect)
        tap.check("skopeo with a wrong token does not", is_kept_out, inspect)
        tap.attempt(docker_client, tap, docker, is_let_in, is_kept_out)


def docker_client(tap, docker, is_let_in, is_kept_out):
    need("docker")
    tap.check("docker inspects an image", is_let_in, docker)
    tap.check("docker with a wrong token does not", is_kept_out, docker)


GROUPS = [images]
