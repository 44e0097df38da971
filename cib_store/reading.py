"""Queries: what a caller may see of a version, and what of that was asked for, as text.

Of the newest version the answers are kept, since most callers ask for the same few. Large documents
are searched and written on threads, from one version that is frozen (see `aside`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from cib_store.access.caller import Caller
from cib_store.access.views import Views, binding, may_record
from cib_store.aside import Aside
from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.document.xpath import XPathTree
from cib_store.queries import found
from raftmaker.vocabulary.commands import Body

ANSWERS_KEPT = 16
_THREADS = 4


class Asked(Struct, frozen=True, kw_only=True):
    """What is to be found: a section by its scope, an XPath's matches, or everything."""

    scope: str = ""
    xpath: str = ""
    no_children: bool = False


class Reading:
    """Answers queries of one replica."""

    def __init__(self, tree: Callable[[Element], XPathTree], views: Views) -> None:
        """`tree` returns a version ready for XPath, as others use it too."""
        self._tree, self._views = tree, views
        self.aside = Aside("queries", _THREADS)
        self._answered: tuple[Element | None, dict[Asked, tuple[str, ...]]] = (None, {})

    async def view(self, cib: Element, caller: Caller) -> Element:
        """Return what the caller may see. Raises `NotPermitted` where that is nothing."""
        if binding(cib, caller) is None:
            return cib
        return await self.aside.done(partial(self._views.of, cib, caller), cib)

    async def may_record(self, cib: Element, caller: Caller, body: Body | None) -> bool:
        """Tell whether a user may have this committed, see `may_record`."""
        return await self.aside.done(partial(may_record, cib, caller, body), cib)

    async def texts(self, cib: Element, view: Element, asked: Asked) -> tuple[str, ...]:
        """Return what is found in a view of the CIB. Raises `Rejected` for what cannot be asked."""
        version, answers = self._answered
        if view is version and asked in answers:
            return answers[asked]
        return await self.aside.done(partial(self._found, cib, view, asked), view)

    def _found(self, cib: Element, view: Element, asked: Asked) -> tuple[str, ...]:
        """On any thread."""
        elements = found(
            self._tree(cib) if view is cib else XPathTree(view),
            scope=asked.scope,
            xpath=asked.xpath,
            no_children=asked.no_children,
        )
        texts = tuple(render(element, indent=0) for element in elements)
        if view is cib:
            version, answers = self._answered
            if version is not cib or len(answers) >= ANSWERS_KEPT:
                answers = {}
                self._answered = (cib, answers)
            answers[asked] = texts
        return texts
