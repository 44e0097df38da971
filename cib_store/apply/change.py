"""A change of the CIB as it is applied: operations in order, all or none, then the version.

Nothing here evaluates an XPath, a regular expression or a schema: the proposer has done so, and its
preconditions say what it relied on (protocols, Commands).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cib_store.document.element import Element
from cib_store.document.ids import dangling_references, duplicate_ids
from cib_store.document.operations import OURS, SEPARATE, carried_out
from cib_store.document.path import find
from cib_store.document.refusal import Refusal, refused
from cib_store.document.sections import REQUIRED
from cib_store.document.version import version_attributes, version_of, with_version
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange, OperationKind, Origin
from raftmaker.vocabulary.outcomes import CibVersion

VERSION_MAX = 2**31 - 1
CONFLICT = "conflict"
"""Report code of a change whose precondition does not hold: nothing was executed, try again."""


def change_cib(
    cib: Element, change: CibChange, origin: Origin, *, unchecked: bool = False
) -> Element | Refusal:
    """Carry out a change; returns `cib` itself where nothing differs.

    `unchecked`: leave out what the proposer's own check says better (ids and references).
    """
    for condition in change.preconditions:
        there = find(cib, condition.path)
        if (there.digest if there is not None else b"") != condition.digest:
            return refused(
                ExitCode.OLD,
                CONFLICT,
                condition.path,
                "somebody else changed this meanwhile",
                "look at it again and repeat the change",
            )
    new = cib
    for operation in change.operations:
        edited = carried_out(new, operation)
        if isinstance(edited, Refusal):
            return edited
        new = edited
    if new.attributes is not cib.attributes:
        new = new.with_attributes({name: cib.attributes.get(name) for name in OURS})
    if change.status and new.child("configuration") is not cib.child("configuration"):
        return refused(
            ExitCode.INVALID_PARAM,
            "not-status",
            "/cib/configuration",
            "a change of the status must not touch the configuration",
            "leave `status` unset",
        )
    raised = any(operation.kind is OperationKind.BUMP for operation in change.operations)
    done = finished(cib, new, origin, raise_epoch=raised)
    if unchecked or isinstance(done, Refusal):
        return done
    return _broken(cib, done) or done


def finished(
    old: Element, new: Element, origin: Origin, *, raise_epoch: bool = False
) -> Element | Refusal:
    """Check what must always hold, and give the new CIB its version and stamps (features 3.3, 3.6).

    A change of the configuration raises the epoch; one of the status raises num_updates.
    """
    before, given = version_of(old), version_of(new)
    if given < before:
        return refused(
            ExitCode.OLD,
            "older-version",
            "/cib",
            f"version {given} is older than the present {before}",
            "start from the present CIB",
        )
    if max(given.admin_epoch, given.epoch, given.num_updates) >= VERSION_MAX:
        return refused(
            ExitCode.INVALID_PARAM,
            "version-too-large",
            "/cib",
            f"version {given} is too large",
            f"admin_epoch, epoch and num_updates stay below {VERSION_MAX}",
        )
    missing = _missing_section(new)
    if missing is not None:
        return missing
    configured = raise_epoch or _is_configured(old, new)
    if not configured:
        if new.children == old.children and new.attributes == old.attributes:
            return old
        updates = CibVersion(before.admin_epoch, before.epoch, before.num_updates + 1)
        return with_version(new, updates)
    stamps: dict[str, str | None] = {
        "cib-last-written": _date(origin.at_us),
        "update-origin": origin.node or None,
        "update-client": origin.client or None,
        "update-user": origin.user or None,
    }
    version = CibVersion(given.admin_epoch, given.epoch + 1, 0)
    return new.with_attributes(stamps | version_attributes(version))


def _broken(old: Element, new: Element) -> Refusal | None:
    """Refuse an id given twice, and a conflict over an element that is referred to.

    Each change may have been right when it was checked: one refers to what the other deletes.
    """
    before, after = old.child("configuration"), new.child("configuration")
    if after is None or before is None or after is before:
        return None
    twice = duplicate_ids(after)
    if twice:
        return Refusal(ExitCode.CONFIG, twice)
    dangling = dangling_references(before, after)
    if not dangling:
        return None
    return refused(
        ExitCode.OLD,
        CONFLICT,
        "/cib/configuration",
        f"somebody else deleted meanwhile what is referred to: {', '.join(dangling)}",
        "look at it again and repeat the change",
    )


def _is_configured(old: Element, new: Element) -> bool:
    if old.child("configuration") != new.child("configuration"):
        return True
    if version_of(old) != version_of(new):
        return True
    mine, theirs = (
        {name: value for name, value in root.attributes.items() if name not in SEPARATE}
        for root in (old, new)
    )
    return mine != theirs


def _missing_section(cib: Element) -> Refusal | None:
    configuration = cib.child("configuration")
    missing = [
        f"/cib/configuration/{name}"
        for name in REQUIRED
        if configuration is None or configuration.child(name) is None
    ]
    if cib.child("status") is None:
        missing.append("/cib/status")
    if cib.tag == "cib" and not missing:
        return None
    return refused(
        ExitCode.CONFIG,
        "section-missing",
        (missing or ["/"])[0],
        "a section that a CIB must have is missing",
        "empty it instead of deleting it",
    )


def _date(at_us: int) -> str:
    return _date_of_second(at_us % 2**55 // 1_000_000)


@lru_cache(maxsize=16)
def _date_of_second(at_s: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at_s)).ctime()
