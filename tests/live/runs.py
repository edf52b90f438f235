# SPDX-License-Identifier: MIT
"""valetkey run: what the command finds, and what becomes of it."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios

from governor_callers import Clock, requests
from servers import scripted
from session import poll
from tap import equal

# What execve(2) hands on, but for the environment; seen without a child,
# for which the shell may change it.
CHILDREN = 'read line </proc/$$/task/$$/children; echo "children: $line"; '
LOOK = CHILDREN + """
while read line; do
    case $line in
    Sig[BI]*|Umask*|NoNewPrivs*|CoreDumping*|Seccomp*) echo $line ;;
    esac
done </proc/$$/status
ulimit -a; pwd; ls /proc/$$/fd
"""
TIMER = "import signal; print(signal.getitimer(signal.ITIMER_REAL)[0] > 0)"


def run(tap, live):
    session = live.session

    def runs(*command, text="", options=("--env", "T")):
        return session.run("valetkey", "run", name, *options, "--", *command,
                           text=text)

    def variables(*words):
        """The environment that env(1) finds when it is started this way."""
        said = session.succeed(*words, "env", "-0")
        return dict(line.split("=", 1) for line in said.split("\0") if line)

    def adds_a_variable():
        token = session.token(name)
        before = variables("env", "T=old")
        equal(before["T"], "old")
        after = variables("env", "T=old", "valetkey", "run", name, "--env",
                          "T", "--")
        equal(after, {**before, "T": token})

    def takes_the_place_of_all():
        """Some programs take the last of two, which no shell makes."""
        twice = ("import os; os.execve('/usr/bin/env', ['env', 'valetkey',"
                 " 'run', '{}', '--env', 'T', '--', 'env'],"
                 " {{**os.environ, 'T': 'one', 'T\\u0041': 'A'}})")
        said = session.succeed("python3", "-c", twice.format(name))
        equal([line for line in said.splitlines()
               if line.split("=")[0] == "T"], [f"T={session.token(name)}"])

    def several_tokens():
        said = variables("valetkey", "run", name, other, "--env",
                         f"A={name}", "--env", f"B={other}", "--env",
                         f"C={name}", "--for", f"camunda-sdk={other}", "--")
        one, two = session.token(name), session.token(other)
        assert one != two
        equal([said[key] for key in ("A", "B", "C", "CAMUNDA_OAUTH_TOKEN",
                                     "CAMUNDA_AUTH_STRATEGY")],
              [one, two, one, two, "BEARER"])

    def exit_status():
        for status in 0, 1, 37, 255:
            equal(runs("sh", "-c", f"exit {status}").returncode, status)

    def signal_death():
        for name in "TERM", "KILL", "PIPE", "ALRM", "CHLD":
            number = getattr(signal, f"SIG{name}")
            want = 0 if name == "CHLD" else -number
            equal(runs("sh", "-c", f"kill -{name} $$").returncode, want)

    def is_the_command():
        process = session.popen("valetkey", "run", name, "--env", "T", "--",
                                "sh", "-c", "echo $$; exec cat")
        equal(int(process.stdout.readline()), process.pid)
        process.send_signal(signal.SIGUSR1)
        process.communicate()
        equal(process.returncode, -signal.SIGUSR1)

    def standard_streams():
        done = runs("sh", "-c", "cat; echo two >&2", text="one\n")
        equal((done.returncode, done.stdout, done.stderr),
              (0, "one\n", "two\n"))

    def arguments():
        """Also those that look like our own."""
        words = ["--env", "X", "--", "-h", "", "a b", "--help", "é"]
        done = runs("printf", "%s|", *words)
        equal(done.stdout, "".join(word + "|" for word in words))

    def closed_streams():
        done = session.run(
            "sh", "-c", f"valetkey run {name} --env T -- sh -c '"
            "ls /proc/self/fd >seen' <&- >&- 2>&-")
        equal(done.returncode, 0)
        with open(os.path.join(session.directory, "seen")) as seen:
            # The directory that ls reads, and its standard output
            equal(seen.read().split(), ["0", "1"])

    def terminal():
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 33, 77, 0, 0))

        def take():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = session.popen(
            "valetkey", "run", name, "--env", "T", "--", "sh", "-c",
            "for i in 0 1 2; do test -t $i || exit; done; stty size;"
            " read line </dev/tty; echo got $line",
            stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=take)
        os.close(slave)
        os.write(master, b"hello\n")
        said = b""
        try:
            while True:
                said += os.read(master, 4096)
        except OSError:
            pass  # EIO: nobody has it open any more
        os.close(master)
        equal(process.wait(), 0)
        assert b"33 77" in said and b"got hello" in said, said

    def look(*words, **more):
        process = session.popen(*words, "sh", "-c", LOOK, **more)
        return process.communicate()

    def hostile():
        """All that a parent can leave behind."""
        for number in signal.SIGPIPE, signal.SIGCHLD, signal.SIGALRM:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK,
                               {signal.SIGALRM, signal.SIGUSR2})
        os.umask(0o27)
        os.dup2(1, 17)
        os.set_inheritable(17, True)

    def nothing_else_changes():
        for more in {}, {"preexec_fn": hostile, "restore_signals": False}:
            want = look(**more)
            equal(want[1], "")
            for is_warm in True, False:
                if not is_warm:
                    session.drop(name)
                with requests(server, 0 if is_warm else 1):
                    equal(look("valetkey", "run", name, "--env", "T", "--",
                               **more), want)

    def timer():
        """alarm(2), then exec: the command has what is left of it."""
        for seconds in 0, 1000:
            session.drop(name)
            process = session.popen(
                "valetkey", "run", name, "--env", "T", "--", "python3", "-c",
                TIMER, preexec_fn=lambda: signal.setitimer(
                    signal.ITIMER_REAL, seconds))
            equal(process.communicate(), (f"{seconds > 0}\n", ""))

    def nothing_runs_without_a_token():
        path = os.path.join(session.directory, "ran")
        done = session.run("valetkey", "run", name, bad, "--env",
                           f"A={name}", "--env", f"B={bad}", "--", "touch",
                           path)
        equal(done.returncode, 4)
        assert not os.path.exists(path)

    def at_least():
        """A token that ends before is replaced by one that does not."""
        session.drop(name)
        token = clock.session.token(name)
        clock.move(200)
        command = ["run", name, "--env", "T", "--at-least", "85000", "--",
                   "sh", "-c", "echo $T"]
        equal(clock.session.succeed("valetkey", *command).strip(), token)
        clock.move(2000)
        with requests(server, 1):
            new = clock.session.succeed("valetkey", *command).strip()
        assert new != token
        command[5] = "86350"
        with requests(server, 0):
            clock.session.fail(6, "valetkey", *command)

    def renewal():
        """It is nobody's child: the command could wait for it."""
        old = clock.session.token(name)
        clock.move(80000)
        command = ["valetkey", "run", name, "--env", "T", "--", "sh", "-c",
                   CHILDREN + "echo $T"]
        with requests(server, 1):
            server.mode("slow:500")
            before = server.count()
            equal(clock.session.succeed(*command),
                  f"children: \n{old}\n")
            poll(lambda: server.count() > before, "the renewal")
            poll(lambda: clock.session.token(name) != old, "the new token")

    clock = Clock(live)
    with scripted(live.pki) as server:
        name, other = (session.add(word, server) for word in ("run", "other"))
        bad = session.add("bad", server,
                          url=server.token_url("401-invalid-client"))
        tap.check("run adds a variable and changes no other",
                  adds_a_variable)
        tap.check("a variable takes the place of what was there",
                  takes_the_place_of_all)
        tap.check("several tokens go where they belong", several_tokens)
        tap.check("the exit status is the command's", exit_status)
        tap.check("a signal ends the command, and so does SIGPIPE",
                  signal_death)
        tap.check("the process is the command", is_the_command)
        tap.check("standard input, output and error are the command's",
                  standard_streams)
        tap.check("arguments are passed as they are", arguments)
        tap.check("closed streams stay closed", closed_streams)
        tap.check("the terminal is the command's", terminal)
        tap.check("descriptors, signals, limits are as they were",
                  nothing_else_changes)
        tap.check("a timer goes on", timer)
        tap.check("without a token nothing runs",
                  nothing_runs_without_a_token)
        tap.check("--at-least wants a token that lasts", at_least)
        tap.check("an early renewal is no child of the command", renewal)


GROUPS = [run]
