# SPDX-License-Identifier: MIT
"""Tools that 'valetkey setup' has told, and nobody else: no options."""

import os
import re
import shutil
import subprocess

from clients import AUDIENCE, POST, make_repository, need
from fronts import GitFront
from packages import Project, RegistryFront, pnpm_command
from registry import Registry, write_image
from servers import Missing, oidc
from tap import equal


def setup(session, *words, **more):
    """Only notes about URLs may come on standard error."""
    done = session.run("valetkey", "setup", *words, "--yes", **more)
    equal(done.returncode, 0)
    return done.stdout


def undo(session, *words, **more):
    return setup(session, *words, "--undo", **more)


def setup_git(tap, live):
    session = live.session
    need("git")
    config = os.path.join(session.home, ".gitconfig")

    def ls_remote():
        return session.run("git", "ls-remote", f"{front.url}/r.git")

    def fails():
        equal(ls_remote().returncode, 128)

    def works():
        setup(session, "git", name)
        done = ls_remote()
        equal((done.returncode, done.stderr), (0, ""))
        assert session.token(name) in front.shown, front.shown

    def gives_no_token_away():
        """A helper that keeps what it is given does not get it."""
        kept = os.path.join(session.home, ".git-credentials")
        assert not os.path.exists(kept)
        session.succeed("git", "credential", "approve",
                        text="url=https://u:p@elsewhere.example.com\n\n")
        with open(kept) as file:
            assert session.token(name) not in file.read()
        os.remove(kept)

    def knows_paths():
        """git asks with the path, where one is served."""
        setup(session, "git", team)
        for path, status in ("team/r.git", 0), ("other/r.git", 128):
            done = session.run("git", "credential", "fill",
                               text=f"url={front.url}/{path}\n\n")
            equal(done.returncode, status)

    def is_undone():
        with open(config) as file:
            assert "[user]" in file.read()
        undo(session, "git")
        with open(config) as file:
            equal(file.read(), before)
        fails()

    root = session.make_dir("setup-repositories")
    shutil.rmtree(os.path.join(session.directory, "work"),
                  ignore_errors=True)
    make_repository(session, root)
    before = ("[user]\n\tname = n # mine\n"
              "[credential]\n\thelper = store\n")
    with open(config, "w") as file:
        file.write(before)
    with oidc(live.pki) as server, \
            GitFront(lambda token: True, root) as front:
        name = session.add("setup-git", server, audience=AUDIENCE, **POST,
                           serves=front.url + "/r.git")
        team = session.add("setup-team", server, audience=AUDIENCE, **POST,
                           serves=front.url + "/team")
        tap.check("git that nobody has set up gets nothing", fails)
        tap.check("git that is set up gets in", works)
        tap.check("no other helper is given the token",
                  gives_no_token_away)
        tap.check("git asks for URLs below a path", knows_paths)
        tap.check("git is as it was, once it is undone", is_undone)
    os.remove(config)


def setup_images(tap, live):
    session = live.session
    for program in "docker-registry", "htpasswd", "skopeo":
        need(program)

    def skopeo(*words):
        return session.run("skopeo", "--insecure-policy", *words)

    def inspect():
        return skopeo("inspect", "--no-tags", "--tls-verify=false",
                      f"docker://{image}")

    def docker():
        return session.run("docker", "manifest", "inspect", "--insecure",
                           image)

    def fails(run):
        assert run().returncode != 0

    def works(tool, run):
        fails(run)
        setup(session, tool, name)
        registry.set_password(session.token(name))
        done = run()
        assert done.returncode == 0, done.stderr
        registry.set_password("another token")
        fails(run)
        registry.set_password(session.token(name))
        undo(session, tool)
        fails(run)

    with oidc(live.pki) as server, \
            Registry(session, word="setup-registry") as registry:
        image = f"{registry.host}/test/hello:v1"
        name = session.add("setup-registry", server, serves=registry.host,
                           **POST)
        registry.set_password(session.token(name))
        layout = session.make_dir("setup-layout")
        write_image(layout)
        setup(session, "podman", name)
        done = skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}:v1",
                      f"docker://{image}")
        undo(session, "podman")
        equal((done.returncode, done.stderr), (0, ""))
        tap.check("skopeo gets in while podman is set up", works, "podman",
                  inspect)
        tap.attempt(docker_client, tap, works, docker)


