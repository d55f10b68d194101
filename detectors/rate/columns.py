"""The columns of a series' state: one float64 each, as they stand between two lessons (rate_lesson)."""

from __future__ import annotations

DISPERSION = 0
"""Relative variance of a window's count beyond Poisson and beyond what is not known of its mean; River's of the poll."""
WANDER = 1
"""Relative variance of block sums around the slow level; River's of the poll."""
TAIL = 2
"""How much more surprising than their chance says the poll's most surprising windows are (1: not at all); River's."""
BUNCHING = 3
"""Relative variance of the counts of spans within a window, beyond Poisson: a column for each of the shorter spans."""
COMMON = 6
"""The columns before this one are of the poll; its options read them there."""

LAST = 6
"""The last window with a vote (windows are counted from the epoch)."""
BIRTH = 7
"""The window of the poll's first vote."""
ENTERED = 8
"""The window of the series' first vote since it is in memory."""
EXPOSED = 9
"""Part of the window BIRTH that came after the first vote."""
PRIOR_VOTES = 10
"""Shape of the Gamma prior of the level, borrowed from the shard at birth."""
PRIOR_WEIGHT = 11
"""Rate of that Gamma, windows."""
VOTES = 12
"""Votes remembered by the fast baseline ("a" of its Gamma)."""
WEIGHT = 13
"""Windows remembered by the fast baseline ("b")."""
HELD_VOTES = 14
"""Votes of the odd windows in a row that were not learned."""
HELD = 15
"""How many these are."""
SLOW_VOTES = 16
"""Votes remembered by the slow baseline."""
SLOW_WEIGHT = 17
"""Windows remembered by the slow baseline."""
CUSUM = 18
"""Height of the CUSUM, nats."""
RUN_VOTES = 19
"""Votes since the CUSUM was last at 0: not learned yet."""
RUN = 20
"""Windows since then."""
BLOCK_VOTES = 21
"""Votes in the block of lessons that is being added up."""

COLUMNS = 22
