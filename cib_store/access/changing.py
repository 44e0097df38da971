"""A change by a user whom rules bind: carried out on what they see, judged, and put back.

Pure. What comes out names single elements, so that it can be proposed as anybody's change is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cib_store.access.permissions import Permission, Right
from cib_store.access.reading import Concealed, put_back, seen
from cib_store.access.rights import Marks, rights
from cib_store.access.writing import faults
from cib_store.document.codec import parse, render
from cib_store.document.element import Element
from cib_store.document.operations import carried_out
from cib_store.document.pairing import Unpaired, differing
from cib_store.document.path import Step, find
from cib_store.document.refusal import Refusal, refused
from cib_store.document.xpath import BadXPath, XPathTree
from cib_store.proposing.resolve import plain
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind, Precondition
from raftmaker.vocabulary.reports import Report

_CONFIGURATION = "/cib/configuration"


def permitted(
    tree: XPathTree, permissions: tuple[Permission, ...], operations: Iterable[CibOperation]
) -> tuple[CibOperation, ...] | Refusal:
    """Return what a user's operations mean for the whole CIB, or all that is not permitted.

    No operation at all where nothing is changed.
    """
    cib = tree.root
    before = rights(tree, permissions)
    view = seen(cib, before)
    if view is None:
        return nothing_permitted()
    edited, raised = view, False
    for operation in operations:
        found = _carried_out(edited, operation)
        if isinstance(found, Refusal):
            return found
        edited = found
        raised = raised or operation.kind is OperationKind.BUMP
    if raised and before.right is not Right.WRITE:
        return Refusal(ExitCode.INSUFFICIENT_PRIV, (_not_raised(),))
    try:
        new = put_back(cib, before, edited) if edited is not view else cib
    except Concealed:
        return refused(
            ExitCode.EXISTS,
            "exists",
            "",
            "an element of that name is there already, and you may not see it",
            "choose another id",
        )
    wrong = faults(cib, before, new, _rights_then(cib, new, before, permissions))
    if wrong:
        return Refusal(ExitCode.INSUFFICIENT_PRIV, wrong)
    bump = (CibOperation(kind=OperationKind.BUMP),) if raised else ()
    return (*edits(cib, new), *bump)


def _carried_out(cib: Element, operation: CibOperation) -> Element | Refusal:
    found = plain(XPathTree(cib), operation)
    if isinstance(found, Refusal):
        return found
    for one in found:
        edited = carried_out(cib, one)
        if isinstance(edited, Refusal):
            return edited
        cib = edited
    return cib


def _rights_then(
    cib: Element, new: Element, before: Marks, permissions: tuple[Permission, ...]
) -> Marks:
    return before if new is cib else rights(XPathTree(new), permissions)


def edits(old: Element, new: Element) -> tuple[CibOperation, ...]:
    """Return operations on single elements that make `new` of `old`, deletions first."""
    changed = {name: value for name, value in new.attributes.items() if old.get(name) != value}
    root = CibOperation(kind=OperationKind.MODIFY, scope="cib", xml=_xml(old.tag, changed))
    found = list(_edits(old, new, f"/{old.tag}"))
    gone = [one for one in found if one.kind is OperationKind.DELETE]
    return (
        *reversed(gone),
        *(one for one in found if one not in gone),
        *((root,) if changed else ()),
    )


def _xml(tag: str, attributes: dict[str, str]) -> str:
    return render(Element(tag, attributes), indent=0)


def _edits(old: Element, new: Element, path: str) -> Iterator[CibOperation]:
    """Yield what differs below an element."""
    try:
        pairs = list(differing(old, new, path))
        if pairs and not (_are_named(old, new) and _are_added_last(old, new)):
            raise Unpaired
    except Unpaired:
        yield CibOperation(kind=OperationKind.REPLACE, path=path, xml=render(new, indent=0))
        return
    for pair in pairs:
        if pair.old is None:
            assert pair.new is not None
            yield CibOperation(kind=OperationKind.CREATE, path=path, xml=render(pair.new, indent=0))
        elif pair.new is None:
            yield CibOperation(kind=OperationKind.DELETE, path=pair.path)
        elif pair.old.attributes == pair.new.attributes and pair.old.text == pair.new.text:
            yield from _edits(pair.old, pair.new, pair.path)
        else:
            yield CibOperation(
                kind=OperationKind.REPLACE, path=pair.path, xml=render(pair.new, indent=0)
            )


def _are_named(old: Element, new: Element) -> bool:
    """Tell whether a path can name each child: one without an id is the only one of its tag."""
    for parent in (old, new):
        bare = [child.tag for child in parent.children if "id" not in child.attributes]
        for tag in bare:
            if any(
                child.tag == tag and "id" in child.attributes
                for child in (*old.children, *new.children)
            ):
                return False
    return True


def _are_added_last(old: Element, new: Element) -> bool:
    """Tell whether what is new comes after all that was there, as `CREATE` puts it."""
    known = {(child.tag, child.attributes.get("id")) for child in old.children}
    was_there = [(child.tag, child.attributes.get("id")) in known for child in new.children]
    return was_there == sorted(was_there, reverse=True)


def relied_on(cib: Element, operations: Iterable[CibOperation]) -> tuple[Precondition, ...]:
    """Return what must still be so when the change is applied.

    The whole configuration, as a rule may look anywhere in it; of the status what is touched.
    """
    paths = {_CONFIGURATION: None}
    for operation in operations:
        path = operation.path
        if operation.kind is OperationKind.CREATE and path:
            new = parse(operation.xml)
            path += str(Step(new.tag, new.attributes.get("id")))
        if path and not path.startswith(_CONFIGURATION):
            paths[path] = None
    return tuple(Precondition(path=path, digest=_digest(cib, path)) for path in paths)


def _digest(cib: Element, path: str) -> bytes:
    there = find(cib, path)
    return b"" if there is None else there.digest


def blurred(
    reports: tuple[Report, ...], cib: Element, permissions: tuple[Permission, ...]
) -> tuple[Report, ...]:
    """Return the reports, those about something that the user may not see without saying what."""
    view = seen(cib, rights(XPathTree(cib), permissions))
    tree = XPathTree(view or Element(cib.tag))
    kept = [each if _is_seen(tree, each.where) else _about_hidden(each) for each in reports]
    return tuple(dict.fromkeys(kept))


def _is_seen(tree: XPathTree, where: str) -> bool:
    if not where.startswith("/"):
        return not where
    try:
        return bool(tree.find(where))
    except BadXPath:
        return False


def _about_hidden(report: Report) -> Report:
    return Report(
        code=report.code,
        what="this does not fit to something that you may not see",
        mend="ask somebody with more rights",
        is_error=report.is_error,
    )


def nothing_permitted() -> Refusal:
    """Return the refusal for a user who may see nothing at all."""
    return refused(
        ExitCode.INSUFFICIENT_PRIV,
        "not-permitted",
        "/cib",
        "access control gives you no right to the configuration",
        "ask for a role with the permission to read ('crm configure acl_target')",
    )


def _not_raised() -> Report:
    return Report(
        code="not-permitted",
        where="/cib",
        what="you have no right to raise the epoch",
        mend="that needs the permission to write /cib",
    )
