"""Who is signed in, and how often somebody tried with a wrong token. In memory and bounded; the clock is given."""

from __future__ import annotations

import hmac
import secrets
from collections import deque
from dataclasses import dataclass

SESSION_S = 12 * 3_600.0
MOST_SESSIONS = 256
WRONG_WITHIN_S = 60.0
MOST_WRONG, MOST_WRONG_IN_ALL = 5, 60
"""Wrong tokens within WRONG_WITHIN_S, from one address and in all; after as many nobody of them is let in until the time is over."""
MOST_ADDRESSES = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in; `csrf` must come back with each of his forms."""

    key: str
    by: str
    csrf: str
    until_s: float


class Sessions:
    """At most MOST_SESSIONS; the oldest leaves first."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}

    def begin(self, by: str, now_s: float) -> Session:
        """Sign somebody in."""
        session = Session(secrets.token_urlsafe(32), by, secrets.token_urlsafe(32), now_s + SESSION_S)
        if len(self._open) >= MOST_SESSIONS:
            del self._open[next(iter(self._open))]
        self._open[session.key] = session
        return session

    def find(self, key: str, now_s: float) -> Session | None:
        """Return the session with this key, None where there is none or its time is over."""
        session = self._open.get(key)
        if session is not None and session.until_s <= now_s:
            self.end(key)
            return None
        return session

    def end(self, key: str) -> None:
        """Sign out."""
        self._open.pop(key, None)


class Door:
    """Lets in who knows the token, and slows down who guesses; without a token nobody comes in."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._wrong: dict[str, deque[float]] = {}
        self._wrong_in_all: deque[float] = deque()

    @property
    def exists(self) -> bool:
        """Tell whether anybody can sign in at all."""
        return self._token is not None

    def is_shut(self, address: str, now_s: float) -> bool:
        """Tell whether an address must wait, whatever token it comes with."""
        recent = self._wrong.get(address, deque())
        for times in (recent, self._wrong_in_all):
            while times and times[0] <= now_s - WRONG_WITHIN_S:
                times.popleft()
        return len(recent) >= MOST_WRONG or len(self._wrong_in_all) >= MOST_WRONG_IN_ALL

    def opens(self, token: str, address: str, now_s: float) -> bool:
        """Tell whether a token is the right one; a wrong one counts. Ask `is_shut` first."""
        if self._token is not None and hmac.compare_digest(token.encode(), self._token.encode()):
            self._wrong.pop(address, None)
            return True
        if address not in self._wrong and len(self._wrong) >= MOST_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]
        self._wrong.setdefault(address, deque()).append(now_s)
        self._wrong_in_all.append(now_s)
        return False
