# SPDX-License-Identifier: MIT
"""As much of a docker daemon as the docker command needs to log in, pull and
build: it notes the credentials that it is sent."""

import base64
import http.server
import json
import os
import socketserver
import threading

from registry import read_body


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Daemon:
    """accept(login) says whether a login is good."""

    def __init__(self, session, accept):
        self.path = os.path.join(session.make_dir("dockerd"), "socket")
        self.host = f"unix://{self.path}"
        self.accept = accept
        self.auths = []    # X-Registry-Auth of pulls
        self.configs = []  # X-Registry-Config of builds
        self.logins = []   # what /auth was asked

    def __enter__(self):
        daemon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                daemon.handle(self)

            do_POST = do_HEAD = do_GET

            def log_message(self, *ignored):
                pass

        self.server = Server(self.path, Handler)
        threading.Thread(target=self.server.serve_forever).start()
        return self

    def __exit__(self, *ignored):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, request):
        body = read_body(request)
        path = request.path.split("?")[0]
        status, answer = 200, {}
        if path.endswith("/images/create"):
            self.auths.append(self.header(request, "X-Registry-Auth"))
            answer = {"status": "pulled"}
        elif path.endswith("/build"):
            self.configs.append(self.header(request, "X-Registry-Config"))
            answer = {"stream": "built"}
        elif path.endswith("/auth"):
            login = json.loads(body)
            self.logins.append(login)
            good = self.accept(login)
            status = 200 if good else 401
            answer = {"Status": "Login Succeeded"} if good else {
                "message": "unauthorized"}
        self.reply(request, status, answer)

    @staticmethod
    def header(request, name):
        value = request.headers.get(name)
        return value and json.loads(base64.urlsafe_b64decode(value + "==="))

    @staticmethod
    def reply(request, status, answer):
        body = json.dumps(answer).encode() + b"\n"
        request.send_response(status)
        for name, value in [("Api-Version", "1.41"), ("Ostype", "linux"),
                            ("Content-Type", "application/json"),
                            ("Content-Length", str(len(body)))]:
            request.send_header(name, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)
