# SPDX-License-Identifier: MIT
"""Bazel's part of its credential helper protocol, as strict as Bazel is.

No Bazel that has credential helpers can be installed on this system, so this
plays it: the helper is run directly, its pipes are not read before it ends,
it has ten seconds, and what it says is kept for each URI until it expires.
"""

import datetime
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request

TIMEOUT = 10  # seconds, --credential_helper_timeout
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


class HelperFailed(Exception):
    """The build ends; the text is what Bazel shows."""


class Bazel:
    def __init__(self, session, helper):
        self.session = session
        self.helper = shutil.which(helper, path=session.env["PATH"])
        self.cache = {}
        self.runs = 0

    def start(self, uri):
        self.runs += 1
        process = self.session.popen(self.helper, "get")
        process.stdin.write(json.dumps({"uri": uri}))
        process.stdin.close()
        process.stdin = None
        return process

    def finish(self, process):
        """Its answer.  What does not fit into a pipe would never end."""
        try:
            status = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise HelperFailed("the helper timed out") from None
        finally:
            process.kill()
            process.wait()
            said, errors = process.communicate()
        if status:
            raise HelperFailed(f"the helper failed: {errors}")
        assert errors == "", errors
        return self.check(said)

    @staticmethod
    def check(said):
        """The schema of a response, and nothing more."""
        answer = json.loads(said)
        assert isinstance(answer, dict), said
        assert set(answer) <= {"headers", "expires"}, said
        headers = answer.setdefault("headers", {})
        assert isinstance(headers, dict), said
        for name, values in headers.items():
            assert re.match(r"[A-Za-z0-9-]+$", name), said
            assert isinstance(values, list) and values, said
            assert all(isinstance(value, str) for value in values), said
        if "expires" in answer:
            assert TIME.match(answer["expires"]), said
        return answer

    def headers(self, uri):
        now = datetime.datetime.now(datetime.timezone.utc)
        if uri in self.cache and self.cache[uri][0] > now:
            return self.cache[uri][1]
        answer = self.finish(self.start(uri))
        if "expires" in answer:
            expires = datetime.datetime.strptime(
                answer["expires"] + "+0000", "%Y-%m-%dT%H:%M:%SZ%z")
            assert expires > now, answer["expires"]
            self.cache[uri] = expires, answer["headers"]
        return answer["headers"]

    def download(self, url):
        """The status of the server's answer."""
        headers = {name: values[0]
                   for name, values in self.headers(url).items()}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(url, headers=headers),
                             timeout=TIMEOUT) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code
