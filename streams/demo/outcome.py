"""What became of each surge of the story: the case that speaks of it, and how soon it did. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streams.alert_line import ReadAlert
from streams.demo.picture import Picture
from streams.demo.plot import Surge

_OPENS_WITHIN_MS = 60_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A surge and the first alert that speaks of it, with its time from the beginning of the surge, or none."""

    surge: Surge
    alert: ReadAlert | None
    after_ms: int

    @property
    def found(self) -> bool:
        """Whether a case was open for it; a poll that begins with its surge has no past, and need not be found."""
        return self.alert is not None or self.surge.is_opening


def outcomes(picture: Picture) -> list[Outcome]:
    """Return what became of each surge, in the story's order."""
    return [_outcome(picture, surge) for surge in picture.plot.surges]


def all_found(found: list[Outcome]) -> bool:
    """Whether nothing of the story was missed."""
    return all(outcome.found for outcome in found)


def _outcome(picture: Picture, surge: Surge) -> Outcome:
    began_ms = picture.plot.start_ms + surge.at_ms
    of_poll = [alert for alert in picture.alerts if surge.poll_id in alert.data.poll_ids]
    opened = [a for a in of_poll if a.news == "opened" and began_ms <= a.data.opened_ms <= began_ms + _OPENS_WITHIN_MS]
    if opened:
        return Outcome(surge, opened[0], opened[0].data.opened_ms - began_ms)
    revised = [alert for alert in of_poll if alert.data.opened_ms < began_ms]
    later = [alert for alert in revised if alert.data.updated_ms >= began_ms]
    alert = next(iter([*later, *reversed(revised)]), None)
    return Outcome(surge, alert, alert.data.updated_ms - began_ms if alert else 0)
