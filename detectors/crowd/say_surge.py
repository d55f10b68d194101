"""Puts a surge that nobody is accused of into a sighting: does it look like a crowd, and what speaks for each side."""

from __future__ import annotations

from detectors.crowd.surges import Surge
from detectors.crowd.view import Likeness, View
from detectors.findings import Evidence, Lean
from detectors.watcher import Sighting

_SAID = "crowd"
_LEAST_ALIKE = 2
_SUSPICION = 0.5
_MUCH = 0.3
_SUBJECTS = {"client": "clients", "born": "account ages", "network": "networks"}
_ODD = {
    "client": "{top:.0%} of the votes came through one client, where {usual:.0%} do elsewhere",
    "born": "{top:.0%} of the votes came from accounts of one age, where {usual:.0%} do elsewhere",
    "network": "{apart:.0%} of the votes more than elsewhere came from networks that are new here, or from one alone",
}
_LIKE = {
    "client": "another kind of people, on the devices they have",
    "born": "people who just joined, as news makes them do",
    "network": "people in one place, like a campus or a hall",
}


def leaning(seen: View, suspicion: float) -> Lean:
    """Return the side: organic where two of the three properties at least are known and not odd, else none."""
    alike = len(seen.alike) - len(seen.odd)
    return "organic" if alike >= _LEAST_ALIKE and suspicion < _SUSPICION else "none"


def surge_sighting(
    poll: int, at_ms: int, surge: Surge, seen: View, lean: Lean, opened: bool, arrived_ms: int
) -> Sighting:
    """Tell who came with a surge."""
    return Sighting(
        at_ms=at_ms,
        poll=poll,
        detector=_SAID,
        kind="composition",
        phase="opened" if opened else "update",
        cluster=f"surge-{surge.number}",
        lean=lean,
        score=min(max(1.0 - seen.explained, 0.0), 1.0) if seen.alike else 0.0,
        p_value=1.0,
        observed=seen.explained if seen.alike else 0.0,
        expected=1.0,
        start_ms=surge.start_ms,
        end_ms=at_ms,
        evidence=_evidence(seen, surge),
        arrived_ms=arrived_ms,
    )


def _evidence(seen: View, surge: Surge) -> tuple[Evidence, ...]:
    found = [_faster(surge)]
    if not seen.votes:
        text = "Without the votes of accused groups there was no surge: no crowd came besides."
        return (*found, Evidence(_SAID, "coordinated", text, None, None, None))
    if seen.referrer >= _MUCH:
        text = f"{seen.referrer:.0%} of {seen.votes:,} votes of the surge came through one post or page: it sent a crowd."
        found.append(Evidence(_SAID, "organic", text, seen.referrer, None, None))
    like = [one for one in seen.alike if not one.odd]
    if like:
        found.append(_explained(like, seen))
    for one in seen.alike:
        found += _odd(one) if one.odd else []
    if seen.untold:
        names = _listed([_SUBJECTS[name] for name in seen.untold])
        text = f"The {names} could not be looked at: votes do not tell them, or too few are known yet to compare with."
        found.append(Evidence(_SAID, "organic", text, None, None, None))
    return tuple(found)


def _faster(surge: Surge) -> Evidence:
    text = f"Votes came {surge.times:,.3g} times as fast as before; a script could have sent them."
    return Evidence(_SAID, "coordinated", text, surge.times, 1.0, None)


def _explained(like: list[Likeness], seen: View) -> Evidence:
    names = _listed([_SUBJECTS[one.name] for one in like])
    share = 1.0 - max(one.apart for one in like)
    text = f"The {names} of {seen.votes:,} votes are like those of the poll's own past and of other polls ({share:.0%} alike)."
    return Evidence(_SAID, "organic", text, share, 1.0, None)


def _odd(one: Likeness) -> list[Evidence]:
    what = _ODD[one.name].format(top=one.top, usual=one.usual, apart=one.apart)
    against = f"If all else is as usual, that is {_LIKE[one.name]}."
    return [
        Evidence(_SAID, "coordinated", f"{what}.", one.top, one.usual, None),
        Evidence(_SAID, "organic", against, None, None, None),
    ]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
