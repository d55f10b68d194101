"""Replies that are copies, from the same accounts in poll after poll."""
