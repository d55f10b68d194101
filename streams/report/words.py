"""Times, counts and shares as a person reads them."""

from __future__ import annotations

from detectors.cases.sentences import timestamp

_MOST_CHARS = 40


def moment(at_ms: int) -> str:
    """Return a date and a time of day.

    >>> moment(1664812842918)
    '2022-10-03 16:00:42 UTC'
    """
    return timestamp(at_ms)[:19].replace("T", " ") + " UTC"


def clock(at_ms: int) -> str:
    """Return a time of day; the page says once that all are UTC.

    >>> clock(1664812842918)
    '16:00:42'
    """
    return timestamp(at_ms)[11:19]


def percent(share: float) -> str:
    """Return a share; small ones keep a digit.

    >>> percent(0.412), percent(0.0412), percent(0.0), percent(1.0)
    ('41%', '4.1%', '0%', '100%')
    """
    digits = 1 if 0 < share < 0.0995 or 0.995 <= share < 1 else 0
    return f"{share * 100:.{digits}f}%"


def interval(low: float, high: float) -> str:
    """Return an interval of shares, with a digit more where its ends would look alike.

    >>> interval(0.87, 0.91), interval(0.871, 0.8743), interval(0, 0)
    ('87% to 91%', '87.1% to 87.4%', '0%')
    """
    if low == high:
        return percent(low)
    ends = (percent(low), percent(high))
    return f"{low:.1%} to {high:.1%}" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    >>> counted(1, "poll"), counted(2_000, "poll"), counted(2, "reply", "replies")
    ('1 poll', '2,000 polls', '2 replies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def clipped(name: str) -> str:
    """Return a name as it may stand in a sentence.

    >>> clipped("yes"), clipped("x" * 50)
    ('yes', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…')
    """
    return name if len(name) <= _MOST_CHARS else name[: _MOST_CHARS - 1] + "…"


VERDICTS = {
    "coordinated": "made by a script or by accounts that act as one",
    "mixed": "a script inside a real crowd",
    "organic": "a real crowd",
    "insufficient": "the data can't tell a crowd from a script",
}
KINDS = {
    "vote_spike": "sudden rise",
    "slow_drip": "slow drip",
    "rate_shape": "shape in time",
    "composition": "who voted",
    "account_cluster": "accounts that act together",
    "copied_replies": "copied replies",
}
REASONS = {
    "born_together": "made within a short time",
    "new_account": "new account",
    "few_networks": "from few networks",
    "one_client": "all with one client",
    "one_country": "from one country",
    "few_followers": "few followers",
    "generated_handle": "name looks generated",
    "no_referrer": "came through no link",
    "same_option": "all chose the same",
    "in_the_burst": "voted in the burst",
    "clockwork": "regular as a clock",
    "lockstep": "met in poll after poll",
    "copied_text": "copied a text",
    "taken_over": "looks taken over",
}
FLIPS = {
    "yes": "Yes: “{adjusted_leader}” instead of “{leader}”",
    "no": "No: “{leader}” leads either way",
    "uncertain": "Can't be ruled out: “{leader}” leads as counted",
}
