"""A requested change from arrival to outcome: resolve, check, propose, and again on a conflict."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from cib_store.access.caller import EXEMPT, Caller
from cib_store.access.changing import blurred, permitted, relied_on
from cib_store.access.permissions import Permission
from cib_store.access.views import binding
from cib_store.apply import State
from cib_store.apply.change import CONFLICT
from cib_store.document.codec import LARGE_CHARACTERS, forget_ahead, read_ahead
from cib_store.document.element import Element
from cib_store.document.extent import is_large
from cib_store.document.path import trail_of
from cib_store.document.refusal import Refusal, refused
from cib_store.document.version import version_of
from cib_store.document.xpath import XPathTree
from cib_store.hub import Hub
from cib_store.proposing.proposer import Proposer
from cib_store.proposing.reliance import unchanged
from cib_store.proposing.resolve import Resolved, resolve
from cib_store.replica import Replica
from cib_store.schema import Checks
from raftmaker.runtime.clock import boot_ms
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange, CibOperation, OperationKind, Origin
from raftmaker.vocabulary.ids import ClientId, Token
from raftmaker.vocabulary.outcomes import CibVersion, Outcome

_VALUE = re.compile(r"@value\s*=\s*(?:'[^']*'|\"[^\"]*\")")


class ChangeOrder(Struct, frozen=True, kw_only=True):
    """A change as it was asked for; `path` of its operations may be any XPath."""

    operations: tuple[CibOperation, ...]
    origin: Origin
    base: CibVersion | None = None
    rehearse: bool = False
    token: Token | None = None
    client_id: ClientId = ClientId("")
    sequence: int = 0
    caller: Caller = EXEMPT
    """Whose rights count (features section 20)."""


class _View(Struct, frozen=True):
    """What a request is looked at against: a state, its CIB ready for XPath, and what is known."""

    state: State
    tree: XPathTree
    checks: Checks


class Changes:
    """Carries out changes on this replica's view of the CIB."""

    def __init__(self, *, proposer: Proposer, replica: Replica, hub: Hub) -> None:
        """`hub` knows older versions, for requests that rely on one."""
        self._proposer = proposer
        self._replica = replica
        self._hub = hub
        self._tree = XPathTree(replica.state.cib)
        self._checks = Checks()
        self._again = asyncio.Lock()

    def tree(self, cib: Element) -> XPathTree:
        """Return the CIB ready for XPath, built once for a version. Any thread may ask."""
        tree = self._tree
        if tree.root is not cib:
            tree = self._tree = XPathTree(cib)
        return tree

    async def carry_out(self, order: ChangeOrder, *, deadline_ms: int) -> Outcome:
        """Return how the change ended. Raises as `Proposer.commit` does."""
        ready = await self._ready(order)
        if isinstance(ready, Outcome) and not ready.succeeded:
            # A replica that was just started may be far behind: nobody is refused for that.
            await self._proposer.catch_up(deadline_ms=deadline_ms)
            ready = await self._ready(order)
        if isinstance(ready, Outcome):
            return ready
        outcome = await self._proposed(order, ready, deadline_ms)
        if not outcome.has(CONFLICT):
            return outcome
        # Somebody was faster at the same place. One after the other, or all but one fail each time.
        async with self._again:
            while outcome.has(CONFLICT) and boot_ms() < deadline_ms:
                ready = await self._ready(order)
                if isinstance(ready, Outcome):
                    return ready
                outcome = await self._proposed(order, ready, deadline_ms)
            return outcome

    async def _proposed(self, order: ChangeOrder, ready: Resolved, deadline_ms: int) -> Outcome:
        command = self._proposer.command(
            ready.change,
            origin=order.origin,
            token=order.token,
            client_id=order.client_id,
            sequence=order.sequence,
        )
        outcome = await self._proposer.once(command, deadline_ms=deadline_ms)
        if not ready.warnings:
            return outcome
        return replace(outcome, reports=(*outcome.reports, *ready.warnings))

    async def _ready(self, order: ChangeOrder) -> Resolved | Outcome:
        """Return what to propose, or the outcome that is known already.

        What takes long is looked at on a thread: everything there is frozen, and others are served
        meanwhile. What they change of what it relies on is a conflict like any other.
        """
        state = self._replica.state
        tree = self.tree(state.cib)
        if _is_large(order):
            view = _View(state, tree, Checks())
            return await asyncio.to_thread(self._looked_at_large, view, order)
        if _goes_through_all(state.cib, order):
            return await asyncio.to_thread(self._looked_at, _View(state, tree, Checks()), order)
        return self._looked_at(_View(state, tree, self._checks), order)

    def _looked_at_large(self, view: _View, order: ChangeOrder) -> Resolved | Outcome:
        """Look at it, and keep what was read: it will be applied here."""
        for operation in order.operations:
            read_ahead(operation.xml)
        ready = self._looked_at(view, order)
        if isinstance(ready, Outcome):
            for operation in order.operations:
                forget_ahead(operation.xml)
        return ready

    def _looked_at(self, view: _View, order: ChangeOrder) -> Resolved | Outcome:
        state = view.state
        earlier = _earlier(state, order)
        if earlier is not None:
            return earlier
        resolved = self._resolved(view, order)
        if isinstance(resolved, Refusal):
            code, reports, version = resolved.code, resolved.reports, state.version
        elif order.rehearse:
            code, reports, version = ExitCode.OK, resolved.warnings, version_of(resolved.cib)
        else:
            return resolved
        return Outcome(code=code, reports=reports, version=version, index=state.index)

    def _resolved(self, view: _View, order: ChangeOrder) -> Resolved | Refusal:
        if not view.state.facts.cluster_id:
            return refused(
                ExitCode.TEMPFAIL,
                "no-cluster",
                "",
                "the cluster is not created yet",
                "wait for its first leader",
            )
        permissions = binding(view.state.cib, order.caller)
        if permissions is not None:
            return self._permitted(view, order, permissions)
        return self._on_base(view, order, order.operations)

    def _on_base(
        self, view: _View, order: ChangeOrder, operations: tuple[CibOperation, ...]
    ) -> Resolved | Refusal:
        resolved = resolve(view.tree, operations, order.origin, view.checks)
        if isinstance(resolved, Refusal) or order.base is None:
            return resolved
        return _since_base(self._hub, view.state, order.base, resolved.change) or resolved

    def _permitted(
        self, view: _View, order: ChangeOrder, permissions: tuple[Permission, ...]
    ) -> Resolved | Refusal:
        """Resolve a change by a user whom rules bind: it holds only while they are as now."""
        cib = view.state.cib
        operations = permitted(view.tree, permissions, order.operations)
        if isinstance(operations, Refusal):
            return operations
        resolved = self._on_base(view, order, operations)
        if isinstance(resolved, Refusal):
            return replace(resolved, reports=blurred(resolved.reports, cib, permissions))
        conditions = relied_on(cib, operations)
        return replace(
            resolved,
            change=replace(resolved.change, preconditions=conditions),
            warnings=blurred(resolved.warnings, resolved.cib, permissions),
        )


