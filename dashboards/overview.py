"""For whoever is on call: is something wrong with the polls, or with Pollwatch, and which page says what to do?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import CASE_MARKS, FIRING_MARKS, frame, row
from dashboards.panels import SEVERITIES, Ask, Column, coloured, counted, graph, limited, listing, number
from dashboards.queries import ACCUSING, FIRING, age, by, increase, late, of, quantile, rate

LATENCY = "pollwatch_event_to_alert_seconds"
IN_TIME = 'le="2.0"'
"""The promise: 99 % of alerts within 2 s of the vote that caused them."""
BUDGET = 0.01
"""So many may be late."""
INPUT = 'event_type=~"vote|reply"'


def dashboard() -> Dashboard:
    """In the order of traffic, failures, latency; then what was found, and what Pollwatch says of itself."""
    made = frame(
        "pollwatch-overview",
        "Traffic, refusals and latency; cases by verdict; firing alerts. What to look at first.",
        FIRING_MARKS, *CASE_MARKS,
    )  # fmt: skip
    for fill in (_now, _traffic, _failures, _latency, _cases, _review, _webhooks, _itself):
        fill(made)
    return made


def _now(made: Dashboard) -> None:
    kept, all_of_them = f"increase({of(f'{LATENCY}_bucket', IN_TIME)}[$__range])", f"increase({of(f'{LATENCY}_count')}[$__range])"
    row(
        made, "Now",
        number(
            "Firing alerts", "none",
            "Alerts of Pollwatch that fire now; the last table names them.",
            f"count({FIRING}) or vector(0)", red_from=1,
        ),
        number(
            "Open cases that accuse", "none",
            "Cases open now whose verdict is coordinated or mixed. Each waits for a person; the console shows why it is so.",
            f"sum({of('pollwatch_cases_open', ACCUSING)})", red_from=1, alert="PollwatchCoordinatedActivity",
        ),
        number(
            "Alerts in time", "percentunit",
            "Share of alerts, in the time shown, that came within 2 s of the vote that caused them. 99 % is promised.",
            f"sum({kept}) / sum({all_of_them})", red_below=1 - BUDGET,
            alert="PollwatchAlertLatencyBudgetBurn", else_say="no alerts",
        ),
        number(
            "Newest vote or reply", "s",
            "How old the newest event is. It grows while nothing comes in.",
            f"min({age('pollwatch_last_event_timestamp_seconds', INPUT)})", red_from=60, alert="PollwatchNoEvents",
        ),
        number(
            "Largest lag", "short",
            "Records that wait in the partition where most wait.",
            f"max({of('pollwatch_consumer_lag_records')})",
        ),
        number(
            "Workers up", "none",
            "Workers whose metrics page answers.",
            f"sum({of('up')} and on (job, instance) {of('pollwatch_build_info')})", alert="PollwatchDown",
        ),
    )  # fmt: skip


def _traffic(made: Dashboard) -> None:
    row(
        made, "Traffic",
        graph(
            "Events received", "eps",
            "Records read from the input topics, by type. A canary's own votes are a type of their own.",
            Ask(by("event_type", rate("pollwatch_events_received_total")), "{{event_type}}"),
        ),
        graph(
            "Age of the newest event", "s",
            "How long ago the newest event of a type happened, by its own time. A line that climbs evenly: nothing of this type comes in.",
            Ask(by("event_type", age("pollwatch_last_event_timestamp_seconds"), "min"), "{{event_type}}"),
            alert="PollwatchNoEvents",
        ),
        graph(
            "Lag", "short",
            "Records of assigned partitions that are not yet processed, by topic. While it grows, more comes than the workers can do.",
            Ask(by("topic", of("pollwatch_consumer_lag_records")), "{{topic}}"), alert="PollwatchBehind",
        ),
    )  # fmt: skip


def _failures(made: Dashboard) -> None:
    row(
        made, "What is not counted",
        graph(
            "Refused", "eps",
            "Records that are not counted, by the reason. The dead-letter topic holds them, unchanged.",
            Ask(by("reason", rate("pollwatch_events_refused_total")), "{{reason}}"), alert="PollwatchEventsRefused",
        ),
        graph(
            "Late, repeated, not looked at", "eps",
            "Late: behind the watermark of their partition. Repeated: an event_id that was seen before. Not looked at: counted, but nobody "
            "looked at who voted, since the workers could not keep up.",
            Ask(f"sum({rate('pollwatch_events_late_total')})", "late"),
            Ask(f"sum({rate('pollwatch_events_duplicate_total')})", "repeated"),
            Ask(f"sum({rate('pollwatch_events_unwatched_total')})", "not looked at"),
        ),
        graph(
            "Topics that refuse", "ops",
            "How often a topic that Pollwatch writes refused a record or could not be reached.",
            Ask(by("sink", rate("pollwatch_sink_failures_total")), "{{sink}}"), alert="PollwatchSinkFailing",
        ),
    )  # fmt: skip


def _latency(made: Dashboard) -> None:
    row(
        made, "From a vote to its alert",
        limited(graph(
            "From event to alert", "s",
            "From the timestamp of the record that crossed the threshold to the acknowledged alert. Points are single alerts; each names "
            "its case. Dashed: what is promised for 99 %.",
            Ask(quantile(0.99, LATENCY), "p99", exemplars=True),
            Ask(quantile(0.5, LATENCY), "p50"), alert="PollwatchAlertLatencyBudgetBurn",
        ), 2.0),
        limited(graph(
            "How fast the budget burns", "none",
            "Share of late alerts in a window, against the 1 % that may be late. At 1 (dashed) the budget lasts as long as it must; the alerts "
            "begin at 14.4 in 1 h and 5 min, 6 in 6 h and 30 min, 1 in 3 d and 6 h.",
            *(Ask(f"{late(window)} / {BUDGET}", f"{{{{job}}}} {window}") for window in ("5m", "30m", "1h", "6h", "3d")),
            alert="PollwatchAlertLatencyBudgetBurn",
        ), 1.0),
        coloured(counted(graph(
            "Alerts sent", "none",
            "Alerts acknowledged, once for each kind they name, by severity. Those of severity info page nobody.",
            Ask(by("severity", increase("pollwatch_alerts_emitted_total")), "{{severity}}"),
        )), SEVERITIES),
    )  # fmt: skip


def _cases(made: Dashboard) -> None:
    row(
        made, "What was found",
        coloured(graph(
            "Open cases", "none",
            "Cases open now, by their latest verdict. Organic ones page nobody.",
            Ask(by("verdict", of("pollwatch_cases_open")), "{{verdict}}"), width=6, alert="PollwatchRateSurgeUnexplained",
        )),
        coloured(graph(
            "Open cases by severity", "none",
            "Critical: scripts decide a poll, or cast a fifth of its votes. Somebody is woken for each of those.",
            Ask(by("severity", of("pollwatch_cases_open_by_severity")), "{{severity}}"), width=6, alert="PollwatchCoordinatedActivity",
        ), SEVERITIES),
        coloured(counted(graph(
            "Cases opened", "none",
            "New cases, by their first verdict.",
            Ask(by("verdict", increase("pollwatch_cases_opened_total")), "{{verdict}}"), width=6,
        ))),
        counted(graph(
            "Findings", "none",
            "What single detectors saw, by kind. Many findings can be one case.",
            Ask(by("kind", increase("pollwatch_findings_total")), "{{kind}}"), width=6,
        )),
    )  # fmt: skip


def _review(made: Dashboard) -> None:
    row(
        made, "What reviewers decide",
        counted(graph(
            "Decisions", "none",
            "What reviewers decided about cases. Refused: decisions that no case took.",
            Ask(by("decision", increase("pollwatch_decisions_total")), "{{decision}}"), width=12, alert="PollwatchFalsePositiveRateHigh",
        )),
        graph(
            "Oldest case without a decision", "s",
            "How long ago the oldest case was opened that accuses and that nobody decided. Empty where there is none.",
            Ask(f"max({age('pollwatch_oldest_undecided_case_timestamp_seconds')})", "waits"), width=12, alert="PollwatchReviewWaiting",
        ),
    )  # fmt: skip


def _webhooks(made: Dashboard) -> None:
    row(
        made, "Webhooks",
        graph(
            "Requests to webhooks", "ops",
            "Requests of pollwatch notify, by what became of them. Retried ones were not taken and are tried again.",
            Ask(by("outcome", rate("pollwatch_webhook_deliveries_total")), "{{outcome}}"), width=12, alert="PollwatchWebhookLosing",
        ),
        graph(
            "Oldest message for a webhook", "s",
            "Age of the oldest message that a webhook has neither taken nor refused; 0 when nothing waits.",
            Ask(by("target", of("pollwatch_webhook_oldest_waiting_seconds"), "max"), "{{target}}"), width=12,
            alert="PollwatchWebhookFailing",
        ),
    )  # fmt: skip


def _itself(made: Dashboard) -> None:
    found = "pollwatch_canary_detection_seconds"
    row(
        made, "Pollwatch itself",
        graph(
            "Canary: time to find it", "s",
            "From the first vote of a canary's flood to its case. Empty while canary.every_ms is 0.",
            Ask(quantile(0.99, found), "p99"), Ask(quantile(0.5, found), "p50"), width=6,
        ),
        counted(graph(
            "Canary: floods", "none",
            "Floods of the canary's poll; missed are those not found within 60 seconds.",
            Ask(by("outcome", increase("pollwatch_canary_floods_total")), "{{outcome}}"), width=6, alert="PollwatchCanaryMissed",
        )),
        graph(
            "Canary: last found", "s",
            "How long ago a canary's flood was found. Empty before the first.",
            Ask(f"min({age('pollwatch_canary_found_timestamp_seconds')})", "ago"), width=6,
        ),
        listing(
            "Alerts that fire", "Which alerts of Pollwatch fire now.",
            Column("firing", f"count by (alertname, severity) ({FIRING})", "none"),
            rows=("alertname", "severity"), width=6,
        ),
    )  # fmt: skip
