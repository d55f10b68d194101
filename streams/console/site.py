"""The console as a web application: pages, events, and what programs ask for."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import web
from markupsafe import Markup

from streams.console.deciding import Deciding
from streams.console.feed import Standing
from streams.console.guard import MOST_BODY_BYTES, guard, set_headers
from streams.console.live import Live
from streams.console.meters import ConsoleMeters
from streams.console.page import Asked, Desk, Part, Shown
from streams.console.pages import page_of, split
from streams.console.sessions import Session

COOKIE = "pollwatch"
_HERE = Path(__file__)
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#57606a" d="M1 9h3v6H1zM12 7h3v8h-3z"/>'
    '<path fill="#c0271c" d="M6.500 1h3v14h-3z"/></svg>'
)


class Site:
    """Everything that is served; `app` is the application to run."""

    def __init__(
        self, desk: Desk, standing: Callable[[], Standing], deciding: Deciding, meters: ConsoleMeters, names: tuple[str, ...]
    ) -> None:
        self._desk = desk
        self._standing = standing
        self._deciding = deciding
        self._meters = meters
        self.live = Live(self._shown)
        self._files = _files()
        self.app = web.Application(middlewares=[guard(names)], client_max_size=MOST_BODY_BYTES)
        self.app.on_response_prepare.append(set_headers)
        self.app.add_routes([
            web.get("/events", self._events),
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
            web.get("/cases/{case_id:[0-9a-f]{16}}/{list:accounts|cleared}.json", self._list),
            *(web.get(path, self._file) for path in self._files),
            web.get("/sign-in", self._sign_in),
            web.post("/sign-in", self._enter),
            web.post("/sign-out", self._leave),
            web.post("/decisions/review", self._review),
            web.post("/decisions", self._decide),
            web.get("/{anything:.*}", self._page),
        ])  # fmt: skip

    async def _page(self, request: web.Request) -> web.Response:
        path, query = split(request.path_qs)
        asked = self._asked(request, path, query)
        shown = await page_of(self._desk, asked)
        if shown is None:
            words = self._desk.templates.part(
                "deciding", "refused", title="No such page", problem="This address is none of the console's."
            )
            return self._answer(request, Shown("No such page", "", [Part("refused", words)]), 404)
        return self._answer(request, shown, shown.status, events=request.path_qs, said=self._deciding.said(query.get("said", "")))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        path, query = split(request.query.get("at", "/"))
        return await self.live.stream(request, self._asked(request, path, query))

    async def _shown(self, asked: Asked) -> Shown | None:
        shown = await page_of(self._desk, asked)
        if shown is None:
            return None
        return Shown(shown.title, shown.place, [Part("standing", self._standing_words()), *shown.parts], shown.news)

    async def _sign_in(self, request: web.Request) -> web.Response:
        return self._answer(request, self._deciding.sign_in(request.query.get("to", "/")))

    async def _enter(self, request: web.Request) -> web.Response:
        entered = self._deciding.enter(await request.post(), request.remote or "", time.monotonic())
        if not isinstance(entered, tuple):
            return self._answer(request, entered, 403)
        session, to = entered
        answer = web.HTTPSeeOther(to)
        secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        answer.set_cookie(COOKIE, session.key, httponly=True, samesite="Strict", secure=secure, path="/")
        raise answer

    async def _leave(self, request: web.Request) -> web.Response:
        session = self._session(request)
        if session is not None and self._deciding.is_his(await request.post(), session):
            self._deciding.sessions.end(session.key)
        answer = web.HTTPSeeOther("/")
        answer.del_cookie(COOKIE, path="/")
        raise answer

    async def _review(self, request: web.Request) -> web.Response:
        form = await request.post()
        shown, status = self._deciding.review(self._desk, form, self._session(request))
        return self._answer(request, shown, status)

    async def _decide(self, request: web.Request) -> web.Response:
        outcome = await self._deciding.decide(self._desk, await request.post(), self._session(request))
        if isinstance(outcome, str):
            raise web.HTTPSeeOther(outcome)
        shown, status = outcome
        return self._answer(request, shown, status)

    def _answer(self, request: web.Request, shown: Shown, status: int = 200, events: str = "", said: str = "") -> web.Response:
        session = self._session(request)
        html = self._desk.templates.page(
            title=shown.title,
            place=shown.place,
            parts=shown.parts,
            standing=self._standing_words(),
            events=events,
            said=said,
            here=request.path_qs if request.method == "GET" else "/",
            by=session.by if session else "",
            csrf=session.csrf if session else "",
            can_sign_in=self._deciding.door.exists,
            files={path.rpartition("/")[2].partition(".")[2]: f"{path}?v={mark}" for path, (_, _, mark) in self._files.items()},
        )
        return web.Response(text=html, content_type="text/html", status=status)

    def _asked(self, request: web.Request, path: str, query: dict[str, str]) -> Asked:
        session = self._session(request)
        return Asked(path, query, session is not None, self._deciding.door.exists, session.csrf if session else "")

    def _session(self, request: web.Request) -> Session | None:
        return self._deciding.sessions.find(request.cookies.get(COOKIE, ""), time.monotonic())

    def _standing_words(self) -> Markup:
        standing, board = self._standing(), self._desk.board
        return self._desk.templates.part(
            "standing",
            "standing",
            problem=standing.problem,
            behind=standing.behind,
            is_live=standing.is_live,
            unreadable=board.unreadable,
            forgotten=board.forgotten_cases,
            seen=board.last_ms,
        )

    async def _list(self, request: web.Request) -> web.Response:
        """The accounts of a case that are kept by name, exactly as they are: for programs."""
        case = self._desk.board.cases.get(request.match_info["case_id"])
        if case is None:
            raise web.HTTPNotFound(text="no such case\n")
        named, what = case.named, request.match_info["list"]
        count, accounts = (named.count, named.accounts()) if what == "accounts" else (named.cleared_count, named.cleared())
        body = msgspec.json.encode({"case_id": case.case_id, "revision": named.revision, "count": count, what: accounts})
        return web.Response(
            body=body, content_type="application/json", headers={"Content-Disposition": f'attachment; filename="{what}.json"'}
        )

    async def _file(self, request: web.Request) -> web.Response:
        body, content_type, mark = self._files[request.path]
        kept = "max-age=31536000, immutable" if request.query.get("v") == mark else "no-cache"
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers={"Cache-Control": kept})

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "reason": self._standing().problem})

    async def _readyz(self, request: web.Request) -> web.Response:
        standing = self._standing()
        reason = standing.problem or ("" if standing.is_live else "still reading the topics from their beginning")
        return web.json_response({"ok": standing.is_live, "reason": reason}, status=200 if standing.is_live else 503)

    async def _metrics(self, request: web.Request) -> web.Response:
        page = self._meters.page(self._desk.board, self._standing(), self.live.streams)
        return web.Response(body=page, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _files() -> dict[str, tuple[bytes, str, str]]:
    """Return body, type and mark (for addresses that may be kept for ever) of each file by its path."""
    report = _HERE.parent.parent / "report" / "style.css"
    bodies = {
        "/console.css": (report.read_bytes() + _HERE.with_name("console.css").read_bytes(), "text/css"),
        "/console.js": (_HERE.with_name("console.js").read_bytes(), "text/javascript"),
        "/icon.svg": (_ICON.encode(), "image/svg+xml"),
    }
    return {path: (body, kind, hashlib.sha256(body).hexdigest()[:12]) for path, (body, kind) in bodies.items()}
