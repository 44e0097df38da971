"""Results of a remote node on their way to the CIB: in order, one batch at a time.

What a batch becomes is what a member's own results become (`crmd.fsa.results`).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from crmd.fsa.executor import AgentTraits
from crmd.fsa.history import needs_traits
from crmd.fsa.results import BATCH_MAX
from crmd.fsa.state import Queued, QueuedResult
from lrmd.operations.values import Agent, Result


class Backlog(Struct, frozen=True, kw_only=True):
    """What is to be committed of one remote node."""

    queue: tuple[Queued, ...] = ()
    stored_serial: int = 0
    """Results up to this number are committed."""
    known_serial: int = 0
    """Results up to this number were part of the inventory that was taken over."""


def with_entry(backlog: Backlog, entry: Queued) -> Backlog:
    """Add an entry at the end."""
    return replace(backlog, queue=(*backlog.queue, entry))


def with_result(backlog: Backlog, result: Result) -> Backlog:
    """Add a result; one that was sent twice is taken once."""
    if result.serial <= backlog.stored_serial:
        return backlog
    for entry in backlog.queue:
        if isinstance(entry, QueuedResult) and entry.result.serial == result.serial:
            return backlog
    known = result.serial <= backlog.known_serial
    return with_entry(backlog, QueuedResult(result, is_known=known))


def batch_of(backlog: Backlog) -> tuple[Queued, ...]:
    """Return what may go in one change."""
    return backlog.queue[:BATCH_MAX]


def agents_of(batch: tuple[Queued, ...]) -> tuple[Agent, ...]:
    """Return the agents whose metadata the history of a batch depends on, each once."""
    results = [entry.result for entry in batch if isinstance(entry, QueuedResult)]
    return tuple(dict.fromkeys(one.request.agent for one in results if needs_traits(one.request)))


def traits_of(
    batch: tuple[Queued, ...], known: Mapping[Agent, AgentTraits]
) -> dict[int, AgentTraits]:
    """Return the traits of each result's agent, by its serial."""
    return {
        entry.result.serial: known.get(entry.result.request.agent, AgentTraits())
        for entry in batch
        if isinstance(entry, QueuedResult)
    }


def stored(backlog: Backlog, count: int) -> Backlog:
    """A batch of so many entries is committed."""
    done = [
        entry.result.serial for entry in backlog.queue[:count] if isinstance(entry, QueuedResult)
    ]
    serial = max((backlog.stored_serial, *done))
    return replace(backlog, queue=backlog.queue[count:], stored_serial=serial)
