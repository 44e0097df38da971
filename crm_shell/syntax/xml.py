"""``xml <…>``: any element of the configuration, as it is (features 30.19)."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.syntax.cursor import Cursor

ELEMENTS = (
    "node", "primitive", "group", "clone", "master", "bundle", "template", "rsc_location",
    "rsc_colocation", "rsc_order", "rsc_ticket", "cluster_property_set", "rsc_defaults",
    "op_defaults", "tag", "fencing-topology", "acl_role", "acl_target", "acl_group", "alert",
)  # fmt: skip


def read_xml(cursor: Cursor) -> Element:
    """Read what follows ``xml``. Raises `Mistake` for what is no element of the configuration."""
    # lxml takes its time to load and is needed for this statement only.
    from cib_store.document.codec import BadXml, parse

    token = cursor.take("an element")
    try:
        element = parse(token.text)
    except BadXml as error:
        cursor.fail(str(error), token=token)
    if element.tag not in ELEMENTS:
        cursor.fail(
            f"<{element.tag}> is no part of a configuration",
            allowed=", ".join(ELEMENTS),
            token=token,
        )
    return element
