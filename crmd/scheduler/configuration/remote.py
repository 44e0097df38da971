"""Remote and guest nodes: nodes that a resource of the configuration brings about."""

from __future__ import annotations

from cib_store.document.element import Element
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
    implied.append(_connection(name, machine.id, given))
    _know(run, name)


def _nvset(tag: str, id_: str, pairs: dict[str, str]) -> Element:
    children = tuple(
        Element("nvpair", {"id": f"{id_}-{name}", "name": name, "value": value})
        for name, value in pairs.items()
    )
    return Element(tag, {"id": id_}, children)


def _connection(name: str, machine: str, given: dict[str, str]) -> Element:
    meta = {"internal-rsc": "true", "container": machine}
    if "migratable" in given:
        meta["allow-migrate"] = given["migratable"]
    if "managed" in given:
        meta["is-managed"] = given["managed"]
    children = [_nvset("meta_attributes", f"{name}-meta_attributes", meta)]
    parameters: dict[str, str] = {}
    for key, name_in_agent in (("server", "addr"), ("port", "port")):
        if key in given:
            parameters[name_in_agent] = given[key]
    if parameters:
        children.append(_nvset("instance_attributes", f"{name}-instance_attributes", parameters))
    monitor = {"id": f"{name}-monitor-30s", "interval": "30s", "name": "monitor", "timeout": "30s"}
    start = {
        "id": f"{name}-start-0",
        "interval": "0",
        "name": "start",
        "timeout": given.get("timeout", "60s"),
    }
    children.append(Element("operations", {}, (Element("op", monitor), Element("op", start))))
    attributes = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "remote"}
    return Element("primitive", attributes, tuple(children))


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
