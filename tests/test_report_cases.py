"""What the report is made of: whom the cases name, which are looked at again, and which of a poll's votes are drawn suspect."""

from report_examples import everything

from detectors.alert import Recommended, Window
from detectors.cases.moderation import ModerationItem, NamedAccount
from streams.report import Accounts, Sample, page, wanted
from streams.report.bars import Bar, Bars, around, whole
from streams.report.comparison import comparison
from streams.report.report import MOST_DRAWN, MOST_FOLDED_DRAWN, accuses, drawn
from streams.report.sample import Near, Vote
from streams.report.timelines import Timeline

CASE = "0" * 15 + "1"
NOTHING = Recommended("none", "needs_human", True, 0)
MINUTE_MS = 60_000


def item(revision: int, part: int, accounts: list[NamedAccount], cleared: list[str] | None = None) -> ModerationItem:
    return ModerationItem(
        f"{CASE}:{part}", CASE, revision, ["p"], part, 9, accounts, cleared or [], [], NOTHING, None, 0
    )  # fmt: skip


def test_the_accounts_of_a_case_are_those_of_its_latest_revision() -> None:
    accounts = Accounts()
    accounts.add(item(1, 1, [NamedAccount("a", 0.9, ["new_account"]), NamedAccount("b", 0.6, ["lockstep"])]))
    accounts.add(item(1, 2, [NamedAccount("c", 0.9, ["new_account"])]))
    assert accounts.ids(CASE) == {"a", "b", "c"}
    accounts.add(item(2, 1, [NamedAccount("a", 0.9, ["new_account", "lockstep"])], ["b"]))
    accounts.add(item(2, 2, [NamedAccount("d", 0.7, ["taken_over"])]))
    accounts.add(item(1, 2, [NamedAccount("c", 0.9, ["new_account"])]))  # told late
    assert accounts.ids(CASE) == {"a", "d"}
    assert accounts.ids("another") == set()
    named = accounts.named()[CASE]
    assert (named.accounts, named.victims, named.cleared) == (2, 1, 1)
    assert named.reasons == {"new_account": 1, "lockstep": 1, "taken_over": 1}


def test_the_cases_that_are_drawn_are_looked_at_again_worst_poll_first() -> None:
    report = everything()
    accounts = Accounts()
    accounts.add(item(1, 1, [NamedAccount("a", 0.9, ["new_account"])]))
    looks = {look.case_id: look for look in wanted(report.cases, accounts)}
    assert len(looks) == 7  # neither the one that was withdrawn nor the one that was merged
    assert looks[CASE].account_ids == {"a"}
    assert looks[f"{3:016x}"].poll_ids[0] == "p7-047"
    assert looks[CASE].end_ms - looks[CASE].start_ms == 192_000


def test_cases_that_accuse_are_drawn_before_all_others() -> None:
    cases = everything().standing()
    many = [case for case in cases for _ in range(40)]
    assert [accuses(case) for case in cases] == [True] * 5 + [False] * 2
    assert drawn(cases) == {case.case_id for case in cases}
    assert len(drawn(many)) <= MOST_DRAWN
    assert MOST_FOLDED_DRAWN < MOST_DRAWN


def timeline() -> Timeline:
    """Ten minutes, 10 votes expected in each; 110 came in minutes 4 and 5."""
    drawn = Timeline(MINUTE_MS)
    for minute in range(10):
        drawn.add(minute * MINUTE_MS, 110 if minute in (4, 5) else 10, 10)
    return drawn


def suspect(bars: Bars) -> list[float]:
    return [bar.suspect for bar in bars.bars]


def test_where_nobody_is_named_the_suspect_votes_lie_on_those_beyond_the_expected_in_the_cases_time() -> None:
    window = Window(4 * MINUTE_MS, 6 * MINUTE_MS)
    assert suspect(whole(timeline(), window, 50, None)) == [0, 0, 0, 0, 25, 25, 0, 0, 0, 0]
    assert suspect(whole(timeline(), window, 5_000, None)) == [0, 0, 0, 0, 100, 100, 0, 0, 0, 0]
    assert suspect(whole(timeline(), Window(4 * MINUTE_MS, 4 * MINUTE_MS + 1), 50, None))[4:6] == [50, 0]
    assert not any(suspect(whole(timeline(), window, 0, None)))


def test_where_accounts_are_named_their_own_votes_are_suspect_and_never_more_than_came() -> None:
    near = Near(4 * MINUTE_MS - 30_000, 30_000, [7, 40, 40, 20, 200], [0, 1, 2, 3, 4])
    bars = whole(timeline(), Window(0, 1), 9_999, near)
    assert suspect(bars) == [0, 0, 0, 7, 80, 110, 0, 0, 0, 0]
    assert [bar.votes for bar in bars.bars] == [10, 10, 10, 10, 110, 110, 10, 10, 10, 10]


def test_about_a_case_the_expected_votes_are_those_of_the_shorter_bars() -> None:
    near = Near(4 * MINUTE_MS, 30_000, [0, 40], [1, 2])
    bars = around(near, timeline(), Window(0, 1), 0)
    assert bars.bars == [Bar(240_000, 1, 0, 5), Bar(270_000, 2, 40, 5)]
    assert [bar.expected for bar in around(near, None, Window(0, 1), 0).bars] == [None, None]


def votes(named: bool, count: int, client: str | None) -> list[Vote]:
    return [Vote("p", n, named, "yes", None, None, client, f"n{n % 3}" if named else f"n{n}", None, None) for n in range(count)]


def test_only_what_is_known_of_both_sides_is_compared_and_by_as_many_votes() -> None:
    lines = comparison(Sample({}, votes(True, 40, "ios") + votes(False, 20, "web"), []))
    assert [(line.trait, line.named, line.others) for line in lines] == [
        ("Commonest client", "ios (100%)", "web (100%)"),
        ("Different networks", "3 for 20 votes", "20 for 20 votes"),
        ("Came through a link", "0%", "0%"),
        ("Commonest answer", "yes (100%)", "yes (100%)"),
    ]
    assert "Commonest client" not in [line.trait for line in comparison(Sample({}, votes(True, 40, "ios") + votes(False, 20, None), []))]
    assert comparison(Sample({}, votes(True, 40, "ios") + votes(False, 3, "web"), [])) == []


ODD = ["__proto__", "constructor", "');throw 1//", "${1+1}", "datum['at']", "\\", "%", "🇺🇦", "ı", "\u200b"]


def test_no_name_is_taken_for_anything_but_a_name() -> None:
    html = page(everything(lambda own: ODD[sum(map(ord, own)) % len(ODD)] + own))
    assert html.count("<svg") == page(everything()).count("<svg")
    assert all(name in html for name in ("__proto__", "${1+1}", "🇺🇦", "\\u200b"))
