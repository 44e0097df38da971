"""The replicated state as one frozen value: the CIB, the facts beside it, the client sessions."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from cib_store.document.element import Element
from cib_store.document.held import Held
from cib_store.document.sections import empty_cib
from cib_store.document.version import version_of
from raftmaker.vocabulary.ids import ClientId
from raftmaker.vocabulary.membership import Facts
from raftmaker.vocabulary.outcomes import CibVersion, Outcome

OUTCOMES_KEPT = 64
"""Outcomes remembered in a client session; a client has fewer requests than that under way."""

NO_CIB = empty_cib({}, {})
"""The CIB before the cluster is created."""


class ClientSession(Struct, frozen=True, kw_only=True):
    """What one client had executed, so that a retry is not executed again.

    Every sequence up to `forgotten` is refused, executed or not: its outcome is not kept.
    """

    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    forgotten: int = 0
    used_at_us: int = 0
    """The proposer's wall clock of the newest request; the leader closes sessions by it."""


class State(Struct, frozen=True, kw_only=True):
    """Everything that a snapshot holds. `index` is the number of commands applied."""

    cib: Element = NO_CIB
    facts: Facts = Facts()
    clients: Mapping[ClientId, ClientSession] = field(default_factory=dict)
    attributes: Held = field(default_factory=dict)
    """Transient attributes that are not, or not only, in the CIB."""
    index: int = 0

    @property
    def version(self) -> CibVersion:
        """The version of the CIB."""
        return version_of(self.cib)
