"""The page of all commands: from the parsers themselves."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator, Sequence
from importlib import import_module

from streams.reference.markdown import WRITTEN, cell, code, first_paragraph, table

_HEAD = f"""\
# Commands

{WRITTEN} `pollwatch --help` and `pollwatch COMMAND --help` say the same.

Exit codes of all commands: 0 done, 1 failed, 2 wrong use (arguments or settings that can't be used). An error is one line on stderr;
`POLLWATCH_TRACEBACK=1` in the environment shows where it came from.
"""


def commands_page(commands: dict[str, argparse.ArgumentParser]) -> str:
    """Return the page as Markdown; `commands` are the parsers by name, in the order of the page."""
    rows = ([f"[`{name}`](#pollwatch-{name})", cell(parser.description or "")] for name, parser in commands.items())
    return _HEAD + "\n" + table(["command", "does"], rows) + "".join(_command(name, parser) for name, parser in commands.items())


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    module = import_module(f"streams.commands.{name.replace('-', '_')}")
    actions = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    usage = " ".join(["pollwatch", name, *_usage(parser, actions)])
    arguments = table(["argument", "default", "meaning"], map(_row, actions)) if actions else "No arguments.\n"
    return f"\n## `pollwatch {name}`\n\n{first_paragraph(inspect.getdoc(module.run))}\n\n```text\n{usage}\n```\n\n{arguments}"


def _usage(parser: argparse.ArgumentParser, actions: Sequence[argparse.Action]) -> Iterator[str]:
    alternatives = {id(action): group for group in parser._mutually_exclusive_groups for action in group._group_actions}
    told: set[int] = set()
    for action in sorted(actions, key=lambda action: not action.option_strings):
        group = alternatives.get(id(action))
        if group is None:
            yield _written(action) if action.required else f"[{_written(action)}]"
        elif id(group) not in told:
            told.add(id(group))
            choice = " | ".join(map(_written, group._group_actions))
            yield f"({choice})" if group.required else f"[{choice}]"


def _written(action: argparse.Action) -> str:
    """Return how an argument is typed, the shortest way that says what it is."""
    name = action.option_strings[-1:]
    return " ".join([*name, *_values(action)])


def _values(action: argparse.Action) -> list[str]:
    if action.nargs == 0:
        return []
    value = str(action.metavar or action.dest.upper())
    return [f"{value} …"] if action.nargs == "+" else [value]


def _row(action: argparse.Action) -> list[str]:
    default = "" if action.default in (None, False, argparse.SUPPRESS) else str(action.default)
    told = "required" if action.required and action.option_strings else code(default)
    return [code(_written(action)), told, cell(action.help or "")]
