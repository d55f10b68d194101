"""Findings in words a person on call understands. Ids stand as they came: whoever shows them escapes them."""

from __future__ import annotations

import numpy as np

from detectors.findings import Finding


def span(start_ms: int, end_ms: int) -> str:
    """Return a length of time in the unit a person would use.

    >>> span(0, 15_000), span(0, 5_400_000)
    ('15 s', '1.5 h')
    """
    seconds = (end_ms - start_ms) / 1000
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:.3g} min" if seconds < 5400 else f"{seconds / 3600:.3g} h"


def clock(at_ms: int) -> str:
    """Return a time of day, UTC.

    >>> clock(1664812842918)
    '16:00:42 UTC'
    """
    return f"{timestamp(at_ms)[11:19]} UTC"


def timestamp(at_ms: int) -> str:
    """Return an RFC 3339 time with milliseconds.

    >>> timestamp(1664812842918)
    '2022-10-03T16:00:42.918Z'
    """
    return f"{np.datetime64(at_ms, 'ms')}Z"


def what_happened(finding: Finding) -> str:
    """Tell what was counted against what was expected."""
    votes = "votes" if finding.option is None else f"votes for {finding.option!r}"
    return (
        f"{finding.observed:,.0f} {votes} in {span(finding.start_ms, finding.end_ms)} up to {clock(finding.end_ms)} "
        f"where {finding.expected:,.3g} were expected (chance {finding.p_value:.2g})"
    )


def surge_for(finding: Finding) -> str:
    """Tell how the surge could be a script."""
    return f"{what_happened(finding)}: a script could have sent them."


def surge_against(finding: Finding) -> str:
    """Tell how the surge could be a crowd, and what was not looked at."""
    return (
        f"The same {span(finding.start_ms, finding.end_ms)} would look alike if a post or a broadcast had sent a crowd: "
        "the rate alone can't tell. Who voted, from where, and with whom was not looked at."
    )


def summary(finding: Finding) -> str:
    """Tell the case in one sentence."""
    name = "Votes rose suddenly" if finding.kind == "vote_spike" else "Votes drip in above the usual"
    return f"{name} on poll {finding.poll_id!r}: {what_happened(finding)}. Crowd or script: not known yet."
