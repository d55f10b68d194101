"""One file for each command: its arguments, and what it does with them. What is heavy is imported when it runs."""
