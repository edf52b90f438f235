# SPDX-License-Identifier: MIT
"""kubectl, and a long-lived client, with a cluster's API over TLS."""

import json
import os
import re

from clients import AUDIENCE, POST, need
from fronts import TlsFront
from servers import Missing, oidc
from tap import equal

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "..", "clients")
GROUP = "client.authentication.k8s.io"
VERSION = {"major": "1", "minor": "30", "gitVersion": "v1.30.0",
           "platform": "linux/amd64"}


class Cluster(TlsFront):
    """Answers only /version, to tokens that are not refused.  It is older
    than kubectl: then the one that Google ships asks for the version, and
    makes room in its own process for another that fits."""

    def __init__(self, pki):
        super().__init__(lambda token: token not in self.refused, pki)
        self.refused = set()

    def serve(self, request):
        known = request.path.startswith("/version")
        self.reply(request, 200 if known else 404, "application/json",
                   json.dumps(VERSION if known else {}).encode())


class Config:
    """A kubeconfig whose user has an exec plugin."""

    def __init__(self, live, cluster):
        self.live, self.cluster = live, cluster
        self.path = os.path.join(live.session.make_dir(
            f"kube-{cluster.port}"), "config")

    def write(self, *words, version="v1", command="valetkey-k8s",
              cluster_info=False):
        plugin = {"apiVersion": f"{GROUP}/{version}", "command": command,
                  "args": list(words), "interactiveMode": "Never",
                  "provideClusterInfo": cluster_info,
                  "installHint": "install valetkey"}
        with open(self.path, "w") as out:
            json.dump({
                "apiVersion": "v1", "kind": "Config",
                "current-context": "test",
                "clusters": [{"name": "test", "cluster": {
                    "server": self.cluster.url,
                    "certificate-authority": self.live.ca}}],
                "users": [{"name": "test", "user": {"exec": plugin}}],
                "contexts": [{"name": "test", "context": {
                    "cluster": "test", "user": "test"}}]}, out)
        return self.path


def find_key(session, name):
    description = f"valetkey:{name}"
    return next(key for key, text in session.keys().items()
                if text == description)


def make_older(session, name, seconds):
    """A token counts as new for a minute, and a new one is not replaced."""
    key = find_key(session, name)
    text = session.succeed("keyctl", "pipe", key)
    life = int(re.search("(?m)^life: (.*)$", text)[1]) + seconds
    session.succeed("keyctl", "pupdate", key, text=re.sub(
        "(?m)^life: .*$", f"life: {life}", text))


def notes(session, kind, name):
    return [text for text in session.keys().values()
            if text == f"valetkey.{kind}:{name}"]


