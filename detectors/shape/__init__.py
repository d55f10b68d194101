"""The shape of a surge in time: what comes more evenly than people can."""
