# SPDX-License-Identifier: MIT
"""A client as the servers see it, and what it got for an answer."""

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

from servers import opener

FAULTS = (OSError, http.client.HTTPException)
MUCH = 4 << 20  # bytes; all that is read of an answer


class Reply:
    """What came back: status, headers and text, or the fault."""

    status = headers = text = fault = None

    def json(self):
        return json.loads(self.text)

    def token(self):
        return self.json()["access_token"]

    def claims(self):
        middle = self.token().split(".")[1]
        return json.loads(base64.urlsafe_b64decode(middle + "=="))


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *ignored):
        return None


class Caller:
    """Asks for tokens as a client would, by the method that is named."""

    def __init__(self, pki, who, secret):
        self.opener = opener(pki, NoRedirect())
        self.who = who
        self.secret = secret

    def ask(self, url, method="form", who=None, secret=None, *, timeout=10,
            **more):
        who = self.who if who is None else who
        secret = self.secret if secret is None else secret
        params = {"grant_type": "client_credentials", **more}
        request = urllib.request.Request(url, method="POST")
        if method == "basic":
            request.headers["Authorization"] = basic(
                urllib.parse.quote_plus(who),
                urllib.parse.quote_plus(secret))
        elif method == "raw basic":
            request.headers["Authorization"] = basic(who, secret)
        else:
            params.update(client_id=who, client_secret=secret)
        if method == "json":
            request.data = json.dumps(params).encode()
            request.headers["Content-type"] = "application/json"
        else:
            request.data = urllib.parse.urlencode(params).encode()
        return self.send(request, timeout)

    def send(self, request, timeout):
        answer = Reply()
        try:
            try:
                reply = self.opener.open(request, timeout=timeout)
            except urllib.error.HTTPError as error:
                reply = error
            with reply:
                answer.status = reply.status
                answer.headers = reply.headers
                answer.text = reply.read(MUCH).decode()
                # urllib takes a body that was cut off for a whole one.
                if answer.status == 200 and reply.length:
                    raise http.client.IncompleteRead(b"", reply.length)
        except FAULTS as fault:
            answer.fault = fault
        return answer


def basic(who, secret):
    pair = base64.b64encode(f"{who}:{secret}".encode()).decode()
    return "Basic " + pair
