"""`pollwatch acls`."""

from __future__ import annotations

import argparse

from config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: there are none, the settings say everything."""


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Print the script; it is run by whoever may change the cluster's rights."""
    from streams.acl_table import script

    print(script(settings), end="")
    return 0
