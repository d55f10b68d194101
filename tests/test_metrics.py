import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from detectors.alert import Integrity, Severity, Verdict
from detectors.cases.impact import NONE_SUSPECT, Pace, SuspectVotes, integrity
from detectors.findings import Kind
from streams.decode_record import Refusal
from streams.meters import Meters, Open
from streams.metric_labels import EventType, Sink, Stage, Store
from streams.metrics import Metrics, Offsets, process_registry
from streams.metrics_page import page
from streams.top_slots import TopSlots

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"
ALLOWED_LABELS = {
    *("event_type", "reason", "topic", "partition", "outcome", "stage", "kind", "severity"),
    *("verdict", "decision", "store", "sink", "slot", "bound", "le", "version", "python", "digest", "mode"),
}


def used_everywhere(registry: CollectorRegistry) -> Metrics:
    """Metrics in which every method was called once."""
    metrics = Metrics(registry, top_polls=2)
    metrics.describe("0.1.0", "0123456789ab", "live")
    metrics.partition("poll.votes", 0, Offsets(processed=5, committed=3, end=9, uncommitted=2, commit_age_s=1.5))
    metrics.alert(["vote_spike", "slow_drip"], "warning", "00f1a2b3c4d5e6f7", latency_s=0.3)
    metrics.snapshot(Stage.POLLS, size_bytes=1000, seconds=0.2, now_s=1.7e9)
    metrics.top_polls.show({"secret-poll": 3.0}, estimate)
    return metrics


def estimate(poll_id: str) -> Integrity:
    """A poll of ten votes, two of them suspect."""
    suspect = SuspectVotes(votes=2, low=1, high=5)
    return integrity(poll_id, {"yes": 10}, suspect, 0, Pace(expected_per_s=0.25, score=1.5))


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_every_metric_is_documented_and_every_documented_metric_exists() -> None:
    written = page(Metrics(CollectorRegistry()).descriptions)
    assert PAGE.read_text(encoding="utf-8") == written, (
        "run `python -m streams.metrics_page > docs/metrics.md`"
    )


def test_the_page_names_what_is_exported() -> None:
    registry = CollectorRegistry()
    described = {each.name for each in used_everywhere(registry).descriptions}
    exported = {
        family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        for family in registry.collect()
    }
    assert described == exported


def test_names_have_the_prefix_and_a_base_unit() -> None:
    for each in Metrics(CollectorRegistry()).descriptions:
        assert re.fullmatch(r"pollwatch_[a-z]+(_[a-z]+)*", each.name), each.name
        assert (each.kind == "counter") == each.name.endswith("_total"), each.name
        assert (each.kind == "info") == each.name.endswith("_info"), each.name
        assert each.kind != "histogram" or each.name.endswith("_seconds"), each.name
        assert not re.search(r"_(ms|milliseconds|minutes|kb|mb|percent)(_|$)", each.name), each.name
        assert each.meaning.endswith("."), each.name


def test_no_label_can_hold_an_id() -> None:
    registry = CollectorRegistry()
    used_everywhere(registry)
    samples = [sample for family in registry.collect() for sample in family.samples]
    assert {label for sample in samples for label in sample.labels} <= ALLOWED_LABELS
    shown = {text for sample in samples for text in sample.labels.values()}
    assert not shown & {"secret-poll", "00f1a2b3c4d5e6f7"}


