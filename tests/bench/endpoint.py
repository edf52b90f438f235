#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""A token endpoint that is quick: TLS by OpenSSL, the same answer to all.

    with Endpoint(pki) as endpoint:
        endpoint.token_url()
        endpoint.count()    # of the requests for a token

Run as a program it is the server itself.
"""

import json
import os
import socket
import ssl
import subprocess
import sys

TOKEN = "eyJ" + "bench.not-real_" * 53 + "ZZ"  # 800 bytes, like a short JWT
LIFE = 86400


class Endpoint:
    def __init__(self, pki_dir):
        self.pki_dir = pki_dir
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.abspath(__file__), self.pki_dir],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *ignored):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def token_url(self):
        return f"{self.url}/token"

    def count(self):
        """It answers one connection after the other."""
        context = ssl.create_default_context(
            cafile=os.path.join(self.pki_dir, "ca.crt"))
        with socket.create_connection(("127.0.0.1", self.port)) as plain:
            with context.wrap_socket(
                    plain, server_hostname="localhost") as tls:
                tls.sendall(b"GET /count HTTP/1.1\r\n\r\n")
                answer = b""
                while part := tls.recv(65536):
                    answer += part
        return int(answer.rpartition(b"\r\n")[2])


class Server:
    def __init__(self, pki_dir):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(os.path.join(pki_dir, "server.crt"),
                                     os.path.join(pki_dir, "server.key"))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.count = 0

    def answer(self, request):
        if request.startswith(b"GET /count"):
            return str(self.count)
        if request.startswith(b"GET"):
            here = f"https://localhost:{self.port}"
            return json.dumps({"issuer": here,
                               "authorization_endpoint": here + "/auth",
                               "token_endpoint": here + "/token",
                               "scopes_supported": ["openid"],
                               "response_types_supported": ["code"],
                               "grant_types_supported": ["refresh_token"]})
        self.count += 1
        return json.dumps({"access_token": TOKEN, "token_type": "Bearer",
                           "refresh_token": "sample-refresh.not.real",
                           "expires_in": LIFE})

    @staticmethod
    def read(tls):
        text = b""
        while b"\r\n\r\n" not in text:
            part = tls.recv(65536)
            if not part:
                return text
            text += part
        head, _, body = text.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                while len(body) < int(value):
                    body += tls.recv(65536)
        return text

    def serve(self):
        while True:
            plain, _ = self.listener.accept()
            try:
                with self.context.wrap_socket(plain, server_side=True) as tls:
                    body = self.answer(self.read(tls))
                    tls.sendall((
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(body)}\r\n"
                        f"Connection: close\r\n\r\n{body}").encode())
            except OSError as error:
                print(error, file=sys.stderr)


if __name__ == "__main__":
    server = Server(sys.argv[1])
    print(server.port, flush=True)
    server.serve()
