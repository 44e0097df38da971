"""A user's rights to one document: the matches of the permissions, and what follows from them.

The nearest marked element, itself or above, decides; without one nothing is allowed (features
20.2, 20.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from cib_store.access.permissions import Permission, Right
from cib_store.document.path import Trail
from cib_store.document.xpath import BadXPath, XPathTree

_RANK = {Right.READ: 0, Right.WRITE: 1, Right.DENY: 2}
"""Of several permissions that match one element the highest counts (features 20.6)."""


class Marks(Struct):
    """The right that an element is marked with, if it is, and the marks below it by position."""

    right: Right | None = None
    below: dict[int, Marks] = field(default_factory=dict)

    def under(self, position: int) -> Marks:
        """Return the marks of a child."""
        return self.below.get(position, _NONE)

    def is_writable(self, inherited: Right | None) -> bool:
        """Tell whether the element and all below it may be written."""
        right = self.right or inherited
        return right is Right.WRITE and all(
            marks.is_writable(right) for marks in self.below.values()
        )

    def rights(self) -> Iterator[Right]:
        """Yield every right that is given here or below."""
        if self.right is not None:
            yield self.right
        for marks in self.below.values():
            yield from marks.rights()


_NONE = Marks()


def may_read(right: Right | None) -> bool:
    """Tell whether this right lets read; write includes it."""
    return right is Right.READ or right is Right.WRITE


def rights(tree: XPathTree, permissions: Iterable[Permission]) -> Marks:
    """Return the rights to the document in `tree`.

    An XPath that cannot be evaluated gives nothing; one that denies denies everything then.
    """
    top = Marks()
    for permission in permissions:
        try:
            trails: tuple[Trail, ...] = tree.owners(permission.xpath)
        except BadXPath:
            if permission.right is Right.DENY:
                return Marks(Right.DENY)
            continue
        for trail in trails:
            _mark(top, trail, permission.right)
    return top


def _mark(marks: Marks, trail: Trail, right: Right) -> None:
    for position in trail:
        marks = marks.below.setdefault(position, Marks())
    if marks.right is None or _RANK[right] > _RANK[marks.right]:
        marks.right = right
