"""Who speaks: the handshake's identity, the boot id that a node's daemons share, and refusals."""

from __future__ import annotations

import os
from pathlib import Path

from raftmaker import __version__
from raftmaker.runtime.settings import Settings
from raftmaker.vocabulary.ids import BootId
from raftmaker.wire.types_pb2 import Identity

PROTOCOL = 1
"""The protocol that this version speaks; raised by what a peer must understand to be safe."""
PROTOCOL_MIN = 1
FEATURE_LEVEL = 1
SOFTWARE_VERSION = __version__


def boot_id_of(run_dir: Path) -> BootId:
    """Return the node's boot id, made by whichever daemon asks first since the node started.

    The run directory is emptied by a start of the machine (or by the launcher after a kill), so a
    daemon's restart keeps the id and a node's restart renews it (protocols, Identity).
    """
    path = run_dir / "boot-id"
    run_dir.mkdir(parents=True, exist_ok=True)
    fresh = os.urandom(16).hex()
    temporary = run_dir / f".boot-id.{os.getpid()}.{fresh[:8]}"
    temporary.write_text(fresh)
    try:
        # link() fails where the file exists: of daemons that start at once, one wins and all agree.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return BootId(path.read_text().strip())


def identity_of(settings: Settings, boot_id: BootId, program: str, generation: int = 1) -> Identity:
    """Return what a daemon of this node says of itself."""
    return Identity(
        protocol=PROTOCOL,
        protocol_min=PROTOCOL_MIN,
        cluster_id=settings.cluster,
        generation=generation,
        node=settings.node,
        boot_id=boot_id,
        program=program,
        version=SOFTWARE_VERSION,
        feature_level=FEATURE_LEVEL,
    )


def tool_identity(cluster: str, program: str) -> Identity:
    """Return what a command says of itself: it speaks for no node. `cluster` may be empty."""
    return Identity(
        protocol=PROTOCOL,
        protocol_min=PROTOCOL_MIN,
        cluster_id=cluster,
        program=program,
        version=SOFTWARE_VERSION,
        feature_level=FEATURE_LEVEL,
    )


def refusal(mine: Identity, theirs: Identity) -> str:
    """Return why these two must not speak with each other; empty when they may."""
    who = f"{theirs.program or 'peer'} of {theirs.node or 'no node'}"
    if theirs.cluster_id and mine.cluster_id and theirs.cluster_id != mine.cluster_id:
        return f"{who} belongs to cluster {theirs.cluster_id!r}, this is {mine.cluster_id!r}"
    spoken = min(mine.protocol, theirs.protocol)
    if spoken < max(mine.protocol_min, theirs.protocol_min):
        return (
            f"{who} speaks protocols {theirs.protocol_min} to {theirs.protocol},"
            f" {mine.program} {mine.protocol_min} to {mine.protocol}: upgrade the older one"
        )
    return ""