def kubectl(tap, live):
    session = live.session
    need("kubectl")

    def run():
        cluster.shown.clear()
        return session.run("kubectl", "--kubeconfig", config.path, "get",
                           "--raw", "/version")

    def is_let_in(*words, **options):
        token = session.token(name)
        config.write(*words, **options)
        done = run()
        equal((done.returncode, done.stderr), (0, ""))
        equal(json.loads(done.stdout), VERSION)
        equal(set(cluster.shown), {token})
        equal(server.count(), 1)

    def asks_once_for_a_script():
        """Two programs in one process that are given the same token were
        not refused."""
        session.drop(name)
        server.reset()
        config.write(name)
        script = 'for i in 1 2 3 4 5 6 7 8 9 10; do "$@" || exit; done'
        for _ in range(2):
            done = session.run("sh", "-c", script, "sh", "kubectl",
                               "--kubeconfig", config.path, "get", "--raw",
                               "/version")
            equal((done.returncode, done.stderr), (0, ""))
            # Old enough to be replaced, if anything asked for that.
            make_older(session, name, 120)
        equal(server.count(), 1)
        equal(notes(session, "drop", name), [])
        equal(len(notes(session, "given", name)), 1)

    def replaces_a_refused_token():
        """kubectl runs the helper again, but not the request."""
        old = session.token(name)
        make_older(session, name, 120)
        cluster.refused.add(old)
        server.reset()
        run()
        assert old in cluster.shown, cluster.shown
        equal(server.count(), 1)
        assert session.token(name) != old
        done = run()
        equal((done.returncode, done.stderr), (0, ""))
        equal(set(cluster.shown), {session.token(name)})
        equal(server.count(), 1)

    def keeps_a_young_one():
        """A server that refuses what was just made will do so again."""
        session.drop(name)
        server.reset()
        cluster.refused.add(session.token(name))
        for _ in range(3):
            done = run()
            assert done.returncode != 0, done.stdout
            assert "held back" in done.stderr, done.stderr
        equal(server.count(), 1)
        key = next(key for key, text in session.keys().items()
                   if text == f"valetkey.drop:{name}")
        # Three processes were refused with one token: that counts once.
        equal(session.succeed("keyctl", "pipe", key).split()[2], "1")
        session.run("valetkey", "retry", name)
        cluster.refused.clear()

    def is_kept_out():
        cluster.refused.add(session.token(other))
        config.write(other)
        done = run()
        cluster.refused.clear()
        assert done.returncode != 0, done.stdout
        equal(set(cluster.shown), {session.token(other)})

    def fails_without():
        config.write(name, command="valetkey-not-installed")
        done = run()
        assert done.returncode != 0, done.stdout
        assert "install valetkey" in done.stderr, done.stderr
        equal(cluster.shown, [])

    def hears_what_to_do():
        config.write()
        done = run()
        assert done.returncode != 0, done.stdout
        assert "provideClusterInfo" in done.stderr, done.stderr
        assert "exit code 1" in done.stderr, done.stderr
        equal(cluster.shown, [])

    def is_told_of_a_wrong_version():
        """What kubectl says of an answer in another version than its own."""
        config.write("-u", "KUBERNETES_EXEC_INFO", "valetkey-k8s",
                     "--api-version", "v1beta1", name, command="env")
        done = run()
        assert done.returncode != 0, done.stdout
        assert "v1beta1" in done.stderr, done.stderr
        equal(cluster.shown, [])

    with oidc(live.pki) as server, Cluster(live.pki) as cluster:
        config = Config(live, cluster)
        name = session.add("kube", server, audience=AUDIENCE, **POST,
                           serves=cluster.url)
        other = session.add("kube-other", server, audience="other.invalid",
                            **POST)
        tap.check("kubectl is let in, with the plugin's v1",
                  lambda: is_let_in(name))
        tap.check("kubectl is let in, with the plugin's v1beta1",
                  lambda: is_let_in(name, version="v1beta1"))
        tap.check("kubectl says which cluster it is, and needs no name",
                  lambda: is_let_in(cluster_info=True))
        tap.check("the same with v1beta1", lambda: is_let_in(
            cluster_info=True, version="v1beta1"))
        tap.check("twenty kubectls make one token request",
                  asks_once_for_a_script)
        tap.check("a token that kubectl's server refuses is replaced",
                  replaces_a_refused_token)
        tap.check("a young one is not, however many are refused",
                  keeps_a_young_one)
        tap.check("kubectl with another client's token is kept out",
                  is_kept_out)
        tap.check("without the helper kubectl shows no token", fails_without)
        tap.check("kubectl hears what to do", hears_what_to_do)
        tap.check("kubectl takes no answer in another version",
                  is_told_of_a_wrong_version)


def kubernetes(tap, live):
    """It sets no KUBERNETES_EXEC_INFO."""
    session = live.session
    need("node")
    modules = os.environ.get("CLIENT_MODULES", CLIENTS)
    if not os.path.isdir(os.path.join(
            modules, "node_modules", "@kubernetes", "client-node")):
        raise Missing("npm's @kubernetes/client-node is not installed")

    def ask(times):
        cluster.shown.clear()
        return session.run("node", os.path.join(CLIENTS, "kubernetes.mjs"),
                           config.path, str(times),
                           env={"CLIENT_MODULES": os.path.abspath(modules)})

    def is_let_in():
        config.write(name)
        done = ask(1)
        equal((done.stdout, done.stderr), ("200\n", ""))
        equal(cluster.shown, [session.token(name)])

    def gets_another_one_once():
        old = session.token(name)
        make_older(session, name, 120)
        cluster.refused.add(old)
        server.reset()
        done = ask(4)
        equal((done.stdout, done.stderr), ("401\n200\n200\n200\n", ""))
        equal(server.count(), 1)
        equal(cluster.shown, [old] + 3 * [session.token(name)])
        equal(notes(session, "drop", name), [])

    def fails_without():
        config.write(name, command="valetkey-not-installed")
        done = ask(1)
        assert done.returncode != 0, done.stdout
        equal(cluster.shown, [])

    with oidc(live.pki) as server, Cluster(live.pki) as cluster:
        config = Config(live, cluster)
        name = session.add("kube-js", server, audience=AUDIENCE, **POST)
        tap.check("client-node is let in", is_let_in)
        tap.check("refused, it gets another token, once",
                  gets_another_one_once)
        tap.check("without the helper it shows no token", fails_without)


GROUPS = [kubectl, kubernetes]
