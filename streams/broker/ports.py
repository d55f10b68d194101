"""Free TCP ports on 127.0.0.1 for servers that must know their port before they start."""

import random
import socket

from streams.broker.errors import BrokerError

# Below the ephemeral range: a client that retries a stopped broker must not be given the broker's own port.
FIRST, LAST = 15_000, 32_000


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that was free a moment ago; raise BrokerError when a hundred in a row are not."""
    draw = random.SystemRandom()
    for _ in range(100):
        if is_free(port := draw.randint(FIRST, LAST)):
            return port
    raise BrokerError(f"no free port between {FIRST} and {LAST} on 127.0.0.1")
