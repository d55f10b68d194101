from __future__ import annotations

import pytest
from copied_traffic import MINUTE_MS, SHORT, START_MS, Scene, named_in, seen_in

SEEDS = range(1, 5)


def crowds(scene: Scene, polls: int = 8) -> Scene:
    for poll in range(polls):
        scene.crowd(poll, START_MS + poll * 5 * MINUTE_MS, 400, minutes=150)
    return scene


@pytest.mark.parametrize("seed", SEEDS)
def test_a_swarm_is_found_with_its_accounts_and_no_one_else(seed: int) -> None:
    scene = crowds(Scene(seed))
    bots = scene.swarm([0, 1, 2, 3, 4, 5], START_MS)
    scene.meme(6, START_MS + 40 * MINUTE_MS)
    said = seen_in(scene.ballots())
    named = named_in(said)
    assert len(named & bots) >= 0.97 * len(bots), f"seed {seed}"
    assert len(named - bots) <= 0.01 * len(named), f"seed {seed}: {named - bots}"
    assert len({sighting.cluster for sighting in said}) == 1
    assert [sighting.phase for sighting in said] == ["opened", *["update"] * (len(said) - 2), "calm"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_votes_of_a_swarm_are_counted_in_each_poll_it_works_and_in_no_other(seed: int) -> None:
    scene = crowds(Scene(seed))
    scene.swarm([0, 1, 2, 3, 4, 5], START_MS)
    suspects = seen_in(scene.ballots())[-1].suspects
    assert {suspected.poll for suspected in suspects} == {0, 1, 2, 3, 4, 5}
    for suspected in suspects:
        votes = sum(
            account.startswith("bot-")
            for _, poll, option, account, _ in scene.rows
            if poll == suspected.poll and option == 1
        )
        assert suspected.low <= votes <= suspected.high
        assert suspected.votes == pytest.approx(votes, rel=0.02)
        assert suspected.options[1] > 0.98 * suspected.votes


def test_a_swarm_is_told_in_its_second_poll() -> None:
    scene = crowds(Scene(1))
    scene.swarm([0, 1, 2, 3, 4], START_MS, gap_ms=20 * MINUTE_MS)
    first = seen_in(scene.ballots())[0]
    assert 20 * MINUTE_MS < first.at_ms - START_MS < 35 * MINUTE_MS
    assert (first.kind, first.detector, first.lean, first.phase) == (
        "copied_replies",
        "copies",
        "coordinated",
        "opened",
    )
    assert first.score > 1
    assert first.p_value < 1e-6


@pytest.mark.parametrize(("templates", "found"), [(3, False), (4, True)])
def test_four_texts_make_a_swarm_and_three_do_not(templates: int, found: bool) -> None:
    scene = crowds(Scene(6))
    scene.swarm([0, 1, 2, 3, 4], START_MS, templates=templates)
    assert bool(seen_in(scene.ballots())) == found


def test_the_evidence_has_sentences_for_both_sides_and_the_numbers_of_the_score() -> None:
    scene = crowds(Scene(1))
    scene.swarm([0, 1, 2, 3, 4], START_MS)
    sighting = seen_in(scene.ballots())[-1]
    assert {one.direction for one in sighting.evidence} == {"coordinated", "organic"}
    assert "long texts in 5 polls" in sighting.evidence[0].sentence
    assert (sighting.evidence[0].observed, sighting.evidence[0].expected) == (
        sighting.observed,
        sighting.expected,
    )
    assert sighting.observed > 5 * sighting.expected


@pytest.mark.parametrize("seed", SEEDS)
def test_short_words_and_slogans_from_thousands_are_nothing(seed: int) -> None:
    scene = Scene(seed)
    for poll in range(4):
        for person in range(800):
            at_ms = START_MS + poll * 20 * MINUTE_MS + int(scene.rng.integers(0, 15 * MINUTE_MS))
            scene.vote(at_ms, poll, f"person-{person}", 1, str(scene.rng.choice(SHORT)))
    assert seen_in(scene.ballots()) == [], f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shared_meme_is_no_swarm(seed: int) -> None:
    scene = crowds(Scene(seed))
    for poll in range(6):
        scene.meme(poll, START_MS + poll * 20 * MINUTE_MS, people=300)
    assert seen_in(scene.ballots()) == [], f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
def test_one_meme_that_goes_through_all_polls_is_no_swarm(seed: int) -> None:
    scene = crowds(Scene(seed))
    text = scene.sentence(16, 24)
    for poll in range(6):
        scene.meme(poll, START_MS + poll * 20 * MINUTE_MS, people=300, text=text)
    assert seen_in(scene.ballots()) == [], f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("chants", "sings"), [(1, 0.3), (1, 1.0), (3, 0.8), (8, 0.4)])
