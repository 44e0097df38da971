"""The local executor: runs resource agents on this node, one action of a resource at a time."""
