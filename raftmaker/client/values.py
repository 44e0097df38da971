"""What a cluster answers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cib_store.document.codec import parse
from cib_store.document.element import Element
from raftmaker.vocabulary.reports import Report


@dataclass(frozen=True, slots=True, order=True)
class CibVersion:
    """``admin_epoch.epoch.num_updates``, compared in this order (features 3.3)."""

    admin_epoch: int = 0
    epoch: int = 0
    num_updates: int = 0

    def __str__(self) -> str:
        return f"{self.admin_epoch}.{self.epoch}.{self.num_updates}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What matched a query, as XML; the version and log position that were read."""

    xml: tuple[str, ...]
    version: CibVersion
    index: int


@dataclass(frozen=True, kw_only=True)
class Cib:
    """A whole CIB as read. `leader` and `dc` are those committed at that log position."""

    xml: str
    version: CibVersion
    index: int
    leader: str = ""
    dc: str = ""
    node: str = ""
    """The node whose store answered."""

    @cached_property
    def document(self) -> Element:
        """The CIB as a tree."""
        return parse(self.xml)

    @property
    def configuration(self) -> Element:
        """The configuration; empty where the CIB has none yet."""
        return self.document.child("configuration") or Element("configuration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a change ended well: the version and log position after it, and warnings."""

    version: CibVersion
    index: int
    warnings: tuple[Report, ...] = ()


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
class Fenced:
    """How a fencing that was asked for ended."""

    confirmed: bool
    devices: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fencing:
    """One fencing of the past, or one that is under way. `at_us`: microseconds since 1970."""

    target: str
    action: str
    client: str
    delegate: str
    state: str
    devices: tuple[str, ...]
    at_us: int
    reason: str


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