def test_the_chants_of_a_fandom_in_five_polls_are_no_swarm(seed: int, chants: int, sings: float) -> None:
    """One chant is sung by all of them; of many chants, one is sung by those who feel like it."""
    scene = crowds(Scene(seed))
    texts = [scene.sentence(8, 14) for _ in range(chants)]
    scene.fandom([0, 1, 2, 3, 4], START_MS, fans=600, comes=0.4, chants=texts, sings=sings)
    assert seen_in(scene.ballots()) == [], f"seed {seed}"


def test_a_meme_that_some_of_a_swarm_take_up_names_nobody_who_shares_it() -> None:
    scene = crowds(Scene(3))
    bots = scene.swarm([0, 1, 2, 3, 4, 5], START_MS)
    meme = scene.sentence(16, 24)
    scene.meme(2, START_MS + 40 * MINUTE_MS, people=200, text=meme)
    for bot in sorted(bots)[:6]:
        scene.vote(START_MS + 50 * MINUTE_MS, 2, bot, 1, meme)
    named = named_in(seen_in(scene.ballots()))
    assert len(named & bots) >= 0.97 * len(bots)
    assert len(named - bots) <= 0.01 * len(named)


def test_one_who_writes_a_text_of_a_swarm_where_it_is_not_at_work_is_not_named() -> None:
    scene = crowds(Scene(4))
    bots = scene.swarm([0, 1, 2, 3, 4], START_MS)
    quoted = max((row[4] for row in scene.rows if row[3] in bots), key=len)
    for poll in (6, 7):
        scene.vote(START_MS + 100 * MINUTE_MS, poll, f"quotes-{poll}", 0, quoted)
    said = seen_in(scene.ballots())
    assert len(named_in(said) & bots) >= 0.97 * len(bots)
    assert not {"quotes-6", "quotes-7"} & named_in(said)
    assert {suspected.poll for suspected in said[-1].suspects} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("times", [1, 4])
def test_copies_that_never_meet_in_a_poll_are_no_swarm(times: int) -> None:
    """However often one of them repeats itself."""
    scene = Scene(7)
    texts = [scene.sentence(12, 20) for _ in range(4)]
    for bot in range(40):
        for poll in (2 * bot, 2 * bot + 1):
            for _ in range(times):
                scene.vote(START_MS + poll * MINUTE_MS, poll, f"bot-{bot}", 1, texts[(bot + poll) % 4])
    assert seen_in(scene.ballots()) == []


def test_people_who_write_much_of_their_own_in_many_polls_are_no_swarm() -> None:
    scene = Scene(5)
    for poll in range(8):
        for person in range(200):
            scene.vote(
                START_MS + poll * 10 * MINUTE_MS + person * 2_000,
                poll,
                f"person-{person}",
                1,
                scene.sentence(),
            )
    assert seen_in(scene.ballots()) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_handful_of_friends_who_copy_from_each_other_is_no_swarm(seed: int) -> None:
    scene = crowds(Scene(seed))
    scene.swarm([0, 1, 2, 3, 4, 5, 6, 7], START_MS, accounts=9, templates=5, share=1, gap_ms=10 * MINUTE_MS)
    assert seen_in(scene.ballots()) == [], f"seed {seed}"
