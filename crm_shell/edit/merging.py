"""Options, defaults and nodes grow: new values replace those of the same name, the rest stays."""

from __future__ import annotations

from cib_store.document.element import COMMENT, Element

OLD_OPTION_NAMES = {
    "stonith-enabled": "fencing-enabled",
    "stonith-action": "fencing-action",
    "stonith-timeout": "fencing-timeout",
    "stonith-max-attempts": "fencing-max-attempts",
    "stonith-watchdog-timeout": "fencing-watchdog-timeout",
    "stop-orphan-resources": "stop-removed-resources",
    "stop-orphan-actions": "cancel-removed-actions",
}
"""Old names of cluster options and today's: with both set, only today's counts (features 2)."""


def _names_of(option: str) -> set[str]:
    today = OLD_OPTION_NAMES.get(option, option)
    return {today, *(old for old, new in OLD_OPTION_NAMES.items() if new == today)}


def merged_options(before: Element, given: Element) -> Element:
    """Return `before` with the pairs of `given`; its rule, when it has one, replaces the old."""
    named = {pair.get("name"): pair for pair in given.each("nvpair") if pair.get("name")}
    aliases = {alias: name for name in named for alias in _names_of(name)}
    pairs: list[Element] = []
    for pair in before.each("nvpair"):
        name = aliases.get(pair.get("name"), "")
        if name == pair.get("name") and name:
            new = named.pop(name)
            pairs.append(new if new.id else pair.with_attributes({"value": new.get("value")}))
        elif not name:
            pairs.append(pair)
    pairs.extend(pair for pair in given.each("nvpair") if pair.get("name") in named)
    pairs.extend(pair for pair in given.each("nvpair") if not pair.get("name"))
    rules = list(given.each("rule")) or list(before.each("rule"))
    notes = [each for each in (*before.children, *given.children) if each.tag == COMMENT]
    return Element(before.tag, before.attributes, (*_unique(notes), *rules, *pairs))


def _unique(notes: list[Element]) -> list[Element]:
    unique: list[Element] = []
    for note in notes:
        if all(note.text != known.text for known in unique):
            unique.append(note)
    return unique


def merged_node(before: Element, given: Element) -> Element:
    """Return the node `before` with the attributes and utilization of `given`."""
    children = list(before.children)
    for each in given.each():
        for index, old in enumerate(children):
            if old.tag == each.tag and old.child("rule") is None:
                children[index] = merged_options(old, each)
                break
        else:
            children.append(each)
    attributes = {**before.attributes, **given.attributes}
    return Element("node", attributes, tuple(children))
