"""Remote nodes as the controllers see them: pure (features section 22)."""
