"""The command line: reads arguments and settings, calls the command, turns errors into one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from config import ConfigError, Settings, load
from streams.terminal import visible

DONE, FAILED, WRONG_USE = 0, 1, 2
_COMMANDS = {
    "demo": "everything on this machine: Apache Kafka, worker, console, and a story replayed",
    "broker": "the embedded Apache Kafka alone",
    "topics": "creates or checks the topics, shows what differs",
    "acls": "prints what each user of Kafka must be allowed, as a script for kafka-acls.sh",
    "worker": "the streaming worker",
    "reprocess": "sends the workers back to an earlier offset or time, with no state",
    "erase": "forgets an account, in the state of running workers and the internal topics",
    "replay": "sends a recording to Kafka",
    "scan": "the same detectors over recordings, without Kafka",
    "simulate": "labelled traffic with crowds and attacks, from a seed",
    "evaluate": "scores what scan wrote against the truth",
    "notify": "posts alerts and moderation items to webhooks",
    "console": "the web page for analysts and moderators",
    "tail": "alerts as they come, one line each",
    "explain": "one case: its history, the reasons for both sides, and why it is not called otherwise",
    "check-config": "every problem of a configuration at once",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 done, 1 failed, 2 wrong use."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "check-config":
            return int(_command(given.command).run(given, os.environ))
        return int(_command(given.command).run(given, _settings(given)))
    except ConfigError as error:
        for problem in error.problems:
            print(f"pollwatch: {problem}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return FAILED
    except Exception as error:
        if os.environ.get("POLLWATCH_TRACEBACK"):
            raise
        # an error may quote what a stranger wrote
        print(f"pollwatch: {type(error).__name__}: {visible(' '.join(str(error).splitlines()))}", file=sys.stderr)
        return FAILED


def _command(name: str) -> Any:
    # each command imports what it needs: `scan` must start without Faust, `worker` without the broker's extra
    return import_module(f"streams.commands.{name.replace('-', '_')}")


def _settings(given: argparse.Namespace) -> Settings:
    environment = {name: value for name, value in os.environ.items() if name != "POLLWATCH_TRACEBACK"}
    return load(given.config, environment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("pollwatch", description="Tells a crowd from a script in live poll traffic.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, description in _COMMANDS.items():
        command = commands.add_parser(name, help=description, description=description)
        if name != "check-config":
            command.add_argument("--config", type=Path, metavar="FILE", help="settings; default: built-in and environment")
        _command(name).arguments(command)
    return parser


def command_line() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, in the order of the help."""
    commands = next(action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(commands.choices)


if __name__ == "__main__":
    sys.exit(main())
