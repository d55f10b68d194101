"""Takes from strangers' texts what chat programs act on: mentions, links, control sequences, escapes."""

from __future__ import annotations

import re

from streams.terminal import visible

_BREAK = "\u200b"
"""A space of no width: what stands on its two sides is no longer one word to a program, and looks the same to a reader."""
# @name and @everyone; <!channel> and <@U1>; [text](address); scheme://; :emoji: is left, it does nothing
_ACTS = re.compile(r"@|<(?=[!@#])|\](?=\()|:(?=//)")


def quiet(text: str, most: int) -> str:
    """Return `text` on one line, at most so many characters long before breaks are put in, with nothing that acts.

    >>> quiet("@here <!channel> [x](https://e.vil)\\n", 60).replace("\\u200b", "|")
    '@|here <|!channel> [x]|(https:|//e.vil)\\\\x0a'
    """
    return _ACTS.sub(lambda found: found[0] + _BREAK, visible(text, most))


def mrkdwn(text: str, most: int) -> str:
    """Return `text` for a field that is read as Slack's mrkdwn: quiet, and with its three control characters escaped.

    >>> mrkdwn("a < b & c", 60)
    'a &lt; b &amp; c'
    """
    return quiet(text, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
