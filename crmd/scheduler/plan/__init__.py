"""Stage 5: the actions that bring about the placement, and their order."""
