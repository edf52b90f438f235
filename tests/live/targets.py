# SPDX-License-Identifier: MIT
"""valetkey run --for: programs that look for a token in the environment."""

import io
import json
import os
import shutil
import ssl
import tarfile

from clients import need
from fronts import Front
from servers import HERE, Missing, scripted
from tap import equal

CLIENTS = os.path.join(HERE, "..", "clients")


class NpmFront(Front):
    """A registry with one package."""

    def package(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            text = json.dumps({"name": "vkfoo", "version": "1.0.0"}).encode()
            entry = tarfile.TarInfo("package/package.json")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
        return out.getvalue()

    def serve(self, request):
        if request.path.endswith(".tgz"):
            self.reply(request, 200, "application/octet-stream",
                       self.package())
            return
        tarball = f"{self.url}/team/vkfoo/-/vkfoo-1.0.0.tgz"
        self.reply(request, 200, "application/json", json.dumps({
            "name": "vkfoo", "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": {"name": "vkfoo", "version": "1.0.0",
                                   "dist": {"tarball": tarball}}},
        }).encode())


class MavenFront(Front):
    POM = ("<project><modelVersion>4.0.0</modelVersion>"
           "<groupId>vk.invalid</groupId><artifactId>{}</artifactId>"
           "<version>1</version><packaging>pom</packaging>{}</project>")

    def serve(self, request):
        if request.path == "/vk/invalid/parent/1/parent-1.pom":
            self.reply(request, 200, "text/xml",
                       self.POM.format("parent", "").encode())
        else:
            self.reply(request, 404, "text/plain", b"")


class TerraformFront(Front):
    """A registry of modules, over TLS, which Terraform insists on."""

    def __init__(self, accept, pki):
        super().__init__(accept)
        self.pki = pki

    def __enter__(self):
        super().__enter__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.pki, "server.crt"),
                                os.path.join(self.pki, "server.key"))
        self.server.socket = context.wrap_socket(self.server.socket,
                                                 server_side=True)
        return self

    def serve(self, request):
        if request.path == "/.well-known/terraform.json":
            self.reply(request, 200, "application/json",
                       b'{"modules.v1":"/m/"}')
        else:
            self.reply(request, 404, "application/json", b"{}")


class Target:
    """A front that takes the token of one client, and that client."""

    def __init__(self, live, server, front, word, serves="{url}", **more):
        self.session, self.front = live.session, front
        self.name = self.session.add(
            word, server,
            serves=serves.format(url=front.url, port=front.port), **more)
        self.token = self.session.token(self.name)

    def run(self, *words, env=None):
        """What it shows to the server; done."""
        self.front.shown.clear()
        done = self.session.run(*words, env=env)
        return done, set(self.front.shown)

    def run_for(self, target, *words, env=None):
        return self.run("valetkey", "run", self.name, "--for", target, "--",
                        *words, env=env)

    def accept(self, token):
        return token == self.token

    def is_let_in(self, target, *words, env=None):
        done, shown = self.run_for(target, *words, env=env)
        equal((done.returncode, shown), (0, {self.token}))
        return done.stdout

    def is_kept_out(self, *words, env=None, shown=frozenset()):
        """Without valetkey, or with a wrong token."""
        done, seen = self.run(*words, env=env)
        assert done.returncode != 0, done.stdout
        equal(seen, set(shown))


def run_npm(tap, live):
    need("npm")
    session = live.session
    home = session.make_dir("npm")
    env = {"HOME": home, "XDG_CONFIG_HOME": session.home + "/.config",
           "npm_config_cache": os.path.join(home, "cache"),
           "npm_config_update_notifier": "false", "npm_config_audit": "false",
           "npm_config_fund": "false", "npm_config_fetch_retries": "0"}

    def views():
        said = target.is_let_in("npm", "npm", "view", "vkfoo", "version",
                                *registry, env=env)
        equal(said, "1.0.0\n")

    def installs():
        path = os.path.join(home, "project")
        os.mkdir(path)
        target.is_let_in("npm", "npm", "install", "--prefix", path, "vkfoo",
                         *registry, env=env)
        assert os.path.exists(os.path.join(path, "node_modules", "vkfoo",
                                           "package.json"))

    def reads_npmrc():
        """As the manual has it, for what comes after a shell that drops
        variables of other names."""
        rc = os.path.join(home, ".npmrc")
        with open(rc, "w") as out:
            out.write(f"//127.0.0.1:{front.port}/:_authToken=${{NPM_TOKEN}}\n")
        target.is_let_in("npm", "env", f"-u{variable}", "npm", "view",
                         "vkfoo", "version", *registry, env=env)
        os.unlink(rc)

    def is_kept_out():
        view = ["npm", "view", "vkfoo", "version", *registry]
        target.is_kept_out(*view, env=env)
        target.is_kept_out("env", f"{variable}=wrong", *view, env=env,
                           shown={"wrong"})

    def goes_nowhere_else():
        """The token is for /team, and another registry on the same host is
        not there."""
        done, shown = target.run_for("npm", "npm", "view", "vkfoo", "version",
                                     "--registry", f"{front.url}/other/",
                                     env=env)
        assert done.returncode != 0
        equal(shown, set())

    with scripted(live.pki) as server, \
            NpmFront(lambda token: target.accept(token)) as front:
        target = Target(live, server, front, "npm", "{url}/team")
        registry = ["--registry", f"{front.url}/team/"]
        variable = f"npm_config_//127.0.0.1:{front.port}/team/:_authToken"
        tap.check("npm looks at a package", views)
        tap.check("npm installs a package", installs)
        tap.check("npm reads NPM_TOKEN by way of .npmrc", reads_npmrc)
        tap.check("npm without the token, or a wrong one, is kept out",
                  is_kept_out)
        tap.check("npm shows the token to no other registry",
                  goes_nowhere_else)


