"""The columns of a series' state: one float64 each, as they stand between two lessons (rate_lesson)."""

from __future__ import annotations

DISPERSION = 0
"""Relative variance of a window's count beyond Poisson and beyond what is not known of its mean; River's of the poll."""
WANDER = 1
"""Relative variance of block sums around the slow level; River's of the poll."""
BUNCHING = 2
"""Relative variance of the counts of spans within a window, beyond Poisson: a column for each of the shorter spans."""
COMMON = 5
"""The columns before this one are of the poll; its options read them there."""

LAST = 5
"""The last window with a vote (windows are counted from the epoch)."""
BIRTH = 6
"""The window of the poll's first vote."""
ENTERED = 7
"""The window of the series' first vote since it is in memory."""
EXPOSED = 8
"""Part of the window BIRTH that came after the first vote."""
PRIOR_VOTES = 9
"""Shape of the Gamma prior of the level, borrowed from the shard at birth."""
PRIOR_WEIGHT = 10
"""Rate of that Gamma, windows."""
VOTES = 11
"""Votes remembered by the fast baseline ("a" of its Gamma)."""
WEIGHT = 12
"""Windows remembered by the fast baseline ("b")."""
HELD_VOTES = 13
"""Votes of the odd windows in a row that were not learned."""
HELD = 14
"""How many these are."""
SLOW_VOTES = 15
"""Votes remembered by the slow baseline."""
SLOW_WEIGHT = 16
"""Windows remembered by the slow baseline."""
CUSUM = 17
"""Height of the CUSUM, nats."""
RUN_VOTES = 18
"""Votes since the CUSUM was last at 0: not learned yet."""
RUN = 19
"""Windows since then."""
BLOCK_VOTES = 20
"""Votes in the block of lessons that is being added up."""

COLUMNS = 21
