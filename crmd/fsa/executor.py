"""What the core needs to know about the local executor and its agents."""

from __future__ import annotations

from msgspec import Struct

from lrmd.operations.values import Inventory as Inventory
from lrmd.operations.values import PendingOperation as PendingOperation
from lrmd.operations.values import Result
from raftmaker.vocabulary.codes import OcfCode, OpStatus


class AgentTraits(Struct, frozen=True, kw_only=True):
    """What an agent's metadata says that the operation history depends on (features 3.19)."""

    reloads: bool = False
    """It offers ``reload-agent``."""
    reloadable: frozenset[str] = frozenset()
    parameters: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


def active_resources(inventory: Inventory) -> tuple[str, ...]:
    """Return what may run on the node, sorted: all that is not known to be stopped."""
    newest: dict[str, Result] = {}
    for result in sorted(inventory.history, key=lambda one: one.serial):
        newest[result.request.resource] = result
    active = {name for name, result in newest.items() if not _stopped(result)}
    return tuple(sorted(active | {one.request.resource for one in inventory.pending}))


def _stopped(result: Result) -> bool:
    request, outcome = result.request, result.outcome
    if outcome.status is not OpStatus.DONE:
        return False
    if request.operation == "stop":
        return outcome.code in (OcfCode.OK, OcfCode.NOT_RUNNING)
    return request.operation == "monitor" and outcome.code is OcfCode.NOT_RUNNING


def newest_serial(inventory: Inventory) -> int:
    """Return the number of the newest result that the inventory's history contains."""
    return max((result.serial for result in inventory.history), default=0)
