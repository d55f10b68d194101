"""How cost, memory and delay of a worker grow with what it is given: one thing at a time, all else as in `make bench`."""
