"""Deciding again after a change, at a cost that follows the change and not the cluster."""