def docker_client(tap, works, docker):
    need("docker")
    tap.check("docker gets in while it is set up", works, "docker", docker)


def setup_pnpm(tap, live):
    session = live.session
    program = pnpm_command()

    def add():
        return project.install(f"{program} add vkfoo --store-dir store")

    def is_kept_out():
        project.configure()
        done, arrived = add()
        assert done.returncode != 0, done.stdout
        equal((arrived, front.shown), (False, []))

    def is_let_in():
        project.configure()
        setup(session, "npm", name)
        done, arrived = add()
        equal((done.returncode, arrived), (0, True))
        equal(set(front.shown), {session.token(name)})
        undo(session, "npm")

    with oidc(live.pki) as server, RegistryFront(
            lambda token: token == session.token(name)) as front:
        front.word = "setup-pnpm"
        name = session.add("setup-pnpm", server, audience=AUDIENCE, **POST,
                           serves=front.url)
        project = Project(session, front)
        tap.check("pnpm that nobody has set up is kept out", is_kept_out)
        tap.check("pnpm that is set up is let in", is_let_in)
        tap.check("pnpm is kept out again, once it is undone", is_kept_out)
        os.remove(project.npmrc)


def setup_files(tap, live):
    """What other tools say of their files."""
    session = live.session
    checks = [
        ("kubectl", "kubectl knows the user", kubectl),
        ("cargo", "cargo asks the provider", cargo),
        ("terraform", "terraform takes its file", terraform),
        ("pip3", "pip takes its file", pip),
        ("npm", "npm takes its file", npm),
        ("systemd-analyze", "systemd takes the drop-in", systemd),
    ]
    with oidc(live.pki) as server:
        name = session.add("setup-file", server, **POST,
                           serves="https://a.example.com")
        for program, what, check in checks:
            tap.attempt(one_file, tap, session, name, program, what, check)


def one_file(tap, session, name, program, what, check):
    need(program)
    tap.check(what, check, session, name)


def kubectl(session, name):
    """Before kubectl has written the file, and after."""
    def users():
        done = session.run("kubectl", "config", "view", "-o",
                           "jsonpath={.users[*].name}"
                           "{.users[*].user.exec.args}")
        equal((done.returncode, done.stderr), (0, ""))
        return done.stdout

    session.succeed("kubectl", "config", "set-cluster", "c",
                    "--server=https://127.0.0.1:1")
    path = os.path.join(session.home, ".kube", "config")
    with open(path) as file:
        before = file.read()
    equal(users(), "")
    setup(session, "kubectl", name)
    equal(users(), f'valetkey-{name}["{name}"]')
    undo(session, "kubectl")
    with open(path) as file:
        equal(file.read(), before)
    setup(session, "kubectl", name)
    session.succeed("kubectl", "config", "set-context", "x",
                    f"--user=valetkey-{name}")
    equal(users(), f'valetkey-{name}["{name}"]')
    equal(setup(session, "kubectl", name), "kubectl is set up already.\n")
    undo(session, "kubectl")
    equal(users(), "")


