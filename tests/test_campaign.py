"""One campaign is one case: what belongs together, what does not, and which case survives."""

from __future__ import annotations

from told_cases import CLOSE_MS, Told, crowd, finding, people, sighting

from detectors.cases.case import CaseParams
from detectors.findings import Finding

RING = people(40, "ring")


def test_a_campaign_over_many_polls_is_one_case_also_where_the_rate_is_quiet() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", "r", accounts=RING, votes=38))
    assert told.news() == [("opened", 1, 5)]
    data = told.said[0].data
    assert (data.poll_ids, data.kinds) == (["p", "q", "r"], ["account_cluster"])
    assert [poll.suspect.votes for poll in data.polls] == [38, 38, 38]


def test_the_cases_of_its_polls_become_one_and_the_first_survives() -> None:
    told = Told()
    told.tell(20, finding(5, poll="q"), finding(10, poll="p"), sighting(15, "p", "q", "r", accounts=people(60), votes=50))
    assert [(r.news, r.data.poll_ids[0]) for r in told.said] == [
        ("opened", "q"), ("opened", "p"), ("resolved", "p"), ("updated", "q"),
    ]  # fmt: skip
    first, other, ended, survivor = (revision.data for revision in told.said)
    assert ended.case_id == other.case_id
    assert ended.merged_into == survivor.case_id == first.case_id
    assert sorted(survivor.poll_ids) == ["p", "q", "r"]
    assert survivor.verdict == "coordinated"
    assert told.book.census().verdicts["coordinated"] == 1
    told.tell(30, finding(25, poll="p", score=9.0, kind="slow_drip"))
    assert told.said[-1].data.case_id == first.case_id, "further surges of its polls are told there"


def test_a_poll_of_a_merged_case_keeps_its_suspect_votes_once() -> None:
    told = Told()
    told.tell(20, finding(5, poll="q"), finding(10, poll="p"), sighting(15, "p", "q", accounts=people(60), votes=50))
    assert told.book._shelf.estimate("p").votes == told.book._shelf.estimate("q").votes == 50


def test_a_flood_in_a_poll_of_a_ring_is_another_case() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", "r", accounts=RING, votes=38))
    flood = sighting(15, "p", accounts=people(1000, "bot"), votes=1000, detector="crowd", tally={"yes": 1700, "no": 300})
    told.tell(20, finding(14, observed=1010.0, tally={"yes": 1700, "no": 300}), flood)
    assert told.book.census().verdicts["coordinated"] == 2
    assert len({revision.data.case_id for revision in told.said}) == 2
    assert told.book._shelf.estimate("p").votes == 1038, "no vote is suspect in both"
    assert told.said[-1].data.kinds == ["account_cluster", "vote_spike"], "the surge is that of the flood"
    told.tell(30, finding(25, observed=2000.0, score=9.0))
    assert told.said[-1].data.case_id == told.said[-2].data.case_id
    told.tell(30 * 3600)
    assert told.book._shelf.cases == {}
    assert told.book._shelf.estimate("p").votes == 1038, "nor when both are forgotten"


def test_a_few_accounts_in_both_do_not_make_them_one() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", accounts=RING, votes=38))
    told.tell(20, sighting(15, "p", accounts=[*people(300, "bot"), *RING[:19]], votes=319, detector="crowd"))
    assert told.book.census().verdicts["coordinated"] == 2


def test_half_of_the_accounts_in_common_make_them_one() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", accounts=RING, votes=38))
    told.tell(20, sighting(15, "p", accounts=[*people(300, "bot"), *RING[:20]], votes=320, detector="crowd"))
    assert told.book.census().verdicts["coordinated"] == 1
    assert len(told.said) == 2


def test_clusters_that_grow_together_become_one() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", accounts=RING[:20], votes=20, cluster="one"))
    told.tell(20, sighting(15, "q", "r", accounts=RING[20:], votes=20, cluster="other"))
    assert told.book.census().verdicts["coordinated"] == 2
    told.tell(30, sighting(25, "q", "r", accounts=RING[:20], votes=40, cluster="other"))
    assert told.book.census().verdicts["coordinated"] == 1
    assert [r.data.merged_into is None for r in told.said] == [True, True, False, True]
    assert told.named() == set(RING)


def test_what_nobody_is_named_for_is_told_with_the_campaign_of_that_poll() -> None:
    told = Told()
    told.tell(10, finding(5, observed=1010.0), crowd(7, "p"), sighting(8, "p", "q", accounts=RING, votes=38, end_s=6))
    assert told.verdicts() == [("opened", "insufficient"), ("updated", "organic"), ("updated", "coordinated")]
    assert len({r.data.case_id for r in told.said}) == 1
    told.tell(20, finding(15, poll="q", observed=50.0))
    assert len({r.data.case_id for r in told.said}) == 1, "the next surge of a poll it accuses, too"


