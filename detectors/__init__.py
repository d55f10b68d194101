"""What the numbers say: pure functions and objects over columns. No Kafka, clock, randomness or files."""
