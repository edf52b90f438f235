# SPDX-License-Identifier: MIT
"""Servers that ask for a token: an API, git over HTTP, a registry of crates.

They run in this process, on a port of 127.0.0.1 that they choose, and note
each token that they are shown, and for what path.
"""

import base64
import hashlib
import http.server
import io
import json
import os
import ssl
import subprocess
import tarfile
import threading


class Front:
    """accept(token) says whether a token is good."""

    scheme = "Bearer"
    protocol = "http"

    def __init__(self, accept):
        self.accept = accept
        self.shown, self.paths = [], []

    def __enter__(self):
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                front.handle(self)

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, *ignored):
                pass

        self.server = self.listen(Handler)
        self.port = self.server.server_port
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"{self.protocol}://{self.host}"
        threading.Thread(target=self.server.serve_forever).start()
        return self

    def __exit__(self, *ignored):
        self.server.shutdown()
        self.server.server_close()

    def listen(self, handler):
        return http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def handle(self, request):
        token = self.token(request.headers.get("Authorization", ""))
        if token:
            self.shown.append(token)
            self.paths.append(request.path)
        if token and self.accept(token):
            self.serve(request)
        else:
            self.reply(request, 401, "text/plain", b"no good token\n",
                       [("WWW-Authenticate", self.scheme)])

    def token(self, header):
        scheme, _, token = header.partition(" ")
        return token if scheme == self.scheme else None

    def serve(self, request):
        self.reply(request, 200, "application/json",
                   json.dumps({"brokers": []}).encode() + b"\n")

    @staticmethod
    def reply(request, status, kind, body, headers=()):
        # What was not read of the request must not look like the next one.
        request.close_connection = True
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


class TlsFront(Front):
    """With the server's certificate of the tests."""

    protocol = "https"

    def __init__(self, accept, pki):
        super().__init__(accept)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(pki, "server.crt"),
                                     os.path.join(pki, "server.key"))

    def listen(self, handler):
        server = super().listen(handler)
        server.socket = self.context.wrap_socket(server.socket,
                                                 server_side=True)
        return server


class LoginFront(Front):
    """The token is the password of Basic, or what scheme says."""

    def __init__(self, accept, scheme="Basic"):
        super().__init__(accept)
        self.scheme = scheme

    def token(self, header):
        coded = super().token(header)
        if self.scheme != "Basic":
            return coded
        pair = base64.b64decode(coded or "").decode()
        return pair.partition(":")[2]


class LocksFront(LoginFront):
    """As much of the API of git-lfs as `git lfs locks` asks for."""

    def serve(self, request):
        self.reply(request, 200, "application/vnd.git-lfs+json",
                   json.dumps({"locks": []}).encode())


class GitFront(LoginFront):
    """git http-backend."""

    def __init__(self, accept, root, scheme="Basic"):
        super().__init__(accept, scheme)
        self.root = root

    def serve(self, request):
        path, _, query = request.path.partition("?")
        length = int(request.headers.get("Content-Length", 0))
        done = subprocess.run(
            ["git", "http-backend"], input=request.rfile.read(length),
            capture_output=True, env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": self.root,
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "REQUEST_METHOD": request.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(length),
                "HTTP_CONTENT_ENCODING":
                    request.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            })
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1)
                       for line in head.decode().splitlines())
        status = int(headers.get("Status", "200").split()[0])
        self.reply(request, status, headers["Content-Type"], body)


def make_crate(name, version):
    """What cargo downloads: one library without a line."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as crate:
        for path, text in [
                ("Cargo.toml", f'[package]\nname = "{name}"\n'
                               f'version = "{version}"\n'),
                ("src/lib.rs", "")]:
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(text)
            crate.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


class CargoFront(Front):
    """A registry with a sparse index and one crate, foo 1.0.0.  scheme "":
    the header is the token and nothing else."""

    def __init__(self, accept, scheme="Bearer"):
        super().__init__(accept)
        self.scheme = scheme
        self.crates = {"foo": [("1.0.0", make_crate("foo", "1.0.0"))]}

    def __enter__(self):
        super().__enter__()
        self.index = f"sparse+{self.url}/index/"
        return self

    def token(self, header):
        return super().token(header) if self.scheme else header

    def serve(self, request):
        parts = request.path.split("/")
        if request.command == "PUT":
            return self.publish(request)
        if request.command == "DELETE":
            body = b'{"ok":true}'
        elif parts[-1] == "owners":
            body = b'{"users":[]}'
        elif request.path == "/index/config.json":
            body = json.dumps({"dl": f"{self.url}/dl", "api": self.url,
                               "auth-required": True}).encode()
        elif parts[1] == "index" and parts[-1] in self.crates:
            body = self.lines(parts[-1])
        elif parts[1] == "dl":
            body = dict(self.crates[parts[2]])[parts[3]]
        else:
            return self.reply(request, 404, "text/plain", b"")
        return self.reply(request, 200, "application/octet-stream", body)

    def lines(self, name):
        return "".join(json.dumps({
            "name": name, "vers": version, "deps": [], "features": {},
            "cksum": hashlib.sha256(crate).hexdigest(), "yanked": False,
        }) + "\n" for version, crate in self.crates[name]).encode()

    def publish(self, request):
        """Two lengths, each before what it is the length of."""
        parts = []
        for _ in range(2):
            size = int.from_bytes(request.rfile.read(4), "little")
            parts.append(request.rfile.read(size))
        told = json.loads(parts[0])
        self.crates.setdefault(told["name"], []).append(
            (told["vers"], parts[1]))
        self.reply(request, 200, "application/json", b"{}")
