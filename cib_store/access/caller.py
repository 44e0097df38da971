"""Who calls the store, as it was proven: by the kernel for a socket, by a certificate beyond it."""

from __future__ import annotations

from msgspec import Struct

PRIVILEGED = ("root", "hacluster")
"""Users whom no rule binds (features 20.2)."""


class Caller(Struct, frozen=True, kw_only=True):
    """A user with its groups. `is_exempt`: no rule binds it; it may also act for another user.

    `user` is empty where nothing was proven: such a caller may do nothing where rules are on.
    `node` is the node that a certificate proved; empty for callers on this node.
    """

    user: str = ""
    groups: frozenset[str] = frozenset()
    is_exempt: bool = False
    node: str = ""


EXEMPT = Caller(user="root", is_exempt=True)
"""The daemons themselves."""
NOBODY = Caller()
