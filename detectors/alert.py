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
    end_ms: int


class Suspect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The votes and accounts a case makes suspect, and their share of the poll with its 95 % interval."""

    votes: Count
    accounts: Count
    share: Share
    share_low: Share
    share_high: Share


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who leads as counted, who leads without the suspect votes, and whether that is another."""

    leader: str | None
    adjusted_leader: str | None
    flips: Flips


class PollImpact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a case means for one poll."""

    poll_id: str
    suspect: Suspect
    outcome: Outcome


class MadeBy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which code and settings made an alert."""

    version: str
    config_digest: str
    mode: Literal["live", "shadow", "replay"]


class Recommended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person may want to do; nothing is done by itself."""

    action: Literal["none", "review"]
    mode: Literal["shadow", "needs_human"]
    reversible: Literal[True]
    expires_ms: int


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decision of a person that stands: who said so and when, and of how many decisions it is the latest."""

    decision: DecisionKind
    by: Annotated[str, Meta(min_length=1)]
    decided_ms: int
    note: str | None
    count: Annotated[int, Meta(ge=1)]


class CaseData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One revision of a case."""

    case_id: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    revision: Annotated[int, Meta(ge=1)]
    poll_ids: Annotated[list[str], Meta(min_length=1)]
    kinds: Annotated[list[Kind], Meta(min_length=1)]
    verdict: Verdict
    confidence: Share
    score: Annotated[float, Meta(ge=0)]
    severity: Severity
    opened_ms: int
    updated_ms: int
    window: Window
    polls: Annotated[list[PollImpact], Meta(min_length=1)]
    evidence: Annotated[list[Evidence], Meta(min_length=1)]
    members_ref: str | None
    merged_into: str | None
    made_by: MadeBy
    recommended: Recommended
    summary: Annotated[str, Meta(min_length=1)]
    review: Review | None = None


AlertType = Literal[
    "pollwatch.alert.opened.v1",
    "pollwatch.alert.updated.v1",
    "pollwatch.alert.resolved.v1",
    "pollwatch.alert.retracted.v1",
]


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CloudEvents 1.0 event in structured JSON; `id` is `<case_id>:<revision>`."""

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(pattern="^[0-9a-f]{16}:[1-9][0-9]*$")]
    source: Annotated[str, Meta(min_length=1)]
    type: AlertType
    subject: Annotated[str, Meta(min_length=1)]
    time: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
    datacontenttype: Literal["application/json"]
    data: CaseData


class AdjustedShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An option's share of the votes without the suspect ones, with its 95 % interval."""

    share: Share
    low: Share
    high: Share


class Integrity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The running estimate of one poll.

    `expected_per_s` are the votes a second that its past lets expect, null where there is nothing to compare with;
    `rate_score` is how unusual its rate is, 0 where nothing is suspected. Both are as of the last report that spoke of the
    poll, for people to look at: nothing depends on them.
    """

    poll_id: str
    votes: Count
    options: dict[str, Count]
    suspect_votes: Count
    suspect_share_low: Share
    suspect_share_high: Share
    adjusted: dict[str, AdjustedShare]
    outcome: Outcome
    updated_ms: int
    expected_per_s: Annotated[float, Meta(ge=0)] | None = None
    rate_score: Annotated[float, Meta(ge=0)] = 0.0
