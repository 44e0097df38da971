"""What the core needs to know about the local executor and its agents."""

from __future__ import annotations

from dataclasses import dataclass

from lrmd.operations.values import Inventory as Inventory
from lrmd.operations.values import PendingOperation as PendingOperation


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTraits:
    """What an agent's metadata says that the operation history depends on (features 3.19)."""

    reloads: bool = False
    """It offers ``reload-agent``."""
    reloadable: frozenset[str] = frozenset()
    parameters: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


def newest_serial(inventory: Inventory) -> int:
    """Return the number of the newest result that the inventory's history contains."""
    return max((result.serial for result in inventory.history), default=0)
