"""What voters of a shard's polls usually are: clients, ages, networks, countries, followers. It judges nothing.

State: at most 250,000 networks (23 to 35 bytes each, 9 MB), what `handle_book` says of itself, 64 clients, and histograms of 240 ages, 676 countries and 24
powers of two of followers. Counts are halved when a million votes are in them, so it follows what the platform becomes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from river import stats

from detectors.columns import Bools, Floats, Int64s
from detectors.crowd.followers import FOLLOWER_BINS
from detectors.crowd.handle_book import HandleBook
from detectors.crowd.tallied import tallied
from detectors.keyed_table import KeyedTable
from detectors.senders import NO_TIME_MS, Codes

MOST_CLIENTS = 64
_MOST_NETWORKS = 250_000
_MOST_VOTES = 1_000_000
_AGE_BINS = 240
_OLDEST_MS = 30 * 365 * 86_400_000
_AGE_EDGES_MS = np.concatenate([[0.0], np.geomspace(60_000, _OLDEST_MS, _AGE_BINS)])
COUNTRIES = 676
_PACE = 0.04
_BEFORE = {"repeats": 3.0, "born_close": 3.0, "unseen_share": 1.0}


class Platform:
    """Counts of votes that looked ordinary, learned between looks only."""

    def __init__(self) -> None:
        self.clients = np.zeros(0, np.uint32)
        self.client_votes = np.zeros(0)
        self.age_votes = np.zeros(_AGE_BINS + 1)
        self._younger: Floats | None = None
        self._shared_network: float | None = None
        self.follower_votes = np.zeros(FOLLOWER_BINS)
        self.country_votes = np.zeros(COUNTRIES)
        self.referrer_votes = np.zeros(2)
        self.networks = KeyedTable({"votes": "f8"})
        self.network_votes = 0.0
        self.handles = HandleBook()
        self._usual = {name: _mean(value) for name, value in _BEFORE.items()}

    def usual(self, name: str) -> float:
        """Return the mean over ordinary chunks of something the screen counts."""
        return float(self._usual[name].get())

    def learn_usual(self, name: str, counts: Int64s | Floats) -> None:
        """Take what the screen counted in ordinary chunks."""
        for count in counts.tolist():
            self._usual[name].update(count)

    def client_share(self, codes: Codes) -> Floats:
        """Return each client's share; one never seen has half a vote."""
        votes = np.zeros(len(codes))
        if len(self.clients):
            place = np.minimum(self.clients.searchsorted(codes), len(self.clients) - 1)
            votes = np.where(self.clients[place] == codes, self.client_votes[place], 0.0)
        share: Floats = (votes + 0.5) / (self.client_votes.sum() + 2.0)
        return share

    def younger(self, age_ms: Any) -> Floats:
        """Return the share of votes by accounts younger than each age."""
        if self._younger is None:
            cumulative = np.append(0.0, np.cumsum(self.age_votes))[: _AGE_BINS + 1]
            self._younger = cumulative / max(self.aged_votes, 1.0)
        share: Floats = np.interp(age_ms, _AGE_EDGES_MS, self._younger)
        return share

    def bands(self, edges_ms: Any) -> Floats:
        """Return the shares of votes by age: below the first edge, between two, from the last one on."""
        younger = np.zeros(len(edges_ms) + 2)
        younger[1:-1], younger[-1] = self.younger(edges_ms), 1.0
        shares: Floats = younger[1:] - younger[:-1]
        return shares

    @property
    def aged_votes(self) -> float:
        """Votes whose account's age was known."""
        return float(self.age_votes.sum())

    @property
    def votes(self) -> float:
        """Votes learned."""
        return float(self.referrer_votes.sum())

    def knows(self, codes: Codes) -> Bools:
        """Tell of each network whether a vote came from it."""
        return self.networks.contains(codes.ravel().astype(np.uint64)).reshape(codes.shape)

    def network_count(self, codes: Codes) -> Floats:
        """Return how many votes came from each network."""
        slot = self.networks.find(codes.ravel().astype(np.uint64)).reshape(codes.shape)
        counts: Floats = np.where(slot >= 0, self.networks.values["votes"][slot], 0.0)
        return counts

    @property
    def shared_network(self) -> float:
        """Return the chance that two votes came from one network."""
        if self._shared_network is None:
            votes = self.networks.values["votes"]
            pairs = self.network_votes * (self.network_votes - 1)
            self._shared_network = float((votes * (votes - 1)).clip(0).sum() / pairs) if pairs > 0 else 1.0
        return self._shared_network

    def learn(self, columns: dict[str, Any]) -> None:
        """Take ordinary votes: columns `client`, `age_ms`, `network`, `country`, `follower_bin`, `referrer`."""
        self._learn_clients(columns["client"])
        age = columns["age_ms"]
        age = np.clip(age[age > NO_TIME_MS], 0, _OLDEST_MS - 1)
        bins = np.searchsorted(_AGE_EDGES_MS, age, "right") - 1
        self.age_votes += np.bincount(bins, minlength=_AGE_BINS + 1)
        followers = columns["follower_bin"]
        self.follower_votes += np.bincount(followers[followers >= 0], minlength=FOLLOWER_BINS)
        country = columns["country"]
        country = country[(country >= 0) & (country < COUNTRIES)]
        self.country_votes += np.bincount(country, minlength=COUNTRIES)
        self.referrer_votes += np.bincount(columns["referrer"] != 0, minlength=2)
        self._learn_networks(columns["network"])
        self._fade()
        self._younger = self._shared_network = None

    def _learn_clients(self, client: Codes) -> None:
        codes, counts = tallied(client[client != 0])
        if len(codes) == len(self.clients) and (codes == self.clients).all():
            self.client_votes = self.client_votes + counts
            return
        all_codes = np.union1d(self.clients, codes)
        votes = np.zeros(len(all_codes))
        votes[np.searchsorted(all_codes, self.clients)] = self.client_votes
        votes[np.searchsorted(all_codes, codes)] += counts
        kept = np.sort(np.argsort(-votes, kind="stable")[:MOST_CLIENTS])
        self.clients, self.client_votes = all_codes[kept].astype(np.uint32), votes[kept]

    def _learn_networks(self, network: Codes) -> None:
        found, counts = tallied(network[network != 0])
        slot = self.networks.enter(found.astype(np.uint64))[0]
        self.networks.values["votes"][slot] += counts
        self.network_votes += float(counts.sum())

    def _fade(self) -> None:
        if self.network_votes > _MOST_VOTES or len(self.networks) > _MOST_NETWORKS:
            keys, values = self.networks.entries()
            kept = values["votes"] > 1.0
            self.networks.replace(keys[kept], {"votes": values["votes"][kept] / 2})
            self.network_votes = float(self.networks.values["votes"].sum())
        if self.referrer_votes.sum() > _MOST_VOTES:
            for name in ("client_votes", "age_votes", "follower_votes", "country_votes", "referrer_votes"):
                setattr(self, name, getattr(self, name) / 2)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data, columns as bytes."""
        keys, values = self.networks.entries()
        order = np.argsort(keys)
        arrays = {name: getattr(self, name).tobytes() for name in _ARRAYS}
        usual = {name: self.usual(name) for name in _BEFORE}
        votes = values["votes"][order].tobytes()
        return {
            **arrays, "keys": keys[order].tobytes(), "votes": votes, "total": self.network_votes,
            "usual": usual, "handles": self.handles.snapshot(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        for name, dtype in _ARRAYS.items():
            setattr(self, name, np.frombuffer(state[name], dtype).copy())
        self._younger = self._shared_network = None
        votes = np.frombuffer(state["votes"], np.float64)
        self.networks.replace(np.frombuffer(state["keys"], np.uint64), {"votes": votes})
        self.network_votes = state["total"]
        self.handles.restore(state["handles"])
        self._usual = {name: _mean(value) for name, value in state["usual"].items()}


_ARRAYS = {
    "clients": "u4",
    "client_votes": "f8",
    "age_votes": "f8",
    "follower_votes": "f8",
    "country_votes": "f8",
    "referrer_votes": "f8",
}


def _mean(value: float) -> Any:
    # after one update a mean with fading memory is the value it was given
    mean = stats.EWMean(_PACE)
    mean.update(value)
    return mean
