"""Ten thousand mutated records against a second, slow reader written from the contract alone."""

import json
import os
import random
import re
from collections.abc import Callable

import pytest

from streams.decode import Decoder, Refusal, hash_strings

SEED = int(os.environ.get("POLLWATCH_TEST_SEED", "20221003"))
KEY = bytes(16)
MAX_BYTES = 1_000_000
RECORDS = 10_000

Mutation = Callable[[random.Random, bytes], bytes]


def record(rng: random.Random) -> bytes:
    fields: dict[str, object] = {
        "type": rng.choice(["vote", "reply"]),
        "event_id": f"e{rng.getrandbits(64):x}",
        "poll_id": rng.choice(["p1", "опрос", "投票", "🇺🇦"]),
        "account_id": f"a{rng.getrandbits(32):x}",
        "ts": 1_664_820_000_000 + rng.randrange(10**7),
        "option": rng.choice(["yes", "no"]),
        "text": rng.choice(["No.", "{[", 'she said "no"', "ні\n"]),
        "followers": rng.randrange(10**4),
        "country": rng.choice(["DE", "ua"]),
        "extra": {"list": [1, 2.5, None, {"deep": True}]},
    }
    return json.dumps(fields, ensure_ascii=rng.random() < 0.5).encode()


def cut(rng: random.Random, line: bytes) -> bytes:
    return line[: rng.randrange(len(line))]


def swap_byte(rng: random.Random, line: bytes) -> bytes:
    at = rng.randrange(len(line))
    return line[:at] + bytes([rng.randrange(256)]) + line[at + 1 :]


def insert(*pieces: bytes) -> Mutation:
    def mutate(rng: random.Random, line: bytes) -> bytes:
        at = rng.randrange(len(line) + 1)
        return line[:at] + rng.choice(pieces) + line[at:]

    return mutate


def set_field(*values: str) -> Mutation:
    def mutate(rng: random.Random, line: bytes) -> bytes:
        fields: dict[str, object] = json.loads(line)
        fields[rng.choice([*fields, "client", "network", "referrer", "account_created_at"])] = "~value~"
        return json.dumps(fields).encode().replace(b'"~value~"', rng.choice(values).encode())

    return mutate


def drop_field(rng: random.Random, line: bytes) -> bytes:
    fields: dict[str, object] = json.loads(line)
    del fields[rng.choice(list(fields))]
    return json.dumps(fields).encode()


def wrap(rng: random.Random, line: bytes) -> bytes:
    return rng.choice([b"[" + line + b"]", json.dumps(line.decode()).encode(), b"null", b"7"])


def nest(rng: random.Random, line: bytes) -> bytes:
    depth = rng.choice([3, 62, 63, 64, 65, 900, 1100, 50_000])
    return line[:-1] + b', "x": ' + b"[" * depth + b"]" * rng.choice([depth, 0]) + b"}"


def grow(rng: random.Random, line: bytes) -> bytes:
    size = rng.choice([MAX_BYTES - len(line) - 9, MAX_BYTES - len(line) - 8, 2_000_000])
    return line[:-1] + b', "x":"' + b"x" * size + b'"}'


