"""Findings become cases, verdicts and moderation items."""
