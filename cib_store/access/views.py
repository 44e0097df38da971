"""What each caller sees of the newest documents, kept for as long as they are asked for."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from cib_store.access.caller import Caller
from cib_store.access.permissions import Permission, is_enabled, permissions_of
from cib_store.access.reading import seen
from cib_store.access.rights import rights
from cib_store.apply import State
from cib_store.document.element import Element
from cib_store.document.path import trail_of
from cib_store.document.xpath import XPathTree
from raftmaker.runtime.errors import NotPermitted
from raftmaker.vocabulary.commands import (
    Body,
    ForgetAttributes,
    UpdateAttributes,
    WriteAttributes,
)
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import Facts

_KEPT = 16
_NO_RIGHTS = (
    "access control gives you no right to the configuration: ask for a role with the permission"
    " to read ('crm configure acl_target')"
)


def binding(cib: Element, caller: Caller) -> tuple[Permission, ...] | None:
    """Return the permissions that bind the caller in this document; None: nothing does."""
    if caller.is_exempt:
        return None
    configuration = cib.child("configuration")
    if configuration is None or not is_enabled(configuration):
        return None
    return permissions_of(configuration, caller)


class Views:
    """The newest views, by document and permissions: most callers ask for the same few."""

    def __init__(self) -> None:
        """Nothing has been asked for yet."""
        self._kept: list[tuple[Element, tuple[Permission, ...], Element | None]] = []

    def of(self, cib: Element, caller: Caller) -> Element:
        """Return what the caller may see. Raises `NotPermitted` where that is nothing."""
        permissions = binding(cib, caller)
        return cib if permissions is None else self.under(cib, permissions)

    def under(self, cib: Element, permissions: tuple[Permission, ...]) -> Element:
        """Return what these permissions let see. Raises `NotPermitted` where that is nothing."""
        view = self._view(cib, permissions)
        if view is None:
            raise NotPermitted(_NO_RIGHTS)
        return view

    def _view(self, cib: Element, permissions: tuple[Permission, ...]) -> Element | None:
        for document, given, view in self._kept:
            if document is cib and given == permissions:
                return view
        view = seen(cib, rights(XPathTree(cib), permissions))
        self._kept = [(cib, permissions, view), *self._kept[: _KEPT - 1]]
        return view


class Sight(Struct, frozen=True):
    """What one caller sees, whichever document it is."""

    views: Views
    caller: Caller

    def is_bound(self, cib: Element) -> bool:
        """Tell whether rules bind the caller in this document; else it sees all of it."""
        return binding(cib, self.caller) is not None

    def of(self, cib: Element) -> Element:
        """Return what the caller may see. Raises `NotPermitted` where that is nothing."""
        return self.views.of(cib, self.caller)


def facts_seen(state: State, view: Element) -> Facts:
    """Return the facts; only what every tool needs to one who does not see the whole status."""
    if view is state.cib or view.child("status") is state.cib.child("status"):
        return state.facts
    return replace(state.facts, nodes=(), dc=None, leader=NodeName(""))


def may_record(cib: Element, caller: Caller, body: Body | None) -> bool:
    """Tell whether a user may have this committed: attributes, with the right to the status."""
    if not isinstance(body, UpdateAttributes | WriteAttributes | ForgetAttributes):
        return False
    permissions = binding(cib, caller)
    if permissions is None:
        return True
    marks, right = rights(XPathTree(cib), permissions), None
    for position in trail_of(cib, "/cib/status") or ():
        right, marks = marks.right or right, marks.under(position)
    return marks.is_writable(right)
