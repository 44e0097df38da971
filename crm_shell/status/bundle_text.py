"""The state of bundles as text: a line a replica, about what runs inside (features 27)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crmd.scheduler.state.bundle import Replica
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource

Describe = Callable[[Resource, str, Node | None], str]
"""Describes a primitive, given the name to use for it and the node."""


def bundle_lines(
    rsc: Resource, margin: str, *, flags: list[str], inactive: bool, describe: Describe
) -> Iterator[str]:
    """Yield the lines about a bundle; `flags` say whether it is left alone."""
    settings = rsc.containers
    assert settings is not None
    title = "Container bundle set" if settings.replica_count > 1 else "Container bundle"
    words = "".join(f" ({flag})" for flag in (["unique"] if rsc.unique else []) + flags)
    yield f"{margin}* {title}: {rsc.id} [{settings.image}]{words}:"
    for replica in settings.replicas:
        if not inactive and not any(part.kind.active(part, False) for part in replica.parts):
            continue
        node = replica.container.kind.active_node(replica.container)[0]
        shown = replica.child or replica.container
        yield f"{margin}  * {describe(shown, replica_name(replica), node)}"


def replica_name(replica: Replica) -> str:
    """Return the name of a replica: that of its node (or container), and its address."""
    name = (replica.remote or replica.container).id
    return name if replica.address is None else f"{name} ({replica.address})"