def cargo(session, name):
    """A provider of that name that only notes the request, first on PATH."""
    found = subprocess.run(["rustup", "show", "home"], capture_output=True,
                           text=True) if shutil.which("rustup") else None
    env = {"RUSTUP_HOME": found.stdout.strip()} if found else {}
    directory = session.make_dir("setup-cargo")
    log = os.path.join(directory, "log")
    provider = os.path.join(directory, "cargo-credential-valetkey")
    with open(provider, "w") as file:
        file.write("#!/bin/sh\n"
                   """echo '{"v":[1]}'; read -r line; echo "$line" >>"""
                   f"'{log}'\n"
                   """echo '{"Err":{"kind":"operation-not-supported"}}'\n""")
    os.chmod(provider, 0o755)
    env["PATH"] = ":".join([directory, session.env["PATH"],
                            os.path.dirname(shutil.which("cargo"))])
    home = os.path.join(session.home, ".cargo")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "config.toml"), "w") as file:
        file.write('[registries.r]\n'
                   'index = "sparse+http://127.0.0.1:9/i/" # mine\n')

    def logout():
        return session.run("cargo", "logout", "--registry", "r", env=env)

    done = logout()
    if "rustup" in done.stderr:
        raise Missing("rustup has no toolchain for another home")
    assert not os.path.exists(log), done.stderr
    setup(session, "cargo", env=env)
    logout()
    with open(log) as file:
        assert '"kind":"logout"' in file.read()
    os.remove(log)
    undo(session, "cargo", env=env)
    logout()
    assert not os.path.exists(log)


def terraform(session, name):
    """It tells of a file that it does not take on standard error."""
    env = {"CHECKPOINT_DISABLE": "1"}
    path = os.path.join(session.home, ".terraformrc")
    setup(session, "terraform")
    done = session.run("terraform", "version", env=env)
    equal((done.returncode, done.stderr), (0, ""))
    assert os.path.islink(os.path.join(
        session.home, ".terraform.d/plugins/terraform-credentials-valetkey"))
    with open(path, "a") as file:
        file.write('credentials_helper "another" {}\n')
    done = session.run("terraform", "version", env=env)
    assert "credentials_helper" in done.stderr, done.stderr
    os.remove(path)
    undo(session, "terraform")
    shutil.rmtree(os.path.join(session.home, ".terraform.d"))


def pip(session, name):
    def listed():
        return session.succeed("pip3", "--disable-pip-version-check",
                               "config", "list")

    assert "keyring-provider" not in listed()
    setup(session, "pip")
    assert "global.keyring-provider='subprocess'" in listed(), listed()
    undo(session, "pip")
    assert "keyring-provider" not in listed()


def npm(session, name):
    link = os.path.join(session.home, ".local/share/valetkey/npm",
                        f"valetkey-npm-{name}")
    setup(session, "npm", name)
    done = session.run("npm", "config", "list", "--offline")
    equal(done.returncode, 0)
    assert re.search(r"//a\.example\.com/:tokenHelper", done.stdout), (
        done.stdout)
    equal(os.path.dirname(os.readlink(link)), session.programs)
    # It writes the file anew, without its comments.
    equal(session.run("npm", "config", "set", "fund=false").returncode, 0)
    equal(setup(session, "npm", name), "npm is set up already.\n")
    undo(session, "npm")
    assert not os.path.lexists(link)
    path = os.path.join(session.home, ".npmrc")
    with open(path) as file:
        equal(file.read(), "fund=false\n")
    os.remove(path)


def systemd(session, name):
    """It tells of lines that it does not know."""
    units = os.path.join(session.home, ".config/systemd/user")
    setup(session, "systemd", "--unit", "vk-test", name)
    unit = os.path.join(units, "vk-test.service")
    with open(unit, "w") as file:
        file.write("[Service]\nExecStart=/bin/true\n")
    drop_in = os.path.join(units, "vk-test.service.d", "valetkey.conf")

    def verify():
        return session.run("systemd-analyze", "--user", "verify", unit).stderr

    assert "valetkey.conf" not in verify(), verify()
    with open(drop_in, "a") as file:
        file.write("LoadCredentials=x\n")
    if "valetkey.conf" not in verify():
        raise Missing("systemd-analyze does not read drop-ins here")
    os.remove(drop_in)


GROUPS = [setup_git, setup_images, setup_pnpm, setup_files]
