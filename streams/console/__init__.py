"""The web console: shows cases live and takes decisions. It reads the output topics and nothing else, so it can't slow a worker."""
