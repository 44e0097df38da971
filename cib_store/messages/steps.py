"""What a watch of the store brings, step by step: from differences to whole values."""

from __future__ import annotations

from msgspec import Struct

from cib_store.document.codec import OWN_BYTES_MAX, parse
from cib_store.document.element import Element
from cib_store.document.patchset import apply_patchset
from cib_store.document.refusal import Refusal
from cib_store.messages.facts import facts_of
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.membership import Facts
from raftmaker.wire import store_pb2 as pb


class WatchStep(Struct, frozen=True, kw_only=True):
    """The whole CIB and facts after one step; unchanged parts of the CIB keep their identity.

    `resync`: steps may have been passed over before this one.
    """

    index: int
    cib: Element
    facts: Facts
    resync: bool = False


def stepped(seen: WatchStep | None, event: pb.WatchEvent) -> WatchStep:
    """Return the step after `seen`. Raises `HaError` where the event does not follow it."""
    kind = event.WhichOneof("cib")
    facts = facts_of(event.facts) if event.HasField("facts") else None
    if kind == "resync":
        assert facts is not None, "a resync brings the facts"
        return WatchStep(
            index=event.index,
            cib=parse(event.resync, bytes_max=OWN_BYTES_MAX),
            facts=facts,
            resync=True,
        )
    if seen is None:
        raise HaError("the store began a watch with a difference")
    cib = seen.cib
    if kind == "patch":
        patched = apply_patchset(cib, parse(event.patch, bytes_max=OWN_BYTES_MAX))
        if isinstance(patched, Refusal):
            raise HaError(f"the store sent a difference that does not fit: {patched.reports}")
        cib = patched
    return WatchStep(index=event.index, cib=cib, facts=facts or seen.facts)
