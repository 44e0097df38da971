"""Is a document so large that going through all of it must not be done on an event loop?"""

from __future__ import annotations

from cib_store.document.element import Element

LARGE_ELEMENTS = 1000
"""To make a tree for XPath of so many, or to compare them all, takes about ten milliseconds."""


def is_large(document: Element) -> bool:
    """Tell whether there are more elements than that. Looks at no more of them itself."""
    count, level = 1, [document]
    while level:
        count += sum([len(each.children) for each in level])
        if count > LARGE_ELEMENTS:
            return True
        level = [child for each in level for child in each.children if child.children]
    return False
