"""Proves to a receiver that a request is ours and fresh: HMAC-SHA256 over the time, a dot, and the body."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from config import Secret

TIMESTAMP_HEADER = "Pollwatch-Timestamp"
SIGNATURE_HEADER = "Pollwatch-Signature"
IDEMPOTENCY_HEADER = "Idempotency-Key"
VERSION = "v1"


def signed(secrets: Sequence[Secret], now_s: int, body: bytes) -> dict[str, str]:
    """Return the headers that sign a body at a time (seconds since the epoch); none without a secret.

    With several secrets there are several signatures, so that receivers can be moved from one to the next.
    """
    if not secrets:
        return {}
    signatures = ",".join(f"{VERSION}={_signature(secret, now_s, body)}" for secret in secrets)
    return {TIMESTAMP_HEADER: str(now_s), SIGNATURE_HEADER: signatures}


def _signature(secret: Secret, now_s: int, body: bytes) -> str:
    return hmac.new(secret.reveal().encode(), b"%d." % now_s + body, hashlib.sha256).hexdigest()
