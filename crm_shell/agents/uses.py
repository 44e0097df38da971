"""Which agents a configuration uses, and with what: templates and references filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.references import Index
from cib_store.model.values import interval_ms
from crmd.scheduler.configuration.templates import expanded

_CONTAINERS = ("group", "clone", "master", "bundle")


class UsedOperation(Struct, frozen=True, kw_only=True):
    """An operation as configured; `timeout` as written, empty where it is left to the defaults."""

    name: str
    role: str = ""
    interval_ms: int = 0
    timeout: str = ""


class Use(Struct, frozen=True, kw_only=True):
    """One primitive's use of its agent.

    `parameters` are the names that any of its sets gives, whatever rules these have; those of the
    containers around it are in `inherited`, as members get them too (features 9.4).
    """

    resource: str
    agent: str
    """``class:[provider:]type``."""
    parameters: frozenset[str] = frozenset()
    inherited: frozenset[str] = frozenset()
    operations: tuple[UsedOperation, ...] = ()
    default_timeout: str = ""
    provides: str = ""
    """What a fence device is said to be able to (features 7.15)."""


def uses(configuration: Element) -> dict[str, Use]:
    """Return the use of each primitive that has an agent, by the primitive's id."""
    index = Index.of(Element("cib", {}, (configuration,)))
    resources = configuration.child("resources") or Element("resources")
    templates = {each.id: each for each in resources.each("template")}
    default = _default_timeout(configuration, index)
    return {
        primitive.id: use
        for primitive, inherited in _primitives(resources, index, frozenset())
        if (use := _use(primitive, templates, index, inherited, default)) is not None
    }


def _primitives(
    parent: Element, index: Index, inherited: frozenset[str]
) -> Iterator[tuple[Element, frozenset[str]]]:
    for each in parent.each("primitive", *_CONTAINERS):
        if each.tag == "primitive":
            yield each, inherited
        else:
            given = inherited | _names(each, "instance_attributes", index)
            yield from _primitives(each, index, given)


def _use(
    primitive: Element,
    templates: Mapping[str, Element],
    index: Index,
    inherited: frozenset[str],
    default: str,
) -> Use | None:
    whole = expanded(primitive, templates)
    if whole is None or not whole.get("class") or not whole.get("type"):
        return None
    parts = (whole.get(name) for name in ("class", "provider", "type"))
    meta = _pairs(whole, "meta_attributes", index)
    return Use(
        resource=primitive.id,
        agent=":".join(part for part in parts if part),
        parameters=_names(whole, "instance_attributes", index),
        inherited=inherited,
        operations=tuple(
            _operation(op, index)
            for operations in index.children(whole, "operations")
            for op in operations.each("op")
        ),
        default_timeout=meta.get("timeout") or default,
        provides=meta.get("provides", ""),
    )


def _operation(op: Element, index: Index) -> UsedOperation:
    timeout = op.get("timeout") or _pairs(op, "meta_attributes", index).get("timeout", "")
    return UsedOperation(
        name=op.get("name"),
        role=op.get("role"),
        interval_ms=interval_ms(op.get("interval")),
        timeout=timeout,
    )


def _default_timeout(configuration: Element, index: Index) -> str:
    """Return the timeout of op_defaults, where a set without a rule has one."""
    defaults = configuration.child("op_defaults")
    return _pairs(defaults, "meta_attributes", index).get("timeout", "") if defaults else ""


def _names(owner: Element, tag: str, index: Index) -> frozenset[str]:
    return frozenset(
        pair.get("name")
        for given in index.children(owner, tag)
        for pair in index.children(given, "nvpair")
    )


def _pairs(owner: Element, tag: str, index: Index) -> dict[str, str]:
    found: dict[str, str] = {}
    for given in index.children(owner, tag):
        if given.child("rule") is None:
            for pair in index.children(given, "nvpair"):
                found.setdefault(pair.get("name"), pair.get("value"))
    return found
