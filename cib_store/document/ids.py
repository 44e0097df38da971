"""Ids in the CIB: which elements define one, and which ids are there twice (features 1.9)."""

from __future__ import annotations

from collections.abc import Iterator

from cib_store.document.element import COMMENT, NO_XML_ID, Element
from raftmaker.vocabulary.reports import Report


def defined_ids(configuration: Element) -> Iterator[tuple[str, str]]:
    """Yield (id, tag) for every element that defines an id, in document order."""
    for element in configuration.walk():
        if "id" in element.attributes and element.tag not in NO_XML_ID:
            yield element.id, element.tag


def duplicate_ids(configuration: Element) -> tuple[Report, ...]:
    """Report every id that two elements of the configuration define, or two of its nodes have."""
    nodes = configuration.child("nodes")
    twins = duplicate_siblings(nodes) if nodes is not None else ()
    return twins if not configuration.names.is_repeated else (*twins, *_repeated(configuration))


def _repeated(configuration: Element) -> tuple[Report, ...]:
    seen: dict[str, str] = {}
    twice: dict[str, str] = {}
    for name, tag in defined_ids(configuration):
        if name in seen:
            twice.setdefault(name, f"{seen[name]} and {tag}")
        else:
            seen[name] = tag
    return tuple(
        Report(
            code="duplicate-id",
            where=f"//*[@id='{name}']",
            what=f"the id {name!r} is given to two elements: {tags}",
            mend="give one of them another id",
        )
        for name, tags in twice.items()
    )


def dangling_references(before: Element, after: Element) -> tuple[str, ...]:
    """Return the ids that `after` refers to in vain and `before` did not, sorted."""
    old, new = before.names, after.names
    if old is new:
        return ()
    return tuple(sorted((new.referred - new.defined) - (old.referred - old.defined)))


def duplicate_siblings(top: Element) -> tuple[Report, ...]:
    """Report siblings of one tag and id anywhere below `top`: no path could tell them apart."""
    if top.is_twinless:
        return ()
    reports: list[Report] = []
    for parent in top.walk():
        seen: set[tuple[str, str]] = set()
        for child in parent.children:
            if child.tag == COMMENT or "id" not in child.attributes:
                continue
            if (child.tag, child.id) in seen:
                reports.append(
                    Report(
                        code="duplicate-id",
                        where=f"//{parent.tag}/{child.tag}[@id='{child.id}']",
                        what=f"two {child.tag} elements beside each other have the id {child.id!r}",
                        mend="keep one of them",
                    )
                )
            seen.add((child.tag, child.id))
    return tuple(reports)
