"""Make this host a node of a cluster that let it in: its key, the request, what the reply holds."""

from __future__ import annotations

import os

from crm_shell.enrolment.places import with_port
from crm_shell.enrolment.token import ROLE_OF, ROLES, Role, Token
from crm_shell.host.files import PORTS, Places, write_settings
from raftmaker.runtime.certificates import CertificateRequest, create_request, request_for
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.private_file import write_private
from raftmaker.runtime.settings import Peer, Settings, default_listener
from raftmaker.runtime.settings_text import render
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import MemberKind
from raftmaker.wire.enrolment_pb2 import EnrolReply, EnrolRequest, SeedPeer


def request_of(
    token: Token, node: NodeName, addresses: tuple[str, ...], key: bytes
) -> EnrolRequest:
    """Return what is asked of the cluster."""
    places = {
        daemon: [with_port(host, port) for host in addresses] for daemon, port in PORTS.items()
    }
    peer = SeedPeer(name=node, store=places["store"], role=ROLES[token.role])
    if token.role is Role.REMOTE:
        peer = SeedPeer(name=node, role=ROLES[token.role])
    elif token.role is not Role.WITNESS:
        peer.controller.extend(places["controller"])
        peer.fencer.extend(places["fencer"])
    return EnrolRequest(
        identity=tool_identity(token.cluster, "crm"), peer=peer, certificate_request=key
    )


def key_of(places: Places, node: NodeName) -> CertificateRequest:
    """Return this host's key and a request for it; the key of an interrupted join is used again."""
    path = places.tls / "node.key"
    try:
        return request_for(path.read_bytes(), node)
    except (FileNotFoundError, ValueError):
        made = create_request(node)
    places.tls.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, made.key)
    return made


def settle_in(token: Token, node: NodeName, reply: EnrolReply, places: Places) -> Settings:
    """Write what the cluster gave, the settings last; return those."""
    if reply.cluster_key:
        write_private(places.tls / "cluster.key", reply.cluster_key)
    if reply.authority_key:
        write_private(places.tls / "authority.key", reply.authority_key)
    (places.tls / "authority.pem").write_bytes(reply.authority)
    (places.tls / "node.pem").write_bytes(reply.certificate)
    if token.role is Role.WITNESS:
        places.witness.write_text(
            "This node is a witness: of the daemons it runs the store alone.\n"
        )
    settings = Settings(
        cluster=token.cluster,
        cluster_name=reply.cluster_name,
        node=node,
        peers=tuple(peer_of(each) for each in reply.peers),
        tls_dir=places.tls,
        state_dir=places.state,
        remote=_listener(node) if token.role is Role.REMOTE else None,
    )
    write_settings(places, render(settings))
    return settings


def _listener(node: NodeName) -> Endpoint:
    return Endpoint(node=node, address=default_listener(os.environ))


def peer_of(seed: SeedPeer) -> Peer:
    """Return a member as the settings have it."""
    node = NodeName(seed.name)
    store, controller, fencer = (
        Endpoint(node=node, address=first, others=tuple(others))
        for first, *others in (each or ("",) for each in (seed.store, seed.controller, seed.fencer))
    )
    return Peer(
        name=node,
        kind=MemberKind(ROLE_OF.get(seed.role, Role.VOTER).value),
        store=store,
        controller=controller,
        fencer=fencer,
    )
