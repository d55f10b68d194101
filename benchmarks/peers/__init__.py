"""Other ways to write it, each as its own documentation shows, on the same topics of the same broker as Pollwatch."""
