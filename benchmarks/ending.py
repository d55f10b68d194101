"""What a recording amounts to in the end, by a scan or by the topics of a deployment, and where two of them differ.

Alerts are compared by id, without who made them; moderation items by id and revision; estimates by poll, the last of
each, without the pace that is only shown; dead letters by how many different records they stand for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.deployment import Deployment
from config import TopicRole

Told = dict[str, Any]
_SHOWN = 5
_ALERT_HEADERS = {"content-type": b"application/cloudevents+json"}


@dataclass
class Ending:
    """The last word on everything. `repeats` are records that said again what was said; `wrong` is what nobody may say."""

    alerts: dict[str, Told] = field(default_factory=dict)
    items: dict[tuple[str, int], Told] = field(default_factory=dict)
    estimates: dict[str, Told] = field(default_factory=dict)
    dead_letters: int = 0
    repeats: int = 0
    wrong: list[str] = field(default_factory=list)

    def cases(self) -> set[str]:
        """Return the ids of all cases."""
        return {alert["data"]["case_id"] for alert in self.alerts.values()}

    def named(self) -> set[tuple[str, str]]:
        """Return (case, account) of everybody who is named by the last revision of a case."""
        last: dict[str, int] = {}
        for item in self.items.values():
            last[item["case_id"]] = max(last.get(item["case_id"], 0), item["revision"])
        return {
            (item["case_id"], account["account_id"])
            for item in self.items.values()
            if item["revision"] == last[item["case_id"]] and item["part"] <= item["parts"]
            for account in item["accounts"]
        }

    def votes(self) -> int:
        """Return how many votes count."""
        return sum(estimate["votes"] for estimate in self.estimates.values())


def of_scan(out: Path) -> Ending:
    """Read what a scan wrote into its folder."""
    found = Ending()
    for alert in _lines(out / "alerts.jsonl"):
        found.alerts[alert["id"]] = without_maker(alert)
    for item in _lines(out / "moderation.jsonl"):
        found.items[item["item_id"], item["revision"]] = item
    for estimate in _lines(out / "integrity.jsonl"):
        found.estimates[estimate["poll_id"]] = counted(estimate)
    found.dead_letters = sum(1 for _ in _lines(out / "dead-letter.jsonl"))
    return found


def of_topics(deployment: Deployment, valid: Callable[[bytes], Told] = json.loads) -> Ending:
    """Read what a deployment has said; `valid` parses an alert and raises for one that is not what was promised."""
    found = Ending()
    for record in deployment.records(TopicRole.ALERTS):
        try:
            alert = valid(record.value)
        except Exception as error:  # noqa: BLE001  whatever it is, the other alerts are looked at
            found.wrong.append(f"an alert is not what was promised: {str(error).splitlines()[0]}")
            continue
        if record.key.decode() != alert["subject"] or dict(record.headers) != _ALERT_HEADERS:
            found.wrong.append(f"alert {alert['id']} has key {record.key!r} and headers {record.headers!r}")
        if alert["data"]["made_by"]["mode"] != deployment.settings.worker.mode.value:
            found.wrong.append(f"alert {alert['id']} was made by {alert['data']['made_by']}")
        _say(found, found.alerts, alert["id"], without_maker(alert))
    for record in deployment.records(TopicRole.MODERATION):
        item = json.loads(record.value)
        if record.key.decode() != item["case_id"]:
            found.wrong.append(f"item {item['item_id']} has key {record.key!r}")
        _say(found, found.items, (item["item_id"], item["revision"]), item)
    for record in deployment.records(TopicRole.INTEGRITY):
        found.estimates[record.key.decode()] = counted(json.loads(record.value))
    letters = [dict(record.headers) for record in deployment.records(TopicRole.DEAD_LETTER)]
    found.dead_letters = len({_place(headers) for headers in letters})
    found.repeats += len(letters) - found.dead_letters
    return found


def differences(expected: Ending, found: Ending) -> list[str]:
    """Return a line for each difference of an end from the one it must equal; none when they are the same."""
    lines = list(found.wrong)
    if expected.votes() != found.votes():
        lines.append(f"votes that count: {found.votes():,} instead of {expected.votes():,}")
    lines += _between("estimate", expected.estimates, found.estimates)
    lines += _between("case", dict.fromkeys(expected.cases()), dict.fromkeys(found.cases()))
    lines += _between("alert", expected.alerts, found.alerts)
    lines += _between("item", expected.items, found.items)
    lines += _between("named account", dict.fromkeys(expected.named()), dict.fromkeys(found.named()))
    if expected.dead_letters != found.dead_letters:
        lines.append(f"different dead letters: {found.dead_letters} instead of {expected.dead_letters}")
    return lines


def counted(estimate: Told) -> Told:
    """Return an estimate without what depends on when it was told: how fast the poll was expected to vote just then."""
    return {name: value for name, value in estimate.items() if name not in ("expected_per_s", "rate_score")}


def without_maker(alert: Told) -> Told:
    """Return an alert without what a scan and a worker say differently: who made it."""
    return alert | {"data": {name: value for name, value in alert["data"].items() if name != "made_by"}}


def _say(ending: Ending, known: dict[Any, Told], key: Hashable, told: Told) -> None:
    before = known.setdefault(key, told)
    if before is told:
        return
    ending.repeats += 1
    if before != told:
        ending.wrong.append(f"{key} said two things: {_changed(before, told)}")


def _between(what: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> list[str]:
    lines = [f"{what} {key} is missing" for key in expected if key not in found]
    lines += [f"{what} {key} should not be there" for key in found if key not in expected]
    both = [key for key in expected if key in found]
    lines += [f"{what} {key}: {_changed(expected[key], found[key])}" for key in both if expected[key] != found[key]]
    more = len(lines) - _SHOWN
    return lines if more <= 0 else [*lines[:_SHOWN], f"and {more} more differences of this kind ({what})"]


def _changed(expected: Told, found: Told) -> str:
    paths = list(_paths(expected, found, ""))
    return "; ".join(paths[:_SHOWN])


def _paths(expected: Any, found: Any, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in {**expected, **found}:
            yield from _paths(expected.get(name), found.get(name), f"{path}.{name}" if path else name)
    elif expected != found:
        yield f"{path} is {found!r:.80} instead of {expected!r:.80}"


def _place(headers: Mapping[str, bytes]) -> tuple[bytes, ...]:
    return tuple(headers[f"__connect.errors.{name}"] for name in ("topic", "partition", "offset"))


def _lines(path: Path) -> Iterator[Told]:
    for line in path.read_bytes().splitlines():
        yield json.loads(line)
