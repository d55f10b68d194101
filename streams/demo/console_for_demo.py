"""The console of the demo: its address, and a token made for this run."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from config import Settings


@dataclass(frozen=True, slots=True)
class Access:
    """Where the console is, and what lets one decide there."""

    url: str
    token: str

    @property
    def words(self) -> str:
        """Both on one line."""
        return f"{self.url}   token {self.token}"


def with_token(settings: Settings, folder: Path) -> tuple[Settings, Access]:
    """Return settings of which the console takes decisions, with a token in a file that only this user can read."""
    token, file = secrets.token_hex(8), folder / "console.token"
    file.touch(mode=0o600)
    file.write_text(token, encoding="utf-8")
    console = settings.console
    access = Access(f"http://{console.host}:{console.port}/", token)
    return replace(settings, console=replace(console, token_file=str(file))), access
