"""Have an agent write down what its shell does (features 5.27, 30.14, 34.3)."""

from __future__ import annotations

from collections.abc import Iterator

from cib_store.document.element import Element
from cib_store.model.values import interval_ms
from crm_shell.actions import tree
from crm_shell.actions.pairs import Home, find_pairs, remove_pair, set_pair
from crm_shell.actions.roles import is_promotable
from raftmaker.vocabulary.commands import CibOperation, OperationKind

DIRECTORY = "/var/lib/heartbeat/trace_ra"
"""Where agents write unless they are told another place."""
_ALWAYS = ("start", "stop")
_PROMOTING = ("promote", "demote")
PROBE = "probe"
"""What people call the monitor without an interval, by which the cluster looks what runs."""


def traced(
    cib: Element, identity: str, operation: str = "", interval: str = "", directory: str = ""
) -> tuple[CibOperation, ...]:
    """Trace an operation of a primitive: ``trace_ra=1`` where it is configured, or added with it.

    Without `operation` all that are configured are traced, start and stop in any case, promote and
    demote where its instances are promoted. Raises `tree.NotThere`.
    """
    primitive = _primitive(cib, identity)
    operation, interval = _named(operation, interval)
    there = _operations(primitive, operation, interval)
    present = {each.get("name") for each in there}
    always = _ALWAYS + (_PROMOTING if is_promotable(cib, identity) else ())
    wanted = (operation,) if operation else always
    added = [
        _new_operation(primitive, name, interval) for name in wanted if name not in present
    ]  # fmt: skip
    made = tuple(
        CibOperation(kind=OperationKind.MODIFY, scope="resources", xml=_text(primitive, op),
                     all=True)
        for op in added
    )  # fmt: skip
    values = {"trace_ra": "1"} | ({"trace_dir": directory} if directory else {})
    return (
        *made,
        *(
            set_pair(_home(op), op, name, value)
            for op in (*there, *added)
            for name, value in values.items()
        ),
    )


def untraced(
    cib: Element, identity: str, operation: str = "", interval: str = ""
) -> tuple[CibOperation, ...]:
    """End the tracing of an operation, or of all. Raises `tree.NotThere`."""
    primitive = _primitive(cib, identity)
    operation, interval = _named(operation, interval)
    return tuple(
        removal
        for op in _operations(primitive, operation, interval)
        for name in ("trace_ra", "trace_dir")
        if find_pairs(_home(op), op, name)
        for removal in remove_pair(_home(op), op, name)
    )


def _primitive(cib: Element, identity: str) -> Element:
    found = tree.resource(cib, identity)
    if found.tag != "primitive":
        members = ", ".join(each.id for each in found.walk() if each.tag == "primitive")
        raise tree.NotThere(f"{identity} is a {found.tag}: trace one of its primitives ({members})")
    return found


def _named(operation: str, interval: str) -> tuple[str, str]:
    return ("monitor", "0") if operation == PROBE else (operation, interval)


def _operations(primitive: Element, name: str, interval: str) -> list[Element]:
    return [
        op
        for op in _configured(primitive)
        if (not name or op.get("name") == name)
        and (not interval or interval_ms(op.get("interval")) == interval_ms(interval))
    ]


def _configured(primitive: Element) -> Iterator[Element]:
    for operations in primitive.each("operations"):
        yield from operations.each("op")


def _new_operation(primitive: Element, name: str, interval: str) -> Element:
    attributes = {"name": name, "interval": interval or "0"}
    return Element("op", {"id": f"{primitive.id}-{name}-{attributes['interval']}", **attributes})


def _text(primitive: Element, op: Element) -> str:
    return tree.text(
        Element("primitive", {"id": primitive.id}, (Element("operations", {}, (op,)),))
    )


def _home(op: Element) -> Home:
    return Home(
        scope="resources",
        kind="instance_attributes",
        owner=op.id,
        owner_tag="op",
        default_set=f"{op.id}-instance_attributes",
    )
