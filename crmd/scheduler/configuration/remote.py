"""Remote and guest nodes: nodes that a resource of the configuration brings about."""

from __future__ import annotations

from cib_store.document.element import Element
from crmd.scheduler.configuration.implied import connection_element
from crmd.scheduler.configuration.nodes import add_node, suspect_at_startup
from crmd.scheduler.state.node import NodeKind
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run

_GUEST_META = {
    "remote-node": "name",
    "remote-addr": "server",
    "remote-port": "port",
    "remote-connect-timeout": "timeout",
    "remote-allow-migrate": "migratable",
    "is-managed": "managed",
}


def is_remote_connection(element: Element) -> bool:
    """Whether the agent is ``ocf:pacemaker:remote``."""
    return (
        element.get("type").lower() == "remote"
        and element.get("class").lower() == "ocf"
        and element.get("provider").lower() == "pacemaker"
    )


def with_connections(run: Run, resources: Element | None) -> tuple[Element, ...]:
    """Return all resource elements, the implied connections of guest nodes last.

    Makes the remote and guest nodes known (features section 16).
    """
    if resources is None:
        return ()
    implied: list[Element] = []
    for element in resources.each():
        if is_remote_connection(element):
            _know(run, element.id)
        elif element.tag == "primitive":
            _guest(run, element, implied)
        elif element.tag == "group":
            for member in element.each():
                _guest(run, member, implied)
    return (*resources.each(), *implied)


def _know(run: Run, name: str) -> None:
    if name and run.find_node(name) is None:
        add_node(run, id_=name, name=name, kind=NodeKind.REMOTE)


def _guest(run: Run, machine: Element, implied: list[Element]) -> None:
    given: dict[str, str] = {}
    for attributes in machine.each("meta_attributes"):
        for pair in attributes.each():
            name = _GUEST_META.get(pair.get("name"))
            if name is not None and "value" in pair.attributes:
                given[name] = pair.get("value")
    name = given.get("name")
    if name is None:
        return
    given.setdefault("timeout", "60s")
    implied.append(connection_element(name, machine.id, given))
    _know(run, name)


def link_connection(run: Run, rsc: Resource) -> None:
    """Tie a connection resource to its node."""
    if not rsc.remote_connection:
        return
    node = run.find_node(rsc.id)
    if node is None:
        return
    node.remote = rsc
    if rsc.launcher is None:
        suspect_at_startup(run, node)
    else:
        node.attributes["#kind"] = "container"
