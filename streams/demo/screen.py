"""The live screen: bars of votes, alerts and totals, fitted to the terminal. Uses only colours that suit light and dark."""

from __future__ import annotations

from math import sqrt
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streams.alert_line import ReadAlert
from streams.demo.closing import clock
from streams.demo.picture import Picture, PollSeries
from streams.demo.plot import chapter_at, title_of
from streams.terminal import visible

_BARS = " ▁▂▃▄▅▆▇█"
_TITLE_WIDTH = 28
_NUMBER_WIDTH = 8
_COLUMN_S = 2
_BEFORE_SUMMARY = 21
_FRAME_LINES = 13
_ALERT_CHARACTERS = 240


class Display(Protocol):
    """Where the picture is shown while the story plays."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def show(self, picture: Picture) -> None:
        """Show how things stand."""


class LiveScreen:
    """A terminal; what it shows is gone when the story is over, so that the summary stands alone."""

    def __init__(self, console: Console, speed: float) -> None:
        self._console = console
        self._speed = speed
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def show(self, picture: Picture) -> None:
        """Draw the picture anew."""
        size = self._console.size
        self._live.update(drawn(picture, self._speed, size.width, size.height), refresh=True)


def drawn(picture: Picture, speed: float, width: int, height: int) -> RenderableType:
    """Return the picture for a terminal of this size."""
    room = max(4, height - _FRAME_LINES)
    lines_each = -(-_ALERT_CHARACTERS // (width - _BEFORE_SUMMARY))
    alerts = min(len(picture.alerts) or 1, max(1, room // 3 // lines_each))
    polls = max(2, room - alerts * lines_each)
    return Group(
        Text(),
        _story(picture, speed, width),
        Text(visible(chapter_at(picture.story_ms).sentence), style="italic", no_wrap=True, overflow="ellipsis"),
        Text(),
        _polls(picture, polls, width),
        Text(),
        _alerts(picture.alerts[-alerts:], width),
        Text(),
        _totals(picture),
        Text.assemble(("console ", "dim"), picture.console, no_wrap=True, overflow="ellipsis"),
        Text.assemble(("metrics ", "dim"), picture.metrics_url, ("   Ctrl-C stops everything", "dim")),
    )


def _story(picture: Picture, speed: float, width: int) -> RenderableType:
    faster = f", {speed:g} times faster" if speed != 1 else ""
    told = f"{clock(picture.story_ms)} of {clock(picture.plot.length_ms)}{faster}"
    bar = ProgressBar(
        picture.plot.length_ms,
        picture.story_ms,
        width=max(10, width - len(told) - 14),
        complete_style="default",
        finished_style="default",
        style="dim",
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_row(Text("pollwatch", style="bold"), Text(told), bar)
    return grid


def _polls(picture: Picture, most: int, width: int) -> RenderableType:
    title_width = min(_TITLE_WIDTH, width // 3)
    columns = max(8, min(90, width - title_width - 2 * _NUMBER_WIDTH - 3))
    ranked = picture.ranked()
    histories = {poll_id: picture.history(series, columns, _COLUMN_S) for poll_id, series in ranked[:most]}
    highest = max((max(history) for history in histories.values()), default=0.0)
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=title_width, no_wrap=True, overflow="ellipsis")
    grid.add_column(width=columns, no_wrap=True)
    grid.add_column(width=_NUMBER_WIDTH, justify="right")
    grid.add_column(width=_NUMBER_WIDTH, justify="right")
    heads = ("  poll", f"the last {columns * _COLUMN_S} s", "votes/s", "votes")
    grid.add_row(*(Text(head, style="dim") for head in heads))
    for poll_id, series in ranked[:most]:
        grid.add_row(*_poll(picture, poll_id, series, bars(histories[poll_id], highest)))
    if len(ranked) > most:
        grid.add_row(Text(f"  and {len(ranked) - most} more", style="dim"))
    return grid


def _poll(picture: Picture, poll_id: str, series: PollSeries, history: str) -> tuple[Text, ...]:
    style, bar_style, mark = ("bold red", "red", "● ") if series.in_case else ("", "dim", "  ")
    return (
        Text(f"{mark}{visible(title_of(poll_id), _TITLE_WIDTH)}", style=style),
        Text(history, style=bar_style),
        Text(f"{picture.votes_per_s(series):,.0f}", style=style),
        Text(f"{series.votes:,}"),
    )


def bars(values: list[float], highest: float) -> str:
    """Return one character for each value, all to one scale: the square root, so that quiet polls are seen beside a flood.

    >>> bars([0, 1, 25, 100], 100)
    ' ▁▄█'
    """
    top = len(_BARS) - 1
    return "".join(
        _BARS[0] if value <= 0 else _BARS[max(1, min(top, round(top * sqrt(value / highest))))] for value in values
    )


def _alerts(alerts: list[ReadAlert], width: int) -> RenderableType:
    if not alerts:
        return Text("no alert so far", style="dim")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column()
    # what wrapping leaves empty at the ends of lines is part of the room
    most = _ALERT_CHARACTERS * 4 // 5
    for alert in alerts:
        when = visible(alert.time, 30)[11:19]
        news = Text(visible(alert.news, 12), style="bold red" if alert.news == "opened" else "bold")
        grid.add_row(Text(when, style="dim"), news, Text(visible(alert.data.summary, most)))
    return grid


def _totals(picture: Picture) -> Text:
    meters = picture.meters
    counts = {
        "sent": picture.sent,
        "received": meters.received,
        "duplicates": meters.duplicates,
        "late": meters.late,
        "refused": meters.refused,
        "lag": meters.lag,
    }
    text = Text(no_wrap=True, overflow="ellipsis")
    for name, count in counts.items():
        text.append(f"{name} ", style="dim")
        text.append(f"{count:,}   ")
    return text
