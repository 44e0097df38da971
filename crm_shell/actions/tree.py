"""Find things in a CIB: resources anywhere, their pairs, nodes and their attributes."""

from __future__ import annotations

from collections.abc import Iterator

from cib_store.document.element import Element
from cib_store.model.connections import is_connection
from crm_shell.actions.absence import NotThere as NotThere
from crm_shell.syntax.faults import nearest
from crm_shell.xml_text import xml_lines

_GUEST = "remote-node"
RESOURCES = ("primitive", "group", "clone", "master", "bundle", "template")


def section(cib: Element, name: str) -> Element:
    """Return a section of the configuration, or status; empty where the CIB has none."""
    if name == "status":
        return cib.child("status") or Element("status")
    configuration = cib.child("configuration") or Element("configuration")
    return configuration.child(name) or Element(name)


def resources(cib: Element) -> Iterator[Element]:
    """Yield every resource and template, containers before what they contain."""
    for element in section(cib, "resources").walk():
        if element.tag in RESOURCES:
            yield element


def resource(cib: Element, identity: str) -> Element:
    """Return a resource; ``web:0`` names an instance of ``web``. Raises `NotThere`."""
    known = {each.id: each for each in resources(cib) if each.tag != "template"}
    found = known.get(identity) or known.get(identity.partition(":")[0])
    if found is None:
        like = nearest(identity, known)
        hint = f"; did you mean {like!r}?" if like else ""
        names = f"; resources: {', '.join(known)}" if known else "; there are no resources"
        raise NotThere(f"no resource {identity!r}{hint or names}")
    return found


def named(cib: Element, name: str) -> tuple[str, ...]:
    """Return the ids that a name means: the resources of a tag, or the name itself."""
    known = {each.id for each in resources(cib) if each.tag != "template"}
    for tag in section(cib, "tags").each("tag"):
        if tag.id == name and name not in known:
            return tuple(each.id for each in tag.each("obj_ref") if each.id in known)
    return (name,)


def with_template(cib: Element, element: Element) -> Element:
    """Return a resource with its template filled in; as it is where there is none."""
    if "template" not in element.attributes:
        return element
    # The scheduler's package is loaded only where there is a template to fill in.
    from crmd.scheduler.configuration.templates import expanded

    templates = {each.id: each for each in resources(cib) if each.tag == "template"}
    return expanded(element, templates) or element


def holders(cib: Element, identity: str) -> list[Element]:
    """Return the containers around a resource, outermost first."""
    above: list[Element] = []
    current = list(section(cib, "resources").each(*RESOURCES))
    while current:
        for each in current:
            if any(below.id == identity and below.tag in RESOURCES for below in each.walk()):
                if each.id == identity:
                    return above
                above.append(each)
                current = list(each.each(*RESOURCES))
                break
        else:
            return above
    return above


def remote_nodes(cib: Element) -> tuple[str, ...]:
    """Return the names of remote and guest nodes: no section lists them before something is set."""
    found = [state.id for state in section(cib, "status").each() if state.get("remote_node")]
    for one in resources(cib):
        if is_connection(one):
            found.append(one.id)
        for pairs in one.each("meta_attributes"):
            found += [
                pair.get("value") for pair in pairs.each("nvpair") if pair.get("name") == _GUEST
            ]
    return tuple(dict.fromkeys(found))


def node(cib: Element, name: str) -> Element:
    """Return a node's entry, by name or id; of a remote node the one that it would have.

    Raises `NotThere`.
    """
    entries = list(section(cib, "nodes").each("node"))
    for entry in entries:
        if name in (entry.get("uname"), entry.id):
            return entry
    remote = remote_nodes(cib)
    if name in remote:
        return Element("node", {"id": name, "uname": name, "type": "remote"})
    names = [*(entry.get("uname") for entry in entries), *remote]
    like = nearest(name, names)
    hint = f"; did you mean {like!r}?" if like else f"; nodes: {', '.join(names) or 'none'}"
    raise NotThere(f"no node {name!r}{hint}")


def text(element: Element) -> str:
    """Return an element as XML."""
    return "\n".join(xml_lines(element))