def test_a_surge_after_the_campaign_was_resolved_is_another_case_until_it_acts_again() -> None:
    told = Told()
    told.tell(400, sighting(5, "p", "q", accounts=RING, votes=38))
    told.tell(1000, finding(900, poll="q", observed=50.0))
    assert [(r.news, r.data.verdict) for r in told.said[2:]] == [("opened", "insufficient")]
    told.tell(8_000, sighting(7_200, "p", "q", accounts=["ring40"], votes=39))
    first, second = told.said[0].data.case_id, told.said[2].data.case_id
    assert told.said[-2].data.case_id == first, "its case opens again, long after the surge's was resolved"
    (ended,) = [r for r in told.said if r.data.merged_into is not None]
    assert (ended.data.case_id, ended.data.merged_into) == (second, first)


def test_a_closed_surge_ends_in_the_campaign_that_is_found_to_work_its_poll() -> None:
    told = Told()
    told.tell(1_900, finding(5, poll="q", observed=50.0), crowd(6, "q"))
    told.tell(2_100, sighting(2_000, "p", "q", accounts=RING, votes=38))
    surge, campaign = told.said[0].data.case_id, told.said[-1].data.case_id
    assert [(r.news, r.data.case_id, r.data.merged_into) for r in told.said[-2:]] == [
        ("resolved", surge, campaign), ("opened", campaign, None),
    ]  # fmt: skip
    assert surge != campaign


def test_a_poll_that_a_campaign_does_not_accuse_keeps_its_crowd() -> None:
    told = Told()
    told.tell(10, finding(5, poll="r"), crowd(7, "r"), sighting(8, "p", "q", accounts=RING, votes=38))
    assert told.book.census().verdicts == {"organic": 1, "coordinated": 1, "mixed": 0, "insufficient": 0}


def test_a_poll_that_a_campaign_gives_up_is_no_longer_among_its_polls() -> None:
    told = Told()
    told.tell(10, finding(5, poll="q"), sighting(6, "p", "q", accounts=RING, votes=38))
    assert told.said[-1].data.poll_ids == ["q", "p"]
    told.tell(20, sighting(15, "p", "r", accounts=["ring40"], votes=38))
    assert told.said[-1].data.poll_ids == ["p", "r"], "told at once"
    assert told.book._shelf.estimate("q").votes == 0


def test_a_campaign_that_acts_again_hours_later_opens_its_case_again() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", accounts=RING))
    again_s = 3 * 3600.0
    told.tell(again_s + 1, sighting(again_s, "q", "r", accounts=["ring40"]))
    assert [(r.news, r.data.revision) for r in told.said] == [("opened", 1), ("resolved", 2), ("opened", 3)]
    assert len({r.data.case_id for r in told.said}) == 1
    gone_s = again_s + (CLOSE_MS + CaseParams().remember_ms) / 1000
    told.tell(gone_s + 10, sighting(gone_s + 5, "q", "r", accounts=RING))
    assert told.said[-1].data.revision == 1, "a day later nobody knows it"


def test_its_accounts_in_another_cluster_open_it_again_too() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", accounts=RING))
    told.tell(7_300, sighting(7_200, "q", "r", accounts=RING[5:], cluster="other"))
    assert [r.news for r in told.said] == ["opened", "resolved", "opened"]
    assert len({r.data.case_id for r in told.said}) == 1


def test_a_surge_after_the_case_of_a_script_was_resolved_does_not_read_as_if_it_were_back() -> None:
    told = Told()
    told.tell(10, finding(5), sighting(6, "p", accounts=RING))
    later_s = CLOSE_MS / 1000 + 10
    told.tell(later_s + 1, finding(later_s))
    assert len({r.data.case_id for r in told.said}) == 2


def test_saying_it_again_keeps_no_case_open() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", accounts=RING))
    for at_s in range(10, 1000, 10):
        told.tell(at_s + 1, sighting(at_s, "p", "q", end_s=5))
    assert [r.news for r in told.said] == ["opened", "resolved"]


def test_items_of_a_merged_case_are_void_and_say_where_its_accounts_are() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", "q", accounts=RING[:30], votes=20, cluster="one"))
    told.tell(20, sighting(15, "q", "r", accounts=people(30, "other"), votes=20, cluster="other"))
    told.tell(30, sighting(25, "q", "r", accounts=RING[:30], votes=40, cluster="other"))
    void = [item for item in told.items if item.merged_into is not None]
    assert [(item.accounts, item.cleared, item.revision) for item in void] == [([], [], 2)]
    assert void[0].merged_into == told.said[0].data.case_id != void[0].case_id
    assert told.named(void[0].merged_into) == {*RING[:30], *people(30, "other")}


def test_polls_of_a_campaign_that_was_withdrawn_are_no_longer_accused() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=RING, detector="crowd"), sighting(6, "p", "q", accounts=RING))
    assert told.said[-1].data.poll_ids == ["p", "q"]
    told.tell(200, sighting(100, "p", "q", score=0.2))
    assert told.said[-1].data.poll_ids == ["p"]
    assert told.said[-1].data.verdict == "coordinated"
    assert told.book._shelf.estimate("q").votes == 0


def test_two_campaigns_that_begin_alike_have_ids_of_their_own() -> None:
    told = Told()

    def begun(cluster: str, prefix: str) -> Finding:
        return sighting(5, "p", "q", accounts=people(9, prefix), cluster=cluster)

    told.tell(10, begun("one", "a"), begun("other", "b"))
    assert len({r.data.case_id for r in told.said}) == 2
