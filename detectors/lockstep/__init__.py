"""Accounts that meet within seconds in poll after poll."""
