"""The marker by which a node's new, empty store may take part in founding its cluster.

Without it an empty store waits to be filled by its peers, for it may be that of a voter that lost
its disk. `raftmaker-cib` removes the marker when it has made the store.
"""

from __future__ import annotations

from pathlib import Path

MARKER = "founding"
REPAIR = "crm cluster repair-store"
REJOIN = "crm cluster add"
FOUND = "crm cluster found"


def marker_of(state_dir: Path) -> Path:
    """Return where the marker of a node is."""
    return state_dir / MARKER


def may_found(state_dir: Path) -> bool:
    """Tell whether a store that is made now takes part in founding the cluster."""
    return marker_of(state_dir).exists()


def mark_founder(state_dir: Path) -> None:
    """Let the node's store, which must not exist yet, take part in founding the cluster."""
    state_dir.mkdir(parents=True, exist_ok=True)
    marker_of(state_dir).write_text(
        "The first store made here takes part in founding the cluster; then this file goes.\n"
    )
