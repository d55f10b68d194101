"""How well crowds are told from scripts, on invented worlds and on real data: one command each."""
