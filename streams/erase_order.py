"""An order to forget an account, as it travels among blocks and reports: where it stands in the log, the account is forgotten.

`pollwatch erase` puts one on every partition of the exchange; each shard passes it on to the cases behind all that it said
before. It names the account, so it is deleted from both topics when everybody has carried it out (`streams.erase`).
"""

from __future__ import annotations

import msgspec

_MARK = b"\xe0"
"""The first byte, where blocks and reports have their version: workers that know no orders stop there and say so."""


class EraseOrder(msgspec.Struct, frozen=True, array_like=True):
    """`order` names it, `salt` is random (`detectors.erasure.Erasure`), `shard` is who passed it on (-1: nobody yet)."""

    order: str
    account_id: str
    salt: int
    shard: int = -1


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(EraseOrder)


def encode_order(order: EraseOrder) -> bytes:
    """Return an order as bytes."""
    return _MARK + _encoder.encode(order)


def order_in(message: bytes | None) -> EraseOrder | None:
    """Return the order that a message of the exchange or the findings is, None if it is none.

    >>> order_in(encode_order(EraseOrder("f00d", "maria", 7)))
    EraseOrder(order='f00d', account_id='maria', salt=7, shard=-1)
    >>> order_in(b"\\x02..."), order_in(None)
    (None, None)
    """
    if not message or message[:1] != _MARK:
        return None
    return _decoder.decode(memoryview(message)[1:])
