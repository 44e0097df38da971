"""Constraints as text."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.syntax.printer.nvsets import rule_text
from crm_shell.syntax.printer.words import score


def location(element: Element) -> list[str]:
    """Return a location."""
    if "rsc-pattern" in element.attributes:
        subject = f"/{element.get('rsc-pattern')}/"
    elif "rsc" in element.attributes:
        subject = element.get("rsc")
    else:
        subject = f"{{ {' '.join(_sets(element, 'role'))} }}"
    words = [f"location {element.id} {subject}"]
    words.extend(
        f"{name}={element.get(name)}"
        for name in ("role", "resource-discovery")
        if name in element.attributes
    )
    if "node" in element.attributes:
        words.append(f"{score(element.get('score'))}: {element.get('node')}")
    return [" ".join(words), *(rule_text(rule) for rule in element.each("rule"))]


def colocation(element: Element) -> list[str]:
    """Return a colocation."""
    points = element.get("score") or element.get("score-attribute")
    words = [f"colocation {element.id} {score(points)}:"]
    if element.children:
        words.extend(_several(element, "role", least=3))
    else:
        words.extend(_qualified(element, name, "role") for name in ("rsc", "with-rsc"))
    words.extend(
        f"{name}={element.get(name)}"
        for name in ("node-attribute", "influence")
        if name in element.attributes
    )
    return [" ".join(words)]


def order(element: Element) -> list[str]:
    """Return an order."""
    words = [f"order {element.id}"]
    if "kind" in element.attributes:
        words.append(f"{element.get('kind')}:")
    if element.children:
        words.extend(_several(element, "action", least=3))
    else:
        words.extend(_qualified(element, name, "action") for name in ("first", "then"))
    if "symmetrical" in element.attributes:
        words.append(f"symmetrical={element.get('symmetrical')}")
    return [" ".join(words)]


def ticket(element: Element) -> list[str]:
    """Return a ticket constraint."""
    words = [f"rsc_ticket {element.id} {element.get('ticket')}:"]
    if element.children:
        words.extend(_several(element, "role", least=2))
    else:
        words.append(_qualified(element, "rsc", "role"))
    if "loss-policy" in element.attributes:
        words.append(f"loss-policy={element.get('loss-policy')}")
    return [" ".join(words)]


def _qualified(element: Element, name: str, qualifier: str) -> str:
    value = element.get(f"{name}-{qualifier}")
    return f"{element.get(name)}:{value}" if value else element.get(name)


def _several(element: Element, qualifier: str, least: int) -> list[str]:
    words = _sets(element, qualifier)
    # With fewer words than `least` it would be read as the simple form.
    return words if len(words) >= least else ["_rsc_set_", *words]


def _sets(element: Element, qualifier: str) -> list[str]:
    words: list[str] = []
    for each in element.each("resource_set"):
        value = each.get(qualifier)
        names = [
            f"{member.id}:{value}" if value else member.id for member in each.each("resource_ref")
        ]
        if each.get("require-all") == "false":
            flag = [] if each.get("sequential") == "false" else ["sequential=true"]
            words.extend(("[", *names, *flag, "]"))
        elif each.get("sequential") == "false":
            words.extend(("(", *names, ")"))
        else:
            words.extend(names)
    return words
