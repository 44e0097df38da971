"""Transient attributes beside the CIB, as values; the rules are in `cib_store.apply.attributes`.

Apart from them, so that programs which only read attributes do not load the state machine.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from cib_store.document.transient import Shelf
from raftmaker.vocabulary.ids import NodeName


class HeldAttribute(Struct, frozen=True, kw_only=True):
    """An attribute with a delay, or a private one.

    `values`: those that wait (None: to be removed); of a private one, all. `changed` is the log
    position of the newest change that waits, 0 when none does.
    """

    delay_ms: int = 0
    private: bool = False
    shelf: Shelf = Shelf()
    changed: int = 0
    values: Mapping[NodeName, str | None] = field(default_factory=dict)


Held = Mapping[str, HeldAttribute]


class AttributeValue(Struct, frozen=True, kw_only=True):
    """One value as a reader sees it; `waits`: the CIB does not have it yet."""

    name: str
    node: str
    value: str
    private: bool = False
    waits: bool = False
    utilization: bool = False
