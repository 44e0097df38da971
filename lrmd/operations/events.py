"""Events that the operations core takes and effects that it gives.

`at_ms` is the boot-time clock in milliseconds, `wall_us` the wall clock in microseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lrmd.operations.values import FailureId, OperationRequest, Outcome, Result
from raftmaker.vocabulary.ids import ResourceId, Token


class TimerKind(Enum):
    """What a timer is for."""

    DUE = "due"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Timer:
    """Name of a timer: at most one of a kind for an operation."""

    kind: TimerKind
    call_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute:
    """An operation is asked for. Answered by Accepted or Refused."""

    at_ms: int
    wall_us: int = 0
    request: OperationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """A recurring operation is to end. Answered by Ended or Refused."""

    at_ms: int
    wall_us: int = 0
    token: Token
    resource: ResourceId
    operation: str
    interval_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseToken:
    """A new DC takes over. Answered by Raised or Refused."""

    at_ms: int
    wall_us: int = 0
    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsConfirmed:
    """Results up to a serial number are stored safely elsewhere."""

    at_ms: int
    wall_us: int = 0
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFinished:
    """A run ended; its agent process is gone."""

    at_ms: int
    wall_us: int = 0
    call_id: int
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """The time of a timer has come."""

    at_ms: int
    wall_us: int = 0
    timer: Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
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


@dataclass(frozen=True, slots=True)
class Persist:
    """Store the new state, before any later effect of the same step."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Answer: the operation is queued."""

    call_id: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Answer: a higher token was seen."""

    highest: Token


@dataclass(frozen=True, slots=True)
class Ended:
    """Answer to Cancel and Forget: whether there was something."""

    found: bool


@dataclass(frozen=True, slots=True)
class Raised:
    """Answer to RaiseToken."""

    token: Token


@dataclass(frozen=True, slots=True)
class RunAgent:
    """Run the agent, if `may_fork` still holds; answer with AgentFinished in any case."""

    call_id: int
    request: OperationRequest


@dataclass(frozen=True, slots=True)
class AdoptAgent:
    """Find a run of an earlier process of the daemon again; answer with AgentFinished."""

    call_id: int
    request: OperationRequest


@dataclass(frozen=True, slots=True)
class EndAgent:
    """Kill the run's process group; AgentFinished follows when it is gone."""

    call_id: int


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Give TimerFired at `at_ms`; replaces the timer of the same name."""

    timer: Timer
    at_ms: int


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """The timer is no longer wanted."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the result to whoever follows."""

    result: Result


Answer = Accepted | Refused | Ended | Raised
Effect = Persist | Answer | RunAgent | AdoptAgent | EndAgent | SetTimer | CancelTimer | Report
