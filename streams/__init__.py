"""Everything impure: Kafka, Faust, files, the wall clock, metrics."""
