"""A second look at a recording, for the drawings alone: what the votes of a few cases looked like. Decides nothing.

Which cases there are, and whom they name, is known only at the end of a scan; keeping every vote until then is no option.
So the files are read once more, about 2 us a line, and of what is in them at most a `Sample` a case is kept.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from config.schema import Settings
from streams.decode import hash_strings
from streams.decode_batch import parse
from streams.decode_record import Event, EventDecoder, RecordedReply, RecordedVote
from streams.recording import LINES_PER_CHUNK, RecordingError, chunks
from streams.report.chosen import Chosen
from streams.report.near import Bins
from streams.report.quotes import alike
from streams.report.sample import (
    MOST_NAMED,
    MOST_OTHERS,
    MOST_POLLS_OF_A_CASE,
    QUOTE_CHARS,
    Quote,
    Sample,
    Vote,
    Wanted,
)

NEAR_MS = 60_000
"""Who voted so close to a named account is compared with them first; then whoever else voted in the case's polls."""
_MOST_WAITING = 256
_MOST_QUOTES_KEPT = 60
_REMEMBERED_IDS = 100_000
_LATE_MS = 600_000
_NEVER_MS = 1 << 62


def look(paths: Sequence[Path], settings: Settings, wanted: Sequence[Wanted]) -> dict[str, Sample]:
    """Return a sample for each wanted case, by its id.

    A file that can't be read to its end is looked at as far as it goes: the scan has said so already. Copies of an
    event are passed over as long as fewer than 100,000 others came between them.
    """
    cases = [_Case(one) for one in wanted]
    views: dict[str, list[_View]] = {}
    for case in cases:
        for poll_id, view in case.views.items():
            views.setdefault(poll_id, []).append(view)
    if views:
        for path in paths:
            with contextlib.suppress(RecordingError):
                _look_at(path, settings, views)
    return {case.case_id: case.sample() for case in cases}


def _look_at(path: Path, settings: Settings, views: dict[str, list[_View]]) -> None:
    decoder: EventDecoder = msgspec.json.Decoder(RecordedVote | RecordedReply)
    key, copies = settings.digest().encode(), _Copies()
    over_ms = max(view.end_ms for some in views.values() for view in some) + _LATE_MS
    for lines in chunks(path, LINES_PER_CHUNK):
        first_ms = _NEVER_MS
        for run in parse(decoder, lines, settings.intake.max_record_bytes):
            kept = [event for event in run.events if event.poll_id in views]
            hashes = hash_strings([event.event_id for event in kept], key).tolist()
            for event, number in copies.without(kept, hashes):
                for view in views[event.poll_id]:
                    view.see(event, number)
            first_ms = min([first_ms, *(event.ts for event in run.events)])
        if over_ms < first_ms < _NEVER_MS:
            return


class _Copies:
    """Which events came already, of the last 100,000 to 200,000."""

    def __init__(self) -> None:
        self._new: set[int] = set()
        self._old: set[int] = set()

    def without(self, events: Sequence[Event], hashes: Sequence[int]) -> Iterator[tuple[Event, int]]:
        """Yield the events that are no copies, with their hashes."""
        for event, number in zip(events, hashes, strict=True):
            if number in self._new or number in self._old:
                continue
            self._new.add(number)
            if len(self._new) >= _REMEMBERED_IDS:
                self._old, self._new = self._new, set()
            yield event, number


class _Case:
    """What is kept of one case."""

    def __init__(self, wanted: Wanted) -> None:
        self.case_id = wanted.case_id
        self.named: Chosen[Event] = Chosen(MOST_NAMED)
        self.beside: Chosen[Event] = Chosen(MOST_OTHERS)
        self.others: Chosen[Event] = Chosen(MOST_OTHERS)
        self.quotes: Chosen[Quote] = Chosen(_MOST_QUOTES_KEPT)
        self.account_ids = frozenset(wanted.account_ids)
        self.views = {
            poll_id: _View(self, Bins(wanted.start_ms, wanted.end_ms)) for poll_id in wanted.poll_ids[:MOST_POLLS_OF_A_CASE]
        }

    def sample(self) -> Sample:
        """Return what was seen."""
        votes = [_vote(event, True) for event in self.named.values()]
        beside = {event.event_id: event for event in [*self.beside.values(), *self.others.values()]}
        votes += [_vote(event, False) for event in list(beside.values())[:MOST_OTHERS]]
        votes.sort(key=lambda vote: (vote.at_ms, vote.poll_id))
        near = {poll_id: view.bins.near() for poll_id, view in self.views.items()}
        return Sample(near, votes, alike(self.quotes.values()))


class _View:
    """One poll of a case."""

    def __init__(self, case: _Case, bins: Bins) -> None:
        self.bins = bins
        self.end_ms = bins.end_ms
        self._case = case
        self._named_ms: int | None = None if case.account_ids else bins.end_ms
        self._waiting: deque[tuple[Event, int]] = deque(maxlen=_MOST_WAITING)

    def see(self, event: Event, number: int) -> None:
        """Take an event of this poll; `number` is its hash."""
        is_named = event.account_id in self._case.account_ids
        if isinstance(event, RecordedReply):
            if is_named:
                self._case.quotes.offer(number, Quote(event.account_id, event.ts, event.text[:QUOTE_CHARS]))
            return
        if not is_named:
            self._case.others.offer(number, event)
        if not self.bins.add(event.ts, is_named):
            return
        if is_named:
            self._case.named.offer(number, event)
            self._named_ms = max(event.ts, self._named_ms or event.ts)
            self._release(self._waiting, self._named_ms - NEAR_MS)
            self._waiting.clear()
        elif self._named_ms is not None and event.ts <= self._named_ms + NEAR_MS:
            self._release([(event, number)], event.ts)
        else:
            self._waiting.append((event, number))

    def _release(self, events: Iterable[tuple[Event, int]], from_ms: int) -> None:
        for event, number in events:
            if event.ts >= from_ms:
                self._case.beside.offer(number, event)


def _vote(event: Event, named: bool) -> Vote:
    option = event.option if isinstance(event, RecordedVote) else ""
    return Vote(
        event.poll_id,
        event.ts,
        named,
        option,
        event.account_created_at,
        event.followers,
        event.client,
        event.network,
        event.country,
        event.referrer,
    )
