"""Names of things; each its own type, so that a boot id never stands where a node name should."""

from __future__ import annotations

from typing import NewType

from msgspec import Struct

NodeName = NewType("NodeName", str)
BootId = NewType("BootId", str)
"""Random, made once per start of a node and shared by its daemons (protocols, Identity)."""
ClusterId = NewType("ClusterId", str)
ClientId = NewType("ClientId", str)
"""Names a client session of the store, within which sequence numbers make a retry run once."""
ResourceId = NewType("ResourceId", str)
IncidentId = NewType("IncidentId", str)
"""Carried through all daemons' logs for everything that one cause brought about."""
Session = NewType("Session", int)
"""Number of a node's membership; grows with every start, loss and return of the node."""
Term = NewType("Term", int)
"""Raft term."""


class Token(Struct, frozen=True, order=True):
    """A DC's right to order; only grows, compared as (generation, counter) (protocols, DC)."""

    generation: int = 0
    counter: int = 0

    def __str__(self) -> str:
        return f"{self.generation}.{self.counter}"
