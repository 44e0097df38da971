"""What a cluster answers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from cib_store.document.element import Element
from raftmaker.vocabulary.membership import Facts
from raftmaker.vocabulary.outcomes import CibVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What matched a query; the version and log position that were read."""

    elements: tuple[Element, ...]
    version: CibVersion
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cib:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a node's controller does (features section 24). `settled_index`: done up to here."""

    state: str
    dc: str
    quorate: bool
    actions_total: int
    actions_done: int
    running: tuple[str, ...]
    settled_index: int
    transition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Voter:
    """A voter as one replica sees it. `silent_us` is -1 when it was never heard."""

    node: str
    heard: bool
    silent_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
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
