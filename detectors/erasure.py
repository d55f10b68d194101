"""An account is to be forgotten: what was counted stays counted, and nothing says any more who it was.

Every store does what its kind allows: memory of who voted what loses the account, rows that others are measured by stay
as votes of strangers of whom nothing else is known. A vote of the account that comes later is a new one of a new account.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Hashes, Int64s
from detectors.keyed_table import mix


@dataclass(frozen=True, slots=True)
class Erasure:
    """`account` is the keyed hash of `account_id`; `salt` (0 to 2**63 - 1) is a random number that nobody keeps."""

    account: int
    account_id: str
    salt: int

    def of(self, accounts: Hashes) -> Bools:
        """Tell which hashes are the account's."""
        found: Bools = accounts == np.uint64(self.account)
        return found

    def strangers(self, places: Int64s) -> Hashes:
        """Return hashes of nobody, one for each place: without the salt they lead neither to the account nor to each other."""
        return mix(places.astype(np.uint64), self.salt)

    def stranger(self) -> np.uint64:
        """Return the one hash for rows that have yet to be counted: several votes in a poll are one voter's there."""
        hashed: np.uint64 = mix(np.array([self.account], np.uint64), self.salt)[0]
        return hashed
