"""How far a partition has come, as a worker may ask."""

from __future__ import annotations

from dataclasses import dataclass

from streams.transport.listening import Listened


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a partition has come. Offsets are the next to be read, processed, committed or written.

    `end_offset` is None until the first fetch, and as new as the last one. `processed_offset` is None until it is known
    where reading begins, `committed_offset` until something was committed. `listened` tells for how long the brokers
    have answered, None before the first answer; `end_offset` is of its end.
    """

    read_offset: int | None
    end_offset: int | None
    in_flight: int
    begun_offset: int | None = None
    processed_offset: int | None = None
    committed_offset: int | None = None
    listened: Listened | None = None

    @property
    def caught_up(self) -> bool:
        """Whether agents were handed everything the broker is known to hold."""
        return (
            self.end_offset is not None
            and self.read_offset is not None
            and self.read_offset >= self.end_offset
        )
