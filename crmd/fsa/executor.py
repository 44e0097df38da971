"""What the local executor knows, as one value: taken at a join and after an executor's restart."""

from __future__ import annotations

from dataclasses import dataclass

from lrmd.operations.values import OperationRequest, Result
from raftmaker.vocabulary.ids import BootId, Token


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOperation:
    """An operation that has been accepted and whose first result is still to come."""

    call_id: int
    request: OperationRequest
    running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything an executor knows: its history and what runs or waits (protocols, DC)."""

    boot_id: BootId
    incarnation: str
    """Made anew at each start of the executor."""
    token: Token
    history: tuple[Result, ...] = ()
    pending: tuple[PendingOperation, ...] = ()

    @property
    def serial(self) -> int:
        """The newest result that the history already contains."""
        return max((result.serial for result in self.history), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTraits:
    """What an agent's metadata says that the operation history depends on (features 3.19)."""

    reloads: bool = False
    """It offers ``reload-agent``."""
    reloadable: frozenset[str] = frozenset()
    parameters: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
