"""What support needs to see of a node and its cluster, in one archive (features 27.33, 30.3)."""
