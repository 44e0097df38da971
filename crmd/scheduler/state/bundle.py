"""What only bundles have: the container image, and the parts of each replica (features 11)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmd.scheduler.state.node import Node
    from crmd.scheduler.state.resource import Resource


@dataclass(slots=True, eq=False, kw_only=True)
class Replica:
    """One container of a bundle, and what comes with it (features 11.13, 11.14)."""

    number: int
    container: Resource
    address: str | None = None
    """The IP address it is reached at, if the bundle gives any."""
    ip: Resource | None = None
    remote: Resource | None = None
    """The connection to the node that the container is; only with a resource inside."""
    node: Node | None = None
    """That node."""
    child: Resource | None = None
    """The instance of the bundled resource that runs inside."""


@dataclass(slots=True, eq=False, kw_only=True)
class BundleSettings:
    """The settings of a bundle that outlast its reading, and its replicas."""

    image: str
    replicas_per_host: int
    replica_count: int
    inner: Resource | None = None
    """The clone of the bundled resource."""
    replicas: list[Replica] = field(default_factory=list)
