"""What a new DC writes of itself into the configuration (features 2.1, 2.2, 3.4).

Only what differs is written, so most leases begin without a change. A cluster that has been given
a name keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.document.path import Step
from cib_store.document.sections import section, section_path
from crmd.fsa.cib import put_at, stamped
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from raftmaker.vocabulary.feature_set import FEATURE_SET

INFRASTRUCTURE = "raftmaker"
_BOOTSTRAP = "cib-bootstrap-options"


def stamps(cib: Element, *, software: str, cluster_name: str) -> tuple[CibOperation, ...]:
    """Return the operations by which a DC of version `software` says what it is.

    Either text may be empty: then nothing is said of it.
    """
    found: list[CibOperation] = []
    if cib.get("crm_feature_set") != FEATURE_SET:
        found.append(stamped(FEATURE_SET))
    if software:
        known = {"dc-version": software, "cluster-infrastructure": INFRASTRUCTURE}
        found.extend(_set_options(cib, known))
    if cluster_name and not any(_pairs(cib, "cluster-name")):
        found.extend(_set_options(cib, {"cluster-name": cluster_name}))
    return tuple(found)


def _pairs(cib: Element, name: str) -> Iterator[tuple[Element, Element]]:
    options = section(cib, "crm_config")
    for pairs in options.each("cluster_property_set") if options is not None else ():
        for pair in pairs.each("nvpair"):
            if pair.get("name") == name:
                yield pairs, pair


def _set_options(cib: Element, values: Mapping[str, str]) -> Iterator[CibOperation]:
    """Where an option stands already, it is changed there, whatever its id is."""
    missing: dict[str, str] = {}
    for name, value in values.items():
        there = next(_pairs(cib, name), None)
        if there is None:
            missing[name] = value
        elif there[1].get("value") != value:
            holder, pair = there
            path = f"{section_path('crm_config')}{Step(holder.tag, holder.id)}"
            yield put_at(f"{path}{Step(pair.tag, pair.id)}", pair.with_attributes({"value": value}))
    if missing:
        yield _added(missing)


def _added(values: Mapping[str, str]) -> CibOperation:
    pairs = tuple(
        Element("nvpair", {"id": f"{_BOOTSTRAP}-{name}", "name": name, "value": value})
        for name, value in values.items()
    )
    held = Element("cluster_property_set", {"id": _BOOTSTRAP}, pairs)
    return CibOperation(
        kind=OperationKind.MODIFY,
        scope="crm_config",
        xml=render(Element("crm_config", {}, (held,)), indent=0),
        all=True,
    )
