"""Control records: whoever may send votes may send these, so they are as hostile as votes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from cut_by_hand import only
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from config import Settings, TopicRole
from detectors.block import Block
from streams.control import CONTROL_HEADER, Control, control_record, parse_control
from streams.intake import Intake
from streams.look_back import Past
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.stages import build_decoder
from streams.transport.records import Records
from streams.wire import decode_block

NOW_MS = 1_790_000_000_000
TP0 = TP(Settings().topics.name(TopicRole.VOTES), 0)
NUMBERS = st.one_of(st.integers(), st.integers(-(2**63) - 2, 2**63 + 2), st.integers(-(2**53) - 2, 2**53 + 2))
BODIES = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda at, end: f'{{"watermark_ms": {at}, "end": {end}}}'.encode(), NUMBERS, st.sampled_from(["true", "false", "1"])),
    st.sampled_from([b"[" * 50_000, b'{"watermark_ms": 1e300, "end": true}', b'{"watermark_ms": NaN, "end": true}']),
)
HEADERS = st.lists(st.tuples(st.one_of(st.just(CONTROL_HEADER), st.text(max_size=8)), st.one_of(st.none(), BODIES)), max_size=4)


@given(HEADERS)
def test_whatever_the_headers_it_is_a_control_record_or_none(headers: list[tuple[str, bytes | None]]) -> None:
    control = parse_control(headers)
    assert control is None or abs(control.watermark_ms) <= 2**53


class Posted(Outbox):
    """An outbox that keeps the blocks it was given."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.letters = 0

    async def send(self, sink: Any, topic: str, *rest: Any) -> Any:
        """Keep a block; count a dead letter."""
        if topic == Settings().topics.name(TopicRole.EXCHANGE):
            self.blocks.append(decode_block(rest[2]))
        else:
            self.letters += 1
        sent = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent


def taken_in(headers: Sequence[tuple[str, bytes | None]]) -> Posted:
    """Return what intake makes of one record without a value that has these headers."""

    async def take_in() -> Posted:
        settings, posted = Settings(), Posted()
        intake = Intake(settings, build_decoder(settings), {TP0: "votes@0/0"}, posted, Metrics(CollectorRegistry()))
        intake.assign({TP0: Past(Records(TP0.topic, 0), 0, False)})
        records = Records(TP0.topic, 0)
        records.extend([SimpleNamespace(offset=0, timestamp=NOW_MS, key=b"k", value=None, headers=headers)])
        await intake.handle(cast(Any, SimpleNamespace(tp=TP0, records=records, first_offset=0, next_offset=1)))
        return posted

    return asyncio.run(take_in())


@given(HEADERS)
def test_no_record_stops_intake_or_ends_the_time_of_those_who_come_after_it(headers: list[tuple[str, bytes | None]]) -> None:
    posted = taken_in(headers)
    assert len(posted.blocks) == Settings().topics.partitions + 1
    assert posted.letters == (parse_control(headers) is None)
    ahead_ms = Settings().intake.max_ahead_ms + Settings().rate.window_ms
    assert all((only(block).steps.ms <= NOW_MS + ahead_ms).all() for block in posted.blocks)


def test_what_a_recording_says_of_its_own_time_is_believed() -> None:
    past = taken_in(control_record(NOW_MS - 10_000_000, True))
    assert int(only(past.blocks[0]).steps.ms[-1]) == NOW_MS - 10_000_000
    ahead = taken_in(control_record(2**53, False))
    assert int(only(ahead.blocks[0]).steps.ms[-1]) == NOW_MS + 360_000
    assert Control(5, True).at_most(3) == Control(3, True)
