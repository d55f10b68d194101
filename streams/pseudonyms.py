"""What accounts are called outside: by their ids, or by keyed pseudonyms. The one place that knows `privacy.key_file`."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from config import ConfigError, Problem
from config.schema import ModerationIds, Privacy
from detectors.alert import CaseData
from detectors.cases.moderation import ModerationItem

MARK = "pseudo:"
"""Every pseudonym begins so."""
_KEY_BYTES = range(32, 65)  # BLAKE2b takes no more
_DIGEST_BYTES = 10
# so that one key used for something else too gives nothing away
_PURPOSE = b"pollwatch/acct"
_MENTION = re.compile(r"@(\w+)")


class Pseudonyms:
    """Names accounts: without a key by their ids, with one (32 to 64 bytes) each by 80 bits of a keyed BLAKE2b of its id.

    The same key gives the same pseudonym in a stream and in a scan. Who has no key can neither find the id behind one nor
    tell whether an id he knows is. Two of a hundred million accounts share one with a chance of 0.4 %.
    """

    def __init__(self, key: bytes | None, moderation_ids: ModerationIds = ModerationIds.KEPT) -> None:
        self._key = key
        self._in_items = key is not None and moderation_ids is ModerationIds.PSEUDONYMS

    def of(self, account_id: str) -> str:
        """Return what an account is called.

        >>> Pseudonyms(bytes(32)).of("maria"), Pseudonyms(None).of("maria")
        ('pseudo:lwi7ubb5m22vytrq', 'maria')
        """
        if self._key is None:
            return account_id
        digest = hashlib.blake2b(account_id.encode(), digest_size=_DIGEST_BYTES, key=self._key, person=_PURPOSE).digest()
        return MARK + base64.b32encode(digest).decode().lower()

    def in_text(self, text: str) -> str:
        """Return what somebody wrote with every account it mentions as @name called as `of` does."""
        if self._key is None:
            return text
        return _MENTION.sub(lambda mention: f"@{self.of(mention[1])}", text)

    def are_pseudonyms(self, account_ids: Iterable[str]) -> bool:
        """Tell whether some of these are pseudonyms."""
        return self._key is not None and any(one.startswith(MARK) for one in account_ids)

    def data(self, data: CaseData) -> CaseData:
        """Return a revision of a case as it leaves: who decided, and whom he mentions, are people too."""
        review = data.review
        if review is None or self._key is None:
            return data
        note = None if review.note is None else self.in_text(review.note)
        return msgspec.structs.replace(data, review=msgspec.structs.replace(review, by=self.of(review.by), note=note))

    def item(self, item: ModerationItem) -> ModerationItem:
        """Return a moderation item as it leaves."""
        if not self._in_items:
            return item
        accounts = [msgspec.structs.replace(one, account_id=self.of(one.account_id)) for one in item.accounts]
        return msgspec.structs.replace(item, accounts=accounts, cleared=[self.of(one) for one in item.cleared])


def pseudonyms(privacy: Privacy) -> Pseudonyms:
    """Return what accounts are called with these settings. Raises ConfigError when the key's file can't be used."""
    if not privacy.key_file:
        return Pseudonyms(None)
    key, problems = _read(privacy.key_file)
    if problems:
        raise ConfigError(problems)
    return Pseudonyms(key, privacy.moderation_ids)


def check_key(privacy: Privacy) -> list[Problem]:
    """Return what is wrong with the key's file, for `check-config`."""
    return _read(privacy.key_file)[1] if privacy.key_file else []


def _read(path: str) -> tuple[bytes, list[Problem]]:
    name = "privacy.key_file"
    try:
        key = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return b"", [Problem(name, f"{path} cannot be read ({reason})", "name a readable file")]
    if len(key) not in _KEY_BYTES:
        fewest, most = _KEY_BYTES[0], _KEY_BYTES[-1]
        todo = f"put {fewest} to {most} random bytes in it: openssl rand -out FILE {fewest}"
        return b"", [Problem(name, f"{path} has {len(key)} bytes", todo)]
    return key, []
