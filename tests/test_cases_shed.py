"""What a case says of time in which nobody looked at who voted: that it was so, and nothing that would take looking."""

from __future__ import annotations

import random

import msgspec
import pytest
from told_cases import MADE_BY, PARAMS, Told, crowd, finding, people, sighting

from detectors.cases.book import CaseBook

NOT_LOOKED_AT = "Who voted was not looked at between 16:00:10 and 16:00:40 UTC: the workers could not keep up."


def overload(told: Told) -> list[str]:
    """Return what the last revision says of it in its evidence."""
    return [one.sentence for one in told.said[-1].data.evidence if one.detector == "overload"]


def test_a_surge_of_which_nobody_was_looked_at_is_insufficient_and_says_why() -> None:
    told = Told()
    told.tell(50, finding(40), shed=[(10, 90)])
    data = told.said[0].data
    assert (data.verdict, data.severity) == ("insufficient", "warning")
    assert overload(told)[0].startswith("Who voted was not looked at between 16:00:36 and 16:00:40 UTC"), "its own time is told"
    told = Told()
    told.tell(50, finding(5), finding(40, phase="update", score=4.0), shed=[(10, 90)])
    assert told.news() == [("opened", 1, 5), ("updated", 2, 40)], "that it is so from now on is news"
    assert told.verdicts() == [("opened", "insufficient"), ("updated", "insufficient")]
    data = told.said[-1].data
    assert data.summary.endswith(NOT_LOOKED_AT)
    assert overload(told) == [f"{NOT_LOOKED_AT} The votes of that time are counted, and nobody is named for them."]
    assert {one.direction for one in data.evidence} == {"coordinated", "organic"}


def test_a_crowd_of_which_a_part_was_not_looked_at_is_not_called_one() -> None:
    told = Told()
    told.tell(100, finding(14), finding(40, phase="update", score=4.0), crowd(95, "p"), shed=[(10, 40)])
    assert [verdict for _, verdict in told.verdicts()] == ["insufficient"] * len(told.said)
    assert told.said[-1].data.summary.endswith(NOT_LOOKED_AT)
    whole = Told()
    whole.tell(100, finding(14), finding(40, phase="update", score=4.0), crowd(95, "p"))
    assert whole.verdicts()[-1][1] == "organic", "without it, it is"


def test_what_was_a_crowd_before_stays_one_unless_the_surge_grew_when_nobody_looked() -> None:
    told = Told()
    told.tell(9, finding(5, score=4.0), crowd(6, "p"))
    told.tell(31, finding(30, phase="update", score=3.0), shed=[(10, 31)])
    assert told.verdicts()[-1][1] == "organic"
    assert overload(told), "and it says what was not looked at"
    told.tell(60, finding(50, phase="update", score=9.0), shed=[(31, 60)])
    assert told.verdicts()[-1] == ("updated", "insufficient")
    told.tell(80, finding(75, phase="update", score=9.5), crowd(79, "p"))
    assert told.verdicts()[-1] == ("updated", "insufficient"), "what nobody saw is not seen later"


def test_a_script_that_was_found_is_one_whatever_was_not_looked_at() -> None:
    told = Told()
    told.tell(100, finding(14), sighting(20, "p", accounts=people(100), end_s=60), shed=[(10, 40)])
    assert told.said[-1].data.verdict == "coordinated"
    assert len(overload(told)) == 1
    assert told.named() == set(people(100))
    before = Told()
    before.tell(9, finding(5), sighting(6, "p", accounts=people(100)))
    before.tell(100, finding(30, phase="update", score=9.0), shed=[(10, 40)])
    assert before.verdicts()[-1] == ("updated", "coordinated")
    assert "retracted" not in [news for news, _ in before.verdicts()]


def test_a_script_inside_a_crowd_stays_mixed() -> None:
    told = Told()
    told.tell(100, finding(14), crowd(20, "p"), sighting(21, "p", detector="crowd", cluster="script"), shed=[(10, 18)])
    assert told.said[-1].data.verdict == "mixed"


def test_a_case_that_ended_before_or_began_after_says_nothing_of_it() -> None:
    told = Told()
    told.tell(9, finding(5))
    told.tell(900, finding(700, poll="q"), shed=[(10, 120)])
    assert {revision.data.poll_ids[0] for revision in told.said} == {"p", "q"}
    assert not [one for revision in told.said for one in revision.data.evidence if one.detector == "overload"]


def test_several_times_are_told_together() -> None:
    told = Told()
    told.tell(200, finding(5), finding(190, phase="update", score=4.0), shed=[(10, 40), (100, 130)])
    (said,) = overload(told)
    assert said.startswith("Who voted was not looked at 2 times between 16:00:10 and 16:02:10 UTC, 60 s in all: ")


def test_campaigns_that_become_one_remember_what_was_not_looked_at_of_either() -> None:
    told = Told()
    told.tell(50, finding(14, poll="q"), finding(40, poll="q", phase="update", score=4.0), shed=[(10, 40)])
    told.tell(70, sighting(60, "p", "q", accounts=people(50), end_s=60))
    last = {revision.data.case_id: revision.data for revision in told.said if not revision.data.merged_into}
    (left,) = [data for data in last.values() if data.verdict == "coordinated"]
    assert [one.detector for one in left.evidence].count("overload") == 1


@pytest.mark.parametrize("seed", range(20))
def test_which_shard_reports_first_and_restarts_change_nothing(seed: int) -> None:
    """Each shard tells the same; what is far ahead of the slowest shard must not be known before its time."""
    rng = random.Random(seed)
    findings = [
        [finding(14), finding(40, phase="update", score=4.0), crowd(95, "p"), finding(300, score=5.0, phase="update")],
        [],
    ]
    shed = [[(10, 40), (280, 320)], [(20, 60), (100, 110)]]

    def told(cuts: list[int], order: random.Random) -> list[bytes]:
        one, at = Told(shards=2), [0, 0]
        while min(at) < 400:
            shard = order.choice([number for number in (0, 1) if at[number] < 400])
            until = next((cut for cut in cuts if cut > at[shard]), 400)
            span = (at[shard], until)
            due = [f for f in findings[shard] if span[0] < (f.at_ms - 1_664_812_800_000) / 1000 <= span[1]]
            inside = [(max(a, span[0]), min(b, span[1])) for a, b in shed[shard] if a < span[1] and b > span[0]]
            one.tell(until, *due, shard=shard, shed=inside)
            at[shard] = until
            if order.random() < 0.3:
                state = msgspec.msgpack.decode(msgspec.msgpack.encode(one.book.snapshot()))
                one.book = CaseBook(2, PARAMS, MADE_BY)
                one.book.restore(state)
        return [msgspec.json.encode(revision.data) for revision in one.said]

    expected = told([400], random.Random(0))
    assert b"was not looked at" in expected[-1]
    assert told(sorted(rng.sample(range(1, 400), 12)), rng) == expected, f"seed {seed}"
