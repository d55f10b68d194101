"""What leaves the system: alerts and the running estimate of each poll, as data. The JSON Schema is made from these."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from detectors.findings import Evidence, Kind

Verdict = Literal["organic", "coordinated", "mixed", "insufficient"]
Severity = Literal["info", "warning", "critical"]
Flips = Literal["yes", "no", "uncertain"]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
DecisionKind = Literal["confirmed", "false_positive", "disputed", "needs_more"]


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Event time from `start_ms` up to, not including, `end_ms`."""

    start_ms: int
    """Its beginning."""
    end_ms: int
    """Its end."""


class Suspect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The votes and accounts a case makes suspect, and their share of the poll with its 95 % interval."""

    votes: Count
    """Suspect votes, the estimate."""
    accounts: Count
    """Accounts that are named."""
    share: Share
    """`votes` as a part of the poll's votes."""
    share_low: Share
    """Lower end of the 95 % interval."""
    share_high: Share
    """Upper end of it."""


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who leads as counted, who leads without the suspect votes, and whether that is another."""

    leader: str | None
    """Option with the most votes as counted; null without votes."""
    adjusted_leader: str | None
    """Option with the most votes without the suspect ones."""
    flips: Flips
    """Whether another leads without them: `yes` or `no` only where it is so for all of the interval."""


class PollImpact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a case means for one poll."""

    poll_id: str
    """The poll."""
    suspect: Suspect
    """What this case makes suspect in it."""
    outcome: Outcome
    """What that means for its result."""


class MadeBy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which code and settings made an alert."""

    version: str
    """Version of Pollwatch."""
    config_digest: str
    """Differs where settings differ that change findings."""
    mode: Literal["live", "shadow", "replay"]
    """`live`, `shadow` (`worker.mode`), or `replay` of a scan."""


class Recommended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person may want to do; nothing is done by itself."""

    action: Literal["none", "review"]
    """`review`: a person should look; `none` for crowds, merged cases and accounts that look taken over."""
    mode: Literal["shadow", "needs_human"]
    """`needs_human`, or `shadow`: only to be looked at."""
    reversible: Literal[True]
    """Always true: nothing is recommended that cannot be undone."""
    expires_ms: int
    """Until when it holds (event time)."""


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decision of a person that stands: who said so and when, and of how many decisions it is the latest."""

    decision: DecisionKind
    """What was decided."""
    by: Annotated[str, Meta(min_length=1)]
    """Who said so."""
    decided_ms: int
    """When, by the record."""
    note: str | None
    """Why, in the words of who decided: escape them."""
    count: Annotated[int, Meta(ge=1)]
    """Decisions on this case so far."""


class CaseData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One revision of a case."""

    case_id: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    """Equal input gives the same id, so a replay adds nothing."""
    revision: Annotated[int, Meta(ge=1)]
    """1, 2, 3 and so on; the last one is complete and replaces those before."""
    poll_ids: Annotated[list[str], Meta(min_length=1)]
    """The polls the case is about, the first one first; several where one campaign works several."""
    kinds: Annotated[list[Kind], Meta(min_length=1)]
    """What was found: kinds of all findings in the case."""
    verdict: Verdict
    """A crowd, a script, a script beside or inside a crowd, or not known."""
    confidence: Share
    """How likely the verdict is right, calibrated; 0 for `insufficient`."""
    score: Annotated[float, Meta(ge=0)]
    """The highest score so far; above 1 is anomalous, for every detector."""
    severity: Severity
    """`organic` is `info` and never pages; `critical` where a script makes the result or a fifth of a poll."""
    opened_ms: int
    """When the case opened (event time)."""
    updated_ms: int
    """When this revision was said (event time)."""
    window: Window
    """The time the case is about."""
    polls: Annotated[list[PollImpact], Meta(min_length=1)]
    """What the case means for each of `poll_ids`."""
    evidence: Annotated[list[Evidence], Meta(min_length=1)]
    """Reasons for both sides, the weightiest of each first."""
    members_ref: str | None
    """`item_id` of the first part of the moderation item; null where nobody was ever named."""
    merged_into: str | None
    """The case that this one turned out to be a part of; null where it stands by itself."""
    made_by: MadeBy
    """Which code and settings said so."""
    recommended: Recommended
    """What a person may want to do."""
    summary: Annotated[str, Meta(min_length=1)]
    """The case in one sentence. Ids in it stand as they came: escape them."""
    review: Review | None = None
    """The decision of a person that stands; null where nobody decided."""


AlertType = Literal[
    "pollwatch.alert.opened.v1",
    "pollwatch.alert.updated.v1",
    "pollwatch.alert.resolved.v1",
    "pollwatch.alert.retracted.v1",
]


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CloudEvents 1.0 event in structured JSON; `id` is `<case_id>:<revision>`."""

    specversion: Literal["1.0"]
    """Of CloudEvents."""
    id: Annotated[str, Meta(pattern="^[0-9a-f]{16}:[1-9][0-9]*$")]
    """`<case_id>:<revision>`; the same id again is the same alert: drop it."""
    source: Annotated[str, Meta(min_length=1)]
    """`worker.source`."""
    type: AlertType
    """What kind of news it is: a case opened, changed, ended, or was withdrawn."""
    subject: Annotated[str, Meta(min_length=1)]
    """The first of `poll_ids`."""
    time: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
    """`updated_ms` as RFC 3339."""
    datacontenttype: Literal["application/json"]
    """Of `data`."""
    data: CaseData
    """The case."""


class AdjustedShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An option's share of the votes without the suspect ones, with its 95 % interval."""

    share: Share
    """The estimate."""
    low: Share
    """Lower end of the interval: all votes that may be suspect are its own."""
    high: Share
    """Upper end: none of them is."""


class Integrity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The running estimate of one poll.

    `expected_per_s` are the votes a second that its past lets expect, null where there is nothing to compare with;
    `rate_score` is how unusual its rate is, 0 where nothing is suspected. Both are as of the last report that spoke of the
    poll, for people to look at: nothing depends on them.
    """

    poll_id: str
    """The poll."""
    votes: Count
    """Votes that count: the last one of each account."""
    options: dict[str, Count]
    """Votes of each option."""
    suspect_votes: Count
    """Suspect votes of all cases together, closed ones too, the estimate."""
    suspect_share_low: Share
    """Lower end of the 95 % interval, as a part of the poll's votes."""
    suspect_share_high: Share
    """Upper end of it."""
    adjusted: dict[str, AdjustedShare]
    """Share of each option without the suspect votes."""
    outcome: Outcome
    """Who leads, and who would."""
    updated_ms: int
    """When the poll's votes last changed (event time)."""
    expected_per_s: Annotated[float, Meta(ge=0)] | None = None
    """Votes a second that its past lets expect; null where there is nothing to compare with."""
    rate_score: Annotated[float, Meta(ge=0)] = 0.0
    """How unusual its rate is: above 1 is anomalous, 0 where nothing is suspected."""
