"""What a poll brings in a window of the day: a level over days times a profile learned for each poll. It judges nothing.

The level is a discounted Gamma-Poisson mean, as in rate_lesson but over a week; the profile is a ratio of votes to what
the level alone expected, by day of the week, by hour and, on top of these, by window of the day for what comes at a fixed
minute (a programme, a scheduled post). Ratios are drawn to 1 by votes of doubt, so a young poll has no profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.rate.params import DAY_MS, RateParams

_HOURS = 24
_MOST_MINUTES = 288
_PRIOR_VOTES, _PRIOR_WINDOWS = 0.3, 0.3
_LEVEL_DAYS, _LEVEL_FIRST_WINDOWS, _LEVEL_GROWTH = 7.0, 12.0, 0.25
_WEEKDAYS, _WEEKDAY_DAYS, _WEEKDAY_DOUBT_DAYS, _WEEKDAY_DOUBT_VOTES = 7, 4.0, 0.3, 1.0
_HOUR_DAYS, _HOUR_DOUBT_VOTES = 7.0, 1.0
_MINUTE_DAYS, _MINUTE_DOUBT_DAYS, _MINUTE_DOUBT_VOTES = 10.0, 2.0, 3.0
_LEAST_SHARE_OF_LEVEL = 0.5
_LEAST_VOTES = 1e-3
_COLUMNS = ("level", "weekday", "hour", "minute")


@dataclass(frozen=True, slots=True)
class Usual:
    """Of one window, for each row. level: votes a window, over the day. weekday: factor of the day, part of the level.
    hour: factor of the hour. minute: factor of the window of the day, at least 1. doubt: relative variance of the level."""

    level: Floats
    weekday: Floats
    hour: Floats
    minute: Floats
    doubt: Floats

    @property
    def votes(self) -> Floats:
        """Return what is usual."""
        return self.level * self.hour * self.minute

    @property
    def asked(self) -> Floats:
        """Return what surges are held against: never less than half of the level, for a quiet night is no measure."""
        return self.level * np.maximum(self.hour, _LEAST_SHARE_OF_LEVEL) * self.minute


class Rhythm:
    """Levels and profiles by row. About 2.9 KB a row with windows of five minutes, less with longer ones."""

    def __init__(self, params: RateParams) -> None:
        self._window_ms = params.window_ms
        self._hours = max(1, min(_HOURS, round(params.windows_per_day)))
        self._minutes = max(1, min(_MOST_MINUTES, round(params.windows_per_day)))
        self._level_windows = max(_LEVEL_DAYS * params.windows_per_day, _LEVEL_FIRST_WINDOWS)
        self._keep_hour = 1.0 - 1.0 / max(_HOUR_DAYS * params.windows_per_day / self._hours, 2.0)
        self._keep_weekday = 1.0 - 1.0 / max(_WEEKDAY_DAYS * params.windows_per_day, 2.0)
        self._weekday_doubt = _WEEKDAY_DOUBT_DAYS * params.windows_per_day
        self.level = np.zeros((2, 0))
        self.weekday = np.zeros((2, _WEEKDAYS, 0))
        self.hour = np.zeros((2, self._hours, 0))
        self.minute = np.zeros((2, self._minutes, 0), np.float32)

    def make_room(self, rows: int) -> None:
        """Have at least so many rows."""
        missing = rows - self.level.shape[1]
        if missing > 0:
            more = max(missing, self.level.shape[1], 16)
            for name in _COLUMNS:
                now = getattr(self, name)
                setattr(self, name, np.concatenate([now, np.zeros((*now.shape[:-1], more), now.dtype)], axis=-1))

    def begin(self, row: int) -> None:
        """Begin a row that knows nothing."""
        self.level[0, row], self.level[1, row] = _PRIOR_VOTES, _PRIOR_WINDOWS
        for name in _COLUMNS[1:]:
            getattr(self, name)[:, :, row] = 0.0

    def usual(self, rows: int, window: int) -> Usual:
        """Return what is usual in a window, for the first `rows` rows."""
        votes, windows = self.level[:, :rows]
        level = votes / windows
        weekday = _ratio(self.weekday[:, self._weekday(window), :rows], self._weekday_doubt * level + _WEEKDAY_DOUBT_VOTES)
        level = level * weekday
        place = self._of_day(window) * self._hours - 0.5 + 0.5 * self._hours / self._minutes
        first, part = int(place // 1) % self._hours, place % 1
        before, after = (_ratio(self.hour[:, at, :rows], _HOUR_DOUBT_VOTES) for at in (first, (first + 1) % self._hours))
        hour = before * (1.0 - part) + after * part
        doubt = _MINUTE_DOUBT_DAYS * level * hour + _MINUTE_DOUBT_VOTES
        minute = np.maximum(_ratio(self.minute[:, self._minute(window), :rows], doubt), 1.0)
        return Usual(level, weekday, hour, minute, 1.0 / votes)

    def learn(self, window: int, age: Int64s, usual: Usual, cut: Floats, votes: Floats) -> None:
        """Learn a window: `cut` are its votes, cut where they surge, `votes` as far as a fixed minute may explain them."""
        rows = len(age)
        steady = cut / usual.minute
        keep = 1.0 - 1.0 / np.minimum(self._level_windows, _LEVEL_FIRST_WINDOWS + _LEVEL_GROWTH * age)
        self.level[:, :rows] *= keep
        self.level[0, :rows] = np.maximum(self.level[0, :rows] + steady / (usual.hour * usual.weekday), _LEAST_VOTES)
        self.level[1, :rows] += 1.0
        weekday = self.weekday[:, self._weekday(window), :rows]
        weekday *= self._keep_weekday
        weekday += (steady / usual.hour, usual.level / usual.weekday)
        hour = self.hour[:, int(self._of_day(window) * self._hours), :rows]
        hour *= self._keep_hour
        hour += (steady, usual.level)
        minute = self.minute[:, self._minute(window), :rows]
        minute *= 1.0 - 1.0 / _MINUTE_DAYS
        minute += (votes, usual.level * usual.hour)

    def _of_day(self, window: int) -> float:
        return window * self._window_ms % DAY_MS / DAY_MS

    def _weekday(self, window: int) -> int:
        return window * self._window_ms // DAY_MS % _WEEKDAYS

    def _minute(self, window: int) -> int:
        return int(self._of_day(window) * self._minutes)

    def snapshot(self, rows: int) -> list[bytes]:
        """Return the state of the first `rows` rows as plain data."""
        return [getattr(self, name)[..., :rows].tobytes() for name in _COLUMNS]

    def restore(self, state: list[Any], rows: int) -> None:
        """Take over what `snapshot` returned."""
        self.make_room(rows)
        for name, column in zip(_COLUMNS, state, strict=True):
            now = getattr(self, name)
            now[..., :rows] = np.frombuffer(column, now.dtype).reshape(*now.shape[:-1], rows)


def _ratio(sums: Any, doubt: Floats | float) -> Floats:
    """Return votes seen over votes expected, `sums` of both, drawn to 1 by so many votes."""
    ratio: Floats = (sums[0] + doubt) / (sums[1] + doubt)
    return ratio