MUTATIONS: list[tuple[int, Mutation]] = [
    (20, cut),
    (20, swap_byte),
    (10, insert(b"\x00", b"\n", b"}\n{", b'"', b"\\", b"{", b"[", b"}", b",", b" ", b"\r\n")),
    (10, insert(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f", b"\\ud800", b"\\udc00", b"\\u0000")),
    (20, set_field("1", "1.0", "1e3", "true", "null", '""', '"x"', "[]", "{}", "-1", '"' + "y" * 129 + '"')),
    (
        5,
        set_field(
            "9" * 400, "9" * 5000, "-" + "9" * 30, "1e400", "NaN", "Infinity", str(2**53), str(2**53 + 1)
        ),
    ),
    (10, drop_field),
    (4, nest),
    (2, wrap),
    (1, grow),
]


def mutated(rng: random.Random) -> list[bytes]:
    weights = [weight for weight, _ in MUTATIONS]
    chosen = rng.choices([mutation for _, mutation in MUTATIONS], weights, k=RECORDS)
    # 2 MB each: a few are enough
    big = [i for i, mutation in enumerate(chosen) if mutation is grow]
    for i in big[12:]:
        chosen[i] = cut
    return [mutation(rng, record(rng)) for mutation in chosen]


class Invalid(Exception):
    """The slow reader's refusal."""


def no_constant(name: str) -> object:
    raise Invalid(name)


def big_int(digits: str) -> int:
    return int(digits) if len(digits) < 100 else 10**100


def fits(value: object, levels: int) -> bool:
    """Whether the value is at most so many containers deep."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return children is None or (levels > 0 and all(fits(child, levels - 1) for child in children))


def need(condition: bool, what: str) -> None:
    if not condition:
        raise Invalid(what)


def is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def contract(line: bytes) -> dict[str, object]:
    """Read a line of a recording as CONTRACT says, or raise."""
    need(len(line) <= MAX_BYTES, "size")
    try:
        fields = json.loads(line.decode(), parse_constant=no_constant, parse_int=big_int)
        json.dumps(fields, ensure_ascii=False).encode()  # a lone surrogate is no UTF-8
    except (ValueError, RecursionError) as error:
        raise Invalid(str(error)) from error
    need(isinstance(fields, dict) and fits(fields, 64), "shape")
    need(fields.get("type") in ("vote", "reply"), "type")
    body = {"vote": "option", "reply": "text"}[fields["type"]]
    for name in ("event_id", "poll_id", "account_id", body):
        limits = (0, 10_000) if name == "text" else (1, 128)
        need(isinstance(fields.get(name), str) and limits[0] <= len(fields[name]) <= limits[1], name)
    need(is_int(fields.get("ts")) and 0 <= fields["ts"] <= 2**53, "ts")
    for name in ("followers", "account_created_at"):
        least = 0 if name == "followers" else -(2**53)
        need(fields.get(name) is None or (is_int(fields[name]) and least <= fields[name] <= 2**53), name)
    for name in ("client", "network", "country", "referrer"):
        need(fields.get(name) is None or isinstance(fields[name], str), name)
    need(fields.get("country") is None or bool(re.fullmatch("[A-Za-z]{2}", fields["country"])), "country")
    return dict(fields)


def verdict(line: bytes) -> dict[str, object] | Invalid:
    try:
        return contract(line)
    except Invalid as invalid:
        return invalid


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    print(f"POLLWATCH_TEST_SEED={SEED}")
    return mutated(random.Random(SEED))


def test_each_mutated_record_is_refused_with_a_reason_or_provably_valid(lines: list[bytes]) -> None:
    decoded = Decoder(KEY, MAX_BYTES, None, 0).recording(lines)
    refused = {bad.index: bad for bad in decoded.refused}
    assert sorted([*refused, *decoded.index.tolist()]) == list(range(RECORDS))
    for i, line in enumerate(lines):
        truth = verdict(line)
        agrees = isinstance(truth, Invalid) == (i in refused)
        assert agrees, f"seed {SEED}, record {i}: {refused.get(i)} against {truth!r}: {line[:300]!r}"


def test_accepted_mutated_records_have_the_values_of_the_slow_reader(lines: list[bytes]) -> None:
    decoded = Decoder(KEY, MAX_BYTES, None, 0).recording(lines)
    truths = [contract(lines[i]) for i in decoded.index]
    assert decoded.ts_ms.tolist() == [truth["ts"] for truth in truths], f"seed {SEED}"
    assert [decoded.poll_ids[code] for code in decoded.poll] == [truth["poll_id"] for truth in truths]
    accounts = hash_strings([str(truth["account_id"]) for truth in truths], KEY)
    assert decoded.account.tolist() == accounts.tolist()
    options = [truth["option"] if truth["type"] == "vote" else None for truth in truths]
    assert [decoded.options[code] if code >= 0 else None for code in decoded.option] == options


def test_the_mutations_reach_nearly_every_reason(lines: list[bytes]) -> None:
    decoded = Decoder(KEY, MAX_BYTES, None, 0).recording(lines)
    never = {Refusal.NO_VALUE, Refusal.IN_FUTURE, Refusal.TOO_OLD}  # not in a recording
    assert {bad.reason for bad in decoded.refused} == set(Refusal) - never, f"seed {SEED}"
    assert RECORDS / 20 < len(decoded) < RECORDS / 2, f"seed {SEED}: mutations are too mild or too wild"
