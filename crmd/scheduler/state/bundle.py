"""What only bundles have: the container image, and the parts of each replica (features 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from crmd.scheduler.state.node import Node
    from crmd.scheduler.state.resource import Resource


class Replica(Struct, eq=False, kw_only=True):
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

    @property
    def implied(self) -> list[Resource]:
        """Address, container and connection, as far as there are any."""
        parts = (self.ip, self.container, self.remote)
        return [part for part in parts if part is not None]

    @property
    def parts(self) -> list[Resource]:
        """All that the replica consists of, what runs inside last."""
        return self.implied + ([self.child] if self.child is not None else [])


class BundleSettings(Struct, eq=False, kw_only=True):
    """The settings of a bundle that outlast its reading, and its replicas."""

    agent: str
    """``docker`` or ``podman``."""
    image: str
    replicas_per_host: int
    replica_count: int
    inner: Resource | None = None
    """The clone of the bundled resource."""
    replicas: list[Replica] = field(default_factory=list)

    # Written by the placement stage.
    entered: int = 0
    """How many placings of the bundle are under way, one within the other."""


def settings_of(rsc: Resource) -> BundleSettings:
    """Return what only bundles have."""
    assert rsc.containers is not None, f"{rsc.id} is no bundle"
    return rsc.containers
