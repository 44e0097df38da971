"""Checks of a configuration before it is proposed: every fault at once, with what mends it."""

from cib_store.schema.check import Checks, faults, warnings

__all__ = ["Checks", "faults", "warnings"]
