"""The history as one reader may see it: by today's rules, applied to what was then (20.11)."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from cib_store.access.permissions import Permission
from cib_store.access.views import Views
from cib_store.aside import Aside
from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.document.patchset import difference
from cib_store.history import History, HistoryEntry

SEEN_MAX = 100
"""Entries at a time for a reader whom rules bind: each is looked through for what it shows."""


class Past:
    """The history for one reader; `permissions` None: everything is shown."""

    def __init__(
        self,
        history: History,
        views: Views,
        permissions: tuple[Permission, ...] | None,
        aside: Aside,
    ) -> None:
        """Show this history; `aside` is where large documents are looked through."""
        self._history, self._views, self._permissions = history, views, permissions
        self._aside = aside

    async def at(self, revision: int) -> str:
        """Return the CIB without its status after a revision, as text; empty where it is not kept.

        Raises `NotPermitted`.
        """
        cib = await self._history.at(revision)
        if cib is None:
            return ""
        return await self._aside.done(partial(self._text, cib), cib)

    def _text(self, cib: Element) -> str:
        if self._permissions is not None:
            cib = self._views.under(cib, self._permissions)
        return render(cib, indent=0)

    async def entries(self, *, limit: int, before: int, patches: bool) -> list[HistoryEntry]:
        """Return the newest entries first. Raises `NotPermitted`."""
        if self._permissions is None:
            return await self._history.entries(limit=limit, before=before, patches=patches)
        limit = min(limit or SEEN_MAX, SEEN_MAX)
        found = await self._history.entries(limit=limit, before=before, patches=False)
        return [await self._shown(entry, patches) for entry in found]

    async def _shown(self, entry: HistoryEntry, patches: bool) -> HistoryEntry:
        """Return an entry; one of which nothing may be seen tells only that there was a change."""
        old, new = await self._history.around(entry.revision)
        work = partial(self._as_seen, entry, old, new, patches)
        return await self._aside.done(work, *(each for each in (old, new) if each is not None))

    def _as_seen(
        self, entry: HistoryEntry, old: Element | None, new: Element | None, patches: bool
    ) -> HistoryEntry:
        hidden = replace(entry, origin=replace(entry.origin, message="", user="", client=""))
        if new is None or self._permissions is None:
            return hidden
        after = self._views.under(new, self._permissions)
        before = Element(new.tag) if old is None else self._views.under(old, self._permissions)
        if before.children == after.children:
            return hidden
        # A message that the store wrote names what was touched, which may be hidden in part.
        is_whole = after == new and (old is None or before == old)
        origin = entry.origin if is_whole else replace(entry.origin, message="")
        patch = render(difference(before, after), indent=0) if patches else ""
        return replace(entry, origin=origin, patch=patch)
