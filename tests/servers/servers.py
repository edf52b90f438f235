# SPDX-License-Identifier: MIT
"""The authorization servers of the tests.

    pki = make_pki(directory)
    with scripted(pki, {"id": "secret"}) as server:
        server.token_url("429:7")
        server.count()

A server takes a free port, tells it in its first line, and ends with this
process, however that ends.
"""

import json
import os
import queue
import shutil
import ssl
import subprocess
import tempfile
import threading
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 30  # seconds, for a server to start, answer or end


class Missing(Exception):
    """A server cannot run on this machine; the text says why."""


class StartError(Exception):
    """A server did not start; the text is what it said."""


def make_pki(directory):
    """Make the test certificates (see pki.sh); give the directory."""
    subprocess.run(["sh", os.path.join(HERE, "pki.sh"), directory],
                   check=True)
    return directory


def opener(pki_dir, *more):
    """An opener that trusts the test CA only, and no proxy."""
    ca = os.path.join(pki_dir, "ca.crt")
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=context), *more)


class Server:
    """One server process. port, url, and urls by listener, once started."""

    def __init__(self, command, pki_dir, environment=None):
        self.command = command
        self.pki_dir = pki_dir
        self.environment = environment or {}
        self.opener = opener(pki_dir)
        self.process = None
        self.holder = tempfile.TemporaryDirectory(prefix="vk-server-")
        self.directory = self.holder.name

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *ignored):
        self.stop()

    def start(self):
        errors = os.path.join(self.directory, "stderr")
        with open(errors, "wb") as stderr:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=stderr, text=True,
                env={**os.environ, **self.environment})
        lines = queue.Queue()
        threading.Thread(target=self.read_lines, daemon=True,
                         args=(self.process.stdout, lines)).start()
        said = self.wait_ready(lines)
        if said is not None:
            self.end_process()
            with open(errors) as stderr:
                raise StartError(said + stderr.read())
        return self

    @staticmethod
    def read_lines(stdout, lines):
        """Runs as long as the server: a full pipe would stop it."""
        for line in stdout:
            lines.put(line)
        stdout.close()
        lines.put(None)

    def wait_ready(self, lines):
        """None once the server is ready, else what it said instead."""
        said = ""
        while True:
            try:
                line = lines.get(timeout=PATIENCE)
            except queue.Empty:
                return said + "no ready line\n"
            if line is None:
                return said
            if self.is_ready(line):
                return None
            said += line

    def is_ready(self, line):
        """True for the ready line, having taken from it what it tells."""
        if not line.startswith("{"):
            return False
        self.__dict__.update(json.loads(line))
        return True

    def stop(self):
        self.end_process()
        self.holder.cleanup()

    def end_process(self):
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdin.close()

    def open(self, path, data=None, headers=None):
        request = urllib.request.Request(
            self.url + path, data, headers or {})
        return self.opener.open(request, timeout=PATIENCE)

    def get(self, path):
        with self.open(path) as reply:
            return reply.read().decode()

    def post(self, path, value, headers=None):
        """POST JSON; give the reply, of which only headers are left."""
        data = json.dumps(value).encode()
        kind = {"Content-Type": "application/json"}
        with self.open(path, data, {**kind, **(headers or {})}) as reply:
            return reply

    def token_url(self, mode=None, path="oauth/token", listener=None):
        base = self.urls[listener] if listener else self.url
        if mode is None:
            return f"{base}/{path}"
        return f"{base}/m/{urllib.parse.quote(mode, safe=':+')}/{path}"

    def count(self):
        """Token requests since the start or the last reset."""
        return int(self.get("/_count"))

    def log(self, raw=False):
        """The token requests; t and closed are time.monotonic() in ms."""
        return json.loads(self.get("/_log?raw=1" if raw else "/_log"))

    def mode(self, name):
        """What follows (see scripted.mjs); "a,b,c" for one after another."""
        self.open("/_mode", name.encode()).close()

    def reset(self):
        self.open("/_reset", b"").close()


def node_missing():
    """Why no server on node can run here, or None."""
    return None if shutil.which("node") else "node is not installed"


def oidc_missing():
    modules = os.path.join(os.environ.get("OIDC_MODULES", HERE),
                           "node_modules", "oidc-provider")
    if os.path.isdir(modules):
        return node_missing()
    return node_missing() or "npm's oidc-provider is not installed"


class NodeServer(Server):
    """clients: {id: secret}, or a list of dicts with client_id,
    client_secret and auth."""

    def __init__(self, program, pki_dir, clients, arguments, environment):
        super().__init__([], pki_dir, environment)
        path = os.path.join(self.directory, "clients.json")
        if isinstance(clients, dict):
            clients = [{"client_id": name, "client_secret": secret}
                       for name, secret in clients.items()]
        with open(path, "w") as out:
            json.dump(clients or [], out)
        self.command = [
            "node", os.path.join(HERE, program), "--until-stdin-closes",
            "--pki", pki_dir, "--clients", path, *arguments]


def scripted(pki_dir, clients=None, *, mode="ok", ttl=86400, listen=()):
    """The scripted server; without clients it welcomes any."""
    if node_missing():
        raise Missing(node_missing())
    arguments = ["--mode", mode, "--ttl", str(ttl)]
    for name in listen:
        arguments += ["--listen", name]
    return NodeServer("scripted.mjs", pki_dir, clients, arguments, {})


def oidc(pki_dir, clients=None, *, ttl=300, form="jwt"):
    """oidc-provider; form is jwt or opaque."""
    if oidc_missing():
        raise Missing(oidc_missing())
    return NodeServer("oidc.mjs", pki_dir, clients, [],
                      {"TTL": str(ttl), "FORMAT": form})
