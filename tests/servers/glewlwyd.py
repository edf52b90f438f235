# SPDX-License-Identifier: MIT
"""Debian's glewlwyd as a second authorization server.

It gets a database of its own in a private directory, and is configured over
its administration interface, since it has no other.

    with Glewlwyd(pki, {"demo": "secret"}) as server:
        server.token_url()

What it wants: always a scope (SCOPE); without one it answers like to a wrong
secret. Its Basic authentication is not RFC 6749's: it takes the secret as it
is, and refuses one that was form-encoded, as far as that makes a difference.
"""

import gzip
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time

from servers import PATIENCE, Missing, Server, StartError

PROGRAM = "glewlwyd"
SCOPE = "s1"
RESOURCE = "https://api.invalid/"
LIFE = 300
ATTEMPTS = 5

# Both come with the package; the second one is missing where documentation
# is not installed.
SCHEMAS = [
    "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3",
    "/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz",
]

# The packaged database has this administrator.
ADMIN = {"username": "admin", "password": "password"}

CONFIG = """\
port = {port}
bind_address = "127.0.0.1"
external_url = "https://localhost:{port}/"
login_url = "login.html"
api_prefix = "api"
log_mode = "console,file"
log_level = "INFO"
log_file = "{directory}/glewlwyd.log"
cookie_secure = 0
session_key = "GLEWLWYD2_SESSION_ID"
admin_scope = "g_admin"
profile_scope = "g_profile"
user_module_path = "/usr/lib/glewlwyd/user"
client_module_path = "/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "/usr/lib/glewlwyd/scheme"
plugin_module_path = "/usr/lib/glewlwyd/plugin"
use_secure_connection = true
secure_connection_key_file = "{pki}/server.key"
secure_connection_pem_file = "{pki}/server.crt"
secure_connection_ca_file = "{pki}/ca.crt"
hash_algorithm = "SHA512"
database = {{
  type = "sqlite3"
  path = "{directory}/glewlwyd.db"
}}
"""


def missing():
    """Why it cannot run here, or None."""
    if not shutil.which(PROGRAM):
        return "the package glewlwyd is not installed"
    if not any(map(os.path.exists, SCHEMAS)):
        return "glewlwyd's database script is not installed"
    return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_database(path):
    schema = next(filter(os.path.exists, SCHEMAS))
    reader = gzip.open if schema.endswith(".gz") else open
    with reader(schema, "rt") as script:
        connection = sqlite3.connect(path)
        connection.executescript(script.read())
        connection.close()


def signing_keys():
    """An RSA pair, as PEM texts."""
    private = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA",
         "-pkeyopt", "rsa_keygen_bits:2048"],
        check=True, capture_output=True, text=True).stdout
    public = subprocess.run(
        ["openssl", "pkey", "-pubout"], input=private,
        check=True, capture_output=True, text=True).stdout
    return private, public


def plugin(url):
    private, public = signing_keys()
    return {
        "module": "oidc",
        "name": "oidc",
        "display_name": "oidc",
        "parameters": {
            "iss": url,
            "jwt-type": "rsa",
            "jwt-key-size": "256",
            "key": private,
            "cert": public,
            "access-token-duration": LIFE,
            "refresh-token-duration": 86400,
            "code-duration": 600,
            "allow-non-oidc": True,
            "auth-type-code-enabled": False,
            "auth-type-token-enabled": False,
            "auth-type-id-token-enabled": True,
            "auth-type-password-enabled": False,
            "auth-type-client-enabled": True,
            "auth-type-refresh-enabled": False,
            "resource-allowed": True,
            "resource-scope": {SCOPE: [RESOURCE]},
        },
    }


def client(client_id, secret):
    return {
        "client_id": client_id,
        "name": client_id,
        "confidential": True,
        "enabled": True,
        "client_secret": secret,
        "password": secret,
        "scope": [SCOPE],
        "authorization_type": ["client_credentials"],
        "token_endpoint_auth_method":
            ["client_secret_basic", "client_secret_post"],
    }


# What the log says of each token request, but for those with a bad scope.
REQUEST = re.compile(
    r"Access token generated for client '[^']*' with scope"
    r"|Authorization invalid for client_id")


class Glewlwyd(Server):
    """It cannot take port 0: a free port is tried, and another if that was
    taken in the meantime."""

    def __init__(self, pki_dir, clients):
        super().__init__([], pki_dir)
        self.clients = clients

    def start(self):
        reason = missing()
        if reason:
            raise Missing(reason)
        make_database(os.path.join(self.directory, "glewlwyd.db"))
        for attempt in range(ATTEMPTS):
            self.configure_port(free_port())
            try:
                super().start()
                self.wait_listening()
                break
            except StartError:
                if attempt == ATTEMPTS - 1:
                    raise
        self.add_clients()
        return self

    def configure_port(self, port):
        config = os.path.join(self.directory, "glewlwyd.conf")
        with open(config, "w") as out:
            out.write(CONFIG.format(
                port=port, pki=os.path.abspath(self.pki_dir),
                directory=self.directory))
        self.port = port
        self.url = f"https://localhost:{port}"
        # It does not watch its stdin: the kernel ends it with this process.
        self.command = ["setpriv", "--pdeathsig", "TERM",
                        PROGRAM, "-c", config]

    def is_ready(self, line):
        return "Glewlwyd started on port" in line

    def wait_listening(self):
        """It says that it has started just before it listens."""
        for _ in range(PATIENCE * 100):
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        self.end_process()
        raise StartError("glewlwyd does not listen\n")

    def add_clients(self):
        """Log in, add the protocol and the clients."""
        reply = self.post("/api/auth/", ADMIN)
        cookie = {"Cookie": reply.headers["Set-Cookie"].split(";")[0]}
        scope = {"name": SCOPE, "display_name": SCOPE, "description": SCOPE}
        self.post("/api/scope/", scope, cookie)
        self.post("/api/mod/plugin/", plugin(self.url), cookie)
        for client_id, secret in self.clients.items():
            self.post("/api/client/", client(client_id, secret), cookie)

    def token_url(self):
        return self.url + "/api/oidc/token"

    def count(self):
        path = os.path.join(self.directory, "glewlwyd.log")
        with open(path) as log:
            return sum(1 for line in log if REQUEST.search(line))