def test_every_closed_label_value_is_exported_at_zero_from_the_start() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    closed: list[tuple[str, str, Sequence[str]]] = [
        ("pollwatch_events_received_total", "event_type", list(EventType)),
        ("pollwatch_events_refused_total", "reason", list(Refusal)),
        ("pollwatch_cases_opened_total", "verdict", get_args(Verdict)),
        ("pollwatch_cases_open", "verdict", get_args(Verdict)),
        ("pollwatch_cases_open_by_severity", "severity", get_args(Severity)),
        ("pollwatch_findings_total", "kind", get_args(Kind)),
        ("pollwatch_sink_failures_total", "sink", list(Sink)),
        ("pollwatch_state_entries", "store", list(Store)),
        ("pollwatch_state_evictions_total", "store", list(Store)),
        ("pollwatch_state_fullness_ratio", "store", list(Store)),
        ("pollwatch_processing_seconds_count", "stage", list(Stage)),
    ]
    for name, label, values in closed:
        for each in values:
            assert value(registry, name, **{label: each}) == 0.0, f"{name} {each}"
    for kind in get_args(Kind):
        for severity in get_args(Severity):
            assert value(registry, "pollwatch_alerts_emitted_total", kind=kind, severity=severity) == 0.0
    assert value(registry, "pollwatch_event_to_alert_seconds_count") == 0.0


def test_the_promised_latency_is_the_edge_of_a_bucket() -> None:
    registry = CollectorRegistry()
    Metrics(registry).alert(["vote_spike"], "warning", "0123456789abcdef", latency_s=1.9)
    assert value(registry, "pollwatch_event_to_alert_seconds_bucket", le="1.5") == 0.0
    assert value(registry, "pollwatch_event_to_alert_seconds_bucket", le="2.0") == 1.0


def test_an_alert_counts_once_for_each_kind_and_names_its_case_only_in_the_exemplar() -> None:
    registry = CollectorRegistry()
    used_everywhere(registry)
    for kind in ("vote_spike", "slow_drip"):
        assert value(registry, "pollwatch_alerts_emitted_total", kind=kind, severity="warning") == 1.0
    exemplars: bytes = generate_openmetrics(registry)  # type: ignore[no-untyped-call]
    assert '# {case_id="00f1a2b3c4d5e6f7"} 0.3' in exemplars.decode()


def test_lag_is_what_is_not_yet_processed_and_ends_with_the_assignment() -> None:
    registry = CollectorRegistry()
    metrics = used_everywhere(registry)
    partition = {"topic": "poll.votes", "partition": "0"}
    assert value(registry, "pollwatch_consumer_lag_records", **partition) == 4.0
    assert value(registry, "pollwatch_consumer_processed_offset", **partition) == 5.0
    assert value(registry, "pollwatch_consumer_committed_offset", **partition) == 3.0
    metrics.forget_partition("poll.votes", 0)
    assert value(registry, "pollwatch_consumer_lag_records", **partition) is None
    assert b"poll.votes" not in generate_latest(registry)


def test_two_instances_live_in_one_process() -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    Metrics(first).revotes.inc()
    Metrics(second)
    assert value(first, "pollwatch_revotes_total") == 1.0
    assert value(second, "pollwatch_revotes_total") == 0.0


def test_the_series_of_a_slot_end_when_its_poll_leaves() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, top_polls=1)
    metrics.top_polls.show({"a": 3.0, "b": 2.0}, estimate)
    assert value(registry, "pollwatch_top_poll_votes_per_second", slot="0") == 3.0
    assert value(registry, "pollwatch_top_poll_votes_per_second", slot="1") is None
    metrics.top_polls.show({"b": 2.0}, estimate)
    assert (metrics.top_polls.slots, value(registry, "pollwatch_top_poll_votes_per_second", slot="0")) == (("b",), 2.0)
    metrics.top_polls.show({}, estimate)
    assert metrics.top_polls.slots == (None,)
    samples = [sample for family in registry.collect() for sample in family.samples]
    assert not [sample for sample in samples if sample.name.startswith("pollwatch_top_poll")]


def test_a_slot_says_what_was_expected_how_unusual_that_is_and_how_much_is_suspect() -> None:
    registry = CollectorRegistry()
    Metrics(registry, top_polls=1).top_polls.show({"a": 3.0}, estimate)
    told = {name: value(registry, f"pollwatch_top_poll_{name}", slot="0") for name in ("expected_votes_per_second", "score")}
    bounds = [value(registry, "pollwatch_top_poll_suspect_ratio", slot="0", bound=bound) for bound in ("low", "point", "high")]
    assert (told, bounds) == ({"expected_votes_per_second": 0.25, "score": 1.5}, [0.1, 0.2, 0.5])


