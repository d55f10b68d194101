import pytest

from streams.health import Health, Standing

STALL_MS = 30_000
SECOND = 1_000


def working(now_ms: int = 0) -> Health:
    health = Health(now_ms, stall_after_ms=STALL_MS)
    health.assigned(now_ms)
    health.recovered(now_ms)
    return health


def watched(standing: Standing, seconds: int) -> Health:
    """Return the health of a worker of which one partition stood like this for so many seconds."""
    health = working()
    for now_ms in range(0, seconds * SECOND + 1, SECOND):
        health.watch({"poll.votes/0": standing}, now_ms)
    return health


@pytest.mark.parametrize(
    ("case", "standing", "seconds", "ok"),
    [
        ("records wait for as long as they may", Standing(7, 5), 30, True),
        ("records wait and nothing moves for too long", Standing(7, 5), 31, False),
        ("nothing was processed since the start, and records wait", Standing(None, 5), 31, False),
        ("nothing to do for an hour", Standing(7, 0), 3_600, True),
        ("lag unknown since the brokers are away", Standing(7, None), 3_600, True),
        ("held on purpose", Standing(7, 5, "the exchange is full"), 3_600, True),
    ],
)
def test_a_worker_is_alive_while_it_works_off_what_waits(case: str, standing: Standing, seconds: int, ok: bool) -> None:
    assert watched(standing, seconds).alive(seconds * SECOND).ok is ok, case


def test_a_worker_that_says_nothing_is_not_alive() -> None:
    health = Health(100_000, stall_after_ms=STALL_MS)
    assert health.alive(130_000).ok
    assert health.alive(145_000).reason == "the worker has said nothing for 45000 ms"


def test_one_stuck_partition_is_named_though_the_others_work() -> None:
    health = working()
    for second in range(46):
        standings = {f"poll.votes/{n}": Standing(second * 100, 50) for n in range(4)}
        health.watch({**standings, "pollwatch.exchange/2": Standing(1_000, second)}, second * SECOND)
    answer = health.alive(45 * SECOND)
    assert not answer.ok
    assert answer.reason == "nothing was processed for 44000 ms in pollwatch.exchange/2 (45 records wait)"


def test_of_many_stuck_partitions_three_are_named() -> None:
    health = working()
    for second in range(32):
        health.watch({f"poll.votes/{n}": Standing(0, 9) for n in range(8)}, second * SECOND)
    reason = health.alive(31 * SECOND).reason
    assert reason.count("poll.votes/") == 3
    assert reason.endswith("and 5 more")


def test_what_waits_counts_from_when_it_came_and_not_from_the_last_work_before() -> None:
    health = working()
    for second in range(600):
        health.watch({"poll.votes/0": Standing(7, 0)}, second * SECOND)
    for second in range(600, 632):
        health.watch({"poll.votes/0": Standing(7, 3)}, second * SECOND)
    assert health.alive(630 * SECOND).ok
    assert not health.alive(631 * SECOND).ok
    health.watch({"poll.votes/0": Standing(8, 2)}, 632 * SECOND)
    assert health.alive(632 * SECOND).ok


@pytest.mark.parametrize("meanwhile", [Standing(7, None), Standing(7, 5, "pollwatch.alerts takes no records")])
def test_after_an_outage_a_partition_has_its_time_anew(meanwhile: Standing) -> None:
    health = working()
    health.watch({"poll.votes/0": Standing(7, 5)}, 0)
    for second in range(1, 100):
        health.watch({"poll.votes/0": meanwhile}, second * SECOND)
    for second in range(100, 132):
        health.watch({"poll.votes/0": Standing(7, 5)}, second * SECOND)
    assert health.alive(130 * SECOND).ok
    assert not health.alive(131 * SECOND).ok


def test_a_worker_is_ready_when_assigned_and_recovered() -> None:
    health = Health(0)
    assert (health.ready().ok, health.ready().reason) == (False, "waiting for the assignment of partitions")
    health.assigned(1)
    assert (health.ready().ok, health.ready().reason) == (False, "restoring state")
    health.recovered(2)
    assert (health.ready().ok, health.ready().reason) == (True, "ready")
    health.revoked(3)
    assert not health.ready().ok
    health.assigned(4)
    assert not health.ready().ok, "the new partitions' state is not restored yet"


def test_readiness_says_what_is_held_on_purpose() -> None:
    answer = watched(Standing(7, 5, "the exchange is full"), 100).ready()
    assert (answer.ok, answer.reason) == (True, "ready; poll.votes/0 waits: the exchange is full")


def test_a_long_recovery_does_not_count_as_standing_still() -> None:
    health = Health(0, stall_after_ms=STALL_MS)
    health.assigned(0)
    for second in range(600):
        health.watch({"poll.votes/0": Standing(None, 1_000_000)}, second * SECOND)
        assert health.alive(second * SECOND).ok
    health.recovered(600 * SECOND)
    health.watch({"poll.votes/0": Standing(None, 1_000_000)}, 600 * SECOND)
    assert health.alive(600 * SECOND + STALL_MS).ok
