"""The sections of the CIB: scope names, where they are, and which elements live in them."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.document.element import Element
from cib_store.document.path import find

REQUIRED = ("crm_config", "nodes", "resources", "constraints")
"""Always there (features 3.2)."""
OPTIONAL = ("fencing-topology", "rsc_defaults", "op_defaults", "alerts", "acls", "tags")
RESOURCES = ("primitive", "group", "clone", "master", "bundle", "template")

_PATHS: Mapping[str, str] = {
    "": "/cib",
    "all": "/cib",
    "cib": "/cib",
    "configuration": "/cib/configuration",
    "status": "/cib/status",
    "tickets": "/cib/status/tickets",
    **{name: f"/cib/configuration/{name}" for name in (*REQUIRED, *OPTIONAL)},
}
SCOPES = tuple(name for name in _PATHS if name)
"""Every scope name that is known (features 4.12)."""

_HOMES: Mapping[str, str] = {
    "cluster_property_set": "crm_config",
    "node": "nodes",
    **dict.fromkeys(RESOURCES, "resources"),
    **dict.fromkeys(("rsc_location", "rsc_order", "rsc_colocation", "rsc_ticket"), "constraints"),
    "fencing-level": "fencing-topology",
    "alert": "alerts",
    **dict.fromkeys(("acl_target", "acl_group", "acl_role", "acl_user"), "acls"),
    "tag": "tags",
    "node_state": "status",
    "ticket_state": "tickets",
    **{name: name for name in _PATHS if name},
}


def section_path(scope: str) -> str | None:
    """Return the element path of a scope; None where it is unknown."""
    return _PATHS.get(scope)


def home_of(tag: str) -> str | None:
    """Return the scope in which elements called `tag` live; None where it cannot be told."""
    return _HOMES.get(tag)


def section(cib: Element, scope: str) -> Element | None:
    """Return the section's element where it is there."""
    path = _PATHS.get(scope)
    return None if path is None else find(cib, path)


def empty_cib(attributes: Mapping[str, str], options: Mapping[str, str]) -> Element:
    """Return a CIB with the required sections and these cluster options (features 3.1, 4.7)."""
    pairs = tuple(
        Element(
            "nvpair", {"id": f"cib-bootstrap-options-{name}", "name": name, "value": options[name]}
        )
        for name in options
    )
    bootstrap = Element("cluster_property_set", {"id": "cib-bootstrap-options"}, pairs)
    sections = tuple(
        Element(name, {}, (bootstrap,) if name == "crm_config" and pairs else ())
        for name in REQUIRED
    )
    root = {"admin_epoch": "0", "epoch": "0", "num_updates": "0", **attributes}
    return Element("cib", root, (Element("configuration", {}, sections), Element("status")))
