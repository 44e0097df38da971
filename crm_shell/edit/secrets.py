"""Secret values left out of what is listed and compared (features 3.19, 27.33)."""

from __future__ import annotations

from cib_store.document.element import Element

HIDDEN = "******"
_WORDS = ("passw", "secret", "token", "private_key")
"""A parameter is secret whose name has one of these in it."""


def is_secret(name: str) -> bool:
    """Tell whether a parameter of that name holds a secret."""
    lowered = name.lower()
    return any(word in lowered for word in _WORDS)


def without_secrets(element: Element, before: Element | None = None) -> Element:
    """Return the element with secret values hidden.

    Those that differ from what they are in `before` say that, so that a comparison shows it.
    """
    known = {} if before is None else {pair.id: pair.get("value") for pair in _secrets(before)}
    return _masked(element, known)


def _secrets(element: Element) -> list[Element]:
    return [one for one in element.walk() if one.tag == "nvpair" and is_secret(one.get("name"))]


def _masked(element: Element, known: dict[str, str]) -> Element:
    if element.tag == "nvpair" and is_secret(element.get("name")) and "value" in element.attributes:
        differs = element.id in known and known[element.id] != element.get("value")
        return element.with_attributes({"value": f"{HIDDEN} (another)" if differs else HIDDEN})
    children = tuple(_masked(child, known) for child in element.children)
    same = all(one is other for one, other in zip(children, element.children, strict=True))
    return element if same else element.with_children(children)
