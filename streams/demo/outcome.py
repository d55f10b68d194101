"""What became of each surge of the story: the case that speaks of it, and how soon it did. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from streams.alert_line import ReadAlert
from streams.demo.picture import Picture
from streams.demo.plot import Surge

_OPENS_WITHIN_MS = 60_000


class Fate(Enum):
    """What can become of a surge."""

    OPENED = "a case was opened for it"
    WITHIN = "the rate alone does not tell these votes from the others"
    NO_PAST = "No case, as expected: the poll begins with it and has no past to be compared with"
    MISSED = "Missed: no case was opened"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A surge, and the alert of the case that it is in, with how long after its beginning that case was opened."""

    surge: Surge
    fate: Fate
    alert: ReadAlert | None = None
    after_ms: int = 0


def outcomes(picture: Picture) -> list[Outcome]:
    """Return what became of each surge, in the story's order."""
    return [_outcome(picture, surge) for surge in picture.plot.surges]


def all_found(found: list[Outcome]) -> bool:
    """Whether nothing of the story was missed."""
    return all(outcome.fate is not Fate.MISSED for outcome in found)


def _outcome(picture: Picture, surge: Surge) -> Outcome:
    began_ms = picture.plot.start_ms + surge.at_ms
    opened = [a for a in picture.alerts if a.news == "opened" and surge.poll_id in a.data.poll_ids]
    for alert in opened:
        after_ms = alert.data.opened_ms - began_ms
        if 0 <= after_ms <= _OPENS_WITHIN_MS:
            return Outcome(surge, Fate.OPENED, alert, after_ms)
    before = [alert for alert in opened if alert.data.opened_ms < began_ms]
    # within three minutes no case is resolved: that takes five without a surge
    if before:
        return Outcome(surge, Fate.WITHIN, before[-1])
    return Outcome(surge, Fate.NO_PAST if surge.is_opening else Fate.MISSED)
