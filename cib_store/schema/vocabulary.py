"""Which elements the configuration has, where, with which attributes (features sections 3 to 20).

Tables only. They say what is written today and what older schemas wrote and is still read.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from cib_store.document.sections import OPTIONAL, REQUIRED


class Shape(Struct, frozen=True):
    """An element's required and allowed attributes, and the elements that it may hold.

    Where `id-ref` is given in place of an id, nothing else is required.
    """

    required: frozenset[str]
    allowed: frozenset[str]
    children: frozenset[str]


def _shape(required: str = "", optional: str = "", children: str = "") -> Shape:
    must = frozenset(required.split())
    return Shape(must, must | frozenset(optional.split()), frozenset(children.split()))


_SETS = "meta_attributes instance_attributes"
_NVSET = _shape("id", "id-ref score", "rule nvpair attributes")
_CLONE = _shape("id", "description", f"{_SETS} primitive group")
_TIMES = "hours monthdays weekdays yeardays months weeks years weekyears moon minutes seconds days"
_CONTAINER = _shape(
    "image",
    "replicas replicas-per-host promoted-max masters run-command network options",
)

NAMES_FROM_ELSEWHERE = frozenset(
    ("node", "acl_target", "acl_user", "role", "role_ref", "resource_ref", "obj_ref")
)
"""Elements whose ``id`` is the name of a node or user, or of another element."""

SHAPES: Mapping[str, Shape] = {
    "configuration": _shape("", "", " ".join((*REQUIRED, *OPTIONAL))),
    "crm_config": _shape("", "", "cluster_property_set"),
    "rsc_defaults": _shape("", "", "meta_attributes"),
    "op_defaults": _shape("", "", "meta_attributes"),
    "nodes": _shape("", "", "node"),
    "resources": _shape("", "", "primitive template group clone master bundle"),
    "constraints": _shape("", "", "rsc_location rsc_order rsc_colocation rsc_ticket"),
    "fencing-topology": _shape("", "", "fencing-level"),
    "alerts": _shape("", "", "alert"),
    "acls": _shape("", "", "acl_target acl_group acl_role acl_user"),
    "tags": _shape("", "", "tag"),
    "cluster_property_set": _NVSET,
    "meta_attributes": _NVSET,
    "instance_attributes": _NVSET,
    "utilization": _NVSET,
    "attributes": _shape("", "", "nvpair"),
    "nvpair": _shape("id name", "value id-ref description"),
    "rule": _shape(
        "id",
        "id-ref score score-attribute boolean-op role",
        "rule expression date_expression rsc_expression op_expression",
    ),
    "expression": _shape("id attribute operation", "value type value-source"),
    "date_expression": _shape("id operation", "start end", "date_spec duration"),
    "date_spec": _shape("id", _TIMES),
    "duration": _shape("id", _TIMES),
    "rsc_expression": _shape("id", "class provider type"),
    "op_expression": _shape("id name", "interval"),
    "node": _shape("id uname", "type score description", f"{_SETS} utilization"),
    "primitive": _shape(
        "id", "class provider type template description", f"{_SETS} utilization operations"
    ),
    "template": _shape("id class type", "provider description", f"{_SETS} utilization operations"),
    "operations": _shape("", "id id-ref", "op"),
    "op": _shape(
        "id name interval",
        "timeout start-delay interval-origin enabled record-pending role on-fail requires"
        " description id-ref",
        _SETS,
    ),
    "group": _shape("id", "description ordered collocated", f"{_SETS} primitive"),
    "clone": _CLONE,
    "master": _CLONE,
    "bundle": _shape("id", "description", f"{_SETS} docker podman rkt network storage primitive"),
    "docker": _CONTAINER,
    "podman": _CONTAINER,
    "rkt": _CONTAINER,
    "network": _shape(
        "", "ip-range-start control-port host-interface host-netmask add-host", "port-mapping"
    ),
    "port-mapping": _shape("id", "port internal-port range"),
    "storage": _shape("", "", "storage-mapping"),
    "storage-mapping": _shape("id target-dir", "source-dir source-dir-root options"),
    "rsc_location": _shape(
        "id",
        "rsc rsc-pattern node score role resource-discovery boolean-op description",
        "rule resource_set lifetime",
    ),
    "rsc_colocation": _shape(
        "id",
        "rsc with-rsc score score-attribute score-attribute-mangle rsc-role with-rsc-role"
        " node-attribute influence rsc-instance with-rsc-instance symmetrical description",
        "resource_set lifetime rule",
    ),
    "rsc_order": _shape(
        "id",
        "first then kind symmetrical score first-action then-action require-all first-instance"
        " then-instance description",
        "resource_set lifetime",
    ),
    "rsc_ticket": _shape("id ticket", "rsc rsc-role loss-policy description", "resource_set"),
    "lifetime": _shape("", "id", "rule"),
    "resource_set": _shape(
        "id",
        "id-ref sequential require-all ordering action role score kind description",
        "resource_ref",
    ),
    "resource_ref": _shape("id"),
    "fencing-level": _shape(
        "id index devices", "target target-pattern target-attribute target-value"
    ),
    "alert": _shape("id path", "description", f"{_SETS} select recipient"),
    "recipient": _shape("id value", "description", _SETS),
    "select": _shape("", "", "select_attributes select_fencing select_nodes select_resources"),
    "select_attributes": _shape("", "", "attribute"),
    "select_fencing": _shape(),
    "select_nodes": _shape(),
    "select_resources": _shape(),
    "attribute": _shape("id name"),
    "acl_target": _shape("id", "name description", "role"),
    "acl_group": _shape("id", "name description", "role"),
    "acl_user": _shape("id", "description", "role role_ref read write deny"),
    "acl_role": _shape("id", "description", "acl_permission read write deny"),
    "acl_permission": _shape(
        "id kind", "xpath reference object-type attribute ref tag description"
    ),
    "read": _shape("id", "xpath ref tag attribute"),
    "write": _shape("id", "xpath ref tag attribute"),
    "deny": _shape("id", "xpath ref tag attribute"),
    "role": _shape("id"),
    "role_ref": _shape("id"),
    "tag": _shape("id", "description", "obj_ref"),
    "obj_ref": _shape("id"),
}
