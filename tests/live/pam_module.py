# SPDX-License-Identifier: MIT
"""pam_valetkey(8) in real logins: pamtester, su, sudo, sshd.

The module is built again for a directory of the test: what it starts is a
script there that notes who it is.  PAM's configuration is a copy that only
the tested programs see, in a mount namespace of their own.
"""

import fcntl
import grp
import json
import os
import shlex
import shutil
import signal
import subprocess

from built import read_makefile
from clients import need
from live import User
from servers import Missing
from session import poll
from tap import equal

MODULE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../server/pam_valetkey.c")
SCRIPT = """#!/usr/bin/python3 -IB
import json, os, sys, time
note = {"argv": sys.argv[1:], "uid": os.getresuid(), "gid": os.getresgid(),
        "groups": sorted(os.getgroups()), "env": dict(os.environ),
        "cwd": os.getcwd(), "session": os.getsid(0) != os.getppid(),
        "fds": {fd: os.readlink(f"/proc/self/fd/{fd}")
                for fd in os.listdir("/proc/self/fd")
                if os.path.exists(f"/proc/self/fd/{fd}")
                or os.path.islink(f"/proc/self/fd/{fd}")}}
path = f"DIRECTORY/notes/{time.monotonic_ns()}"
with open(path + "~", "w") as out:
    json.dump(note, out)
os.rename(path + "~", path)
while os.path.exists("DIRECTORY/hang"):
    time.sleep(0.01)
"""


# What an application, or another process of the user, can do meanwhile.
DISTURBANCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

static pid_t first;

static void ring(int signo) { (void)signo; }

