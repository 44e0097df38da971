"""Stage 4: where each resource goes."""
