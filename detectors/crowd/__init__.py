"""Who votes: composition of a surge, and clusters inside one poll."""