__attribute__((constructor)) static void start(void)
{
    struct sigaction action = {.sa_handler = ring};
    struct itimerval often = {{0, 50000}, {0, 50000}};

    first = getpid();
    if (!getenv("DISTURB_TIMER"))
        return;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

int setresuid(uid_t a, uid_t b, uid_t c)
{
    int (*real)(uid_t, uid_t, uid_t) = dlsym(RTLD_NEXT, "setresuid");
    int done = real(a, b, c);
    if (getpid() != first && getenv("DISTURB_STOP"))
        raise(SIGSTOP);
    return done;
}
"""


def build_disturbance(directory):
    out = os.path.join(directory, "disturbance.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", out, "-x", "c", "-",
                    "-ldl"], input=DISTURBANCE, text=True, check=True,
                   capture_output=True)
    return out


def why_missing():
    if os.geteuid() != 0:
        return "only root can make users"
    if subprocess.run(["unshare", "--mount", "true"],
                      capture_output=True).returncode:
        return "no mount namespaces here"
    return None


def build_module(build, directory, libexec=None):
    """The module that starts the script there, or the program in libexec,
    with the flags of the build."""
    values = dict(line.split(" = ", 1)
                  for line in read_makefile(build).splitlines()
                  if " = " in line and not line.startswith("\t"))
    words = [shlex.split(values.get(name, "")) for name in (
        "CC", "WARN_CFLAGS", "HARD_CFLAGS", "CFLAGS", "HARD_LDFLAGS")]
    out = os.path.join(directory, "pam_valetkey.so")
    subprocess.run([*sum(words, []), "-fPIC", "-shared", "-D_GNU_SOURCE",
                    f'-DLIBEXECDIR="{libexec or directory}"',
                    f'-DSESSIONS_DIR="{directory}/sessions"',
                    "-o", out, MODULE, "-lpam"],
                   check=True, capture_output=True)
    return out


class Logins:
    def __init__(self, live, user, module, directory):
        self.user = user
        self.module = module
        self.directory = directory
        self.notes_dir = os.path.join(directory, "notes")
        os.mkdir(self.notes_dir)
        os.chmod(self.notes_dir, 0o1777)
        self.hang_file = os.path.join(directory, "hang")
        self.program = os.path.join(directory, "valetkey-prefetch")
        with open(self.program, "w") as out:
            out.write(SCRIPT.replace("DIRECTORY", directory))
        os.chmod(self.program, 0o755)
        self.disturbance = build_disturbance(directory)
        self.pam_d = os.path.join(directory, "pam.d")
        shutil.copytree("/etc/pam.d", self.pam_d)
        self.origin = {name: self.read(name) for name in os.listdir(self.pam_d)}

    def read(self, service):
        with open(os.path.join(self.pam_d, service)) as file:
            return file.read()

    def configure(self, service, *options, times=1):
        """The module's line is the last one, as behind pam_keyinit."""
        text = self.origin.get(service) or (
            "auth optional pam_permit.so\naccount required pam_permit.so\n"
            "session optional pam_keyinit.so force revoke\n")
        line = f"session optional {self.module} {' '.join(options)}\n"
        with open(os.path.join(self.pam_d, service), "w") as out:
            out.write(text + times * line + "session required pam_permit.so\n")

    def command(self, *words):
        return ["unshare", "--mount", "sh", "-c",
                'mount --bind "$0" /etc/pam.d && exec "$@"', self.pam_d,
                *words]

    def run(self, *words, **more):
        return subprocess.run(self.command(*words), text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              **more)

    def login(self, *operations, service="vk-test", login=None, **more):
        done = self.run("pamtester", service, login or self.user.pw_name,
                        *operations, **more)
        assert done.returncode == 0, (done.stdout, done.stderr)

    def disturbed_login(self, variable, *operations):
        done = self.run("env", f"LD_PRELOAD={self.disturbance}",
                        f"{variable}=1", "pamtester", "vk-test",
                        self.user.pw_name, *operations)
        assert done.returncode == 0, (done.stdout, done.stderr)

    def processes(self):
        return [int(pid) for pid in subprocess.run(
            ["pgrep", "-U", str(self.user.pw_uid)], text=True,
            capture_output=True).stdout.split()]

    def notes(self, count):
        """What the script noted, once it has run so many times."""
        names = poll(lambda: self.note_files(count), "the script")
        notes = []
        for name in names:
            path = os.path.join(self.notes_dir, name)
            with open(path) as file:
                notes.append(json.load(file))
            os.unlink(path)
        return notes

    def note_files(self, count):
        names = sorted(name for name in os.listdir(self.notes_dir)
                       if not name.endswith("~"))
        assert len(names) <= count, names
        return names if len(names) == count else None

    def has_no_notes(self):
        """What a login has started is the user's when the login has ended."""
        poll(lambda: subprocess.run(
            ["pgrep", "-U", str(self.user.pw_uid)],
            capture_output=True).returncode == 1, "the user's processes")
        equal(os.listdir(self.notes_dir), [])

    def hang(self):
        open(self.hang_file, "w").close()

    def go_on(self):
        os.unlink(self.hang_file)


def groups_of(user):
    return sorted({user.pw_gid, *(group.gr_gid for group in grp.getgrall()
                                  if user.pw_name in group.gr_mem)})


def is_the_user(note, user):
    equal(note["uid"], [user.pw_uid] * 3)
    equal(note["gid"], [user.pw_gid] * 3)
    equal(note["groups"], groups_of(user))
    equal(note["env"].get("PATH"), "/usr/bin:/bin")
    equal([name for name in note["env"]
           if name not in ("PATH", "LC_CTYPE")], [])
    equal(note["cwd"], "/")
    # Beside the pipe of wait=, which logins that wait have as the fourth
    fds = {fd: path for fd, path in note["fds"].items()
           if not path.startswith("pipe:")}
    equal(fds, {"0": "/dev/null", "1": "/dev/null", "2": "/dev/null"})


def pam_module(tap, live):
    if why_missing():
        raise Missing(why_missing())
    need("pamtester")
    directory = os.path.join(live.directory, "pam")
    os.mkdir(directory, 0o755)
    module = build_module(live.build, directory)
    with User() as user:
        subprocess.run(["usermod", "-aG", "audio,video", user.pw_name],
                       check=True)
        logins = Logins(live, user, module, directory)
        tested_by_pamtester(tap, logins)
        for test in by_su, by_sudo, by_sshd:
            tap.attempt(test, tap, logins)


def tested_by_pamtester(tap, logins):
    user = logins.user

    def prefetches():
        logins.configure("vk-test", "prefetch=prod,ci/operate,--purge,")
        with open("/etc/passwd") as secret:
            logins.login("open_session", "close_session",
                         pass_fds=[secret.fileno()])
        note, = logins.notes(1)
        equal(note["argv"], ["prod", "ci/operate"])
        is_the_user(note, user)

    def does_nothing():
        logins.configure("vk-test")
        logins.login("open_session", "close_session")
        logins.configure("vk-test", "prefetch=")
        logins.login("open_session", "close_session")
        logins.configure("vk-test", "prefetch=prod")
        logins.login("setcred(PAM_ESTABLISH_CRED)",
                     "setcred(PAM_REINITIALIZE_CRED)", "authenticate")
        logins.has_no_notes()

    def goes_on_at_once():
        logins.configure("vk-test", "prefetch=prod")
        logins.hang()
        logins.login("open_session", "close_session")
        # The login has ended; what it started has not.
        logins.notes(1)
        logins.go_on()

    def waits_as_long_as_told():
        logins.configure("vk-test", "prefetch=prod", "wait=200")
        logins.hang()
        logins.login("open_session", "close_session")
        logins.notes(1)
        logins.go_on()

    def waits_for_the_end():
        logins.configure("vk-test", "prefetch=prod", "wait=5000")
        logins.login("open_session", "close_session")
        assert logins.note_files(1), "it did not wait"
        logins.notes(1)

    def survives(*options, count=1, **more):
        logins.configure("vk-test", "prefetch=prod", *options)
        logins.login("open_session", "close_session", **more)
        logins.notes(count)

    def survives_its_absence():
        away = logins.program + ".away"
        os.rename(logins.program, away)
        logins.configure("vk-test", "prefetch=prod", "wait=5000")
        logins.login("open_session", "close_session")
        os.rename(away, logins.program)
        logins.has_no_notes()

    def knows_nobody():
        logins.configure("vk-test", "prefetch=prod", "purge=last")
        logins.login("open_session", "close_session", login="vk-nobody-here")
        logins.has_no_notes()

    def is_there_twice():
        logins.configure("vk-test", "prefetch=prod", times=2)
        logins.login("open_session", "close_session")
        equal(len(logins.notes(2)), 2)

    def has_no_processes_left():
        """RLIMIT_NPROC does not bind root; a script of no memory does."""
        logins.configure("vk-test", "prefetch=prod", "wait=300")
        with open(logins.program, "w") as out:
            out.write("#!/no/such/interpreter\n")
        logins.login("open_session", "close_session")
        with open(logins.program, "w") as out:
            out.write(SCRIPT.replace("DIRECTORY", logins.directory))
        logins.has_no_notes()

    def purges_at_the_last():
        logins.configure("vk-test", "purge=last")
        logins.login("open_session")
        logins.login("open_session")
        logins.login("close_session")
        logins.has_no_notes()
        logins.login("close_session")
        note, = logins.notes(1)
        equal(note["argv"], ["--purge"])
        is_the_user(note, user)

    def survives_a_broken_count():
        logins.configure("vk-test", "purge=last")
        sessions = os.path.join(logins.directory, "sessions")
        os.unlink(os.path.join(sessions, str(user.pw_uid)))
        os.symlink("/etc/passwd", os.path.join(sessions, str(user.pw_uid)))
        before = os.stat("/etc/passwd")
        logins.login("open_session", "close_session")
        after = os.stat("/etc/passwd")
        equal((before.st_size, before.st_mtime_ns),
              (after.st_size, after.st_mtime_ns))
        os.unlink(os.path.join(sessions, str(user.pw_uid)))
        logins.has_no_notes()

    def waits_no_longer_with_a_timer():
        logins.configure("vk-test", "prefetch=prod", "wait=200")
        logins.hang()
        logins.disturbed_login("DISTURB_TIMER", "open_session",
                               "close_session")
        logins.notes(1)
        logins.go_on()
        logins.has_no_notes()

    def waits_for_nothing_of_the_user():
        logins.configure("vk-test", "prefetch=prod")
        try:
            logins.disturbed_login("DISTURB_STOP", "open_session",
                                   "close_session")
        finally:
            for pid in logins.processes():
                os.kill(pid, signal.SIGKILL)
        logins.has_no_notes()

    def waits_for_no_count():
        logins.configure("vk-test", "purge=last")
        path = os.path.join(logins.directory, "sessions", str(user.pw_uid))
        with open(path + ".lock", "w") as count:
            fcntl.flock(count, fcntl.LOCK_EX)
            logins.login("open_session", "close_session")
        logins.has_no_notes()

    tap.check("pam: a login prefetches, as the user", prefetches)
    tap.check("pam: nothing without names, and only in a session",
              does_nothing)
    tap.check("pam: a login does not wait for it", goes_on_at_once)
    tap.check("pam: wait= is an end to waiting", waits_as_long_as_told)
    tap.check("pam: wait= waits for the end", waits_for_the_end)
    tap.check("pam: an application that ignores SIGCHLD", survives,
              preexec_fn=ignore_children)
    tap.check("pam: closed standard streams", survives,
              preexec_fn=close_stdin)
    tap.check("pam: an option that there is not", survives, "prefetches=x")
    tap.check("pam: the program is not there", survives_its_absence)
    tap.check("pam: the program cannot be run", has_no_processes_left)
    tap.check("pam: a user that is not there", knows_nobody)
    tap.check("pam: the module is there twice", is_there_twice)
    tap.check("pam: purge=last purges at the last logout",
              purges_at_the_last)
    tap.check("pam: a planted link in the place of the count",
              survives_a_broken_count)
    tap.check("pam: wait= is an end in an application with a timer, too",
              waits_no_longer_with_a_timer)
    tap.check("pam: a login does not wait for what the user can stop",
              waits_for_nothing_of_the_user)
    tap.check("pam: a login does not wait for a count that another has",
              waits_for_no_count)


def ignore_children():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def close_stdin():
    os.close(0)


def by_su(tap, logins):
    need("su")

    def logs_in():
        logins.configure("su-l", "prefetch=prod")
        done = logins.run("su", "-", logins.user.pw_name, "-c", "id -u")
        equal(done.stdout.strip(), str(logins.user.pw_uid))
        is_the_user(logins.notes(1)[0], logins.user)

    tap.check("pam: su -", logs_in)


def by_sudo(tap, logins):
    need("sudo")

    def logs_in():
        logins.configure("sudo", "prefetch=prod")
        done = logins.run("sudo", "-n", "-u", logins.user.pw_name, "id", "-u")
        equal((done.stdout.strip(), done.stderr),
              (str(logins.user.pw_uid), ""))
        is_the_user(logins.notes(1)[0], logins.user)

    tap.check("pam: sudo -u", logs_in)


class Sshd:
    """A server on loopback whose PAM service is our copy of sshd's."""

    def __init__(self, logins):
        for program in "/usr/sbin/sshd", "ssh", "ssh-keygen":
            need(program)
        self.logins = logins
        self.directory = os.path.join(logins.directory, "sshd")

    def __enter__(self):
        self.made = not os.path.isdir("/run/sshd")
        os.makedirs("/run/sshd", 0o755, exist_ok=True)
        self.make_keys()
        return self

    def __exit__(self, *ignored):
        if self.made:
            os.rmdir("/run/sshd")

    def make_keys(self):
        os.mkdir(self.directory, 0o755)
        for name in "host", "user":
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-f", os.path.join(self.directory, name)],
                           check=True)

    def options(self):
        with open(os.path.join(self.directory, "user.pub")) as file:
            path = os.path.join(self.directory, "authorized_keys")
            with open(path, "w") as out:
                out.write(file.read())
        return {"HostKey": os.path.join(self.directory, "host"),
                "AuthorizedKeysFile": path, "UsePAM": "yes",
                "StrictModes": "no", "PidFile": "none",
                "PasswordAuthentication": "no"}

    def login(self, *command):
        """sshd -i serves the one connection on its standard streams."""
        options = [word for name, value in self.options().items()
                   for word in ("-o", f"{name}={value}")]
        sshd = shlex.join(self.logins.command(
            "/usr/sbin/sshd", "-i", "-e", "-f", "/dev/null", *options))
        return subprocess.run(
            ["ssh", "-F", "/dev/null", "-o", f"ProxyCommand={sshd}",
             "-o", "StrictHostKeyChecking=no", "-o",
             "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes",
             "-o", "LogLevel=ERROR", "-i",
             os.path.join(self.directory, "user"),
             f"{self.logins.user.pw_name}@localhost", *command], text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def by_sshd(tap, logins):
    def logs_in():
        logins.configure("sshd", "prefetch=prod")
        done = sshd.login("id", "-u")
        equal(done.stdout.strip(), str(logins.user.pw_uid))
        is_the_user(logins.notes(1)[0], logins.user)

    with Sshd(logins) as sshd:
        tap.check("pam: sshd", logs_in)


GROUPS = [pam_module]
