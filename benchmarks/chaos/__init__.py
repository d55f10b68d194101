"""Faults thrown at workers and broker while votes come in: whatever happens, the end is that of an undisturbed run."""
