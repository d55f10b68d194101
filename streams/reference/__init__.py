"""Writes the reference pages of docs/ from the code. Start with `pages`; nothing here is used by a command."""
