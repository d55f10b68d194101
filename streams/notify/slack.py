"""An alert as a message for Slack, and for those that take Slack's webhooks: `text` for all, `blocks` where they are known."""

from __future__ import annotations

from streams.notify.message import Alert, CaseData, Message
from streams.notify.quiet import mrkdwn
from streams.notify.request import Request, as_json

_NEWS = {"opened": "New case", "updated": "Update", "resolved": "Over", "retracted": "Withdrawn, nobody is accused any more"}
_MARKS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
_MOST_SUMMARY = 500
_MOST_NAME = 60
_MOST_SENTENCE = 180
_MOST_POLLS = 5
_MOST_SENTENCES = 3
"""Of each side. A block takes 3,000 characters, and escaping makes at most five of one."""


class Slack:
    """Short words for people; everything that came from outside is escaped and mentions nobody."""

    def requests(self, message: Message, now_ms: int) -> list[Request]:
        """Return one message."""
        assert isinstance(message.said, Alert)
        return [Request(message.key, as_json(_message(message.said)))]

    def delivered(self, message: Message) -> None:
        """Nothing is to be remembered."""

    def again(self, now_ms: int) -> Request | None:
        """Nothing is said twice."""


def _message(alert: Alert) -> dict[str, object]:
    data = alert.data
    mark = "⚪" if alert.news in ("resolved", "retracted") else _MARKS.get(data.severity, "🔵")
    news = _NEWS.get(alert.news) or mrkdwn(alert.news, _MOST_NAME)
    title = f"{mark} {news} · {mrkdwn(data.severity, _MOST_NAME)} · {mrkdwn(data.verdict, _MOST_NAME)}"
    summary = mrkdwn(data.summary, _MOST_SUMMARY)
    blocks = [_section(title), _section(summary), *map(_section, _sides(data)), _footer(data)]
    # `mrkdwn` off: a fallback and a notification need no bold letters, and strangers' texts none at all
    return {"text": f"{title}\n{summary}", "mrkdwn": False, "unfurl_links": False, "unfurl_media": False, "blocks": blocks}


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, object]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _sides(data: CaseData) -> list[str]:
    """Return what speaks for a script and what for a crowd."""
    told = []
    for direction, heading in (("coordinated", "For a script:"), ("organic", "For a crowd:")):
        sentences = [one.sentence for one in data.evidence if one.direction == direction][:_MOST_SENTENCES]
        if sentences:
            told.append("\n".join([heading, *(f"• {mrkdwn(sentence, _MOST_SENTENCE)}" for sentence in sentences)]))
    return told


def _footer(data: CaseData) -> dict[str, object]:
    polls = ", ".join(mrkdwn(poll_id, _MOST_NAME) for poll_id in data.poll_ids[:_MOST_POLLS])
    more = len(data.poll_ids) - _MOST_POLLS
    named = f"polls {polls} and {more} more" if more > 0 else f"{'polls' if len(data.poll_ids) > 1 else 'poll'} {polls}"
    merged = f" · part of case {mrkdwn(data.merged_into, _MOST_NAME)}" if data.merged_into else ""
    review = f" · {mrkdwn(data.review.decision, _MOST_NAME)}, says {mrkdwn(data.review.by, _MOST_NAME)}" if data.review else ""
    text = f"case {data.case_id}, revision {data.revision}{merged} · {named} · score {data.score:.3g} · confidence {data.confidence:.2f}{review}"
    return {"type": "context", "elements": [_text(text)]}