def test_a_poll_that_has_only_begun_shows_that_nothing_is_known_to_be_expected() -> None:
    registry = CollectorRegistry()
    Metrics(registry).top_polls.show({"a": 3.0}, lambda poll_id: integrity(poll_id, {"yes": 1}, NONE_SUSPECT, 0))
    expected = value(registry, "pollwatch_top_poll_expected_votes_per_second", slot="0")
    assert expected is not None
    assert isnan(expected)


def test_the_number_of_series_does_not_grow_with_polls() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, top_polls=20)
    counts = []
    for second in range(30):
        metrics.top_polls.show({f"poll-{second}-{n}": 1.0 + n for n in range(500)}, estimate)
        counts.append(sum(len(family.samples) for family in registry.collect()))
    assert set(counts) == {counts[0]}


def test_the_process_registry_also_tells_memory_and_processor_time() -> None:
    registry = process_registry()
    Metrics(registry)
    text = generate_latest(registry).decode()
    assert "process_resident_memory_bytes" in text
    assert "process_cpu_seconds_total" in text
    assert "_created" not in text


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_object_to() -> None:
    registry = process_registry()
    used_everywhere(registry)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], check=False, input=generate_latest(registry), capture_output=True
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_an_open_label_exports_nothing_until_it_is_used() -> None:
    registry = CollectorRegistry()
    gauge = Meters(registry).gauge("depth_records", "Depth.", stage=Stage, partition=Open.VALUES)
    assert [sample for family in registry.collect() for sample in family.samples] == []
    gauge.labels("polls", "3").set(1)
    assert value(registry, "pollwatch_depth_records", stage="polls", partition="3") == 1.0


def test_a_poll_keeps_its_slot_while_it_is_among_the_active_ones() -> None:
    slots = TopSlots[str](3)
    slots.update({"a": 10.0, "b": 20.0, "c": 30.0})
    before = slots.polls
    assert slots.update({"a": 30.0, "b": 10.0, "c": 20.0, "d": 9.0}).filled == {}
    assert slots.polls == before


def test_a_newcomer_takes_the_slot_of_the_least_active_poll() -> None:
    slots = TopSlots[str](2)
    slots.update({"a": 10.0, "b": 20.0})
    changes = slots.update({"a": 10.0, "b": 20.0, "c": 40.0, "d": 9.0})
    assert set(slots.polls) == {"b", "c"}
    assert (changes.cleared, dict(changes.filled)) == ((1,), {1: "c"})


def test_polls_of_nearly_equal_activity_do_not_take_turns() -> None:
    slots = TopSlots[str](1)
    slots.update({"a": 10.0, "b": 9.0})
    for second in range(100):
        slots.update({"a": 10.0 - second % 2, "b": 9.0 + second % 2})
        assert slots.polls == ("a",)


def test_a_silent_poll_leaves_its_slot() -> None:
    slots = TopSlots[str](2)
    slots.update({"a": 10.0, "b": 5.0})
    assert slots.update({"a": 0.0}).cleared == (0, 1)
    assert slots.polls == (None, None)


@pytest.mark.parametrize("seed", range(20))
def test_slots_hold_the_most_active_polls_up_to_the_margin_and_each_only_once(seed: int) -> None:
    rng, slots = random.Random(seed), TopSlots[int](5)
    for _ in range(200):
        activity = {
            poll: rng.choice([0.0, rng.expovariate(0.1)]) for poll in rng.sample(range(30), rng.randrange(30))
        }
        slots.update(activity)
        held = [poll for poll in slots.polls if poll is not None]
        voting = [poll for poll, votes in activity.items() if votes > 0]
        assert len(held) == len(set(held)) == min(5, len(voting)), f"seed {seed}"
        outside = [activity[poll] for poll in voting if poll not in held]
        assert max(outside, default=0.0) <= 1.25 * min(map(activity.__getitem__, held), default=0.0), (
            f"seed {seed}"
        )
