"""Rehearsal: what the cluster would do, shown and played through on paper (features 27)."""
