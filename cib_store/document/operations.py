"""One operation on the CIB, as `cibadmin` has them, on the tree alone (features 4.2-4.7).

Nothing here evaluates an XPath, a regular expression or a schema: a place is an element path or a
scope. The version is left alone, except by a whole new CIB.
"""

from __future__ import annotations

from typing import assert_never

from cib_store.document import edit
from cib_store.document.codec import BadXml, parse
from cib_store.document.element import Element
from cib_store.document.ids import duplicate_siblings
from cib_store.document.patchset import apply_patchset
from cib_store.document.path import Trail, element_at, insert, put, trail_of
from cib_store.document.refusal import Refusal, refused
from cib_store.document.sections import REQUIRED, home_of, section_path
from cib_store.document.version import NAMES, version_of, with_version
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind

OURS = ("have-quorum", "dc-uuid")
"""Attributes of the root that follow from the facts; nobody else sets them (features 3.7)."""
STAMPS = ("cib-last-written", "update-origin", "update-client", "update-user")
SEPARATE = frozenset((*NAMES, *OURS, *STAMPS, "execution-date"))
"""Attributes of the root whose change is no change of the configuration."""


def carried_out(cib: Element, operation: CibOperation) -> Element | Refusal:
    """Carry out one operation; the version is not touched, except by a whole new CIB."""
    match operation.kind:
        case OperationKind.ERASE:
            return erased(cib)
        case OperationKind.BUMP:
            return cib
        case (
            OperationKind.CREATE
            | OperationKind.MODIFY
            | OperationKind.REPLACE
            | OperationKind.DELETE
            | OperationKind.PATCH
        ):
            return _with_xml(cib, operation)
        case _:
            assert_never(operation.kind)


def _with_xml(cib: Element, operation: CibOperation) -> Element | Refusal:
    if not operation.xml and operation.kind is OperationKind.DELETE and operation.path:
        return _delete_at(cib, operation.path)
    try:
        xml = parse(operation.xml)
    except BadXml as error:
        return refused(ExitCode.DATAERR, "bad-xml", "", str(error), "mend the XML")
    twins = duplicate_siblings(xml)
    if twins:
        return Refusal(ExitCode.CONFIG, twins)
    if operation.kind is OperationKind.PATCH:
        return _patched(cib, xml)
    if operation.kind is OperationKind.REPLACE and xml.tag == "cib":
        return replaced_cib(cib, xml)
    place = _place(cib, operation, xml)
    if isinstance(place, Refusal):
        return place
    return _edited(place[0], place[1], operation, xml)


def _edited(cib: Element, top: Trail, operation: CibOperation, xml: Element) -> Element | Refusal:
    match operation.kind:
        case OperationKind.CREATE:
            return _create(cib, top, operation, xml)
        case OperationKind.MODIFY:
            return edit.modify(cib, top, xml, create_absent=operation.all, score=operation.score)
        case OperationKind.REPLACE if operation.path:
            if not top:
                return _root_stays("replaced by another element")
            return cib if element_at(cib, top) == xml else put(cib, top, xml)
        case OperationKind.REPLACE:
            return edit.replace(cib, top, xml)
        case _:
            return edit.delete(cib, top, xml)


def _create(cib: Element, top: Trail, operation: CibOperation, xml: Element) -> Element | Refusal:
    if operation.path or element_at(cib, top).tag != xml.tag:
        return edit.create(cib, top, xml)
    for child in xml.children:  # the section itself was given: its children are meant
        edited = edit.create(cib, top, child)
        if isinstance(edited, Refusal):
            return edited
        cib = edited
    return cib


def _place(cib: Element, operation: CibOperation, xml: Element) -> tuple[Element, Trail] | Refusal:
    """Find where the operation acts; a section that is known and absent is made."""
    if operation.path:
        trail = trail_of(cib, operation.path)
        if trail is None:
            return refused(
                ExitCode.NOSUCH,
                "no-such-element",
                operation.path,
                "there is no such element",
                "check the path",
            )
        return cib, trail
    scope = operation.scope or home_of(xml.tag)
    if scope is None and operation.kind is not OperationKind.CREATE:
        scope = "cib"
    path = section_path(scope) if scope is not None else None
    if path is None:
        return refused(
            ExitCode.INVALID_PARAM,
            "unknown-scope",
            operation.scope or xml.tag,
            "it cannot be told which section is meant",
            "name a scope such as resources",
        )
    trail = trail_of(cib, path)
    if trail is None:
        above = trail_of(cib, path.rpartition("/")[0])
        if above is None:
            return _root_stays("without configuration or status")
        cib = insert(cib, above, Element(path.rpartition("/")[2]))
        trail = trail_of(cib, path)
        assert trail is not None
    return cib, trail


def _delete_at(cib: Element, path: str) -> Element | Refusal:
    trail = trail_of(cib, path)
    if trail is None:  # already gone, as wanted
        return cib
    return put(cib, trail, None) if trail else _root_stays("deleted")


def _patched(cib: Element, patchset: Element) -> Element | Refusal:
    version = patchset.child("version")
    source = version.child("source") if version is not None else None
    if source is None or version_of(source) != version_of(cib):
        return refused(
            ExitCode.OLD,
            "other-version",
            "diff/version/source",
            f"the patch is not for the present version {version_of(cib)}",
            "make the patch again from the present CIB",
        )
    new = apply_patchset(cib, patchset)
    return new if isinstance(new, Refusal) else with_version(new, version_of(cib))


def erased(cib: Element) -> Element:
    """Return the CIB with an empty configuration; the status is the cluster's (features 4.7)."""
    empty = Element("configuration", {}, tuple(Element(name) for name in REQUIRED))
    return cib.with_children(
        tuple(empty if child.tag == "configuration" else child for child in cib.children)
    )


def replaced_cib(cib: Element, new: Element) -> Element | Refusal:
    """Return the new configuration with the present status, which is the cluster's own.

    An older version is refused (features 4.4, 4.19).
    """
    configuration = new.child("configuration")
    if configuration is None:
        return refused(
            ExitCode.CONFIG,
            "section-missing",
            "/cib/configuration",
            "the new CIB has no configuration",
            "give a whole CIB, or a scope",
        )
    if version_of(new) < version_of(cib) and _differs_in_epoch(cib, new):
        return refused(
            ExitCode.OLD,
            "older-version",
            "/cib",
            f"version {version_of(new)} is older than the present {version_of(cib)}",
            "start from the present CIB",
        )
    attributes = {name: value for name, value in new.attributes.items() if name not in SEPARATE}
    kept = {name: value for name, value in cib.attributes.items() if name in SEPARATE}
    version = max(version_of(new), version_of(cib))
    status = cib.child("status") or Element("status")
    below = configuration if cib.child("configuration") != configuration else None
    root = Element(
        "cib",
        {**attributes, **kept},
        (below or cib.child("configuration") or configuration, status),
    )
    return with_version(root, version)


def _differs_in_epoch(cib: Element, new: Element) -> bool:
    # Status moves on all the time; only an older configuration makes a replacement stale.
    old, given = version_of(cib), version_of(new)
    return (given.admin_epoch, given.epoch) < (old.admin_epoch, old.epoch)


def _root_stays(what: str) -> Refusal:
    return refused(
        ExitCode.INVALID_PARAM,
        "root-stays",
        "/cib",
        f"the CIB itself cannot be {what}",
        "erase the configuration instead",
    )
