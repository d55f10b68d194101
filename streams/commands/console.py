"""`pollwatch console`."""

from __future__ import annotations

import argparse
import asyncio
import logging

from config import Settings

_LIBRARIES = ("aiokafka", "kafka", "aiohttp")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: there are none, the settings say everything."""


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Serve the console until SIGINT or SIGTERM."""
    from streams.cautions import console_cautions
    from streams.console.server import run_console
    from streams.log_lines import log_to_stderr

    log_to_stderr(settings.worker.log_level.value.upper(), _LIBRARIES)
    for caution in console_cautions(settings):
        logging.getLogger(__name__).warning("%s", caution)
    asyncio.run(run_console(settings))
    return 0
