# SPDX-License-Identifier: MIT
"""A token endpoint that sends bytes, and not answers: what no HTTP library
would send.

    with RawServer(pki, lambda peer: peer.send(b"HTTP/1.1 200 OK...")) as raw:
        raw.token_url()
        raw.seen        # what each connection has sent, a list of bytes

The script gets each connection after its TLS handshake; Peer.read() waits for
the request.  Scripts may be endless: they end when the client hangs up.
"""

import contextlib
import os
import socket
import ssl
import threading

PATIENCE = 60  # seconds; longer than a fetcher is patient
BACKLOG = 64


def context(pki, name="server", lowest=ssl.TLSVersion.TLSv1_2,
            highest=ssl.TLSVersion.TLSv1_3, ciphers=None, alpn=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Lowest bounds would be refused where the library's own is higher.
    if ciphers:
        made.set_ciphers(ciphers)
    made.minimum_version, made.maximum_version = lowest, highest
    made.load_cert_chain(os.path.join(pki, f"{name}.crt"),
                         os.path.join(pki, f"{name}.key"))
    if alpn:
        made.set_alpn_protocols(alpn)
    return made


def response(body, *headers, status="200 OK"):
    """Bytes of an answer; without a length of its own it gets one."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", *headers]
    if not any(line.lower().startswith(("content-length", "transfer-enc"))
               for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def has_whole_request(data):
    head, end, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return bool(end) and len(body) >= int(value)
    return bool(end)


class Peer:
    """One connection; sent counts the bytes that it took."""

    def __init__(self, stream):
        self.stream, self.sent, self.received = stream, 0, b""

    def read(self):
        while not has_whole_request(self.received):
            data = self.stream.recv(1 << 16)
            if not data:
                break
            self.received += data
        return self.received

    def send(self, data):
        self.stream.sendall(data)
        self.sent += len(data)

    def forever(self, data):
        while True:
            self.send(data)


class RawServer:
    """tls: a context, or None for plain TCP.  port and pki_dir as those of
    the other servers."""

    def __init__(self, pki, script, tls=None, scheme=None):
        self.pki_dir, self.script, self.tls = pki, script, tls
        self.scheme = scheme or ("https" if tls else "http")
        self.peers, self.threads = [], []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.port = self.socket.getsockname()[1]
        self.url = f"{self.scheme}://localhost:{self.port}"
        self.connections = 0

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *ignored):
        # close() alone would leave accept() waiting.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.settle()

    def token_url(self):
        return f"{self.url}/oauth/token"

    @property
    def seen(self):
        return [peer.received for peer in self.peers]

    def count(self):
        """Connections that came as far as to send something."""
        return sum(1 for data in self.seen if data)

    def settle(self):
        """Wait for the end of all connections that there are."""
        for thread in self.threads:
            thread.join(PATIENCE)

    def forget(self):
        self.settle()
        self.peers, self.threads, self.connections = [], [], 0

    def sent(self):
        return sum(peer.sent for peer in self.peers)

    def accept(self):
        while True:
            try:
                stream, _ = self.socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(stream,),
                                      daemon=True)
            thread.start()
            # Whoever sees it counted may wait for its end.
            self.threads.append(thread)
            self.connections += 1

    def serve(self, stream):
        stream.settimeout(PATIENCE)
        # Hanging up is what most clients do sooner or later.
        with contextlib.suppress(OSError, ValueError), stream:
            if self.tls:
                stream = self.tls.wrap_socket(stream, server_side=True)
            peer = Peer(stream)
            self.peers.append(peer)
            try:
                self.script(peer)
            finally:
                # What the client still sent, if it did.
                with contextlib.suppress(OSError, ValueError):
                    stream.settimeout(0)
                    peer.received += stream.recv(1 << 16)
                stream.close()
