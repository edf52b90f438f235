# SPDX-License-Identifier: MIT
"""Many callers at once, and callers whose fetcher is killed."""

import json
import os
import resource
import signal
import time

from servers import scripted
from session import poll
from tap import equal

CALLERS = 200
FILES = 4 * CALLERS
PACE = 1100  # milliseconds between two requests to one server
# Milliseconds after the fetcher has started; None: when it has sent.
MOMENTS = [0, 1, 2, 5, 10, 20, 40, 80, 160, None]


def callers(session, url, count=CALLERS):
    """The answers of so many docker helpers that are let go together: each
    has started and waits for the end of its input."""
    crowd = [session.popen("docker-credential-valetkey", "get")
             for _ in range(count)]
    for process in crowd:
        process.stdin.write(url)
        process.stdin.flush()
    for process in crowd:
        process.stdin.close()
        process.stdin = None
    answers = []
    for process in crowd:
        out, errors = process.communicate()
        answers.append((process.returncode, out, errors))
    return answers


def have_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))


def cold_callers(tap, live):
    session = live.session
    url = "https://crowd.invalid/"

    def have_one_token(mode):
        session.drop(name)
        server.mode(mode)
        before = server.count()
        answers = set(callers(session, url))
        equal(server.count(), before + 1)
        equal(len(answers), 1)
        status, out, errors = answers.pop()
        equal((status, errors), (0, ""))
        equal(json.loads(out)["Secret"], session.token(name))

    def have_one_error(mode, text):
        word = f"crowd-{mode[:3]}"
        other = session.add(word, server, serves=f"https://{word}.invalid")
        server.mode(mode)
        before = server.count()
        answers = callers(session, f"https://{word}.invalid")
        equal(server.count(), before + 1)
        for status, out, errors in answers:
            equal((status, errors.count("\n")), (1, 1))
            assert text in out, out
        session.succeed("valetkey", "retry", other)

    have_files()
    with scripted(live.pki) as server:
        name = session.add("crowd", server, serves="crowd.invalid")
        tap.check(f"{CALLERS} callers, one request", have_one_token, "ok")
        tap.check(f"{CALLERS} callers of a slow server, one request",
                  have_one_token, "slow:2000")
        for mode, text in [("500", "failed (500)"),
                           ("401-auth0", "refuses the credential"),
                           ("429:7", "429")]:
            tap.check(f"{CALLERS} callers, one request, one answer: {mode}",
                      have_one_error, mode, text)


def process_stat(process):
    """Name, state and parent, or None."""
    try:
        with open(f"/proc/{process}/stat") as stat:
            name, _, rest = stat.read().rpartition(")")
    except OSError:
        return None
    state, parent = rest.split()[:2]
    return name.partition("(")[2], state, int(parent)


def is_running(process):
    stat = process_stat(process)
    return stat is not None and stat[1] != "Z"


def fetcher_of(caller):
    """The process ID of the fetcher that a caller waits for, or None."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        stat = process_stat(entry)
        if stat and (stat[0], stat[2]) == ("valetkey-fetch", caller.pid):
            return int(entry)
    return None


def start_fetch(session, name, *options):
    caller = session.popen("valetkey", "token", name, *options)
    return caller, poll(lambda: fetcher_of(caller), "the fetcher")


def killed_fetchers(tap, live):
    session = live.session

    def wait_for(server, moment):
        if moment is None:
            poll(server.count, "the request")
        else:
            time.sleep(moment / 1000)

    def is_survived(moment):
        with scripted(live.pki, mode="slow:60000") as server:
            word = f"killed-{MOMENTS.index(moment)}"
            name = session.add(word, server)
            started = time.monotonic() * 1000
            caller, fetcher = start_fetch(session, name)
            waiter = session.popen("valetkey", "token", name)
            wait_for(server, moment)
            # Stopped first, so that it is not served before it is killed.
            os.kill(fetcher, signal.SIGSTOP)
            server.mode("ok")
            killed = time.monotonic() * 1000
            os.kill(fetcher, signal.SIGKILL)
            out, errors = caller.communicate()
            equal((caller.returncode, out, errors.count("\n")), (1, "", 1))
            out, errors = waiter.communicate()
            equal((waiter.returncode, errors), (0, ""))
            equal(session.token(name), out.strip())
            # It may have sent its request: the next one is paced by that.
            late = server.log()[-1]["t"] - max(killed, started + PACE)
            assert late < 1000, f"the next request came {late} ms late"

    def caller_is_killed():
        """Then the fetcher goes on, and serves the next one."""
        with scripted(live.pki, mode="slow:500") as server:
            name = session.add("killed-caller", server)
            caller, _ = start_fetch(session, name)
            caller.kill()
            caller.communicate()
            session.token(name)
            equal(server.count(), 1)

    for moment in MOMENTS:
        when = f"{moment} ms old" if moment is not None else "waiting"
        tap.check(f"the fetcher is killed, {when}", is_survived, moment)
    tap.check("the caller is killed", caller_is_killed)


GROUPS = [cold_callers, killed_fetchers]
