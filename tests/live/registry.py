# SPDX-License-Identifier: MIT
"""A container registry that wants a password, or a token of its own."""

import base64
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import time
import urllib.parse

from fronts import Front
from session import poll

USER = "oauth2accesstoken"


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
    """Debian's docker-registry; its one user's password can be changed.
    issuer: it is asked for a token that lets in, instead."""

    def __init__(self, session, issuer=None, word="registry"):
        self.session = session
        self.issuer = issuer
        self.directory = session.make_dir(
            word + ("-bearer" if issuer else ""))
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
                "auth": self.issuer.registry_auth() if self.issuer else {
                    "htpasswd": {"realm": "test", "path": self.users}},
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

    def set_password(self, password, user=USER):
        """bcrypt takes the first 72 bytes only."""
        if self.issuer:
            self.issuer.good = (user, password)
            return
        assert len(password) <= 72, len(password)
        subprocess.run(["htpasswd", "-Bbc", "-C", "4", self.users, user,
                        password], check=True, capture_output=True)


class Issuer(Front):
    """Gives the registry's own tokens to whoever knows the password: a GET
    with Basic, or a POST with a refresh token, which is its password, too.
    (The token server of docker-registry, "v2 authentication".)"""

    scheme = "Basic"

    def __init__(self, session):
        super().__init__(self.is_good)
        self.good = None
        self.methods = []
        self.directory = session.make_dir("issuer")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-days", "1", "-subj", "/CN=issuer", "-keyout", self.path("key"),
             "-out", self.path("crt")], check=True, capture_output=True)
        der = subprocess.run(
            ["openssl", "x509", "-in", self.path("crt"), "-outform", "DER"],
            check=True, capture_output=True).stdout
        self.head = {"typ": "JWT", "alg": "RS256",
                     "x5c": [base64.b64encode(der).decode()]}

    def path(self, name):
        return os.path.join(self.directory, name)

    def registry_auth(self):
        return {"token": {"realm": f"{self.url}/token", "service": "test",
                          "issuer": "issuer",
                          "rootcertbundle": self.path("crt")}}

    def is_good(self, shown):
        return shown in (self.good, ("<token>", self.good[1]))

    def token(self, header):
        coded = super().token(header)
        user, _, word = base64.b64decode(coded or "").decode().partition(":")
        return (user, word) if coded else None

    def handle(self, request):
        self.methods.append(request.command)
        self.query = urllib.parse.parse_qs(
            urllib.parse.urlsplit(request.path).query)
        if request.command == "POST":
            self.query = urllib.parse.parse_qs(read_body(request).decode())
            word = self.query.get("refresh_token", [""])[0]
            request.headers["Authorization"] = "Basic " + base64.b64encode(
                f"<token>:{word}".encode()).decode()
        super().handle(request)

    def serve(self, request):
        token = self.sign({
            "iss": "issuer", "aud": "test", "sub": "somebody", "jti": "1",
            "iat": int(time.time()), "nbf": int(time.time()) - 60,
            "exp": int(time.time()) + 600,
            "access": [access(scope) for words in self.query.get("scope", [])
                       for scope in words.split()]})
        body = json.dumps({"token": token, "access_token": token,
                           "expires_in": 600}).encode()
        self.reply(request, 200, "application/json", body)

    def sign(self, claims):
        text = ".".join(base64url(json.dumps(part).encode())
                        for part in (self.head, claims))
        sign = ["openssl", "dgst", "-sha256", "-sign", self.path("key")]
        signature = subprocess.run(sign, input=text.encode(), check=True,
                                   capture_output=True).stdout
        return f"{text}.{base64url(signature)}"


def access(scope):
    kind, name, actions = scope.split(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_body(request):
    """containers/image and docker send chunks."""
    if "chunked" not in request.headers.get("Transfer-Encoding", ""):
        return request.rfile.read(
            int(request.headers.get("Content-Length", 0)))
    parts = []
    while True:
        size = int(request.rfile.readline(), 16)
        parts.append(request.rfile.read(size))
        request.rfile.readline()
        if size == 0:
            return b"".join(parts)
