# SPDX-License-Identifier: MIT
"""An authorization server in this process, which knows two secrets."""

import http.server
import json
import threading
import urllib.parse

from session import SECRET

OTHER_SECRET = "Other.Secret~_-not.real"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        issuer = self.server.issuer
        length = int(self.headers.get("Content-Length", 0))
        form = urllib.parse.parse_qs(self.rfile.read(length).decode())
        secret = form.get("client_secret", [""])[0]
        issuer.secrets.append(secret)
        if secret not in (SECRET, OTHER_SECRET):
            return self.answer(401, {"error": "invalid_client"})
        issuer.tokens.append(f"Token-{len(issuer.tokens)}-not.real")
        self.answer(200, {"access_token": issuer.tokens[-1],
                          "token_type": "Bearer", "expires_in": 3600})

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *ignored):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *ignored):
        """A client that was killed."""


class Issuer:
    def __init__(self):
        self.secrets, self.tokens = [], []

    def __enter__(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.issuer = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/t"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        return self

    def __exit__(self, *ignored):
        self.server.shutdown()
        self.server.server_close()
