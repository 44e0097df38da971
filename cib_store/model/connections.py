"""The resource that is the connection to a remote node (features 22.2)."""

from __future__ import annotations

from cib_store.document.element import Element

_AGENT = ("ocf", "pacemaker", "remote")


def is_connection(resource: Element) -> bool:
    """Tell whether it is one: a resource with its template, or its history in the status."""
    return (resource.get("class"), resource.get("provider"), resource.get("type")) == _AGENT
