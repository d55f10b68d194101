"""`python -m benchmarks.accuracy.coortweet --data DIR`: pairs beyond chance, and groups told, against CooRTweet's networks.

DIR holds CooRTweet's two data sets. An edge of its network is a pair of accounts that shared one object within a
window of time; here each edge is weighed against how dense the shares of its objects are, and the lockstep detector
reads the same shares as votes (object for poll).
"""

from __future__ import annotations

import argparse
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy import special

from detectors.keyed_table import mix
from detectors.lockstep.chance import discoveries
from detectors.lockstep.detector import Lockstep
from detectors.lockstep.params import LockstepParams
from detectors.senders import unknown_senders
from detectors.strings import strings
from detectors.watcher import Ballots

_PARTICIPATION = 2
_LEVEL = 0.05
_TRUSTED = 10
_STEP_MS = 3_600_000
_MOVED_S = 900


@dataclass(frozen=True, slots=True)
class Network:
    """Edges between accounts a < b (numbers): how often they met within the window, and how often chance would.

    `pairs` is how many pairs of accounts shared an object at all, whenever: so many could have become edges.
    """

    a: Any
    b: Any
    met: Any
    expected: Any
    pairs: int

    @property
    def beyond(self) -> Any:
        """Which edges chance does not explain, one in twenty of them falsely."""
        tests = np.ones(max(self.pairs, len(self.met)))
        tests[: len(self.met)] = special.pdtrc(self.met - 1, self.expected)
        return discoveries(tests, _LEVEL)[: len(self.met)]

    def accounts(self, edges: Any = slice(None)) -> set[int]:
        """Return the accounts of some edges."""
        return set(self.a[edges].tolist()) | set(self.b[edges].tolist())


