"""A TOML file as nested values, or the one problem that keeps it from being read. Knows no setting."""

from __future__ import annotations

import tomllib
from pathlib import Path

from config.problems import Problem


def read_toml(path: Path) -> tuple[dict[str, object], list[Problem]]:
    """What stands in the file, nothing when it cannot be read; and why not."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), []
    except OSError as error:
        return {}, [Problem(str(path), f"cannot be read ({error.strerror})", "name a readable file")]
    except UnicodeDecodeError as error:
        return {}, [Problem(str(path), f"is not UTF-8 at byte {error.start}", "save it as UTF-8")]
    except tomllib.TOMLDecodeError as error:
        return {}, [Problem(str(path), f"is not TOML: {error}", "mend that place")]
    except (RecursionError, ValueError) as error:
        # brackets a thousand deep, numbers of thousands of digits: TOML has no limit, its reader has
        return {}, [Problem(str(path), f"cannot be read as TOML ({error})", "write it shorter")]
