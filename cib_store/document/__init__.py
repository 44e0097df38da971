"""The CIB as a persistent tree, its XML codec and the changes on it."""
