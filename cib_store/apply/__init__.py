"""The replicated state machine: what a committed command does (protocols, Commands).

`apply` is deterministic and total: the same commands give the same state on every replica, and
nothing that a command may hold makes it raise. Re-exported: what engines and simulators need.
"""

from cib_store.apply.machine import apply
from cib_store.apply.state import ClientSession, State
from raftmaker.vocabulary.outcomes import Outcome

__all__ = ["ClientSession", "Outcome", "State", "apply"]
