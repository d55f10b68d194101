"""The columns of a series' state: one float64 each, as they stand between two lessons (rate_lesson)."""

from __future__ import annotations

DISPERSION = 0
"""Relative variance of a window's count beyond Poisson and beyond what is not known of its mean; River's of the poll."""
CLUMPING = 1
"""Variance over mean of counts in short spans within a window; River's of the poll."""
WANDER = 2
"""Relative variance of block sums around the slow level; River's of the poll."""
COMMON = 3
"""The columns before this one are of the poll; its options read them there."""

LAST = 3
"""The last window with a vote (windows are counted from the epoch)."""
BIRTH = 4
"""The window of the poll's first vote."""
ENTERED = 5
"""The window of the series' first vote since it is in memory."""
EXPOSED = 6
"""Part of the window BIRTH that came after the first vote."""
PRIOR_VOTES = 7
"""Shape of the Gamma prior of the level, borrowed from the shard at birth."""
PRIOR_WEIGHT = 8
"""Rate of that Gamma, windows."""
VOTES = 9
"""Votes remembered by the fast baseline ("a" of its Gamma)."""
WEIGHT = 10
"""Windows remembered by the fast baseline ("b")."""
HELD_VOTES = 11
"""Votes of the odd windows in a row that were not learned."""
HELD = 12
"""How many these are."""
SLOW_VOTES = 13
"""Votes remembered by the slow baseline."""
SLOW_WEIGHT = 14
"""Windows remembered by the slow baseline."""
CUSUM = 15
"""Height of the CUSUM, nats."""
RUN_VOTES = 16
"""Votes since the CUSUM was last at 0: not learned yet."""
RUN = 17
"""Windows since then."""
BLOCK_VOTES = 18
"""Votes in the block of lessons that is being added up."""

COLUMNS = 19
