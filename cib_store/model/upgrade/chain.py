"""The chain of upgrades: from whatever schema a CIB says it follows to the newest."""

from __future__ import annotations

import re

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.references import Index
from cib_store.model.upgrade.access import from_1_to_2
from cib_store.model.upgrade.constraints import with_single_rules
from cib_store.model.upgrade.gone import without_unsupported
from cib_store.model.upgrade.renames import from_2_to_3
from cib_store.model.upgrade.sets import with_modern_sets
from raftmaker.vocabulary.reports import Report

NEWEST = "pacemaker-4.0"
_VERSION = re.compile(r"pacemaker-(\d+)\.(\d+)")
_NAMES = (
    "can_fail",
    "crmd-finalization-timeout",
    "crmd-integration-timeout",
    "crmd-transition-delay",
    "remove-after-stop",
    "restart-type",
    "role_after_failure",
)
"""Names of pairs that are gone or are called otherwise now."""
_UNCHECKED = (
    'Schema validation of configuration is disabled (support for validate-with set to "none" is '
    "deprecated and will be removed in a future release)"
)


class Upgrade(Struct, frozen=True):
    """A configuration as of today, and what people should know about the way there."""

    cib: Element
    reports: tuple[Report, ...] = ()


def upgraded(cib: Element) -> Upgrade:
    """Return `cib` in the newest schema (features 4.23); itself where it is there already.

    An unknown schema is reported, and the configuration is taken as it stands.
    """
    name = cib.get("validate-with")
    if name == NEWEST:
        return Upgrade(cib)
    if name == "none":
        report = Report(code="not-validated", what=_UNCHECKED, is_error=False)
        return Upgrade(cib, (report,))
    known = _VERSION.fullmatch(name)
    if known is None:
        return Upgrade(cib, (_unknown(name),))
    configuration = cib.child("configuration")
    if configuration is None or int(known[1]) >= 4:
        return Upgrade(cib)
    new, reports = _configuration(configuration, major=int(known[1]))
    children = tuple(new if one is configuration else one for one in cib.children)
    return Upgrade(cib.with_attributes({"validate-with": NEWEST}).with_children(children), reports)


def _configuration(old: Element, *, major: int) -> tuple[Element, tuple[Report, ...]]:
    if major < 2:
        old = from_1_to_2(old)
    if major < 3:
        old = from_2_to_3(old)
    if not any(_is_old(element) for element in old.walk()):
        return old, ()  # valid as it is: even the order of its elements is kept
    index = Index.of(Element("cib", {}, (old,)))
    return without_unsupported(with_single_rules(with_modern_sets(old, index)))


def _is_old(element: Element) -> bool:
    """Whether an element is in a form that 4.0 does not have."""
    given = element.attributes
    match element.tag:
        case "nvpair":
            odd = "name" in given if "id-ref" in given else "value" not in given
            return odd or given.get("name") in _NAMES
        case "master" | "lifetime" | "rkt":
            return True
        case "date_spec":
            return "moon" in given
        case "node":
            return given.get("type") == "ping"
        case "rsc_location":
            return sum(1 for _ in element.each("rule")) > 1
        case "primitive" | "template":
            return given.get("class", "").lower() in ("nagios", "upstart")
        case "fencing-level":
            return len(given.get("index", "")) > 1
        case _:
            return "masters" in given


def _unknown(name: str) -> Report:
    what = f"no schema is called {name!r}" if name else "the CIB does not say which schema it is in"
    return Report(
        code="unknown-schema",
        where="/cib/@validate-with",
        what=what,
        mend=f'set validate-with="{NEWEST}"',
        is_error=False,
    )
