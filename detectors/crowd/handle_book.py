"""How the handles of a shard's polls usually are: counts by stem, shape and pattern, of all accounts and of young ones.

State: 2 x 3 x 16,384 counts, 400 KB. Several stems share a count, which makes each seem more usual than it is, never less.
Where one stem is half of all, the platform itself gives its accounts their names: then handles say nothing.
"""

from __future__ import annotations

import numpy as np

from detectors.columns import Bools, Floats, Int64s
from detectors.crowd.handles import BUCKETS, KINDS, SAYS_NOTHING, Handles, codes

YOUNG_MS = 30 * 86_400_000
_LEAST_HANDLES = 250.0
_MOST_HANDLES = 500_000.0
_GIVEN = 0.25
_DOUBT = 2.0
_DOUBT_HANDLES = 3.0
_DOUBT_YOUNG = 20.0


class HandleBook:
    """Counts of handles, learned between looks only."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, len(KINDS), BUCKETS), np.float32)
        self._total = np.zeros(2)
        self._tell: bool | None = None

    @property
    def known(self) -> float:
        """How many handles were learned."""
        return float(self._total[0])

    @property
    def tell(self) -> bool:
        """Whether handles say anything here: enough are known, and two people hardly ever share a stem."""
        if self._tell is None:
            shares = self._counts[0, 0].astype(np.float64) / max(self._total[0], 1.0)
            self._tell = bool(self._total[0] >= _LEAST_HANDLES and (shares**2).sum() < _GIVEN)
        return self._tell

    def learn(self, handles: Handles, young: Bools) -> None:
        """Take handles of ordinary votes, and which of them belong to accounts known to be young."""
        known = codes(handles, 0) > SAYS_NOTHING
        for of, which in enumerate((known, known & young)):
            some = handles[which]
            self._total[of] += len(some)
            for kind in range(len(KINDS)) if len(some) else ():
                np.add.at(self._counts[of, kind], codes(some, kind), np.float32(1))
        if self._total[0] > _MOST_HANDLES:
            self._counts, self._total = self._counts / np.float32(2), self._total / 2
        self._tell = None

    def usual(self, kind: int, of: Int64s, young: bool) -> Floats:
        """Return the share of each code of a kind among all handles, with doubt; for young accounts at least that among the young.

        A platform names new accounts its own way until they choose: young accounts that share that are nothing.
        """
        usual: Floats = _share(self._counts[0, kind, of], self._total[0], _DOUBT_HANDLES)
        if young:
            usual = np.maximum(usual, _share(self._counts[1, kind, of], self._total[1], _DOUBT_YOUNG))
        return np.minimum(_DOUBT * usual, 1.0)

    def snapshot(self) -> dict[str, bytes]:
        """Return the state as plain data."""
        return {"counts": self._counts.tobytes(), "total": self._total.tobytes()}

    def restore(self, state: dict[str, bytes]) -> None:
        """Take over what `snapshot` returned."""
        self._counts = np.frombuffer(state["counts"], np.float32).reshape(self._counts.shape).copy()
        self._total = np.frombuffer(state["total"], np.float64).copy()
        self._tell = None


def _share(counts: Floats, total: float, doubt: float) -> Floats:
    share: Floats = (counts.astype(np.float64) + doubt) / (total + doubt)
    return share
