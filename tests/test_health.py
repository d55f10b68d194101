import pytest

from streams.health import Health, Pulse, alive, ready

STALL_MS = 30_000
WORKING = Pulse(
    heard_ms=100_000, last_progress_ms=100_000, lagging_since_ms=0, lag=5, assigned=True, recovered=True
)


@pytest.mark.parametrize(
    ("case", "pulse", "now_ms", "ok"),
    [
        ("progress just now", WORKING, 100_000, True),
        ("lag, and the last progress is as old as allowed", WORKING, 100_000 + STALL_MS, True),
        ("lag, and no progress for too long", Pulse(131_000, 100_000, 0, 5, True, True), 130_001, False),
        (
            "no lag, and nothing to do for an hour",
            Pulse(3_700_000, 100_000, 0, 0, True, True),
            3_700_000,
            True,
        ),
        ("lag only since a moment ago", Pulse(3_700_000, 100_000, 3_699_000, 5, True, True), 3_700_000, True),
        (
            "lag unknown since the brokers are away",
            Pulse(3_700_000, 100_000, 0, None, True, True),
            3_700_000,
            True,
        ),
        ("state is still being restored", Pulse(3_700_000, 100_000, 0, 5, True, False), 3_700_000, True),
        ("partitions are being handed over", Pulse(3_700_000, 100_000, 0, 5, False, False), 3_700_000, True),
        ("nothing was heard for too long", Pulse(100_000, 100_000, 0, 0, True, True), 130_001, False),
        ("nothing was heard, not even a start", Pulse(100_000, 100_000, 100_000), 130_001, False),
    ],
)
def test_a_worker_is_alive_while_it_speaks_and_works_off_what_waits(
    case: str, pulse: Pulse, now_ms: int, ok: bool
) -> None:
    assert alive(pulse, now_ms, STALL_MS).ok is ok, case


def test_the_reason_says_what_stalls() -> None:
    stalled = Pulse(145_000, 100_000, 0, 1234, assigned=True, recovered=True)
    assert alive(stalled, 145_000, STALL_MS).reason == "1234 records wait and none was processed for 45000 ms"
    assert alive(stalled, 190_000, STALL_MS).reason == "the worker has said nothing for 45000 ms"


def test_a_worker_is_ready_when_assigned_and_recovered() -> None:
    health = Health(0)
    assert (health.ready().ok, health.ready().reason) == (False, "waiting for the assignment of partitions")
    health.assigned(1)
    assert (health.ready().ok, health.ready().reason) == (False, "restoring state")
    health.recovered(2)
    assert health.ready().ok
    health.revoked(3)
    assert not health.ready().ok
    health.assigned(4)
    assert not health.ready().ok, "the new partitions' state is not restored yet"
    assert ready(WORKING).ok


def test_lag_counts_from_when_it_appeared_and_not_from_the_last_work_before() -> None:
    health = Health(0, stall_after_ms=STALL_MS)
    health.assigned(0)
    health.recovered(0)
    for now_ms in range(0, 600_000, 1_000):
        health.set_lag(0, now_ms)
    health.set_lag(7, 600_000)
    assert health.alive(600_000 + STALL_MS).ok
    for now_ms in range(601_000, 632_000, 1_000):
        health.set_lag(7, now_ms)
    assert not health.alive(631_000).ok
    health.progress(631_500)
    assert health.alive(632_000).ok


def test_a_long_recovery_does_not_count_as_standing_still() -> None:
    health = Health(0, stall_after_ms=STALL_MS)
    health.assigned(0)
    for now_ms in range(0, 600_000, 1_000):
        health.set_lag(1_000_000, now_ms)
        assert health.alive(now_ms).ok
    health.recovered(600_000)
    assert health.alive(600_000 + STALL_MS).ok
