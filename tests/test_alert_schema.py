"""The published JSON Schema is the one of the code, and it refuses what is not an alert."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from alert_schema import SCHEMA_FILE, valid_alert
from jsonschema import ValidationError

from detectors.alert import CaseData, MadeBy, Outcome, PollImpact, Recommended, Suspect, Window
from detectors.cases.news import Revision
from detectors.findings import Evidence
from streams.publish import alert, alert_schema, to_json

DATA = CaseData(
    case_id="0123456789abcdef",
    revision=1,
    poll_ids=["опрос"],
    kinds=["vote_spike"],
    verdict="insufficient",
    confidence=0.0,
    score=12.5,
    severity="warning",
    opened_ms=1_664_812_842_918,
    updated_ms=1_664_812_842_918,
    window=Window(1_664_812_841_918, 1_664_812_842_918),
    polls=[PollImpact("опрос", Suspect(0, 0, 0.0, 0.0, 0.25), Outcome("yes", "yes", "uncertain"))],
    evidence=[
        Evidence("rate", "coordinated", "many votes", 50.0, 3.2, 1e-30),
        Evidence("rate", "organic", "a crowd looks alike", None, None, None),
    ],
    members_ref=None,
    merged_into=None,
    made_by=MadeBy("0.1.0", "0123456789ab", "live"),
    recommended=Recommended("review", "needs_human", True, 1_665_417_642_918),
    summary="Votes rose suddenly.",
)
GOOD = json.loads(to_json(alert(Revision("opened", DATA, 0), "/pollwatch")))


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    text = json.dumps(alert_schema(), indent=2) + "\n"
    assert SCHEMA_FILE.read_text() == text, "change it on purpose: then json.dumps(alert_schema(), indent=2) is the file"


def test_a_good_alert_is_valid() -> None:
    assert valid_alert(json.dumps(GOOD).encode()) == GOOD


def test_the_envelope_is_a_cloud_event() -> None:
    assert set(GOOD) == {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
    assert GOOD["id"] == "0123456789abcdef:1"
    assert GOOD["time"] == "2022-10-03T16:00:42.918Z"


@pytest.mark.parametrize("news", ["opened", "updated", "resolved"])
def test_the_same_revision_gives_the_same_alert(news: Any) -> None:
    one, other = alert(Revision(news, DATA, 5), "/x"), alert(Revision(news, DATA, 99_999), "/x")
    assert to_json(one) == to_json(other)
    assert one.type == f"pollwatch.alert.{news}.v1"


Break = Callable[[dict[str, Any]], object]

BROKEN: dict[str, Break] = {
    "another version of CloudEvents": lambda a: a.update(specversion="0.3"),
    "an id that is not a case's": lambda a: a.update(id="case:1"),
    "a type nobody knows": lambda a: a.update(type="pollwatch.alert.closed.v1"),
    "no subject": lambda a: a.pop("subject"),
    "a time without milliseconds": lambda a: a.update(time="2022-10-03T16:00:42Z"),
    "a field nobody promised": lambda a: a["data"].update(mood="good"),
    "revision 0": lambda a: a["data"].update(revision=0),
    "a case id of another length": lambda a: a["data"].update(case_id="0123"),
    "a verdict nobody knows": lambda a: a["data"].update(verdict="bots"),
    "a kind nobody knows": lambda a: a["data"].update(kinds=["rate"]),
    "no kind": lambda a: a["data"].update(kinds=[]),
    "no poll": lambda a: a["data"].update(polls=[]),
    "a share above 1": lambda a: a["data"]["polls"][0]["suspect"].update(share_high=1.5),
    "a negative count": lambda a: a["data"]["polls"][0]["suspect"].update(votes=-1),
    "a time that is no whole number": lambda a: a["data"].update(opened_ms=1.5),
    "no evidence": lambda a: a["data"].update(evidence=[]),
    "a p-value of 2": lambda a: a["data"]["evidence"][0].update(p_value=2),
    "evidence without a sentence": lambda a: a["data"]["evidence"][0].update(sentence=""),
    "an action that can't be taken back": lambda a: a["data"]["recommended"].update(reversible=False),
    "no summary": lambda a: a["data"].pop("summary"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_alert_is_not_valid(what: str) -> None:
    broken = copy.deepcopy(GOOD)
    BROKEN[what](broken)
    with pytest.raises(ValidationError):
        valid_alert(json.dumps(broken).encode())


WRONG: dict[str, Break] = {
    "an id of another revision": lambda a: a.update(id="0123456789abcdef:2"),
    "a subject that is another poll": lambda a: a.update(subject="q"),
    "an update that is older than the opening": lambda a: a["data"].update(updated_ms=5),
    "a first revision that was not opened": lambda a: a.update(type="pollwatch.alert.updated.v1"),
    "evidence for one side only": lambda a: a["data"]["evidence"].pop(),
    "an interval without its estimate": lambda a: a["data"]["polls"][0]["suspect"].update(share=0.5),
    "a crowd that pages": lambda a: a["data"].update(verdict="organic"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_alert_that_contradicts_itself_is_not_valid(what: str) -> None:
    wrong = copy.deepcopy(GOOD)
    WRONG[what](wrong)
    with pytest.raises(AssertionError):
        valid_alert(json.dumps(wrong).encode())


def test_a_number_that_is_none_is_not_valid() -> None:
    with pytest.raises(ValueError, match="Infinity is no JSON"):
        valid_alert(json.dumps(GOOD).replace("12.5", "Infinity").encode())
