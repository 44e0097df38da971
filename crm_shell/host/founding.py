"""Make a new cluster of this one host: its id, authority, keys and settings (features 30.4)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from msgspec import Struct

from crm_shell.enrolment.places import with_port
from crm_shell.host.files import PORTS, Places, write_settings
from raftmaker.runtime.certificates import (
    create_authority,
    issue,
    store_authority,
    store_credentials,
)
from raftmaker.runtime.cluster_key import create_cluster_key, store_cluster_key
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.founding import mark_founder
from raftmaker.runtime.settings import Peer, Settings
from raftmaker.runtime.settings_text import render
from raftmaker.vocabulary.ids import ClusterId, NodeName


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for."""

    cluster_name: str
    node: NodeName
    addresses: tuple[str, ...]


def peer_at(node: NodeName, addresses: tuple[str, ...]) -> Peer:
    """Return a node that listens at these addresses, on the usual ports."""

    def endpoint(daemon: str) -> Endpoint:
        first, *others = (with_port(host, PORTS[daemon]) for host in addresses)
        return Endpoint(node=node, address=first, others=tuple(others))

    return Peer(
        name=node,
        store=endpoint("store"),
        controller=endpoint("controller"),
        fencer=endpoint("fencer"),
    )


def found(plan: Plan, places: Places, now: datetime | None = None) -> Settings:
    """Write the authority, the keys and, last, the settings of a new cluster; return those."""
    made = now or datetime.now(UTC)
    cluster = ClusterId(str(uuid.uuid4()))
    authority = create_authority(cluster, made)
    places.tls.mkdir(mode=0o700, parents=True, exist_ok=True)
    store_authority(places.tls, authority)
    store_credentials(places.tls, authority.certificate, issue(authority, plan.node, made))
    store_cluster_key(places.tls, create_cluster_key())
    settings = Settings(
        cluster=cluster,
        cluster_name=plan.cluster_name,
        node=plan.node,
        peers=(peer_at(plan.node, plan.addresses),),
        tls_dir=places.tls,
        state_dir=places.state,
    )
    mark_founder(places.state)
    write_settings(places, render(settings))
    return settings
