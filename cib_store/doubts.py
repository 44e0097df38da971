"""Losses that earlier leaders left in the log of one that was just elected (`liveness.Elected`)."""

from __future__ import annotations

from collections.abc import Iterable

from cib_store.messages.commands import BadCommand, decode, is_loss
from raftmaker.vocabulary.commands import ControllerLost, NodeLost


def doubted(entries: Iterable[bytes]) -> tuple[NodeLost | ControllerLost, ...]:
    """Return the losses among entries of the log, each once, in their order.

    The entries of a whole journal may come here, so only losses are read in full.
    """
    found: dict[NodeLost | ControllerLost, None] = {}
    for entry in entries:
        try:
            body = decode(entry).body if is_loss(entry) else None
        except BadCommand:  # refused when it is applied
            continue
        if isinstance(body, NodeLost | ControllerLost):
            found[body] = None
    return tuple(found)
