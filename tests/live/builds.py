# SPDX-License-Identifier: MIT
"""cargo, with a registry that asks for a token, and Bazel's way to call a
credential helper."""

import json
import os
import re
import shutil

from bazel import Bazel, HelperFailed
from clients import POST, need
from fronts import CargoFront, Front
from servers import Missing, oidc, scripted
from tap import equal

AUDIENCE = "crates.invalid"
PLUGIN = "--cargo-plugin"
OLDEST = (1, 74)  # that knows credential providers


class Cargo:
    """A package with a dependency, and a helper that counts its runs."""

    def __init__(self, session):
        need("cargo")
        self.session = session
        self.home = session.make_dir("cargo")
        self.package = session.make_dir("package")
        self.log = os.path.join(session.directory, "runs")
        self.program = shutil.which("cargo")
        # rustc is where cargo is; the toolchain may be one of rustup's.
        self.env = {
            "CARGO_HOME": self.home,
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME")
            or os.path.expanduser("~/.rustup"),
            "PATH": f"{session.env['PATH']}:{os.path.dirname(self.program)}",
        }
        self.helper = self.script("counted", f"""echo "$*" >> {self.log}
exec cargo-credential-valetkey "$@"
""")
        self.check_version()

    def check_version(self):
        said = self.session.run(self.program, "--version",
                                env=self.env).stdout
        found = re.match(r"cargo (\d+)\.(\d+)", said)
        if not found:
            raise Missing("cargo has no toolchain")
        if tuple(map(int, found.groups())) < OLDEST:
            raise Missing("cargo is older than its credential providers")

    def script(self, name, text):
        path = os.path.join(self.session.directory, name)
        with open(path, "w") as out:
            out.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def write(self, name, text):
        path = os.path.join(self.package, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)

    def configure(self, front, *provider, others=()):
        """A registry with this provider, or with those for any registry; all
        of it as if cargo had never run."""
        lines = ["[registries.vk]", f'index = "{front.index}"']
        if provider:
            lines += [f"credential-provider = {json.dumps(provider)}"]
        lines += ["[registry]",
                  f"global-credential-providers = {json.dumps(others)}"]
        self.write(".cargo/config.toml", "\n".join(lines) + "\n")
        self.write("Cargo.toml", """[package]
name = "ours"
version = "0.1.0"
edition = "2021"
[dependencies]
foo = { version = "1", registry = "vk" }
""")
        self.write("src/lib.rs", "")
        self.forget()

    def forget(self):
        shutil.rmtree(os.path.join(self.home, "registry"), ignore_errors=True)
        for path in os.path.join(self.package, "Cargo.lock"), self.log:
            if os.path.exists(path):
                os.unlink(path)

    def run(self, *words, text=""):
        return self.session.run("sh", "-c", 'cd "$0" && exec "$@"',
                                self.package, self.program, *words,
                                env=self.env, text=text)

    def succeed(self, *words, text=""):
        done = self.run(*words, text=text)
        assert done.returncode == 0, done.stderr

    def fail(self, words, message):
        done = self.run(*words)
        assert done.returncode != 0, done.stderr
        assert message in done.stderr, done.stderr

    def runs(self):
        """The arguments of each run."""
        if not os.path.exists(self.log):
            return []
        with open(self.log) as log:
            return log.read().splitlines()