def _is_large(order: ChangeOrder) -> bool:
    return sum(len(operation.xml) for operation in order.operations) >= LARGE_CHARACTERS


def _goes_through_all(cib: Element, order: ChangeOrder) -> bool:
    """Tell whether a request looks at every element of a large CIB, or at all of a section.

    By an XPath, for rights, or since something comes or goes. What exchanges a few values does not.
    """
    if not is_large(cib):
        return False
    return binding(cib, order.caller) is not None or not all(
        one.kind is OperationKind.MODIFY
        and not one.all
        and (not one.path or trail_of(cib, one.path) is not None)
        for one in order.operations
    )


def _since_base(hub: Hub, state: State, base: CibVersion, change: CibChange) -> Refusal | None:
    """Refuse when what the change touches is not as it was in the version that it relied on.

    So edits that do not touch each other are merged (features 4.19). A version that is too old to
    be known here is refused. Status moves on all the time and does not count.
    """
    now = state.version
    if (base.admin_epoch, base.epoch) == (now.admin_epoch, now.epoch):
        return None
    old = hub.at_version_of((base.admin_epoch, base.epoch))
    if old is not None and unchanged(change.preconditions, old):
        return None
    return refused(
        ExitCode.OLD,
        "base-changed",
        "/cib/configuration",
        f"the configuration changed since version {base}; it is {now}",
        "look at it again and repeat the change",
    )


def _earlier(state: State, order: ChangeOrder) -> Outcome | None:
    session = state.clients.get(order.client_id) if order.sequence else None
    return None if session is None else session.outcomes.get(order.sequence)


def plain_origin(origin: Origin, order: Sequence[CibOperation]) -> Origin:
    """Return the origin with a message that says what was done, where the user gave none."""
    if origin.message:
        return origin
    # An XPath may look for a value, which may be a secret: the history is for many eyes.
    words = [
        f"{one.kind.value} {one.scope or _VALUE.sub('@value=…', one.path)}".strip()
        for one in order[:3]
    ]
    return replace(origin, message=", ".join(words) + ("…" if len(order) > 3 else ""))
