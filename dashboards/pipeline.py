"""For whoever runs Pollwatch: where in the flow is it slow, stuck, full or failing?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import FIRING_MARKS, Marks, frame, row
from dashboards.panels import Ask, Column, counted, graph, limited, listing, number, worded
from dashboards.queries import age, by, increase, of, quantile, rate

STARTED_MARKS = Marks(
    "Workers started", f"{of('process_start_time_seconds')} * 1000", "purple", "Worker started", "{{instance}}", value_is_ms=True
)
STEP = "pollwatch_processing_seconds"
PARTITION, PARTITION_NAME = "topic, partition", "{{topic}} {{partition}}"
WORKER = "{{instance}}"


def dashboard() -> Dashboard:
    """In the order of work, failures, time; then what stands behind: partitions, snapshots, state, the process."""
    made = frame(
        "pollwatch-pipeline",
        "How the stages keep up: time, lag by partition, snapshots, state, topics that refuse, shedding, processor and memory.",
        FIRING_MARKS, STARTED_MARKS,
    )  # fmt: skip
    for fill in (_work, _failures, _time, _overload, _partitions, _snapshots, _state, _webhooks, _process):
        fill(made)
    return made


def _work(made: Dashboard) -> None:
    row(
        made, "Work",
        graph(
            "Batches", "ops",
            "Batches of records, and blocks of rows, that a stage worked on.",
            Ask(by("stage", rate(f"{STEP}_count")), "{{stage}}"),
        ),
        graph(
            "Blocks of the exchange", "ops",
            "Blocks on their way from intake to the shards. As many are applied as are sent; repeated ones come after a restart and are dropped.",
            Ask(by("outcome", rate("pollwatch_exchange_blocks_total")), "{{outcome}}"),
        ),
        graph(
            "Votes that replaced another", "eps",
            "Votes of accounts that had voted in the same poll before.",
            Ask(f"sum({rate('pollwatch_revotes_total')})", "replaced"),
        ),
    )  # fmt: skip


def _failures(made: Dashboard) -> None:
    row(
        made, "Failures",
        graph(
            "Topics that refuse", "ops",
            "How often a topic refused a record or could not be reached. The record is tried again in its place, for ever.",
            Ask(by("sink", rate("pollwatch_sink_failures_total")), "{{sink}}"), alert="PollwatchSinkFailing",
        ),
        graph(
            "Waiting to be acknowledged", "s",
            "How long the oldest record has waited. No offset moves before the brokers hold it.",
            Ask(by("sink", of("pollwatch_sink_waiting_seconds"), "max"), "{{sink}}"), alert="PollwatchSinkFailing",
        ),
        graph(
            "Dead letters", "eps",
            "Refused records that the dead-letter topic acknowledged.",
            Ask(f"sum({rate('pollwatch_dead_letters_total')})", "acknowledged"),
        ),
    )  # fmt: skip


def _time(made: Dashboard) -> None:
    row(
        made, "Time",
        limited(graph(
            "Time for one batch", "s",
            "How long a stage worked on one batch or block. Beyond 0.1 s (dashed) others wait for the event loop.",
            Ask(quantile(0.99, STEP, "stage"), "{{stage}} p99"), Ask(quantile(0.5, STEP, "stage"), "{{stage}} p50"), width=6,
        ), 0.1),
        limited(graph(
            "How busy", "percentunit",
            "Share of the time in which a worker's stage was working. At 1 (dashed) it can do no more.",
            Ask(by("instance, stage", rate(f"{STEP}_sum")), "{{instance}} {{stage}}"), width=6,
        ), 1.0),
        graph(
            "Behind", "s",
            "How long what a stage works on now has waited for it, on the brokers' clock; 0 when nothing waits.",
            Ask(by("stage", of("pollwatch_behind_seconds"), "max"), "{{stage}}"), width=6, alert="PollwatchBehind",
        ),
        graph(
            "Watermark behind the clock", "s",
            "How far the event time of a stage is behind the wall clock. Detectors can't be sooner.",
            Ask(by("stage", of("pollwatch_watermark_lag_seconds"), "max"), "{{stage}}"), width=6,
        ),
    )  # fmt: skip


def _overload(made: Dashboard) -> None:
    row(
        made, "Overload",
        worded(number(
            "Shedding", "none",
            "Yes: votes are counted, and nobody looks at who votes, because the workers can't keep up.",
            f"max({of('pollwatch_shedding')})", red_from=1, alert="PollwatchShedding",
        ), {"0": "no", "1": "yes"}).span(6).height(8),
        graph(
            "Counted, not looked at", "eps",
            "Votes and replies whose senders nobody looked at while the workers could not keep up.",
            Ask(f"sum({rate('pollwatch_events_unwatched_total')})", "not looked at"), width=18,
        ),
    )  # fmt: skip


def _partitions(made: Dashboard) -> None:
    row(
        made, "Partitions",
        graph(
            "Lag by partition", "short",
            "Records not yet processed. One partition far above the others does not move, or holds much more than they do.",
            Ask(by(PARTITION, of("pollwatch_consumer_lag_records"), "max"), PARTITION_NAME), alert="PollwatchPartitionStuck",
        ),
        graph(
            "Processed, not committed", "short",
            "Records that are processed and not yet committed. After a crash they come again.",
            Ask(by(PARTITION, of("pollwatch_consumer_uncommitted_records"), "max"), PARTITION_NAME),
        ),
        graph(
            "Age of the last commit", "s",
            "How long nothing was committed of a partition though something could be.",
            Ask(by(PARTITION, of("pollwatch_consumer_commit_age_seconds"), "max"), PARTITION_NAME),
        ),
        listing(
            "Committed against processed",
            "Each assigned partition now. The committed offset must follow the processed one.",
            Column("processed", by(PARTITION, of("pollwatch_consumer_processed_offset"), "max"), "none"),
            Column("committed", by(PARTITION, of("pollwatch_consumer_committed_offset"), "max"), "none"),
            Column("not committed", by(PARTITION, of("pollwatch_consumer_uncommitted_records"), "max"), "short"),
            Column("lag", by(PARTITION, of("pollwatch_consumer_lag_records"), "max"), "short"),
            rows=("topic", "partition"), width=16,
        ),
        graph(
            "Brokers last answered", "s",
            "How long ago the brokers said where partitions end. The lag is known as of then.",
            Ask(by("instance", age("pollwatch_brokers_answered_timestamp_seconds"), "max"), WORKER), alert="PollwatchBrokersAway",
        ),
    )  # fmt: skip


def _snapshots(made: Dashboard) -> None:
    row(
        made, "Snapshots",
        graph(
            "Age of the last snapshot", "s",
            "A worker that is killed goes on from its last snapshot. The oldest one of all workers.",
            Ask(by("stage", age("pollwatch_snapshot_last_timestamp_seconds"), "max"), "{{stage}}"), width=6,
        ),
        graph(
            "Time for a snapshot", "s",
            "From taking a snapshot to its acknowledgement, p99.",
            Ask(quantile(0.99, "pollwatch_snapshot_seconds", "stage"), "{{stage}}"), width=6,
        ),
        graph(
            "Size of the last snapshot", "bytes",
            "It grows with the state. The largest one of all workers.",
            Ask(by("stage", of("pollwatch_snapshot_bytes"), "max"), "{{stage}}"), width=6,
        ),
        graph(
            "Snapshots completed", "ops",
            "How often a stage completes one.",
            Ask(by("stage", rate("pollwatch_snapshots_total")), "{{stage}}"), width=6,
        ),
    )  # fmt: skip


def _state(made: Dashboard) -> None:
    row(
        made, "State",
        graph(
            "Entries", "short",
            "What the bounded stores hold, of all workers together.",
            Ask(by("store", of("pollwatch_state_entries")), "{{store}}"),
        ),
        limited(graph(
            "How full", "percentunit",
            "Share of its limit that the fullest shard of a store holds; of cases, the accounts they name. Beyond 85 % (dashed) somebody is told.",
            Ask(by("store", of("pollwatch_state_fullness_ratio"), "max"), "{{store}}"), alert="PollwatchStateNearLimit",
        ), 0.85),
        graph(
            "Dropped because full", "ops",
            "Entries that had to leave because their store was full. What they knew is forgotten.",
            Ask(by("store", rate("pollwatch_state_evictions_total")), "{{store}}"), alert="PollwatchStateNearLimit",
        ),
    )  # fmt: skip


def _webhooks(made: Dashboard) -> None:
    target = "{{target}}"
    row(
        made, "Webhooks",
        graph(
            "Requests", "ops",
            "Requests of pollwatch notify to each target, by what became of them.",
            Ask(by("target, outcome", rate("pollwatch_webhook_deliveries_total")), "{{target}} {{outcome}}"), width=6, alert="PollwatchWebhookLosing",
        ),
        graph(
            "Time to an answer", "s",
            "From sending a request to its answer, whatever that was, p99.",
            Ask(quantile(0.99, "pollwatch_webhook_request_seconds", "target"), target), width=6,
        ),
        graph(
            "Messages that wait", "short",
            "Messages that were read for a target and are not done; and how often it failed since it last answered.",
            Ask(by("target", of("pollwatch_webhook_waiting_messages")), "{{target}} waiting"),
            Ask(by("target", of("pollwatch_webhook_failures_in_a_row"), "max"), "{{target}} failures in a row"), width=6,
            alert="PollwatchWebhookFailing",
        ),
        counted(graph(
            "Never sent", "none",
            "Records that are no message of a known form, and records that were deleted before a target had them.",
            Ask(by("target", increase("pollwatch_webhook_unreadable_total")), "{{target}} unreadable"),
            Ask(by("target", increase("pollwatch_webhook_lost_total")), "{{target}} lost"), width=6,
        )),
    )  # fmt: skip


def _process(made: Dashboard) -> None:
    row(
        made, "Process",
        graph("Processor", "none", "Processor cores that a worker uses.", Ask(rate("process_cpu_seconds_total"), WORKER)),
        graph("Memory", "bytes", "Resident memory of a worker.", Ask(of("process_resident_memory_bytes"), WORKER)),
        graph(
            "Open files", "percentunit",
            "Share of the files a worker may have open that are. A socket is one.",
            Ask(f"{of('process_open_fds')} / {of('process_max_fds')}", WORKER),
        ),
        listing(
            "What runs",
            "Version and settings of each worker. All workers of a group must show the same digest.",
            Column("up", f"{of('pollwatch_build_info')} * on (job, instance) group_left (digest, mode) {of('pollwatch_config_info')}", "none"),
            rows=("job", "instance", "version", "python", "digest", "mode"),
        ),
    )  # fmt: skip
