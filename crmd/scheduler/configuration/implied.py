"""Elements of resources that the configuration implies without having them."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.document.element import Element


def pairs_element(tag: str, id_: str, pairs: Mapping[str, str]) -> Element:
    """Return a set of name-value pairs."""
    children = tuple(
        Element("nvpair", {"id": f"{id_}-{name}", "name": name, "value": value})
        for name, value in pairs.items()
    )
    return Element(tag, {"id": id_}, children)


def connection_element(name: str, machine: str, given: Mapping[str, str]) -> Element:
    """Return the implied connection to a guest node that `machine` launches.

    `given` may hold server, port, migratable, managed, and the timeout of the start.
    """
    meta = {"internal-rsc": "true", "container": machine}
    if "migratable" in given:
        meta["allow-migrate"] = given["migratable"]
    if "managed" in given:
        meta["is-managed"] = given["managed"]
    children = [pairs_element("meta_attributes", f"{name}-meta_attributes", meta)]
    parameters: dict[str, str] = {}
    for key, name_in_agent in (("server", "addr"), ("port", "port")):
        if key in given:
            parameters[name_in_agent] = given[key]
    if parameters:
        children.append(
            pairs_element("instance_attributes", f"{name}-instance_attributes", parameters)
        )
    monitor = {"id": f"{name}-monitor-30s", "interval": "30s", "name": "monitor", "timeout": "30s"}
    operations = [Element("op", monitor)]
    if "timeout" in given:
        start = {"id": f"{name}-start-0", "interval": "0", "name": "start"}
        operations.append(Element("op", start | {"timeout": given["timeout"]}))
    children.append(Element("operations", {}, tuple(operations)))
    attributes = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "remote"}
    return Element("primitive", attributes, tuple(children))
