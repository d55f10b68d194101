"""One alert as one line for a person: what it says, safe to show. Reads any alert of version 1, newer fields too."""

from __future__ import annotations

import msgspec
from rich.text import Text

from streams.terminal import visible

_MOST_SUMMARY = 600
_STYLES = {"critical": "bold red", "warning": "bold", "info": ""}
_NEWS_WIDTH, _VERDICT_WIDTH = len("retracted"), len("insufficient")


class Suspect(msgspec.Struct, frozen=True):
    """Votes and accounts that a case makes suspect."""

    votes: int
    accounts: int


class OfPoll(msgspec.Struct, frozen=True):
    """What a case says of one poll."""

    poll_id: str
    suspect: Suspect


class AlertData(msgspec.Struct, frozen=True):
    """What the line needs of `data`."""

    case_id: str
    revision: int
    poll_ids: list[str]
    verdict: str
    severity: str
    score: float
    opened_ms: int
    updated_ms: int
    summary: str
    polls: list[OfPoll] = []


class ReadAlert(msgspec.Struct, frozen=True):
    """What the line needs of an alert; other fields are passed over."""

    id: str
    type: str
    time: str
    data: AlertData

    @property
    def news(self) -> str:
        """`opened`, `updated`, `resolved` or `retracted`."""
        return self.type.removeprefix("pollwatch.alert.").partition(".")[0]


_decoder = msgspec.json.Decoder(ReadAlert)


def read_alert(value: bytes) -> ReadAlert:
    """Return the alert in a record's value. Raises msgspec.DecodeError when it is none."""
    try:
        return _decoder.decode(value)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def alert_line(alert: ReadAlert) -> Text:
    """Return time, severity, news, verdict, score, summary and id, in columns as far as that goes."""
    data = alert.data
    when = visible(alert.time, 30).replace("T", " ")
    return Text.assemble(
        (when, "dim"),
        "  ",
        (f"{visible(data.severity, 12):8}", _STYLES.get(data.severity, "")),
        f"  {visible(alert.news, 12):{_NEWS_WIDTH}}  {visible(data.verdict, 16):{_VERDICT_WIDTH}}",
        f"  score {data.score:.3g}  ",
        visible(data.summary, _MOST_SUMMARY),
        (f"  {visible(alert.id, 60)}", "dim"),
        no_wrap=True,
    )