def cargo(tap, live):
    session = live.session
    tool = Cargo(session)
    refused = set()

    def accept(token):
        return token == session.token(name) and token not in refused

    def fetches():
        tool.configure(front, tool.helper)
        tool.succeed("fetch")
        equal(tool.runs(), [PLUGIN])
        equal(set(front.shown), {session.token(name)})
        assert len(front.shown) > 2, front.shown
        equal(server.count(), 1)

    def fetches_from_the_cache():
        tool.forget()
        tool.succeed("fetch")
        equal(tool.runs(), [PLUGIN])
        equal(server.count(), 1)

    def finds_it_on_the_path():
        tool.configure(front, "cargo-credential-valetkey")
        tool.succeed("fetch")

    def publishes():
        tool.configure(front, tool.helper)
        tool.succeed("publish", "--registry", "vk", "--no-verify",
                     "--allow-dirty")
        equal([version for version, _ in front.crates["ours"]], ["0.1.0"])
        equal(tool.runs(), [PLUGIN])
        equal(set(front.shown), {session.token(name)})
        equal(server.count(), 1)

    def may_do_the_rest(*words):
        tool.configure(front, tool.helper)
        del front.shown[:]
        tool.succeed(*words, "--registry", "vk", "foo")
        equal(tool.runs(), [PLUGIN])
        equal(set(front.shown), {session.token(name)})
        equal(server.count(), 1)

    def takes_it_from_stdout(words, said):
        tool.configure(front, "cargo:token-from-stdout", tool.helper, *words)
        del front.shown[:]
        tool.succeed("fetch")
        equal(tool.runs(), [said])
        equal(set(front.shown), {session.token(name)})

    def hears_on_stderr():
        with CargoFront(accept) as other:
            tool.configure(other, "cargo:token-from-stdout", tool.helper)
            tool.fail(["fetch"], "no client serves")
            equal(other.shown, [])

    def is_told_a_name():
        with CargoFront(accept) as other:
            tool.configure(other, tool.helper, name)
            tool.succeed("fetch")
            equal(set(other.shown), {session.token(name)})
            tool.configure(other, tool.helper)
            del other.shown[:]
            tool.fail(["fetch"], "no token found for `vk`")
            equal((tool.runs(), other.shown), ([PLUGIN], []))

    def leaves_the_scheme_out():
        with CargoFront(accept, scheme="") as other:
            tool.configure(other, tool.helper, "--no-scheme", name)
            tool.succeed("fetch")
            equal(set(other.shown), {session.token(name)})
            tool.configure(other, tool.helper, "--scheme=Token", name)
            tool.fail(["fetch"], "401")
            equal(other.shown[-1], "Token " + session.token(name))

    def asks_the_next():
        """cargo asks the last one of the list first."""
        answer = json.dumps({"Ok": {
            "kind": "get", "token": "Bearer another", "cache": "session",
            "operation_independent": True}})
        next_one = tool.script("next", f"""echo '{{"v":[1]}}'
read -r line
echo '{answer}'
""")
        with CargoFront(lambda token: token == "another") as other:
            tool.configure(other, others=[next_one, tool.helper])
            tool.succeed("fetch")
            equal(tool.runs(), [PLUGIN])
            equal(set(other.shown), {"another"})

    def makes_no_logins(verb):
        tool.configure(front, tool.helper)
        tool.fail([verb, "--registry", "vk"],
                  "requested operation not supported")
        equal(set(tool.runs()), {PLUGIN})
        equal(server.count(), 1)

    def leaves_logins_to_the_next():
        """The list is that of 'valetkey setup cargo'."""
        kept = os.path.join(tool.home, "credentials.toml")

        def has(token):
            with open(kept) as file:
                return token in file.read()

        with CargoFront(accept) as other:
            tool.configure(other, others=["cargo:token", tool.helper])
            tool.succeed("login", "--registry", "vk", text="typed\n")
            assert has("typed")
            tool.succeed("logout", "--registry", "vk")
            assert not has("typed")
            equal(set(tool.runs()), {PLUGIN})
        os.unlink(kept)

    def hears_why():
        bad = session.add("cargo-bad", server, audience=AUDIENCE,
                          secret="wrong", client_id="post")
        tool.configure(front, tool.helper, bad)
        del front.shown[:]
        tool.fail(["fetch"], "refuses the credential")
        equal(front.shown, [])

    def is_kept_out():
        tool.configure(front, tool.helper)
        refused.add(session.token(name))
        del front.shown[:]
        tool.fail(["fetch"], "401")
        equal(set(front.shown), refused)

    def fails_without():
        tool.configure(front)
        refused.clear()
        del front.shown[:]
        tool.fail(["fetch"], "require a credential-provider")
        equal((tool.runs(), front.shown), ([], []))

    with oidc(live.pki) as server, CargoFront(accept) as front:
        name = session.add("cargo", server, audience=AUDIENCE, **POST,
                           serves=f"{front.url}/index")
        tap.check("cargo fetches a crate", fetches)
        tap.check("cargo fetches it again, the server does not hear of it",
                  fetches_from_the_cache)
        tap.check("cargo finds the helper on the path", finds_it_on_the_path)
        tap.check("cargo publishes a crate", publishes)
        tap.check("cargo yanks a crate", may_do_the_rest,
                  "yank", "--version", "1.0.0")
        tap.check("cargo lists the owners of a crate", may_do_the_rest,
                  "owner", "--list")
        tap.check("cargo:token-from-stdout with the index as argument",
                  takes_it_from_stdout, ["{index_url}"], front.index)
        tap.check("cargo:token-from-stdout with the index as variable",
                  takes_it_from_stdout, [], "")
        tap.check("cargo:token-from-stdout shows why there is none",
                  hears_on_stderr)
        tap.check("cargo gets the token that it names", is_told_a_name)
        tap.check("cargo gets the token in the form that it names",
                  leaves_the_scheme_out)
        tap.check("cargo asks the next provider for another registry",
                  asks_the_next)
        tap.check("cargo login is not supported", makes_no_logins, "login")
        tap.check("cargo logout is not supported", makes_no_logins, "logout")
        tap.check("logins elsewhere are left to the next provider",
                  leaves_logins_to_the_next)
        tap.check("cargo hears why there is no token", hears_why)
        tap.check("cargo with a refused token is kept out", is_kept_out)
        tap.check("cargo without the helper gets nothing", fails_without)


