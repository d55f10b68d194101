"""What operators may set: validated, frozen data."""
