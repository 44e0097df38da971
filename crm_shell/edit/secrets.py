"""Secret values left out of what is listed and compared (features 3.19, 27.33)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from cib_store.document.element import Element

HIDDEN = "******"
_WORDS = ("passw", "secret", "token", "private_key")
"""A parameter is secret whose name has one of these in it."""
_SHOWN = frozenset(("user",))
"""Left out of digests where an agent marks nothing as private; a change of it can be shown."""
Private = Mapping[str, frozenset[str]]
"""The parameters of each resource that its agent says are private."""
NOTHING_MORE: Private = MappingProxyType({})


def is_secret(name: str) -> bool:
    """Tell whether a parameter of that name holds a secret."""
    lowered = name.lower()
    return any(word in lowered for word in _WORDS)


def private_parameters(cib: Element) -> Private:
    """Return what agents' metadata marks as private, as the histories of operations have it."""
    found: dict[str, frozenset[str]] = {}
    status = cib.child("status")
    for one in status.walk() if status is not None else ():
        if one.tag == "lrm_resource":
            names = {name for op in one.children for name in op.get("op-secure-params").split()}
            owner = one.id.partition(":")[0]
            found[owner] = found.get(owner, frozenset()) | (names - _SHOWN)
    return found


def without_secrets(
    element: Element, before: Element | None = None, private: Private = NOTHING_MORE
) -> Element:
    """Return the element with secret values hidden: by their names, and those in `private`.

    Those that differ from what they are in `before` say that, so that a comparison shows it.
    """
    secrets = () if before is None else _secrets(before, private, frozenset())
    known = {pair.id: pair.get("value") for pair in secrets}
    return _masked(element, known, private, frozenset())


def _secrets(element: Element, private: Private, names: frozenset[str]) -> Iterator[Element]:
    if _holds_secret(element, names):
        yield element
    names |= private.get(element.id, frozenset())
    for child in element.children:
        yield from _secrets(child, private, names)


def _holds_secret(element: Element, names: frozenset[str]) -> bool:
    name = element.get("name")
    return element.tag == "nvpair" and (name in names or is_secret(name))


def _masked(
    element: Element, known: Mapping[str, str], private: Private, names: frozenset[str]
) -> Element:
    if _holds_secret(element, names) and "value" in element.attributes:
        differs = element.id in known and known[element.id] != element.get("value")
        return element.with_attributes({"value": f"{HIDDEN} (another)" if differs else HIDDEN})
    names |= private.get(element.id, frozenset())
    children = tuple(_masked(child, known, private, names) for child in element.children)
    same = all(one is other for one, other in zip(children, element.children, strict=True))
    return element if same else element.with_children(children)


def obscured(element: Element, globs: Sequence[str]) -> Element:
    """Return the element with the values of those pairs hidden whose names match (30.40)."""
    if not globs:
        return element
    name = element.get("name")
    if element.tag == "nvpair" and any(fnmatch.fnmatchcase(name, glob) for glob in globs):
        return element.with_attributes({"value": HIDDEN})
    return element.with_children(tuple(obscured(child, globs) for child in element.children))
