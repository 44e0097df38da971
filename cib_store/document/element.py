"""The CIB as a persistent tree: a frozen element that every version of the document shares.

A change copies only the path from the root to the changed place; unchanged subtrees keep their
identity, so ``old is new`` tells in constant time that nothing below has changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import compress
from operator import is_not

from msgspec import Struct, field
from msgspec.structs import force_setattr

COMMENT = "#comment"
"""The tag of a comment, which the cluster ignores and keeps (features 6.15)."""


NO_XML_ID = frozenset({"resource_ref", "obj_ref", "role", "node"})
"""Elements whose ``id`` names another element (a ``role`` inside an ACL's target does so) or a
machine: the entry of a remote node has the name of its connection, which is a resource."""
REFERENCES: Mapping[str, tuple[str, ...]] = {
    "rsc_location": ("rsc",),
    "rsc_colocation": ("rsc", "with-rsc"),
    "rsc_order": ("first", "then"),
    "rsc_ticket": ("rsc",),
    "resource_ref": ("id",),
    "role": ("id",),
    "primitive": ("template",),
}
"""Attributes that must name something that is there, by element; ``id-ref`` does anywhere."""


class Names(Struct, frozen=True, gc=False):
    """The ids that an element and all below it define and refer to."""

    defined: frozenset[str] = frozenset()
    referred: frozenset[str] = frozenset()
    is_repeated: bool = False
    """Some id is defined twice."""


Descent = tuple[tuple[object, tuple[int, ...]], ...]
"""The marks of the elements that one was copied from, the newest first, each with the positions of
the children that were exchanged since. A mark is a bare object, so that no old version is kept."""
_ANCESTORS_MAX = 4
_FEW = 16
"""Among so few children looking is as quick as knowing."""


class _Kept:
    """What an element was once asked for: no part of its value, so a copy does not have it."""

    __slots__ = (
        "_descent",
        "_digest",
        "_homes",
        "_line",
        "_mark",
        "_names",
        "_places",
        "_twinless",
    )

    _descent: Descent
    _digest: bytes
    _homes: Mapping[str, int]
    _line: str
    _mark: object
    _names: Names
    _places: Mapping[tuple[str, str], int]
    _twinless: bool


class Element(Struct, _Kept, frozen=True, gc=False):
    """One XML element (or comment). ``attributes`` is never changed after construction.

    ``text`` holds character data that is not mere white space; the CIB uses it only in comments.
    Equality is by value and ignores the order of attributes.
    """

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Element, ...] = ()
    text: str = ""

    def get(self, name: str, default: str = "") -> str:
        """Return the attribute `name`, or `default` where it is absent."""
        return self.attributes.get(name, default)

    @property
    def id(self) -> str:
        """The ``id`` attribute, or the empty string."""
        return self.attributes.get("id", "")

    def child(self, tag: str) -> Element | None:
        """Return the first child called `tag`."""
        for child in self.children:
            if child.tag == tag:
                return child
        return None

    def each(self, *tags: str) -> Iterator[Element]:
        """Yield the children called one of `tags` (any element when none is given), in order."""
        for child in self.children:
            if child.tag in tags if tags else child.tag != COMMENT:
                yield child

    def walk(self) -> Iterator[Element]:
        """Yield this element and all below it, in document order, comments left out."""
        stack = [self]
        while stack:
            element = stack.pop()
            if element.tag == COMMENT:
                continue
            yield element
            stack.extend(reversed(element.children))

    def with_attributes(self, changes: Mapping[str, str | None]) -> Element:
        """Return a copy with `changes` set; None removes. Returns itself where nothing differs."""
        attributes = dict(self.attributes)
        for name, value in changes.items():
            if value is None:
                attributes.pop(name, None)
            else:
                attributes[name] = value
        if attributes == self.attributes:
            return self
        return Element(self.tag, attributes, self.children, self.text)

    def with_children(self, children: tuple[Element, ...]) -> Element:
        """Return a copy with these children."""
        return Element(self.tag, self.attributes, children, self.text)

    def with_child(self, position: int, child: Element) -> Element:
        """Return a copy with another child in that place; keeps what is known of where ids are."""
        there = self.children[position]
        children = list(self.children)
        children[position] = child
        copy = Element(self.tag, self.attributes, tuple(children), self.text)
        if hasattr(self, "_names") and _has_names_at_hand(child):
            named, before = child.names, there.names
            if named is before or named == before:
                self._hand_on(copy, "_names", "_homes")
        if child.tag == there.tag and child.id == there.id:
            self._hand_on(copy, "_places")
        if len(children) > _FEW:
            force_setattr(copy, "_descent", self._followed_by(position))
        return copy

    def with_inserted(self, position: int, child: Element) -> Element:
        """Return a copy with one child more; what is known of ids is known of it too."""
        copy = self.with_children((*self.children[:position], child, *self.children[position:]))
        if hasattr(self, "_names") and _has_names_at_hand(child):
            mine, its = self._names, child.names
            defined = mine.defined | its.defined
            twice = len(defined) < len(mine.defined) + len(its.defined)
            repeated = twice or mine.is_repeated or its.is_repeated
            force_setattr(copy, "_names", Names(defined, mine.referred | its.referred, repeated))
        return copy

    def _followed_by(self, position: int) -> Descent:
        try:
            mark = self._mark
        except AttributeError:
            mark = object()
            force_setattr(self, "_mark", mark)
        descent = [(mark, (position,))]
        for one, places in getattr(self, "_descent", ())[: _ANCESTORS_MAX - 1]:
            descent.append((one, places if position in places else (*places, position)))
        return tuple(descent)

    def exchanged(self, old: Element) -> Iterator[tuple[Element, Element]]:
        """Yield the children of `old` and of this that are not one object, in order.

        Both must have as many children. A copy knows what was exchanged since its ancestors, which
        is what matters among the thousands of a large section; else every child is looked at.
        """
        mark = getattr(old, "_mark", None)
        for ancestor, places in getattr(self, "_descent", ()):
            if ancestor is mark:
                both = [(old.children[place], self.children[place]) for place in sorted(places)]
                yield from (pair for pair in both if pair[0] is not pair[1])
                return
        pairs = zip(old.children, self.children, strict=True)
        yield from compress(pairs, map(is_not, old.children, self.children))

    def _hand_on(self, copy: Element, *kept: str) -> None:
        for name in kept:
            if hasattr(self, name):
                force_setattr(copy, name, getattr(self, name))

    @property
    def homes(self) -> Mapping[str, int]:
        """Where ids are: the position of the first child that defines one, itself or below."""
        try:
            return self._homes
        except AttributeError:
            homes = {
                name: position
                for position in reversed(range(len(self.children)))
                for name in self.children[position].names.defined
            }
            force_setattr(self, "_homes", homes)
            return homes

    @property
    def places(self) -> Mapping[tuple[str, str], int]:
        """The position of the first child of each tag and id."""
        try:
            return self._places
        except AttributeError:
            places: dict[tuple[str, str], int] = {}
            for position, child in enumerate(self.children):
                if "id" in child.attributes:
                    places.setdefault((child.tag, child.id), position)
            force_setattr(self, "_places", places)
            return places

    @property
    def is_twinless(self) -> bool:
        """No siblings here or below share tag and id, so paths tell all apart; kept as it is."""
        if not self.children:
            return True
        try:
            return self._twinless
        except AttributeError:
            named = [(each.tag, each.id) for each in self.each() if "id" in each.attributes]
            alone = len(set(named)) == len(named)
            twinless = alone and all(child.is_twinless for child in self.children)
            force_setattr(self, "_twinless", twinless)
            return twinless

    @property
    def digest(self) -> bytes:
        """SHA-256 of the element and all below it; equal elements have equal digests.

        Built from the children's digests and kept, so a new version costs only what changed.
        """
        try:
            return self._digest
        except AttributeError:
            digest = _digest_of(self)
            force_setattr(self, "_digest", digest)
            return digest

    @property
    def line(self) -> str:
        """The XML text on a single line where it was kept, else the empty string."""
        return getattr(self, "_line", "")

    def keep_line(self, text: str) -> None:
        """Keep the XML text, so that another version of the document that holds this has it."""
        force_setattr(self, "_line", text)

    @property
    def names(self) -> Names:
        """The ids defined and referred to here and below, kept as the digest is.

        Those of an element with nothing below it are made anew: most are such, and each set that is
        kept is one more for the interpreter to look at when it searches for garbage.
        """
        if not self.children:
            return _names_of(self)
        try:
            return self._names
        except AttributeError:
            names = _names_of(self)
            force_setattr(self, "_names", names)
            return names


def _has_names_at_hand(element: Element) -> bool:
    """Tell whether its names are kept, or soon found of what its children keep.

    Those of a section with thousands of elements are not worth finding for each that is exchanged.
    """
    if not element.children or hasattr(element, "_names"):
        return True
    if len(element.children) > _FEW:
        return False
    return all(not each.children or hasattr(each, "_names") for each in element.children)


def _digest_of(element: Element) -> bytes:
    attributes = element.attributes
    words = [element.tag, element.text, str(len(attributes))]
    for name in sorted(attributes):
        words += (name, attributes[name])
    text = "".join([f"{len(word)}:{word}" for word in words])
    if not text.isascii():  # lengths are those in bytes
        texts = [word.encode(errors="surrogatepass") for word in words]
        own = b"".join([b"%d:%b" % (len(each), each) for each in texts])
    else:
        own = text.encode()
    return hashlib.sha256(b"".join([own, *[child.digest for child in element.children]])).digest()


_NONE: frozenset[str] = frozenset()
_NO_NAMES = Names()


def _names_of(element: Element) -> Names:
    if element.tag == COMMENT:
        return _NO_NAMES
    defined: set[str] = set()
    referred: set[str] = set()
    is_repeated = False
    count = _note_own(element, defined, referred)
    for child in element.children:
        if not child.children:
            count += _note_own(child, defined, referred)
            continue
        below = child.names
        defined |= below.defined
        count += len(below.defined)
        is_repeated = is_repeated or below.is_repeated
        if below.referred:
            referred |= below.referred
    if not count and not referred:
        return _NO_NAMES
    return Names(
        frozenset(defined), frozenset(referred) or _NONE, is_repeated or len(defined) < count
    )


def _note_own(element: Element, defined: set[str], referred: set[str]) -> int:
    """Note the id that an element itself defines and those it refers to; how many it defines."""
    tag, attributes = element.tag, element.attributes
    if tag in REFERENCES or "id-ref" in attributes or tag == "fencing-level":
        referred.update(_referred_by(element))
    if "id" not in attributes or tag in NO_XML_ID or tag == COMMENT:
        return 0
    defined.add(attributes["id"])
    return 1


def _referred_by(element: Element) -> Iterator[str]:
    for name in (*REFERENCES.get(element.tag, ()), "id-ref"):
        if name in element.attributes:
            yield element.attributes[name]
    if element.tag == "fencing-level":
        for device in element.get("devices").split(","):
            if device.strip():
                yield device.strip()
