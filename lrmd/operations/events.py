"""Events that the operations core takes and effects that it gives.

`at_ms` is the boot-time clock in milliseconds, `wall_us` the wall clock in microseconds since 1970.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from lrmd.operations.values import FailureId, OperationRequest, Outcome, Result
from raftmaker.vocabulary.ids import ResourceId, Token


class TimerKind(Enum):
    """What a timer is for."""

    DUE = "due"
    TIMEOUT = "timeout"


class Timer(Struct, frozen=True):
    """Name of a timer: at most one of a kind for an operation."""

    kind: TimerKind
    call_id: int


class Execute(Struct, frozen=True, kw_only=True):
    """An operation is asked for. Answered by Accepted or Refused."""

    at_ms: int
    wall_us: int = 0
    request: OperationRequest


class Cancel(Struct, frozen=True, kw_only=True):
    """A recurring operation is to end. Answered by Ended or Refused."""

    at_ms: int
    wall_us: int = 0
    token: Token
    resource: ResourceId
    operation: str
    interval_ms: int


class Forget(Struct, frozen=True, kw_only=True):
    """A resource, or one operation of it, is to be forgotten. Answered by Ended or Refused.

    With `failure`, that failure alone, if it is still the last one; nothing ends (features 8.23).
    """

    at_ms: int
    wall_us: int = 0
    token: Token
    resource: ResourceId
    operation: str = ""
    interval_ms: int = 0
    failure: FailureId | None = None


class RaiseToken(Struct, frozen=True, kw_only=True):
    """A new DC takes over. Answered by Raised or Refused."""

    at_ms: int
    wall_us: int = 0
    token: Token


class ResultsConfirmed(Struct, frozen=True, kw_only=True):
    """Results up to a serial number are stored safely elsewhere."""

    at_ms: int
    wall_us: int = 0
    serial: int


class AgentFinished(Struct, frozen=True, kw_only=True):
    """A run ended; its agent process is gone."""

    at_ms: int
    wall_us: int = 0
    call_id: int
    outcome: Outcome


class TimerFired(Struct, frozen=True, kw_only=True):
    """The time of a timer has come."""

    at_ms: int
    wall_us: int = 0
    timer: Timer


class Restarted(Struct, frozen=True, kw_only=True):
    """The daemon has started with a state that an earlier process of this boot left."""

    at_ms: int
    wall_us: int = 0


Event = (
    Execute
    | Cancel
    | Forget
    | RaiseToken
    | ResultsConfirmed
    | AgentFinished
    | TimerFired
    | Restarted
)


class Persist(Struct, frozen=True):
    """Store the new state, before any later effect of the same step."""


class Accepted(Struct, frozen=True):
    """Answer: the operation is queued."""

    call_id: int


class Refused(Struct, frozen=True):
    """Answer: a higher token was seen."""

    highest: Token


class Ended(Struct, frozen=True):
    """Answer to Cancel and Forget: whether there was something."""

    found: bool


class Raised(Struct, frozen=True):
    """Answer to RaiseToken."""

    token: Token


class RunAgent(Struct, frozen=True):
    """Run the agent, if `may_fork` still holds; answer with AgentFinished in any case."""

    call_id: int
    request: OperationRequest


class AdoptAgent(Struct, frozen=True):
    """Find a run of an earlier process of the daemon again; answer with AgentFinished."""

    call_id: int
    request: OperationRequest


class EndAgent(Struct, frozen=True):
    """Kill the run's process group; AgentFinished follows when it is gone."""

    call_id: int


class SetTimer(Struct, frozen=True):
    """Give TimerFired at `at_ms`; replaces the timer of the same name."""

    timer: Timer
    at_ms: int


class CancelTimer(Struct, frozen=True):
    """The timer is no longer wanted."""

    timer: Timer


class Report(Struct, frozen=True):
    """Tell the result to whoever follows."""

    result: Result


Answer = Accepted | Refused | Ended | Raised
Effect = Persist | Answer | RunAgent | AdoptAgent | EndAgent | SetTimer | CancelTimer | Report
