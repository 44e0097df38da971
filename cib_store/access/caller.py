"""Who calls the store, as it was proven: by the kernel for a socket, by a certificate beyond it."""

from __future__ import annotations

from msgspec import Struct

PRIVILEGED = ("root", "hacluster")
"""Users whom no rule binds (features 20.2)."""


class Caller(Struct, frozen=True, kw_only=True):
    """A user with its groups. `is_exempt`: no rule binds it; it may also act for another user.

    `user` is empty where nothing was proven: such a caller may do nothing where rules are on.
    `node` is the node that a certificate proved; empty for callers on this node. `roles` are held
    without the configuration giving them.
    """

    user: str = ""
    groups: frozenset[str] = frozenset()
    is_exempt: bool = False
    node: str = ""
    roles: frozenset[str] = frozenset()


EXEMPT = Caller(user="root", is_exempt=True)
"""The daemons themselves."""
NOBODY = Caller()
REMOTE_ROLE = "pacemaker-remote"
"""The role that every remote node has, where the configuration defines it (features 20.12)."""


def remote_node(name: str) -> Caller:
    """Return whoever uses the cluster on a remote node: the cluster knows the node alone.

    Its name is the user's. A user of that name on this machine is somebody else, root included.
    """
    return Caller(user=name, node=name, roles=frozenset({REMOTE_ROLE}))
