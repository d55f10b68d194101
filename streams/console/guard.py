"""What every request and every answer must be like: who may ask, from where, how much, and what a browser may do with the answer."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

logger = logging.getLogger(__name__)

MOST_BODY_BYTES = 64 * 1024
MOST_AT_ONCE = 128
"""Requests that are worked on at once, streams not counted."""

FOR_PROGRAMS = ("/metrics", "/healthz", "/readyz")
"""Asked for under any name: Prometheus and a cluster's probes have names of their own for us, and nothing there is anybody's."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # with no-referrer browsers would send no origin with forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def guard(names: Collection[str]) -> Middleware:
    """Return the middleware; `names` are host names, besides this machine's and addresses, under which browsers may ask."""
    busy = 0

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal busy
        refusal = _refusal(request, names)
        is_stream = request.path == "/events"
        if refusal is None and busy >= MOST_AT_ONCE:
            refusal = web.Response(status=503, text="too many requests at once\n")
        if refusal is not None:
            return refusal
        busy += not is_stream
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception:
            logger.exception("a page failed")
            return web.Response(status=500, text="this page failed; the console's log says why\n")
        finally:
            busy -= not is_stream

    return guarded


def is_known_host(host: str, names: Collection[str]) -> bool:
    """Tell whether a Host header is one of ours.

    A page of somebody else can make its own name point here (DNS rebinding) and then read everything; it can't make that name one
    of this machine's, nor a bare address.

    >>> is_known_host("localhost:9096", ()), is_known_host("[::1]:9096", ()), is_known_host("polls.example:80", ["polls.example"])
    (True, True, True)
    >>> is_known_host("evil.example:9096", ()), is_known_host("", ())
    (False, False)
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refusal(request: web.Request, names: Collection[str]) -> web.Response | None:
    host = request.headers.get("Host", "")
    if not is_known_host(host, names) and request.path not in FOR_PROGRAMS:
        return web.Response(status=403, text="not under this host name: add it to console.names\n")
    changes = request.method not in ("GET", "HEAD")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if (changes or request.path == "/events") and site not in ("same-origin", "none"):
        return web.Response(status=403, text="not from another page\n")
    origin = request.headers.get("Origin")
    if changes and origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return web.Response(status=403, text="not from another page\n")
    return None


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put HEADERS on an answer before it leaves, where it does not say otherwise."""
    response.headers["Server"] = "pollwatch"
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
