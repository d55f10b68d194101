"""What the demo knows at a moment, from what Kafka and the metrics page told it. Pure: no Kafka, clock or terminal."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from streams.alert_line import ReadAlert
from streams.demo.meters import Meters
from streams.demo.plot import Plot

HISTORY_S = 300
_NOW_S = 5


class Estimate(msgspec.Struct):
    """What the picture needs of a poll's running estimate."""

    poll_id: str
    votes: int
    updated_ms: int


@dataclass
class PollSeries:
    """One poll: all its votes, and those of each of the last HISTORY_S seconds of the story."""

    votes: int = 0
    updated_ms: int = 0
    per_s: dict[int, float] = field(default_factory=dict)
    in_case: bool = False

    def take(self, votes: int, from_ms: int, to_ms: int) -> None:
        """Spread the votes since the last estimate over the seconds since then."""
        first, last = from_ms // 1000, max(from_ms // 1000, (to_ms - 1) // 1000)
        for second in range(first, last + 1):
            self.per_s[second] = self.per_s.get(second, 0.0) + (votes - self.votes) / (last - first + 1)
        self.votes, self.updated_ms = votes, to_ms
        for second in [second for second in self.per_s if second < last - HISTORY_S]:
            del self.per_s[second]


@dataclass
class Picture:
    """Everything that is shown; `seen_ms` is event time up to which estimates came, `console` where the console is."""

    plot: Plot
    metrics_url: str
    console: str = ""
    polls: dict[str, PollSeries] = field(default_factory=dict)
    alerts: list[ReadAlert] = field(default_factory=list)
    meters: Meters = field(default_factory=Meters)
    sent: int = 0
    seen_ms: int = 0

    def estimate(self, estimate: Estimate) -> None:
        """Take a poll's running estimate."""
        series = self.polls.setdefault(estimate.poll_id, PollSeries())
        since_ms = series.updated_ms or max(self.plot.start_ms, estimate.updated_ms - 1000)
        if estimate.updated_ms > since_ms:
            series.take(estimate.votes, since_ms, estimate.updated_ms)
        self.seen_ms = max(self.seen_ms, estimate.updated_ms)

    def alert(self, alert: ReadAlert) -> None:
        """Take an alert that was not taken before."""
        self.alerts.append(alert)
        for poll_id in alert.data.poll_ids:
            self.polls.setdefault(poll_id, PollSeries()).in_case = alert.news in ("opened", "updated")

    @property
    def story_ms(self) -> int:
        """How far into the story Pollwatch has come."""
        return min(max(0, self.seen_ms - self.plot.start_ms), self.plot.length_ms)

    def ranked(self) -> list[tuple[str, PollSeries]]:
        """Return polls in a case first, then the ones with most votes."""
        return sorted(self.polls.items(), key=lambda item: (not item[1].in_case, -item[1].votes, item[0]))

    def history(self, series: PollSeries, columns: int, column_s: int) -> list[float]:
        """Return votes a second in each of the last so many spans of `column_s` seconds, oldest first."""
        end = self.seen_ms // 1000 // column_s
        return [_mean_of(series.per_s, span * column_s, column_s) for span in range(end - columns, end)]

    def votes_per_s(self, series: PollSeries) -> float:
        """Return the votes a second of the last few seconds."""
        return _mean_of(series.per_s, self.seen_ms // 1000 - _NOW_S, _NOW_S)


def _mean_of(per_s: dict[int, float], start: int, seconds: int) -> float:
    return sum(per_s.get(second, 0.0) for second in range(start, start + seconds)) / seconds
