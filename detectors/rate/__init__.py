"""How many votes come, against what a poll's past and the other polls explain."""
