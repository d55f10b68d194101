"""What `pollwatch notify` tells of itself. The only label that is no fixed word is a target's name, from a file of at most 32."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from prometheus_client import CollectorRegistry

from streams.meters import Meters, Open

LATENCY_BUCKETS_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Delivery(StrEnum):
    """What became of one request: taken, to be tried again, refused for good, or said again and taken."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    REFUSED = "refused"
    REPEATED = "repeated"


class WebhookMetrics:
    """All metrics on `registry`; every target's series are there from the start."""

    def __init__(self, registry: CollectorRegistry, targets: Iterable[str] = ()) -> None:
        meters = Meters(registry)
        target = {"target": Open.VALUES}
        self.deliveries = meters.counter(
            "webhook_deliveries_total",
            "Requests to a target, by what became of them: delivered, retried (not taken, tried again), refused (for good), "
            "repeated (what is open, said again to an Alertmanager).",
            **target,
            outcome=Delivery,
        )
        self.seconds = meters.histogram(
            "webhook_request_seconds", "From sending a request to its answer, whatever that was.", LATENCY_BUCKETS_S, **target
        )
        self.oldest = meters.gauge(
            "webhook_oldest_waiting_seconds", "Age of the oldest message that a target has neither taken nor refused; 0 for none.", **target
        )
        self.waiting = meters.gauge("webhook_waiting_messages", "Messages that were read for a target and are not done.", **target)
        self.failures = meters.gauge("webhook_failures_in_a_row", "How often a target failed since it last answered.", **target)
        self.unreadable = meters.counter(
            "webhook_unreadable_total", "Records of an output topic that are no message of a known form: they are passed over.", **target
        )
        self.lost = meters.counter(
            "webhook_lost_total", "Records that were deleted from a topic before a target had taken them.", **target
        )
        self.descriptions = tuple(meters.descriptions)
        for name in targets:
            for outcome in Delivery:
                self.deliveries.labels(name, outcome)
            for made in (self.seconds, self.oldest, self.waiting, self.failures, self.unreadable, self.lost):
                made.labels(name)
