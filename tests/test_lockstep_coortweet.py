"""The networks that lockstep is compared with are drawn by CooRTweet's rules."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.accuracy.coortweet import _network

SHARES = [
    # account, object, content, second: ann and bob meet at x and y; cid shares x too late; dan shares once only
    ("ann", "x", "1", 0),
    ("bob", "x", "2", 50),
    ("cid", "x", "3", 200),
    ("dan", "x", "4", 55),
    ("ann", "y", "5", 1_000),
    ("bob", "y", "6", 1_060),
    ("cid", "z", "7", 1_000),
]


@pytest.mark.parametrize(("window_s", "met"), [(60, 2), (59, 0), (40, 0)])
def test_accounts_are_tied_as_often_as_they_meet_if_they_do_twice(window_s: int, met: int) -> None:
    shares = pd.DataFrame(SHARES, columns=["account", "object", "content", "timestamp"])
    accounts = pd.Index(["ann", "bob", "cid", "dan"])
    network = _network(shares, accounts, window_s)
    edges = list(zip(network.a.tolist(), network.b.tolist(), network.met.tolist(), strict=True))
    assert edges == ([(0, 1, met)] if met else [])
    assert network.pairs == 4
