"""What became of one case, from the topics alone: `history` puts it together and is pure, `topics` reads it, `text` shows it.

Must not know the worker's state: whoever may read alerts, moderation items and decisions may run it.
"""
