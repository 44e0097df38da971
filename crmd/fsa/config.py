"""What the controller's core is told once, at its start."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from raftmaker.vocabulary.ids import BootId, NodeName
from raftmaker.vocabulary.members import Members


class StartState(Enum):
    """In which state a node joins (features 26.7); the values are `PCMK_node_start_state`'s."""

    DEFAULT = "default"
    """As it was before."""
    STANDBY = "standby"
    ONLINE = "online"


class Config(Struct, frozen=True, kw_only=True):
    """Identity and timings of one controller process; milliseconds."""

    node: NodeName
    boot_id: BootId
    controller_start: int
    """Number of this start of the controller within the boot; grows."""
    uuid: str
    """Random; marks the transition keys of this process as its own (features 3.18)."""
    nodes: tuple[NodeName, ...]
    """All nodes that raftmaker.toml names; the committed members count once they are known."""
    members: Members = Members()
    """As this node's store wrote them down last, or as raftmaker.toml has them (number 0)."""
    dead_ms: int = 600
    retry_ms: int = 200
    batch_ms: int = 20
    controller_fence_delay_ms: int = 10_000
    no_quorum_stop_grace_ms: int = 5_000
    cores: int = 1
    """Processors of a node, for the default of `node-action-limit`."""
    start_state: StartState = StartState.DEFAULT
    software: str = ""
    """The version that this process is, for `dc-version`; empty: not said."""
    cluster_name: str = ""
    """What raftmaker.toml calls the cluster, for a CIB that has no name for it."""
