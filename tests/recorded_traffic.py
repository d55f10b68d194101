"""A seeded recording with everything in it that a pipe must bear: floods, copies, late rows, second votes, refused lines."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

START_MS = 1_664_812_800_000
REFUSED = (
    b"{",
    b"[1]",
    b'"vote"',
    b"\xff\xfe",
    b'{"type":"vote"}',
    b'{"type":"reply","event_id":"r","poll_id":"p","account_id":"a","ts":1}',
    b'{"type":"vote","event_id":"r","poll_id":"p","account_id":"a","option":"x","ts":"now"}',
    b'{"type":"vote","event_id":"","poll_id":"p","account_id":"a","option":"x","ts":1}',
    b'{"type":"share","event_id":"r","poll_id":"p","account_id":"a","option":"x","ts":1}',
)


def event(rng: random.Random, poll: str, ts_ms: float, account: str, kind: str = "vote") -> bytes:
    """Return a line of a recording."""
    fields: dict[str, object] = {
        "type": kind,
        "event_id": f"e{rng.getrandbits(60):x}",
        "poll_id": poll,
        "account_id": account,
        "ts": int(ts_ms),
    }
    fields |= {"option": rng.choice(["yes", "no", "später"])} if kind == "vote" else {"text": "No."}
    return json.dumps(fields, ensure_ascii=False).encode()


def recording(seed: int, polls: int = 10, minutes: int = 30, flood: int = 1_500) -> list[bytes]:
    """Return lines in order of arrival: `polls` polls, two of them flooded by `flood` accounts."""
    rng = random.Random(seed)
    arriving: list[tuple[float, bytes]] = []
    for poll in range(polls):
        at_ms = START_MS + rng.uniform(0, 60_000)
        while at_ms < START_MS + minutes * 60_000:
            kind = "reply" if rng.random() < 0.06 else "vote"
            line = event(rng, f"poll-{poll}", at_ms, f"u{rng.randrange(600)}", kind)
            arriving.append((at_ms + _delay_ms(rng), line))
            at_ms += rng.expovariate(0.15 * (1 + poll % 4)) * 1000
    for poll, begin in ((2, 0.4), (polls - 1, 0.7)):
        at_ms = START_MS + begin * minutes * 60_000
        for account in range(flood):
            at_ms += rng.expovariate(60) * 1000
            arriving.append((at_ms + rng.uniform(0, 500), event(rng, f"poll-{poll}", at_ms, f"f{account}")))
    arriving += [(at + rng.uniform(0, 120_000), line) for at, line in rng.sample(arriving, 80)]
    arriving += [(rng.choice(arriving)[0], rng.choice(REFUSED)) for _ in range(60)]
    return [line for _, line in sorted(arriving)]


def _delay_ms(rng: random.Random) -> float:
    return rng.uniform(5_000, 90_000) if rng.random() < 0.02 else rng.uniform(0, 700)


def write(path: Path, lines: list[bytes]) -> Path:
    """Write lines to a file, packed if its name says so."""
    text = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(text, 1) if path.suffix == ".gz" else text)
    return path
