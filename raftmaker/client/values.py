"""What a cluster answers, as plain values."""

from __future__ import annotations

from msgspec import Struct

from cib_store.document.element import Element
from raftmaker.vocabulary.membership import Facts
from raftmaker.vocabulary.outcomes import CibVersion


class Reading(Struct, frozen=True, kw_only=True):
    """What matched a query; the version and log position that were read."""

    elements: tuple[Element, ...]
    version: CibVersion
    index: int


class Cib(Struct, frozen=True, kw_only=True):
    """A whole CIB as read, with the facts committed at that log position."""

    document: Element
    version: CibVersion
    index: int
    facts: Facts

    @property
    def configuration(self) -> Element:
        """The configuration; empty where the CIB has none yet."""
        return self.document.child("configuration") or Element("configuration")

    @property
    def dc(self) -> str:
        """The DC's name; empty when there is none."""
        return self.facts.dc.node if self.facts.dc else ""


class Progress(Struct, frozen=True, kw_only=True):
    """What a node's controller does (features section 24). `settled_index`: done up to here."""

    state: str
    dc: str
    quorate: bool
    actions_total: int
    actions_done: int
    running: tuple[str, ...]
    settled_index: int
    transition: int


class Voter(Struct, frozen=True, kw_only=True):
    """A voter as one replica sees it. `silent_us` is -1 when it was never heard."""

    node: str
    heard: bool
    silent_us: int


class StoreStatus(Struct, frozen=True, kw_only=True):
    """One replica of the store."""

    node: str
    leads: bool
    leader: str
    term: int
    applied: int
    committed: int
    quorate: bool
    voters: tuple[Voter, ...]
    version: CibVersion
    waits_for: str = ""
    """Of two voters: why this one does not go on without the other."""
    mend: str = ""
    """What people can do about that."""
