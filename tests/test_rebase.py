"""Moving a recording's times and keeping its pace."""

import json
import re
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.decode import Decoder
from streams.pace import Pace
from streams.rebase import rebased

TS = 1_664_820_000_000


def decoder() -> Decoder:
    return Decoder(bytes(16), 1_000_000, None, 0)


def line(ts_ms: int = TS, **more: Any) -> bytes:
    fields = {
        "type": "vote",
        "event_id": "e",
        "poll_id": "p",
        "account_id": "a",
        "option": "yes",
        "ts": ts_ms,
    }
    return json.dumps({**fields, **more}).encode()


def moved(text: bytes, by_ms: int = 5) -> bytes:
    (result,) = rebased([text], decoder().recording([text]), decoder(), by_ms)
    return result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (line(), line(TS + 5)),
        (
            line(text='"ts": 1664820000000', x={"ts": TS}),
            line(TS + 5, text='"ts": 1664820000000', x={"ts": TS}),
        ),
        (b'{"x":{"ts":%d},' % TS + line()[1:], b'{"x":{"ts":%d},' % TS + line(TS + 5)[1:]),
        (line().replace(b'"ts": ', b'"ts" :\t'), line(TS + 5).replace(b'"ts": ', b'"ts" :\t')),
        (b'{"ts":7,' + line()[1:], b'{"ts":7,' + line(TS + 5)[1:]),
        (line(x=[1e999] * 0, y=b"9".decode() * 5000), line(TS + 5, x=[], y="9" * 5000)),
        (line(0).replace(b'"ts": 0', b'"ts": -0'), line(5)),
        (b"not json", b"not json"),
        (line().replace(b'"vote"', b'"like"'), line().replace(b'"vote"', b'"like"')),
    ],
)
def test_only_the_time_that_counts_is_moved_and_every_other_byte_stays(before: bytes, after: bytes) -> None:
    assert moved(before) == after


def test_moving_by_nothing_changes_nothing() -> None:
    for before in (line(), b'{"x":{"ts":7},' + line()[1:], b'{"ts":7,' + line()[1:]):
        assert moved(before, 0) == before


def test_a_time_under_an_escaped_key_is_moved_too() -> None:
    before = line(x=10**30).replace(b'"ts"', rb'"\u0074s"')
    assert json.loads(moved(before)) == {**json.loads(before), "ts": TS + 5}


def test_a_line_full_of_decoys_is_moved_in_reasonable_time() -> None:
    decoys = b",".join([b'{"ts":%d}' % TS] * 20_000)
    before = b'{"\\u0074s":%d,' % TS + line()[1:].replace(b'"ts"', b'"t"')[:-1] + b',"x":[' + decoys + b"]}"
    began_s = time.monotonic()
    after = moved(before)
    assert time.monotonic() - began_s < 10, "trying every decoy takes minutes"
    assert decoder().recording([after]).ts_ms.tolist() == [TS + 5]
    assert json.loads(after)["x"] == json.loads(before)["x"]


def test_times_never_leave_the_range_of_a_good_record() -> None:
    for ts_ms, by_ms in ((5, -TS), (2**53, TS)):
        assert len(decoder().recording([moved(line(ts_ms), by_ms)])) == 1


@given(st.lists(st.integers(0, 2**40), max_size=30), st.integers(-(2**30), 2**40))
def test_all_times_move_by_the_same(times_ms: list[int], by_ms: int) -> None:
    lines = [line(ts_ms) for ts_ms in times_ms]
    result = rebased(lines, decoder().recording(lines), decoder(), by_ms)
    expected = [max(ts_ms + by_ms, 0) for ts_ms in times_ms]
    assert decoder().recording(result).ts_ms.tolist() == expected
    assert [re.sub(rb'"ts": \d+', b"", text) for text in result] == [
        re.sub(rb'"ts": \d+', b"", text) for text in lines
    ]


def due(times_ms: list[int], speed: float) -> list[float]:
    decoded = decoder().recording([line(ts_ms) for ts_ms in times_ms])
    return [float(second) for second in Pace(speed, decoded.ts_ms).due_s(decoded, len(times_ms))]


def test_lines_are_due_as_they_were_recorded_divided_by_the_speed() -> None:
    times_ms = [TS + 1_000 * second for second in range(60)]
    for speed in (1.0, 10.0):
        got = np.array(due(times_ms, speed))
        assert got[10] - got[9] == pytest.approx(1 / speed, abs=0.021)
        assert got[-1] == pytest.approx(59 / speed, abs=2 / speed + 0.021)
        assert (np.diff(got) >= 0).all()
    assert due(times_ms, 0) == [0.0] * 60


@pytest.mark.parametrize("wrong_ms", [0, TS - 86_400_000, TS + 86_400_000, 2**53])
@pytest.mark.parametrize("at", [0, 1, 30, 58, 59])
def test_one_wrong_clock_neither_holds_up_nor_hurries_a_replay(wrong_ms: int, at: int) -> None:
    times_ms = [TS + 1_000 * second for second in range(60)]
    right = due(times_ms, 1)
    times_ms[at] = wrong_ms
    assert np.abs(np.array(due(times_ms, 1)) - right).max() <= 2.1


def test_the_pace_goes_on_over_chunks_and_over_refused_lines() -> None:
    lines = [line(TS + 100 * number) for number in range(200)]
    lines[50] = b"bad"
    whole = decoder().recording(lines)
    expected = Pace(1, whole.ts_ms).due_s(whole, 200)
    pace = Pace(1, decoder().recording(lines[:100]).ts_ms)
    parts = [pace.due_s(decoder().recording(part), 100) for part in (lines[:100], lines[100:])]
    assert np.abs(np.concatenate(parts) - expected).max() < 0.5
    assert (np.diff(np.concatenate(parts)) >= 0).all()
    nothing = decoder().recording([b"bad"] * 3)
    assert pace.due_s(nothing, 3).tolist() == [parts[1][-1]] * 3