def bazel(tap, live):
    session = live.session
    refused = set()

    def accept(token):
        return token == session.token(name) and token not in refused

    def is_let_in():
        equal(tool.download(f"{front.url}/a"), 200)
        equal(front.shown, [session.token(name)])
        equal((tool.runs, server.count()), (1, 1))

    def remembers():
        equal(tool.download(f"{front.url}/a"), 200)
        equal(tool.runs, 1)
        equal(tool.download(f"{front.url}/b?c=d"), 200)
        equal((tool.runs, server.count()), (2, 1))

    def needs_no_token_elsewhere():
        with Front(accept) as other:
            equal(tool.download(f"{other.url}/a"), 401)
            equal(other.shown, [])

    def serves_remote_execution():
        found = tool.headers("grpcs://bazel.invalid/pkg.Service/Method")
        equal(found, {"Authorization": [f"Bearer {session.token(name)}"]})
        equal(tool.headers("grpc://bazel.invalid/pkg.Service/Method"), {})

    def asks_once():
        """Hundreds of downloads begin at once."""
        session.drop(name)
        before = server.count()
        helpers = [tool.start(f"{front.url}/{number}")
                   for number in range(20)]
        equal([tool.finish(helper)["headers"] for helper in helpers],
              [{"Authorization": [f"Bearer {session.token(name)}"]}] * 20)
        equal(server.count(), before + 1)

    def is_kept_out():
        refused.add(session.token(name))
        equal(tool.download(f"{front.url}/c"), 401)
        equal(front.shown[-1], session.token(name))
        refused.clear()

    def fails_the_build():
        session.add("bazel-bad", server, audience=AUDIENCE, secret="wrong",
                    client_id="post", serves="https://bazel-bad.invalid")
        try:
            tool.headers("https://bazel-bad.invalid/")
        except HelperFailed as failure:
            assert "refuses the credential" in str(failure), failure
        else:
            raise AssertionError("the helper did not fail")

    def hears_in_time():
        """The helper gives up before Bazel does, and the fetch goes on."""
        with scripted(live.pki, mode="slow:9000") as slow:
            late = session.add("bazel-slow", slow,
                               serves="https://bazel-slow.invalid")
            try:
                tool.headers("https://bazel-slow.invalid/")
            except HelperFailed as failure:
                assert "the fetch goes on" in str(failure), failure
            else:
                raise AssertionError("the helper did not fail")
            found = tool.headers("https://bazel-slow.invalid/")
            equal(found,
                  {"Authorization": [f"Bearer {session.token(late)}"]})
            equal(slow.count(), 1)

    with oidc(live.pki) as server, Front(accept) as front:
        name = session.add(
            "bazel", server, audience=AUDIENCE, **POST,
            serves=f"{front.url}, https://bazel.invalid")
        tool = Bazel(session, "valetkey-bazel")
        tap.check("a download is let in", is_let_in)
        tap.check("each URL asks once, the server does not hear of it",
                  remembers)
        tap.check("a host that is not served gets no header",
                  needs_no_token_elsewhere)
        tap.check("remote execution gets a header over TLS only",
                  serves_remote_execution)
        tap.check("of many at once one asks the server", asks_once)
        tap.check("a token that is refused is of no use", is_kept_out)
        tap.check("the build's log has the reason", fails_the_build)
        tap.check("a slow server is told before Bazel's time is over",
                  hears_in_time)


GROUPS = [cargo, bazel]
