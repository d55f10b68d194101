import asyncio
import json
import random
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest
from prometheus_client import CollectorRegistry

from streams import health_server
from streams.health import Health, monotonic_ms
from streams.health_server import CannotListen, Pages, Request, Server, parse, serve
from streams.metrics import Metrics

STALL_MS = 30_000


async def ask(port: int, raw: bytes) -> bytes:
    """Send bytes, return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def get(port: int, path: str, *headers: str, method: str = "GET") -> tuple[int, str, str]:
    """Status, head and body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers, "", ""]
    head, _, body = (await ask(port, "\r\n".join(lines).encode())).decode().partition("\r\n\r\n")
    return int(head.split(" ")[1]), head, body


def serving(check: Callable[[Server, Health], Awaitable[None]], stall_after_ms: int = STALL_MS) -> None:
    """Run `check` against a server on a free port."""

    async def run() -> None:
        registry = CollectorRegistry()
        Metrics(registry).alert(["vote_spike"], "warning", "0123456789abcdef", latency_s=0.3)
        health = Health(monotonic_ms(), stall_after_ms)
        server = await serve(health, registry, "127.0.0.1", 0)
        try:
            await check(server, health)
        finally:
            await server.close()

    before = threading.active_count()
    asyncio.run(run())
    assert threading.active_count() <= before, "the server's thread has ended"


def test_the_pages_answer_as_probes_expect() -> None:
    async def check(server: Server, health: Health) -> None:
        status, _, body = await get(server.port, "/readyz")
        assert (status, body.count("\n")) == (503, 1)
        assert json.loads(body) == {"ok": False, "reason": "waiting for the assignment of partitions"}
        health.assigned(monotonic_ms())
        health.recovered(monotonic_ms())
        assert (await get(server.port, "/readyz"))[0] == 200
        assert json.loads((await get(server.port, "/healthz"))[2]) == {"ok": True, "reason": "alive"}
        assert (await get(server.port, "/elsewhere"))[0] == 404
        assert (await get(server.port, "/metrics", method="POST"))[0] == 405

    serving(check)


def test_exemplars_show_to_whoever_asks_for_openmetrics_and_to_nobody_else() -> None:
    async def check(server: Server, health: Health) -> None:
        prometheus = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        status, head, body = await get(server.port, "/metrics", prometheus)
        assert status == 200
        assert "Content-Type: application/openmetrics-text; version=1.0.0" in head
        assert '# {case_id="0123456789abcdef"} 0.3' in body
        assert body.endswith("# EOF\n")
        _, head, body = await get(server.port, "/metrics?name=x")
        assert "Content-Type: text/plain; version=0.0.4" in head
        assert "case_id" not in body
        assert f"Content-Length: {len(body.encode())}" in head

    serving(check)


def test_a_head_request_has_no_body() -> None:
    async def check(server: Server, health: Health) -> None:
        status, head, body = await get(server.port, "/metrics", method="HEAD")
        assert (status, body) == (200, "")
        assert "Content-Length: 0" not in head

    serving(check)


def test_a_worker_whose_loop_is_stuck_is_reported_and_not_just_silent() -> None:
    answers: list[str] = []

    def probe(port: int) -> None:
        # a second thread, since this test's own loop is the stuck one
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not (answers and "503" in answers[-1]):
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
                answers.append(connection.makefile().read())

    async def check(server: Server, health: Health) -> None:
        prober = threading.Thread(target=probe, args=(server.port,))
        prober.start()
        prober.join()  # holds the loop, on purpose

    serving(check, stall_after_ms=200)
    assert "the worker has said nothing for" in answers[-1]


def test_slow_and_silent_clients_neither_block_others_nor_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_server, "CLIENT_SECONDS", 0.5)

    async def check(server: Server, health: Health) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(10)]
        for _, writer in silent[:5]:
            writer.write(b"GET /metrics HT")
        assert (await get(server.port, "/healthz"))[0] == 200
        for reader, writer in silent:
            await asyncio.wait_for(_until_dropped(reader), 5)
            writer.close()

    serving(check)


async def _until_dropped(reader: asyncio.StreamReader) -> None:
    """Return when the server has ended the connection, in whatever way."""
    try:
        await reader.read()
    except ConnectionResetError:
        return


def test_more_clients_than_allowed_are_turned_away_and_room_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health_server, "CLIENTS", 4)

    async def check(server: Server, health: Health) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(4)]
        assert await ask(server.port, b"GET /healthz HTTP/1.1\r\n\r\n") == b""
        for _, writer in silent:
            writer.close()
        deadline = time.monotonic() + 10
        while not await ask(server.port, b"GET /healthz HTTP/1.1\r\n\r\n"):
            assert time.monotonic() < deadline, "no room after the clients had gone"

    serving(check)


MALFORMED = [
    b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /metrics\r\n\r\n",
    b"GET  /metrics HTTP/1.1\r\n\r\n",
    b"GET metrics HTTP/1.1\r\n\r\n",
    b"GET /metrics SPDY/3\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nAccept: a\nb\r\n\r\n"[:-2] + b"\x00\xff\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n",
    b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
]


def test_malformed_requests_get_an_answer_or_nothing_and_do_no_harm() -> None:
    async def check(server: Server, health: Health) -> None:
        for raw in MALFORMED:
            answer = await ask(server.port, raw)
            assert answer == b"" or answer.split(b" ")[1] in (b"200", b"400", b"404"), raw[:40]
        assert (await get(server.port, "/healthz"))[0] == 200

    serving(check)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_never_raise(seed: int) -> None:
    rng = random.Random(seed)
    pages = Pages(Health(0), CollectorRegistry(), now_ms=lambda: 0)
    good = b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n"
    for _ in range(500):
        raw = bytearray(good)
        for _ in range(rng.randrange(1, 8)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        response = pages.respond(parse(bytes(raw)))
        assert "\n" not in response.content_type, f"seed {seed}: {bytes(raw)!r}"


@pytest.mark.parametrize("version", ["abc", "", "1.0.0\n\rX: 1", "9" * 5000, "2.0.0", "-1"])
def test_a_strange_accept_header_is_answered_all_the_same(version: str) -> None:
    pages = Pages(Health(0), CollectorRegistry(), now_ms=lambda: 0)
    for kind in ("application/openmetrics-text", "text/plain"):
        response = pages.respond(Request("GET", "/metrics", f"{kind}; version={version}"))
        assert response.status is HTTPStatus.OK
        assert "9" * 10 not in response.content_type


def test_a_taken_port_is_one_clear_error() -> None:
    async def check(server: Server, health: Health) -> None:
        with pytest.raises(CannotListen) as caught:
            await serve(health, CollectorRegistry(), "127.0.0.1", server.port)
        assert str(caught.value) == (
            f"cannot listen on 127.0.0.1:{server.port} (Address already in use): "
            "change worker.http_host or worker.http_port (0 = any free port)"
        )

    serving(check)


def test_closing_does_not_wait_for_clients_and_leaves_none_of_them_open() -> None:
    async def round_trip() -> None:
        server = await serve(Health(monotonic_ms()), CollectorRegistry(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /metrics HT")
        await asyncio.wait_for(server.close(), 2)
        await asyncio.wait_for(_until_dropped(reader), 2)
        writer.close()

    async def run() -> None:
        # closing meets the connection at another point of its being accepted each time
        for _ in range(100):
            await round_trip()

    asyncio.run(run())
