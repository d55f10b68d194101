"""What Pollwatch can bear, measured on this machine beside what it is compared with: `python -m benchmarks`."""
