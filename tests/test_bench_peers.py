"""What the peers do with a vote is what is said of it, and a table tells who was faster."""

from __future__ import annotations

import os
import subprocess

import msgspec
import pytest

from benchmarks.peers.race import PEERS, best, ratios
from benchmarks.peers.table import table
from benchmarks.peers.task import Course
from benchmarks.peers.work import WINDOW_MS, Counts, Everything, RiverWindows, Vote, Work, decode_vote, new
from benchmarks.processes import Usage, tree
from benchmarks.promises import Verdict
from benchmarks.recorded import fallen, recorded
from benchmarks.recording import Traffic, encode_votes, record
from benchmarks.runs import Run


def _vote(number: int, window: int = 0, **fields: str) -> Vote:
    said = {"event_id": f"e{number}", "poll_id": "p", "option": "yes", "account_id": f"a{number}"} | fields
    return msgspec.convert(said | {"ts": window * WINDOW_MS}, Vote)


@pytest.mark.parametrize("work", [Work.COUNTS, Work.ALL])
def test_a_window_far_above_those_before_it_is_abnormal(work: Work) -> None:
    peer, number, alerts = new(work), 0, []
    for window in range(30):
        for _ in range(400 if window == 28 else 10 + window % 3):
            number += 1
            alerts.append(peer.observe(_vote(number, window)))
    told = [alert for alert in alerts if alert]
    assert [alert["votes"] for alert in told] == [400]
    assert told[0]["expected"] < 20


def test_windows_of_river_roll_on_with_each_vote() -> None:
    peer = RiverWindows()
    for number in range(300):
        assert peer.observe(_vote(number, number // 10)) is None
    assert peer.polls["p"].rate.get() == 10
    told = [peer.observe(_vote(number, 30)) for number in range(300, 800)]
    assert any(told[50:])
    assert not any(told[:10])


def test_counts_are_by_window_option_and_account() -> None:
    counts = Counts()
    for number in range(6):
        counts.observe(_vote(number, account_id=f"a{number % 2}", option="yes" if number else "no"))
    poll = counts.polls["p"]
    assert poll.votes == {"yes": 5, "no": 1}
    assert poll.accounts == {"a0": 3, "a1": 3}


def test_all_is_copies_limits_late_votes_and_last_votes_too() -> None:
    peer = Everything()
    for vote in (_vote(1), _vote(1), _vote(2, option=""), _vote(3, option="no"), _vote(4, account_id="a3", option="yes")):
        peer.observe(vote)
    peer.observe(_vote(5, window=5))
    peer.observe(_vote(6, window=4))
    poll = peer.polls["p"]
    assert (peer.copies, peer.refused, poll.late) == (1, 1, 1)
    assert poll.result == {"yes": 4, "no": 0}


def test_all_sees_who_meets_whom_in_three_polls_and_what_a_window_has_too_much_of() -> None:
    peer = Everything()
    for number in range(60):
        for poll in ("p", "q", "r"):
            peer.observe(_vote(number * 10 + ord(poll), poll_id=poll, account_id=f"a{number}", client="web"))
    assert max(peer.together.values()) == 60
    for number in range(1_000, 1_040):
        peer.observe(_vote(number, window=1, client="script"))
    peer.observe(_vote(2_000, window=2))
    assert ("client", "script") in peer.polls["p"].odd


def test_peers_read_the_very_lines_that_pollwatch_reads() -> None:
    recording = record(Traffic(votes=200, replies=0, polls=3, accounts=100, minutes=1))
    lines = [line for _, part in encode_votes(recording) for line in part]
    votes = [decode_vote(line) for line in lines]
    assert [vote.ts for vote in votes] == recording.votes.ts_ms.tolist()
    assert all(vote.client and vote.network and vote.country and vote.referrer for vote in votes)


def test_a_peer_says_once_that_it_begins_and_once_that_it_is_done(capfd: pytest.CaptureFixture[str]) -> None:
    course = Course(3)
    for _ in range(4):
        course.begin()
        course.done()
    assert capfd.readouterr().out.splitlines() == ['{"mark": "begun"}', '{"mark": "done", "votes": 3}']


def test_what_a_process_has_started_is_measured_with_it() -> None:
    with subprocess.Popen(["sh", "-c", "cat; true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin
        assert shell.stdout
        shell.stdin.write(b"started\n")
        shell.stdin.flush()
        shell.stdout.readline()
        found = tree(shell.pid)
        assert len(found) == 2
        assert found[0] == shell.pid
        assert set(found) < set(tree(os.getpid()))


def _run(name: str, votes: int, seconds: float) -> Run:
    return Run(name, votes, Usage(seconds, 1.0, 0.0, 0.0), 10**6)


def test_pollwatch_is_held_against_each_peer_within_its_round_and_the_best_one_counts() -> None:
    peers = [peer for peer in PEERS if peer.work is Work.ALL][:2]
    rounds = [
        [_run("us", 100, 1.0), _run("slow", 100, 4.0), _run("fast", 100, 2.0)],
        [_run("us", 100, 2.0), _run("slow", 100, 10.0), _run("fast", 100, 6.0)],
        [_run("us", 100, 1.0), _run("slow", 100, 6.0), _run("fast", 100, 9.0)],
    ]
    assert ratios(rounds, 2) == [2.0, 3.0, 9.0]
    assert best(rounds, peers, Work.ALL) == (peers[1].name, 3.0)
    assert "| fast | 100 | 17 | 3.00 (2.00 to 9.00) |" in table(rounds)


def test_every_peer_does_one_of_both_works_and_none_twice() -> None:
    assert len({(peer.module, peer.work) for peer in PEERS}) == len(PEERS)
    assert {peer.work for peer in PEERS} == set(Work)


def test_a_ratio_has_fallen_when_more_than_35_percent_of_it_is_lost() -> None:
    def found(value: float) -> list[Verdict]:
        return [Verdict("a to b", value, 12.0, 15.0), Verdict("never recorded", 0.0, 1.0, 1.0)]

    assert fallen(found(6.5), {"a to b": 10.0}) == []
    assert fallen(found(6.49), {"a to b": 10.0}) == ["a to b: 6.49, recorded were 10.00: more than 35 % lost"]
    assert fallen(found(float("nan")), {"a to b": 10.0})


def test_the_recorded_ratios_are_those_that_are_measured() -> None:
    assert set(recorded()) == {"votes/s, worker to stock Faust agent", "votes/s, worker to getmany alone"}
