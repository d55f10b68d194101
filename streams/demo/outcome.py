"""What became of each surge of the story: what Pollwatch said of it, and how soon. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from streams.alert_line import ReadAlert
from streams.demo.picture import Picture
from streams.demo.plot import Surge

_WITHIN_MS = 60_000
_EVER_MS = 1 << 62
_ACCUSING = ("coordinated", "mixed")


class Fate(Enum):
    """What can become of a surge."""

    TOLD_SCRIPT = "a script, said to be one"
    TOLD_CROWD = "a crowd, said to be one"
    UNDECIDED = "seen, and left open"
    NO_PAST = "No case, as expected: the poll begins with it and has no past to be compared with"
    MISSED = "Missed: nothing was said of it"
    ACCUSED = "Wrong: a crowd was called a script"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A surge, the alert that answers it, how long after its beginning that was said, and what was said of it last."""

    surge: Surge
    fate: Fate
    alert: ReadAlert | None = None
    after_ms: int = 0
    last: ReadAlert | None = None


def outcomes(picture: Picture) -> list[Outcome]:
    """Return what became of each surge, in the story's order."""
    return [_of_script(picture, s) if s.is_script else _of_crowd(picture, s) for s in picture.plot.surges]


def all_found(found: list[Outcome]) -> bool:
    """Whether nothing of the story was missed, and no crowd accused."""
    return all(outcome.fate not in (Fate.MISSED, Fate.ACCUSED) for outcome in found)


def _of_script(picture: Picture, surge: Surge) -> Outcome:
    """A script is found by the first alert that accuses somebody on its poll within a minute."""
    began_ms = picture.plot.start_ms + surge.at_ms
    accusing = [a for a in _alerts_on(picture, surge.poll_id, began_ms, _EVER_MS) if a.data.verdict in _ACCUSING]
    if accusing and accusing[0].data.updated_ms < began_ms + _WITHIN_MS:
        after_ms = accusing[0].data.updated_ms - began_ms
        return Outcome(surge, Fate.TOLD_SCRIPT, accusing[0], after_ms, accusing[-1])
    return Outcome(surge, Fate.MISSED)


def _of_crowd(picture: Picture, surge: Surge) -> Outcome:
    """Of a crowd counts what was last said before a script came to its poll; it must have been seen within a minute."""
    began_ms = picture.plot.start_ms + surge.at_ms
    scripts = [s.at_ms for s in picture.plot.surges if s.is_script and s.poll_id == surge.poll_id and s.at_ms > surge.at_ms]
    until_ms = picture.plot.start_ms + min(scripts, default=picture.plot.length_ms)
    said = _alerts_on(picture, surge.poll_id, began_ms, until_ms)
    if not said or said[0].data.updated_ms > began_ms + _WITHIN_MS:
        return Outcome(surge, Fate.NO_PAST if surge.is_opening else Fate.MISSED)
    after_ms = said[0].data.updated_ms - began_ms
    if any(alert.data.verdict in _ACCUSING for alert in said):
        return Outcome(surge, Fate.ACCUSED, said[-1], after_ms)
    fate = Fate.TOLD_CROWD if said[-1].data.verdict == "organic" else Fate.UNDECIDED
    return Outcome(surge, fate, said[-1], after_ms)


def _alerts_on(picture: Picture, poll_id: str, from_ms: int, to_ms: int) -> list[ReadAlert]:
    said = [a for a in picture.alerts if poll_id in a.data.poll_ids and from_ms <= a.data.updated_ms < to_ms]
    return sorted(said, key=lambda alert: alert.data.updated_ms)
