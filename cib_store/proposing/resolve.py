"""From a request to what the log holds: XPaths become element paths, with preconditions.

Pure: the same request on the same CIB gives the same change. A change of the configuration relies
on what it touches being as it was checked; where somebody else was faster there, `apply` refuses it
and the proposer resolves it anew. Status changes rely on nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from cib_store.apply.change import change_cib
from cib_store.document.codec import BadXml, parse, render
from cib_store.document.element import Element
from cib_store.document.ids import dangling_references
from cib_store.document.path import find, parse_path, path_of, trail_of
from cib_store.document.refusal import Refusal, refused
from cib_store.document.xpath import BadXPath, XPathTree
from cib_store.model.upgrade import NEWEST, Upgrade, upgraded
from cib_store.proposing.reliance import reliance
from cib_store.schema import Checks, warnings
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    CibChange,
    CibOperation,
    OperationKind,
    Origin,
)
from raftmaker.vocabulary.reports import Report

_CONFIGURATION = "/cib/configuration"


class Resolved(Struct, frozen=True, kw_only=True):
    """What to propose, the CIB that it would make, and what somebody should look at."""

    change: CibChange
    cib: Element
    warnings: tuple[Report, ...]


def resolve(
    tree: XPathTree, operations: Iterable[CibOperation], origin: Origin, checks: Checks
) -> Resolved | Refusal:
    """Resolve and check a request against the CIB in `tree` (features 4.20).

    `checks` only remembers: it does not change what comes out.
    """
    cib = tree.root
    ready: list[CibOperation] = []
    notes: tuple[Report, ...] = ()
    for asked in operations:
        operation, told = _in_newest_schema(asked)
        notes += told
        found = plain(tree, operation)
        if isinstance(found, Refusal):
            return found
        ready += found
    change = CibChange(operations=tuple(ready))
    new = change_cib(cib, change, origin, unchecked=True)
    if isinstance(new, Refusal):
        return new
    unknown = _unknown_schema(cib, new)
    if unknown is not None:
        return unknown
    old_part, new_part = find(cib, _CONFIGURATION), find(new, _CONFIGURATION)
    assert old_part is not None
    assert new_part is not None
    if old_part == new_part:
        raised = any(operation.kind is OperationKind.BUMP for operation in ready)
        root = {name: value for name, value in cib.attributes.items() if name != "num_updates"}
        same = all(new.attributes.get(name) == value for name, value in root.items())
        return Resolved(change=replace(change, status=same and not raised), cib=new, warnings=notes)
    wrong = checks.new(new, cib)
    if wrong:
        return Refusal(ExitCode.CONFIG, wrong)
    dangling = dangling_references(old_part, new_part)
    if dangling:  # where a reference was to the wrong kind of element before, and is to none now
        return refused(
            ExitCode.CONFIG,
            "unknown-reference",
            _CONFIGURATION,
            f"something refers to {', '.join(dangling)}, and there would be no such element",
            "change or delete what refers to it too",
        )
    return Resolved(
        change=replace(change, preconditions=reliance(cib, new, ready)),
        cib=new,
        warnings=(*notes, *warnings(new, before=cib)),
    )


def _in_newest_schema(operation: CibOperation) -> tuple[CibOperation, tuple[Report, ...]]:
    """Return the operation with a whole CIB of an older schema brought to the newest (4.8, 4.26).

    The configuration before it is in the history.
    """
    if operation.kind is not OperationKind.REPLACE or "<cib" not in operation.xml[:4096]:
        return operation, ()
    try:
        given = parse(operation.xml)
    except BadXml:
        return operation, ()
    new = upgraded(given) if given.tag == "cib" else Upgrade(given)
    if new.cib is given:
        return operation, ()
    told = Report(
        code="schema-upgraded",
        where="/cib/@validate-with",
        what=f"the configuration was brought from {given.get('validate-with')} to {NEWEST}",
        mend="nothing need be done",
        is_error=False,
    )
    upgrade = replace(operation, xml=render(new.cib, indent=0))
    return upgrade, (told, *new.reports)


def _unknown_schema(old: Element, new: Element) -> Refusal | None:
    name = new.get("validate-with")
    if name in (NEWEST, old.get("validate-with")):
        return None
    return refused(
        ExitCode.CONFIG,
        "unknown-schema",
        "/cib/@validate-with",
        f"the schema {name or '(none)'} is not the one that the store keeps its CIB in",
        f"{NEWEST}; give a whole CIB of an older schema, and it is brought to that",
    )


def plain(tree: XPathTree, operation: CibOperation) -> list[CibOperation] | Refusal:
    """Return the operations on element paths that one on an XPath means."""
    if not operation.path:
        return [operation]
    if parse_path(operation.path) is not None and trail_of(tree.root, operation.path) is not None:
        return [operation]
    if operation.scope:
        return refused(
            ExitCode.USAGE,
            "scope-and-xpath",
            operation.path,
            "a scope and an XPath were given",
            "give one of them",
        )
    try:
        paths = [path_of(tree.root, trail) for trail in tree.find(operation.path)]
    except BadXPath as error:
        return refused(ExitCode.USAGE, "bad-xpath", operation.path, str(error), "mend the XPath")
    return _on_matches(operation, paths)


def _on_matches(operation: CibOperation, paths: list[str]) -> list[CibOperation] | Refusal:
    if operation.kind is OperationKind.DELETE:
        # Last first, so that numbers in the paths of earlier ones stay true.
        chosen = list(reversed(paths)) if operation.all else paths[:1]
        return [replace(operation, path=path, xml="", all=False) for path in chosen]
    if not paths:
        return refused(
            ExitCode.NOSUCH,
            "no-such-element",
            operation.path,
            "nothing matches the XPath",
            "check it with a query",
        )
    if len(paths) > 1:
        return refused(
            ExitCode.MULTIPLE,
            "several-matches",
            operation.path,
            f"{len(paths)} elements match: {', '.join(paths[:3])}",
            "make the XPath match one",
        )
    return [replace(operation, path=paths[0])]
