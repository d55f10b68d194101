"""The demo where nobody looks at a screen: a line every few seconds, and one for each chapter and alert."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console

from streams.alert_line import alert_line
from streams.demo.closing import clock
from streams.demo.picture import Picture
from streams.demo.plot import Chapter, chapter_at, title_of
from streams.terminal import visible

EVERY_S = 5.0
_TOP_POLLS = 3


class PlainLines:
    """Prints on a file or a pipe; every line once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._chapter: Chapter | None = None
        self._alerts = 0
        self._said_s = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def show(self, picture: Picture) -> None:
        """Print what is new."""
        chapter = chapter_at(picture.story_ms)
        if chapter is not self._chapter:
            self._chapter = chapter
            self._print(f"{clock(chapter.at_ms)}  {chapter.sentence}")
        for alert in picture.alerts[self._alerts :]:
            self._print(alert_line(alert).plain)
        self._alerts = len(picture.alerts)
        if time.monotonic() - self._said_s >= EVERY_S:
            self._said_s = time.monotonic()
            self._print(_standing(picture))

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)


def _standing(picture: Picture) -> str:
    top = ", ".join(
        f"{visible(title_of(poll_id), 40)} {picture.votes_per_s(series):,.0f}/s"
        for poll_id, series in picture.ranked()[:_TOP_POLLS]
    )
    meters = picture.meters
    counts = f"sent {picture.sent:,} received {meters.received:,} late {meters.late:,} lag {meters.lag:,}"
    return f"{clock(picture.story_ms)}  {top or 'no votes yet'}  [{counts}]"
