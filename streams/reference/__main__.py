"""Writes all reference pages: `python -m streams.reference`, or `make docs`. A test compares them with what is committed."""

from __future__ import annotations

from pathlib import Path

from streams.reference.pages import pages

ROOT = Path(__file__).resolve().parent.parent.parent

if __name__ == "__main__":
    for name, text in pages().items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(name)
