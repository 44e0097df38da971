"""The transition engine's pure core: carries out one graph (features 16.28-16.35)."""
