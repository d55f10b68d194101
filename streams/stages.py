"""The stages as the settings want them: the one place where settings become decoder, shards and cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from importlib.metadata import version
from typing import Literal

from config.schema import Settings, TopicRole
from detectors.alert import MadeBy
from detectors.canary import ShardWithCanary
from detectors.cases.book import CaseBook
from detectors.copies.detector import CopiedReplies
from detectors.crowd.detector import Crowd
from detectors.lockstep.detector import Lockstep
from detectors.no_rate import NoRate
from detectors.rate.detector import RateDetector
from detectors.shape.detector import Shape
from detectors.shard import Shard
from detectors.watcher import Watcher
from streams.cut import ShardOf
from streams.cutter import source_name
from streams.decode import Decoder
from streams.hash_key import hash_key

CANARY_PREFIX = "pollwatch-canary-"


def scan_sources(settings: Settings) -> list[str]:
    """Return the names of the source partitions of a scan: those of the votes, then those of the replies."""
    topics = [settings.topics.name(role) for role in (TopicRole.VOTES, TopicRole.REPLIES)]
    return [source_name(topic, number) for topic in topics for number in range(settings.topics.partitions)]


def shards(settings: Settings) -> int:
    """Return how many shards there are: those of the polls, and the one across all polls."""
    return settings.topics.partitions + 1


def build_decoder(settings: Settings) -> Decoder:
    """Return the decoder. Raises ConfigError when the hash key's file cannot be used."""
    intake = settings.intake
    return Decoder(hash_key(intake), intake.max_record_bytes, intake.max_age_ms or None, intake.max_ahead_ms)


def meaning_of_state(settings: Settings) -> dict[str, int | str]:
    """Return what a snapshot's numbers mean nothing without: sizes of windows and steps, who is where, how ids are hashed."""
    return {
        "topics.partitions": settings.topics.partitions,
        "rate.window_ms": settings.rate.window_ms,
        "rate.tick_ms": settings.rate.tick_ms,
        "crowd.step_ms": settings.crowd.step_ms,
        # a fingerprint: a snapshot may be read by more people than the key
        "the key in intake.hash_key_file": blake2b(hash_key(settings.intake), digest_size=8, person=b"meaning").hexdigest(),
    }


def canary_poll(settings: Settings) -> str | None:
    """Return the id of the poll whose votes are made up and count for nothing; None without a key that nobody else knows.

    With such a key it is known also where no canary is sent: to a scan of a recording that holds one, or a second deployment.
    """
    if not settings.intake.hash_key_file:
        return None
    return CANARY_PREFIX + blake2b(key=hash_key(settings.intake), digest_size=12, person=b"canary").hexdigest()


def build_shard(number: int, settings: Settings, sources: list[str], keep_scores: bool = False) -> Shard:
    """Return a shard with nothing in it, that hears from these sources: one of polls, or the last, across all polls."""
    canary = canary_poll(settings)
    make: Callable[..., Shard] = Shard
    if canary is not None:
        apart = _canary_shard(settings, sources) if number == canary_shard(settings, canary) else None
        make = partial(ShardWithCanary, canary, apart)
    if number < settings.topics.partitions:
        in_a_poll: list[Watcher] = [Crowd(settings.crowd), Shape(settings.shape)]
        rate = RateDetector(settings.rate, keep_scores=keep_scores)
        return make(number, sources, settings.polls, rate, in_a_poll, **_patience(settings))
    across_polls: list[Watcher] = [Lockstep(settings.lockstep), CopiedReplies(settings.copies)]
    all_polls = replace(
        settings.polls,
        max_polls=settings.polls.max_polls * settings.topics.partitions,
        max_waiting_rows=settings.polls.max_waiting_rows * settings.topics.partitions,
        max_recent_ids=settings.polls.max_recent_ids * settings.topics.partitions,
    )
    return make(number, sources, all_polls, NoRate(settings.rate), across_polls, across=True, **_patience(settings))


def _patience(settings: Settings) -> dict[str, int]:
    return {"idle_after_ms": settings.intake.idle_after_ms, "max_behind_ms": settings.intake.max_behind_ms}


def canary_shard(settings: Settings, canary: str) -> int:
    """Return the number of the shard that the canary's poll belongs to."""
    return int(ShardOf(settings.topics.partitions)([canary])[0])


def _canary_shard(settings: Settings, sources: list[str]) -> Shard:
    alone = replace(settings.polls, max_polls=1)
    return Shard(0, sources, alone, RateDetector(settings.rate), (), across=False, **_patience(settings))


def build_canary_cases(settings: Settings) -> CaseBook:
    """Return a case book for the canary's poll alone, in which a case is over before the next flood."""
    made_by = MadeBy(version("pollwatch"), settings.digest(), settings.worker.mode.value)
    soon_over_ms = min(settings.cases.close_after_ms, settings.rate.calm_ms)
    return CaseBook(1, replace(settings.cases, close_after_ms=soon_over_ms, reopen_ms=1), made_by)


def build_cases(settings: Settings, mode: Literal["live", "shadow", "replay"]) -> CaseBook:
    """Return a case book with nothing in it."""
    made_by = MadeBy(version("pollwatch"), settings.digest(), mode)
    return CaseBook(shards(settings), settings.cases, made_by, settings.decisions)
