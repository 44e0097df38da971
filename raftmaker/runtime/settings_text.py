"""Write a node's `raftmaker.toml`: what `settings.read` reads back as the same settings."""

from __future__ import annotations

import json

from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.settings import Peer, Settings, Timings
from raftmaker.vocabulary.members import MemberKind

_HEAD = """\
# This node of a Raftmaker cluster; 'crm cluster init' or 'crm cluster join' wrote it.
# Who belongs to the cluster is in the store; the peers here are where this node looks for it first.
"""


def render(settings: Settings) -> str:
    """Return the text; what is as usual is left out."""
    usual = Settings(cluster=settings.cluster, cluster_name="", node=settings.node, peers=())
    lines = [
        *("[cluster]", f"id = {_text(settings.cluster)}", f"name = {_text(settings.cluster_name)}"),
        *("", "[node]", f"name = {_text(settings.node)}"),
        *("", "[directories]"),
    ]
    for key, value, default in (
        ("state", settings.state_dir, usual.state_dir),
        ("run", settings.run_dir, usual.run_dir),
        ("tls", settings.tls_dir, usual.tls_dir),
    ):
        if value != default:
            lines.append(f"{key} = {_text(value)}")
    for key, paths in (("ocf_roots", settings.ocf_roots), ("fence_dirs", settings.fence_dirs)):
        if paths:
            lines.append(f"{key} = [{', '.join(map(_text, paths))}]")
    if settings.timings != Timings():
        lines.extend(("", "[timings]"))
        for name in Timings.__struct_fields__:
            if (value := getattr(settings.timings, name)) != getattr(usual.timings, name):
                lines.append(f"{name} = {value}")
    if settings.remote is not None:
        lines.extend(("", "[remote]", f"listen = {_addresses(settings.remote)}"))
    for peer in settings.peers:
        lines.extend(("", "[[peers]]", *_peer_lines(peer)))
    return _HEAD + "\n".join(lines) + "\n"


def _peer_lines(peer: Peer) -> list[str]:
    lines = [f"name = {_text(peer.name)}"]
    lines.extend(
        f"{key} = {_addresses(endpoint)}"
        for key, endpoint in (
            ("store", peer.store), ("controller", peer.controller), ("fencer", peer.fencer)
        )
        if endpoint.address
    )  # fmt: skip
    if peer.kind is not MemberKind.VOTER:
        lines.append(f"kind = {_text(peer.kind.value)}")
    return lines


def _addresses(endpoint: Endpoint) -> str:
    if not endpoint.others:
        return _text(endpoint.address)
    return f"[{', '.join(map(_text, endpoint.addresses))}]"


def _text(value: object) -> str:
    # A JSON string is a TOML basic string.
    return json.dumps(str(value), ensure_ascii=False)
