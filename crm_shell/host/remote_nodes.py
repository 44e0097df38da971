"""Where the remote nodes of a configuration listen, guest nodes included (features 22.2, 22.3)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.connections import is_connection
from crm_shell.actions import tree
from raftmaker.runtime.settings import REMOTE_PORT
from raftmaker.vocabulary.ids import NodeName


class RemoteNode(Struct, frozen=True, kw_only=True):
    """A remote node and its address, ``host:port``."""

    name: NodeName
    address: str


def remote_nodes(cib: Element) -> tuple[RemoteNode, ...]:
    """Return the remote and guest nodes of a configuration, sorted by name."""
    found = {one.name: one for each in tree.resources(cib) for one in _of(cib, each)}
    return tuple(found[name] for name in sorted(found))


def _of(cib: Element, element: Element) -> Iterator[RemoteNode]:
    if element.tag == "template":
        return
    whole = tree.with_template(cib, element)
    if is_connection(whole):
        said = _pairs(whole, "instance_attributes")
        host, port = said.get("server") or said.get("addr") or whole.id, said.get("port")
        yield RemoteNode(name=NodeName(whole.id), address=_address(host, port))
    said = _pairs(whole, "meta_attributes")
    guest = said.get("remote-node")
    if guest:
        host, port = said.get("remote-addr") or guest, said.get("remote-port")
        yield RemoteNode(name=NodeName(guest), address=_address(host, port))


def _pairs(element: Element, kind: str) -> dict[str, str]:
    """Return the pairs of one kind; of several with one name the first."""
    found: dict[str, str] = {}
    for held in element.each(kind):
        for pair in held.each("nvpair"):
            found.setdefault(pair.get("name"), pair.get("value"))
    return found


def _address(host: str, port: str | None) -> str:
    bare = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{bare}:{port or REMOTE_PORT}"
