"""Reading the CIB: a section, what an XPath matches, or everything (features 4.1, 4.12)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.document.path import element_at
from cib_store.document.sections import SCOPES, section, section_path
from cib_store.document.xpath import BadXPath, XPathTree
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.reports import Report


def found(
    tree: XPathTree, *, scope: str = "", xpath: str = "", no_children: bool = False
) -> tuple[Element, ...]:
    """Return what is asked for. Raises `Rejected` for an unknown scope or a bad XPath."""
    if scope and xpath:
        raise _rejected("scope-and-xpath", xpath, "a scope and an XPath were given", "give one")
    if xpath:
        try:
            elements = tuple(element_at(tree.root, trail) for trail in tree.find(xpath))
        except BadXPath as error:
            raise _rejected("bad-xpath", xpath, str(error), "mend the XPath") from None
    elif section_path(scope) is None:
        known = ", ".join(SCOPES)
        raise _rejected("unknown-scope", scope, f"there is no scope {scope!r}", f"known: {known}")
    else:
        one = section(tree.root, scope)
        elements = (one,) if one is not None else ()
    if no_children:
        return tuple(element.with_children(()) for element in elements)
    return elements


def _rejected(code: str, where: str, what: str, mend: str) -> Rejected:
    return Rejected(ExitCode.USAGE, (Report(code=code, where=where, what=what, mend=mend),))
