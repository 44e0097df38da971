"""Configurations of older schemas read as one of today's (features 4.23 to 4.25)."""

from cib_store.model.upgrade.chain import NEWEST, Upgrade, upgraded

__all__ = ["NEWEST", "Upgrade", "upgraded"]
