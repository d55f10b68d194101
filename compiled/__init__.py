"""Loops that numpy can't do at once, in C; compiled when the project is installed (`hatch_build.py`). Knows no poll and no Kafka client."""
