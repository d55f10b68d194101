"""`pollwatch notify`."""

from __future__ import annotations

import argparse
import asyncio
import logging

from config import ConfigError, Problem, Settings

logger = logging.getLogger(__name__)

_LIBRARIES = ("aiokafka", "kafka", "aiohttp")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: there are none, the settings and the targets file say everything."""


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Post to the targets until SIGINT or SIGTERM."""
    from config.targets import read_targets
    from streams.acl_table import User
    from streams.cautions import target_cautions
    from streams.log_lines import log_to_stderr
    from streams.notify.access import read_access
    from streams.notify.notifier import Notifier
    from streams.rights import missing_rights, refusal
    from streams.until_signal import until_signal

    targets = read_targets(settings.notify)
    if not targets:
        raise ConfigError([Problem("notify.targets", "is empty", "name the file that says whom to post to")])
    access = read_access(settings.notify.targets, targets)
    log_to_stderr(settings.worker.log_level.value.upper(), _LIBRARIES)
    for caution in target_cautions(settings.notify.targets, targets):
        logger.warning("%s", caution)
    for grant in missing_rights(settings, User.NOTIFIER):
        logger.error("%s", refusal(grant, settings.kafka.sasl_username))
    asyncio.run(until_signal(Notifier(settings, targets, access).run))
    return 0
