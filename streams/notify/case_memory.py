"""Who gets what: decided from the target's rule and from what it was sent of the case before. Pure; no clock, no socket.

Whoever was told of a case is told how it ends, whatever its severity and verdict are by then. What was decided depends on
nothing but the records of the topic in their order, so reading them again from the beginning gives the same memory.
State: 20,000 cases, those heard of last, about 300 bytes each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from config.target import Target
from streams.notify.message import Alert, Item, Message

MOST_CASES = 20_000


@dataclass(slots=True)
class _Known:
    """The last revision of a case that was heard of, its parts (a bit each), and what the target was sent.

    `follows`: it was told, and not yet that it is over. `told`: it was ever told.
    """

    revision: int = 0
    parts: int = 0
    heard: int = 0
    follows: bool = False
    told: bool = False


class CaseMemory:
    """What one target was sent. Hand it every record of its topic once, in order."""

    def __init__(self, target: Target, most_cases: int = MOST_CASES) -> None:
        self._target = target
        self._most = most_cases
        self._cases: dict[tuple[str, str], _Known] = {}

    def wants(self, message: Message) -> Message | None:
        """Return the message as it is to be posted; None for one that the target does not want, or was sent before."""
        known = self._known(message)
        if isinstance(message.said, Alert):
            return message if self._wants_alert(message.said, known) else None
        return self._wanted_item(message, message.said, known)

    def _known(self, message: Message) -> _Known:
        known = self._cases.pop(message.case, None) or _Known()
        if len(self._cases) >= self._most:
            del self._cases[next(iter(self._cases))]
        self._cases[message.case] = known
        return known

    def _wants_alert(self, alert: Alert, known: _Known) -> bool:
        if alert.data.revision <= known.revision:
            return False
        known.revision = alert.data.revision
        wanted = matches(self._target, alert)
        match alert.news:
            case "opened":
                known.follows = wanted
            case "resolved" | "retracted":
                wanted = wanted or known.follows or (known.told and alert.news == "retracted")
                known.follows = False
            case _:
                wanted = known.follows = wanted or known.follows
        known.told = known.told or wanted
        return wanted

    def _wanted_item(self, message: Message, item: Item, known: _Known) -> Message | None:
        before, bit = known.parts, 1 << item.part
        if item.revision < known.revision or (item.revision == known.revision and known.heard & bit):
            return None
        if item.revision > known.revision:
            known.revision, known.parts, known.heard = item.revision, item.parts, 0
        known.heard |= bit
        if not known.told and item.recommended.mode == "shadow" and not self._target.shadow:
            return None
        void = range(item.parts + 1, before + 1) if known.told else range(0)
        known.told = True
        return replace(message, void=void)


def matches(target: Target, alert: Alert) -> bool:
    """Tell whether a target asks for alerts like this one, whatever it was sent before."""
    data = alert.data
    if data.recommended.mode == "shadow" and not target.shadow:
        return False
    severe = not target.severities or data.severity in target.severities
    return severe and (not target.verdicts or data.verdict in target.verdicts)
