"""Makes the key files that a trial on one machine needs and that are not there yet. In production they come from a secret store.

python keys.py FOLDER
"""

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

KEYS: dict[str, Callable[[], bytes]] = {
    "hash-key": lambda: secrets.token_bytes(16),  # intake.hash_key_file
    "console-token": lambda: secrets.token_urlsafe(32).encode(),  # console.token_file
}


def make_missing(folder: Path) -> list[str]:
    """Write each key that is missing, readable by its owner only, and return their names. A key that is there stays as it is."""
    made = []
    for name, key in KEYS.items():
        unfinished = folder / f".{name}"
        if (folder / name).exists():
            continue
        unfinished.unlink(missing_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
            file.write(key())
        unfinished.rename(folder / name)  # whoever waits for it finds it whole
        made.append(name)
    return made


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("keys.py FOLDER")
    print("made:", ", ".join(make_missing(Path(sys.argv[1]))) or "nothing, all are there")
