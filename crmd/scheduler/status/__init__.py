"""Stage 2: what is true now, from the status section."""