SETTINGS = """<settings>
  <mirrors><mirror>
    <id>company</id><mirrorOf>*</mirrorOf><url>{url}</url>
  </mirror></mirrors>
  <servers><server>
    <id>company</id>
    <configuration><httpHeaders><property>
      <name>Authorization</name><value>Bearer ${{env.MAVEN_TOKEN}}</value>
    </property></httpHeaders></configuration>
  </server></servers>
</settings>
"""
PARENT = ("<parent><groupId>vk.invalid</groupId><artifactId>parent"
          "</artifactId><version>1</version><relativePath/></parent>")


def run_maven(tap, live):
    need("mvn")
    session = live.session
    home = session.make_dir("maven")

    def maven():
        """With a repository that is empty each time."""
        shutil.rmtree(os.path.join(home, "repository"), ignore_errors=True)
        return ["mvn", "-q", "-B", "-s", os.path.join(home, "settings.xml"),
                f"-Dmaven.repo.local={home}/repository",
                f"-Duser.home={home}", "-f", home, "validate"]

    def fetches():
        target.is_let_in("maven", *maven())

    def is_kept_out():
        target.is_kept_out(*maven(), shown={"${env.MAVEN_TOKEN}"})
        target.is_kept_out("env", "MAVEN_TOKEN=wrong", *maven(),
                           shown={"wrong"})

    with scripted(live.pki) as server, \
            MavenFront(lambda token: target.accept(token)) as front:
        target = Target(live, server, front, "maven")
        for name, text in [
                ("settings.xml", SETTINGS.format(url=front.url)),
                ("pom.xml", front.POM.format("child", PARENT))]:
            with open(os.path.join(home, name), "w") as out:
                out.write(text)
        tap.check("maven fetches a parent", fetches)
        tap.check("maven without the token, or a wrong one, is kept out",
                  is_kept_out)


def run_camunda_sdk(tap, live):
    need("node")
    modules = os.environ.get("CLIENT_MODULES", CLIENTS)
    if not os.path.isdir(os.path.join(modules, "node_modules", "@camunda8",
                                      "sdk")):
        raise Missing("npm's @camunda8/sdk is not installed")
    call = ["node", os.path.join(CLIENTS, "camunda.mjs")]

    def calls():
        said = target.is_let_in("camunda-sdk", *call, env=env)
        equal(json.loads(said)["brokers"], [])

    def is_kept_out():
        target.is_kept_out(*call, env={**env,
                                       "CAMUNDA_AUTH_STRATEGY": "NONE"})
        target.is_kept_out(*call, env={
            **env, "CAMUNDA_AUTH_STRATEGY": "BEARER",
            "CAMUNDA_OAUTH_TOKEN": "wrong"}, shown={"wrong"})

    with scripted(live.pki) as server, \
            Front(lambda token: target.accept(token)) as front:
        target = Target(live, server, front, "sdk")
        env = {"ZEEBE_REST_ADDRESS": front.url, "CLIENT_MODULES": modules}
        tap.check("Camunda's SDK calls the cluster", calls)
        tap.check("Camunda's SDK without the token, or a wrong one, is kept"
                  " out", is_kept_out)


def run_terraform(tap, live):
    need("terraform")
    session = live.session
    home = session.make_dir("terraform")
    init = ["terraform", f"-chdir={home}", "init", "-input=false"]
    env = {"HOME": home, "XDG_CONFIG_HOME": session.home + "/.config",
           "CHECKPOINT_DISABLE": "1", "SSL_CERT_FILE": live.ca,
           "TF_CLI_CONFIG_FILE": os.path.join(home, "rc")}

    def shows():
        """The registry has no module; it is enough that it said so."""
        done, shown = target.run_for("terraform", *init, env=env)
        equal(shown, {target.token})
        assert "not found" in done.stdout + done.stderr, done

    def is_kept_out():
        target.is_kept_out(*init, env=env)
        name = f"TF_TOKEN_127_0_0_1:{front.port}"
        target.is_kept_out("env", f"{name}=wrong", *init, env=env,
                           shown={"wrong"})

    with scripted(live.pki) as server, \
            TerraformFront(lambda token: target.accept(token),
                           live.pki) as front:
        target = Target(live, server, front, "terraform",
                        "https://127.0.0.1:{port}")
        with open(os.path.join(home, "main.tf"), "w") as out:
            out.write('module "m" {\n  source = "127.0.0.1:'
                      f'{front.port}/ns/name/prov"\n}}\n')
        open(env["TF_CLI_CONFIG_FILE"], "w").close()
        tap.check("terraform shows the token to its host", shows)
        tap.check("terraform without the token, or a wrong one, is kept out",
                  is_kept_out)


GROUPS = [run_npm, run_maven, run_camunda_sdk, run_terraform]