def main() -> int:
    """Print what was found beside what is published."""
    parser = argparse.ArgumentParser("python -m benchmarks.accuracy.coortweet", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    folder = parser.parse_args().data
    table = Table("shares", "accounts", "edges", "edges, moved", "beyond chance", "named", "in network")
    russian = pd.read_csv(folder / "russian_coord_tweets.csv.gz")
    german = _parquet(folder / "german_elections_long.parquet")
    _row(table, "Russian", [russian], 60)
    _row(table, "German, url and image", [german[german["kind"] == kind] for kind in ("url", "hash")], 30)
    Console(highlight=False).print(table)
    return 0


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError:
        raise SystemExit("reading Parquet files needs pyarrow: install it and run this again") from None


def _row(table: Table, name: str, parts: list[pd.DataFrame], window_s: int) -> None:
    shares = pd.concat(parts, ignore_index=True)
    accounts = pd.Index(shares["account"].unique())
    networks = [_network(part, accounts, window_s) for part in parts]
    whole = _joined(networks)
    moved = [
        len(_joined([_network(_moved(part, seed), accounts, window_s) for part in parts]).a)
        for seed in range(5)
    ]
    named = {int(accounts.get_loc(one)) for one in _named(shares)}
    counts = (len(whole.accounts()), len(whole.a), int(np.mean(moved)), int(whole.beyond.sum()))
    cells = (*counts, len(named), len(named & whole.accounts()))
    table.add_row(f"{name}, {window_s} s", *(f"{cell:,}" for cell in cells))


def _moved(part: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the shares, each moved by up to a quarter of an hour: what is left of the network is density."""
    by = np.random.default_rng(seed).integers(-_MOVED_S, _MOVED_S + 1, len(part))
    return part.assign(timestamp=part["timestamp"] + by)


def _network(part: pd.DataFrame, accounts: pd.Index, window_s: int) -> Network:
    """Return the network of shares of one kind, as CooRTweet draws it (detect_groups, generate_coordinated_network)."""
    rows = part[part.groupby("account")["content"].transform("size") >= _PARTICIPATION]
    rows = rows.sort_values(["object", "timestamp"], kind="stable").reset_index(drop=True)
    objects, when = pd.factorize(rows["object"])[0], rows["timestamp"].to_numpy(np.float64)
    who, content = accounts.get_indexer(rows["account"]), pd.factorize(rows["content"])[0]
    left, right = _close(objects, when, window_s)
    kept = (who[left] != who[right]) & (content[left] != content[right])
    left, right = left[kept], right[kept]
    met_often = np.isin(content, np.concatenate([content[left], content[right]]))
    often = met_often & (np.bincount(who[met_often], minlength=len(accounts))[who] >= _PARTICIPATION)
    either = np.isin(content[left], content[often]) | np.isin(content[right], content[often])
    sizes = np.bincount(objects)
    pairs = int((sizes * (sizes - 1) // 2).sum())
    return _edges(left[either], right[either], who, _chance(rows, objects, when, who, window_s), pairs)


def _close(objects: Any, when: Any, window_s: float) -> tuple[Any, Any]:
    """Return all pairs of rows, in order of (object, time), that are of one object and at most so far apart."""
    left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for apart in range(1, len(when)):
        near = np.flatnonzero(
            (objects[apart:] == objects[:-apart]) & (when[apart:] - when[:-apart] <= window_s)
        )
        if not len(near):
            break
        left.append(near)
        right.append(near + apart)
    return np.concatenate(left), np.concatenate(right)


def _chance(rows: pd.DataFrame, objects: Any, when: Any, who: Any, window_s: float) -> pd.DataFrame:
    """Return, for each share, how likely another share of its object lies within the window of it.

    Counted among the object's other shares, with the average over all objects standing for ten of them.
    """
    low = np.lexsort((when, objects))
    key = objects[low] * 1e11 + when[low]
    near = np.searchsorted(key, key + window_s, "right") - np.searchsorted(key, key - window_s) - 1
    others = np.bincount(objects)[objects[low]] - 1
    usual = near.sum() / max(others.sum(), 1)
    chance = (near + _TRUSTED * usual) / (others + _TRUSTED)
    return pd.DataFrame({"who": who[low], "object": objects[low], "chance": chance})


def _edges(left: Any, right: Any, who: Any, chance: pd.DataFrame, pairs: int) -> Network:
    a, b = np.minimum(who[left], who[right]), np.maximum(who[left], who[right])
    edges = pd.DataFrame({"a": a, "b": b}).groupby(["a", "b"]).size().rename("met").reset_index()
    # an object counts once for a pair, by the share of either that lies most densely
    most = chance.groupby(["who", "object"])["chance"].max().reset_index()
    ours = edges.merge(most, left_on="a", right_on="who").merge(
        most, left_on=["b", "object"], right_on=["who", "object"], suffixes=("_a", "_b")
    )
    ours["expected"] = ours[["chance_a", "chance_b"]].max(axis=1)
    expected = ours.groupby(["a", "b"])["expected"].sum().rename("expected").reset_index()
    edges = edges.merge(expected, on=["a", "b"], how="left").fillna({"expected": 0.0})
    return _of_edges(edges, pairs)


def _of_edges(edges: pd.DataFrame, pairs: int) -> Network:
    return Network(
        edges["a"].to_numpy(),
        edges["b"].to_numpy(),
        edges["met"].to_numpy(),
        edges["expected"].to_numpy(),
        pairs,
    )


def _joined(networks: list[Network]) -> Network:
    parts = [pd.DataFrame({"a": n.a, "b": n.b, "met": n.met, "expected": n.expected}) for n in networks]
    edges = pd.concat(parts).groupby(["a", "b"]).sum().reset_index()
    pairs = sum(network.pairs for network in networks)
    return _of_edges(edges, pairs)


def _named(shares: pd.DataFrame) -> set[str]:
    """Return the accounts that the lockstep detector names, each object taken for a poll."""
    rows = shares.sort_values("timestamp", kind="stable").drop_duplicates(["account", "object"])
    ids = rows["account"].to_list()
    ts = rows["timestamp"].to_numpy(np.int64) * 1000
    account = mix(np.array([zlib.crc32(one.encode()) for one in ids], np.uint64), len(ids))
    poll = pd.factorize(rows["object"])[0].astype(np.int32)
    votes = Ballots(
        poll,
        np.zeros_like(poll),
        ts,
        ts,
        account,
        np.ones(len(ts), np.bool_),
        ts,
        unknown_senders(strings(ids)),
    )
    watcher = Lockstep(LockstepParams())
    named: set[str] = set()
    for sighting in watcher.observe(votes, int(ts[-1]) // _STEP_MS * _STEP_MS + 2 * _STEP_MS):
        named |= {member.account_id for member in sighting.members if member.score >= 0.5}
        named -= set(sighting.cleared)
    return named


if __name__ == "__main__":
    raise SystemExit(main())
