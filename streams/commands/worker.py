"""`pollwatch worker`."""

from __future__ import annotations

import argparse
import logging

from config import Settings

logger = logging.getLogger(__name__)

_LIBRARIES = ("aiokafka", "faust", "mode", "kafka")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: there are none, the settings say everything."""


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Run the worker until SIGINT or SIGTERM."""
    from streams.cautions import cautions
    from streams.log_lines import log_to_stderr
    from streams.malloc import hold_little
    from streams.pauses import pause_seldom
    from streams.rights import missing_rights, refusal
    from streams.worker import Worker, run_until_signal

    log_to_stderr(settings.worker.log_level.value.upper(), _LIBRARIES)
    for caution in cautions(settings):
        logger.warning("%s", caution)
    for grant in missing_rights(settings):
        logger.error("%s", refusal(grant, settings.kafka.sasl_username))
    hold_little()
    worker = Worker(settings)
    pause_seldom()
    run_until_signal(worker)
    return 0
