"""What travels between the stages arrives as it was sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import zstandard
from columns_by_hand import (
    Event,
    assert_same_parts,
    assert_same_rows,
    block_of,
    one_part,
    rows_of,
    shed_block,
)
from cut_by_hand import only
from hypothesis import given
from hypothesis import strategies as st

from detectors.block import Block, Part, Standing
from detectors.findings import Finding, Member, Report, Retired, Standings
from detectors.senders import NO_COUNTRY, nobody
from streams.wire import (
    REPORT_VERSION,
    VERSION,
    UnreadableVersion,
    decode_block,
    decode_report,
    encode_block,
    encode_report,
)

MS = st.integers(0, 2**53)
HASH = st.integers(0, 2**64 - 1)
NAME = st.text(min_size=1, max_size=8)
FLOAT = st.floats(allow_nan=False)
COLUMNS = ("offset", "ts_ms", "event", "account", "poll", "option", "arrived_ms")


@st.composite
def rows(draw: st.DrawFn, start: int) -> list[Event]:
    names = draw(st.lists(NAME, min_size=1, max_size=4))
    first_ms = draw(st.integers(0, 2**45))
    offsets = sorted(draw(st.sets(st.integers(start, start + 10_000), max_size=40)))
    return [
        Event(
            offset,
            draw(MS),
            draw(HASH),
            draw(HASH),
            draw(st.sampled_from(names)),
            draw(st.none() | st.sampled_from(names)),
            first_ms + draw(st.integers(0, 2**32 - 1)),
            draw(st.sampled_from([0, 0, 1, 2**32 - 1])),
            draw(st.integers(-1, 26 * 26 - 1)),
        )
        for offset in offsets
    ]


@given(
    st.data(),
    st.integers(0, 2**50),
    st.lists(st.tuples(st.integers(0, 2**50), st.integers(-(2**62), 2**53), MS), max_size=5),
    st.sampled_from(Standing),
    st.booleans(),
)
def test_a_block_arrives_as_it_was_sent(
    data: st.DataObject, start: int, steps: list[tuple[int, int, int]], standing: Standing, shed: bool
) -> None:
    sent = shed_block(block_of("votes@1/0", start, start + 10_001, data.draw(rows(start)), steps, standing), shed)
    got = decode_block(encode_block(sent))
    assert_same_parts(got, sent)
    assert_same_rows(got.rows, sent.rows)
    assert [getattr(got.rows, name).dtype for name in ("offset", "ts_ms", "event", "poll", "arrived_ms")] == [
        np.int64, np.int64, np.uint64, np.int32, np.int64
    ]  # fmt: skip


def test_a_block_carries_only_the_names_its_rows_use() -> None:
    whole = block_of("s", 0, 3, [Event(0, 1, 1, poll="a"), Event(1, 1, 2, poll="b", option="no"), Event(2, 1, 3)])
    rows = whole.rows
    sender = rows.sender.take(slice(1, 2))
    middle = replace(rows, sender=sender, **{name: getattr(rows, name)[1:2] for name in COLUMNS})
    got = decode_block(encode_block(one_part(Part("s", 0, 3), middle)))
    assert (list(got.rows.poll_ids), list(got.rows.options)) == (["b"], ["no"])


def of_version(version: int, block: Block) -> bytes:
    """Return a block of one source as an earlier version wrote it."""
    (part,), *fields = msgspec.msgpack.decode(encode_block(block)[1:])
    source, start, end, standing, shed, _, _ = part
    offset, ms, arrived_ms, *columns = fields
    whole = [source, start, end, standing, offset, ms, *columns, arrived_ms, shed]
    return bytes([version]) + msgspec.msgpack.encode(whole[: (16, 21, 23)[version - 1]])


@given(st.data(), st.integers(0, 2**50), st.lists(st.tuples(st.integers(0, 2**50), MS, MS), max_size=5), st.booleans())
def test_a_block_of_version_3_arrives_as_it_was_sent(
    data: st.DataObject, start: int, steps: list[tuple[int, int, int]], shed: bool
) -> None:
    sent = shed_block(block_of("votes@1/0", start, start + 10_001, data.draw(rows(start)), steps), shed)
    got = decode_block(of_version(3, sent))
    assert_same_parts(got, sent)
    assert_same_rows(got.rows, sent.rows)


def test_a_block_of_several_sources_arrives_as_it_was_sent() -> None:
    one = block_of("a", 5, 9, [Event(5, 1, 1), Event(8, 2, 2, poll="q")], [(6, 100, 250), (7, 150, 250)])
    other = block_of("b", 0, 4, [Event(0, 3, 3)], [], Standing.ENDED)
    sent = Block([*one.parts, block_of("c", 7, 7).parts[0], *other.parts], rows_of([Event(5, 1, 1), Event(8, 2, 2, poll="q"), Event(0, 3, 3)]))
    got = decode_block(encode_block(sent))
    assert_same_parts(got, sent)
    assert_same_rows(got.rows, sent.rows)
    assert [got.rows.offset[its].tolist() for _, its in got.shares()] == [[5, 8], [], [0]]


@pytest.mark.parametrize("version", [1, 2])
def test_a_block_of_a_format_before_that_of_shedding_was_not_shed(version: int) -> None:
    got = decode_block(of_version(version, block_of("s", 0, 2, [Event(0, 1, 1), Event(1, 2, 2)])))
    assert (only(got).shed, got.rows.event.tolist()) == (False, [1, 2])


@pytest.mark.parametrize("version", [1, 2])
def test_a_report_of_a_format_before_that_of_shedding_says_that_nothing_was_shed(version: int) -> None:
    report = Report(0, 0, 1, [], Standings([], [], [], []), [], True)
    seven = msgspec.msgpack.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(report))[:7])
    assert decode_report(bytes([version]) + seven) == report
    assert decode_report(b"\x03" + zstandard.ZstdCompressor().compress(seven)) == report


def test_rows_of_nobody_take_a_quarter_less() -> None:
    block = block_of("s", 0, 1_000, [Event(at, at, at, at, client=1, country=2) for at in range(1_000)])
    shed = replace(shed_block(block), rows=replace(block.rows, sender=nobody(1_000)))
    assert decode_block(encode_block(shed)).rows.sender.account_ids.texts() == [""] * 1_000
    assert len(encode_block(shed)) < 0.75 * len(encode_block(block))


def test_a_block_of_the_first_format_is_read_and_says_nothing_of_senders() -> None:
    block = block_of("s", 0, 2, [Event(0, 1, 1), Event(1, 2, 2)])
    rows = decode_block(of_version(1, block)).rows
    assert rows.event.tolist() == [1, 2]
    assert rows.sender.account_ids.texts() == ["", ""]
    assert set(rows.sender.country.tolist()) == {NO_COUNTRY}


def test_a_block_of_version_2_is_read_and_says_nothing_of_when_the_brokers_had_its_watermarks() -> None:
    block = block_of("s", 0, 2, [Event(0, 1, 1), Event(1, 2, 2)], [(1, 5, 1_000), (2, 7, 1_250)])
    got = decode_block(of_version(2, block))
    assert_same_rows(got.rows, block.rows)
    assert (only(got).steps.ms.tolist(), only(got).steps.arrived_ms.tolist()) == ([5, 7], [0, 0])


def test_records_that_came_months_apart_keep_their_order_of_arrival() -> None:
    """Arrival measures latency only, so 49 days may be too long for it, but it must not come out as the past."""
    year_ms = 365 * 86_400_000
    got = decode_block(encode_block(block_of("s", 0, 2, [Event(0, 1, 1, arrived_ms=5), Event(1, 1, 2, arrived_ms=year_ms)])))
    assert got.rows.arrived_ms.tolist() == [5, 5 + 2**32 - 1]


@given(
    st.lists(
        st.builds(
            Finding, MS, NAME, st.none() | NAME, st.just("rate"), st.sampled_from(["vote_spike", "slow_drip"]),
            st.sampled_from(["opened", "update", "calm"]), FLOAT, FLOAT, FLOAT, FLOAT, MS, MS,
            st.dictionaries(NAME, st.integers(0, 2**40)), MS,
        ),
        max_size=4,
    ),
    st.lists(st.tuples(NAME, NAME, st.integers(0, 2**40), MS), max_size=5),
    st.lists(st.builds(Retired, MS, NAME, st.dictionaries(NAME, st.integers(0, 2**40)))),
    st.integers(-(2**62), 2**53),
    st.booleans(),
    st.lists(st.tuples(MS, MS), max_size=3),
)  # fmt: skip
def test_a_report_arrives_as_it_was_sent(
    findings: list[Finding],
    standings: list[tuple[str, str, int, int]],
    retired: list[Retired],
    from_ms: int,
    ended: bool,
    shed: list[tuple[int, int]],
) -> None:
    told = Standings(*([entry[n] for entry in standings] for n in range(4)))  # type: ignore[arg-type]
    report = Report(3, from_ms, from_ms + 5, findings, told, retired, ended, shed)
    assert decode_report(encode_report(report)) == report


def test_a_report_that_names_a_hundred_thousand_accounts_is_packed() -> None:
    members = [Member(f"account-{number:08d}", 0.9, ["lockstep", "same_option"]) for number in range(100_000)]
    finding = Finding(
        1, "p", None, "lockstep", "account_cluster", "opened", 2.0, 0.0, 1.0, 0.0, 0, 1, {}, 0, members=members
    )
    report = Report(0, 0, 1, [finding], Standings([], [], [], []), [], False)
    message = encode_report(report)
    assert len(message) < 1_000_000 < len(msgspec.msgpack.encode(report))
    assert message[0] == REPORT_VERSION + 1
    assert decode_report(message) == report


@pytest.mark.parametrize(("decode", "known"), [(decode_block, "1, 2, 3, 4"), (decode_report, "1, 2, 4")])
@pytest.mark.parametrize(("first", "named"), [(b"\x06", "6"), (b"\x00", "0"), (b"", "none")])
def test_a_format_of_a_newer_worker_is_refused_with_what_to_do(
    decode: Callable[[bytes], object], known: str, first: bytes, named: str
) -> None:
    with pytest.raises(UnreadableVersion, match=f"^format version {named} is not one of {known}: update this worker$"):
        decode(first + encode_block(block_of("s", 0, 1))[1:] if first else b"")


def test_a_message_says_its_version_first() -> None:
    assert encode_block(block_of("s", 0, 1))[0] == VERSION
    assert encode_report(Report(0, 0, 1, [], Standings([], [], [], []), [], False))[0] == REPORT_VERSION
