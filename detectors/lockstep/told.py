"""What was said last of each account of a group, so that only changes are said again: 16 bytes an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Floats, Hashes, hashes
from detectors.erasure import Erasure
from detectors.lockstep.accounts import among


@dataclass(frozen=True, slots=True)
class Told:
    """Accounts (sorted) and the score that each was named with."""

    account: Hashes
    score: Floats

    def score_of(self, account: Hashes) -> Floats:
        """Return the score that was said of each account, 0 if none was."""
        if not len(self.account):
            return np.zeros(len(account))
        at = self.account.searchsorted(account)
        is_known = self.account.take(at, mode="clip") == account
        return np.where(is_known, self.score.take(at, mode="clip"), 0.0)

    def without(self, named: Hashes) -> Hashes:
        """Return the accounts that were named and are not among these."""
        return self.account[~among(self.account, named)]

    def then(self, account: Hashes, score: Floats, gone: Hashes) -> Told:
        """Return what is told once these accounts were named, and those that are gone were cleared."""
        kept = ~among(self.account, account) & ~among(self.account, gone)
        together = np.concatenate((self.account[kept], account))
        order = together.argsort()
        return Told(together[order], np.concatenate((self.score[kept], score))[order])

    def erased(self, erasure: Erasure) -> Told:
        """Return what was told of the others."""
        kept = ~erasure.of(self.account)
        return Told(self.account[kept], self.score[kept])

    def snapshot(self) -> dict[str, bytes]:
        """Return the state as plain data."""
        return {"account": self.account.tobytes(), "score": self.score.tobytes()}


def told_of(state: dict[str, Any]) -> Told:
    """Return what `Told.snapshot` was made of."""
    return Told(np.frombuffer(state["account"], np.uint64), np.frombuffer(state["score"], np.float64))


NOBODY = Told(hashes(), np.zeros(0))
