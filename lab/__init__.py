"""Worlds made from a seed, with the truth known: pure generators for tests, benchmarks and the demo."""
