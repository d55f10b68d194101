"""Half an hour of live traffic with faults thrown in: nothing is lost, every flood is found, and memory stays flat."""
