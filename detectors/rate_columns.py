"""The columns of a series' state: one float64 each. The filters that use them are in rate_baseline and rate_drip."""

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
"""The last window with a vote (counted from the epoch)."""
BIRTH = 4
"""The window of the poll's first vote."""
EXPOSED = 5
"""Part of the first window that came after the first vote; 1 afterwards."""
PRIOR_VOTES = 6
"""Shape of the Gamma prior of the level, borrowed from the shard at birth."""
PRIOR_WEIGHT = 7
"""Rate of that Gamma, windows."""
VOTES = 8
"""Votes remembered by the fast baseline ("a" of its Gamma)."""
WEIGHT = 9
"""Windows remembered by the fast baseline ("b")."""
HELD_VOTES = 10
"""Votes of the suspicious windows in a row that were not learned."""
HELD = 11
"""How many these are."""
SLOW_VOTES = 12
"""Votes remembered by the slow baseline."""
SLOW_WEIGHT = 13
"""Windows remembered by the slow baseline."""
CUSUM = 14
"""Height of the CUSUM, nats."""
LOSS = 15
"""Nats the CUSUM loses in a window without a vote."""
RUN_VOTES = 16
"""Votes since the CUSUM was last at 0: not learned yet."""
RUN = 17
"""Windows since then."""
BLOCK = 18
"""Number of the block whose votes are being added up."""
BLOCK_VOTES = 19
"""Votes in it."""
ENTERED = 20
"""The window of the first vote since the series is in memory."""

COLUMNS = 21
