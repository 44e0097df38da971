"""stonithd, the fencer: runs fence agents so that a node that cannot be trusted is surely down."""
