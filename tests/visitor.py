"""Somebody at the console without a browser: asks for pages, keeps his cookie, sends forms."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request


class Visitor:
    """`url` has no slash at its end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str, form: dict[str, str] | None = None) -> str:
        """Return the page that answers, whatever its status; "" when nobody answers. With a form it is sent."""
        body = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self._opener.open(self._url + path, body, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as answer:
            return str(answer.read().decode())
        except OSError:
            return ""

    def sign_in(self, token: str) -> str:
        """Sign in as Ann; return the secret that the forms carry."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/sign-in", {"by": "Ann", "token": token}))
        assert found is not None
        return found[1]
