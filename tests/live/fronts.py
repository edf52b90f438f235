# SPDX-License-Identifier: MIT
"""Servers that ask for a token: an API, and git over HTTP.

They run in this process, on a port of 127.0.0.1 that they choose, and note
each token that they are shown, and for what path.
"""

import base64
import http.server
import json
import os
import ssl
import subprocess
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

            do_POST = do_GET

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
