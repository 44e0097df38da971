"""The step from 3.10 to 4.0, last part: what is supported no more, and all that names it."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.upgrade.rewriting import rewritten, same
from raftmaker.vocabulary.reports import Report

_CLASSES = ("nagios", "upstart")
_KINDS = ("template", "primitive", "group", "clone", "bundle", "rsc_defaults")
_META = {
    "op": ("can_fail", "role_after_failure"),
    "op_defaults": ("can_fail", "role_after_failure"),
} | dict.fromkeys(
    ("template", "primitive", "group", "clone", "bundle", "rsc_defaults"), ("restart-type",)
)
_NAMING = {
    "rsc_location": ("rsc",),
    "rsc_ticket": ("rsc",),
    "rsc_colocation": ("rsc", "with-rsc"),
    "rsc_order": ("first", "then"),
}


def without_unsupported(configuration: Element) -> tuple[Element, tuple[Report, ...]]:
    """Drop resources of classes that are gone, and constraints about them (features 4.25)."""
    gone, reports = _unsupported(configuration)

    def rule(element: Element, parent: str) -> tuple[Element, ...]:
        match element.tag:
            case "primitive" | "template" | "group" | "clone" | "bundle" if element.id in gone:
                return ()
            case "resource_ref" if element.id in gone and parent == "resource_set":
                return ()
            case "resource_set" if not element.children and "id-ref" not in element.attributes:
                return ()
            case "meta_attributes" if parent in _META:
                names = _META[parent]
                kept = tuple(one for one in element.children if one.get("name") not in names)
                return same(element) if kept == element.children else (element.with_children(kept),)
            case "rsc_location" | "rsc_ticket" | "rsc_colocation" | "rsc_order":
                return () if _names_gone(element, gone) else same(element)
            case _:
                return same(element)

    return rewritten(configuration, rule), reports


def _names_gone(constraint: Element, gone: frozenset[str]) -> bool:
    ends = _NAMING[constraint.tag]
    if any(constraint.get(end) in gone for end in ends):
        return True
    by_name = any(end in constraint.attributes for end in ends)
    is_empty = constraint.child("resource_set") is None and "rsc-pattern" not in (
        constraint.attributes
    )
    return bool(gone) and not by_name and is_empty


def _unsupported(configuration: Element) -> tuple[frozenset[str], tuple[Report, ...]]:
    resources = configuration.child("resources")
    gone: set[str] = set()
    reports: list[Report] = []
    for element in resources.walk() if resources is not None else ():
        kind = element.get("class").lower()
        old = element.tag in ("template", "primitive") and kind in _CLASSES
        if old or (element.tag == "primitive" and element.get("template") in gone):
            gone.add(element.id)
            reports.append(_report(element, f"class {kind or 'of its template'} is gone"))
        elif element.tag == "bundle" and element.child("rkt") is not None:
            gone.add(element.id)
            reports.append(_report(element, "rkt containers are gone"))
    for element in resources.walk() if resources is not None else ():
        if element.tag in ("group", "clone"):
            parts = [one.id for one in element.walk() if one.tag == "primitive"]
            if parts and all(part in gone for part in parts):
                gone.add(element.id)
    return frozenset(gone), tuple(reports)


def _report(element: Element, why: str) -> Report:
    return Report(
        code="unsupported-resource",
        where=f"//{element.tag}[@id='{element.id}']",
        what=f"the resource is left out: {why}",
        mend="configure it with an OCF or systemd agent",
        is_error=False,
    )
