"""A `Status` out of a CIB alone. Pure."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.values import is_true
from crm_shell.actions import tree
from crm_shell.actions.moving import made_for, node_of
from crm_shell.status.history import failures
from crm_shell.status.model import FailedAction, FailedFencing, NodeState, NodeView, Status
from crm_shell.status.resources import Resources, count_instances


def build(
    cib: Element, *, dc: str = "", quorate: bool | None = None, version: str = "",
    failed_fencings: tuple[FailedFencing, ...] = (),
) -> Status:  # fmt: skip
    """Build the status that `cib` shows. `dc` and `quorate`: what a daemon says, when asked."""
    options = option_values(cib)
    fencing = _flag(options, "fencing-enabled", "stonith-enabled", default=True)
    maintenance = is_true(options.get("maintenance-mode"))
    resources = Resources(cib, maintenance=maintenance)
    views = tuple(resources.views())
    dc_name = dc or _name_of(cib, cib.get("dc-uuid"))
    nodes = tuple(
        _node(cib, entry, dc=dc_name, fencing=fencing, maintenance=maintenance,
              running=resources.running_on(entry.get("uname")))
        for entry in tree.section(cib, "nodes").each("node")
    )  # fmt: skip
    instances, disabled, blocked = count_instances(views)
    return Status(
        cluster_name=options.get("cluster-name", ""),
        dc=dc_name,
        quorate=quorate if quorate is not None else cib.get("have-quorum") == "1",
        version=version,
        feature_set=cib.get("crm_feature_set"),
        last_change=cib.get("cib-last-written"),
        change_user=cib.get("update-user"),
        change_client=cib.get("update-client"),
        change_origin=cib.get("update-origin"),
        nodes=nodes,
        resources=views,
        failed_actions=_failed_actions(cib),
        instances=instances,
        disabled=disabled,
        blocked=blocked,
        fencing_enabled=fencing,
        maintenance=maintenance,
        has_fencing_device=any(
            each.get("class") == "stonith" and each.tag == "primitive"
            for each in tree.resources(cib)
        ),
        bans=tuple(
            (each.id, each.get("rsc"), node_of(each), _score(each)) for each in made_for(cib)
        ),
        failed_fencings=failed_fencings,
        fail_counts=_fail_counts(cib),
    )


def option_values(cib: Element) -> dict[str, str]:
    """Return the cluster options as configured, the first mention of each."""
    values: dict[str, str] = {}
    for each in tree.section(cib, "crm_config").each("cluster_property_set"):
        for pair in each.each("nvpair"):
            values.setdefault(pair.get("name"), pair.get("value"))
    return values


def _flag(options: dict[str, str], name: str, old: str, *, default: bool) -> bool:
    text = options.get(name, options.get(old))
    return default if text is None else is_true(text)


def _score(location: Element) -> str:
    rule = location.child("rule")
    return location.get("score") or (rule.get("score") if rule else "")


def _name_of(cib: Element, identity: str) -> str:
    for entry in tree.section(cib, "nodes").each("node"):
        if entry.id == identity:
            return entry.get("uname")
    return identity


def node_attributes(cib: Element, entry: Element) -> dict[str, str]:
    """Return a node's attributes: permanent ones, then transient ones over them."""
    values: dict[str, str] = {}
    for state in (entry, _transient(cib, entry)):
        for each in state.each("instance_attributes"):
            values.update((pair.get("name"), pair.get("value")) for pair in each.each("nvpair"))
    return values


def _transient(cib: Element, entry: Element) -> Element:
    state = _state_of(cib, entry)
    return (state.child("transient_attributes") if state else None) or Element("none")


def _state_of(cib: Element, entry: Element) -> Element | None:
    for state in tree.section(cib, "status").each("node_state"):
        if state.id == entry.id or state.get("uname") == entry.get("uname"):
            return state
    return None


def _node(
    cib: Element, entry: Element, *, dc: str, fencing: bool, maintenance: bool, running: int
) -> NodeView:
    attributes = node_attributes(cib, entry)
    return NodeView(
        name=entry.get("uname"),
        id=entry.id,
        state=_node_state(_state_of(cib, entry), attributes, fencing=fencing,
                          maintenance=maintenance, running=running),
        kind=entry.get("type", "member"),
        is_dc=entry.get("uname") == dc,
        attributes=tuple(sorted(attributes.items())),
        running=running,
    )  # fmt: skip


def _is_in(text: str) -> bool:
    # Seconds of joining today; true or online in CIBs of old (features 3.12).
    return is_true(text) or text == "online" or (text.isdigit() and int(text) > 0)


def _node_state(
    state: Element | None,
    attributes: dict[str, str],
    *,
    fencing: bool,
    maintenance: bool,
    running: int,
) -> NodeState:
    member = state is not None and _is_in(state.get("in_ccm"))
    peer = state is not None and _is_in(state.get("crmd"))
    joined = state is not None and state.get("join") == "member"
    expected_up = state is not None and state.get("expected") == "member"
    standby = is_true(attributes.get("standby"))
    kept = maintenance or is_true(attributes.get("maintenance"))
    if expected_up and not (member and peer):
        return NodeState.UNCLEAN_ONLINE if member else NodeState.UNCLEAN_OFFLINE
    if member and peer and joined:
        if standby:
            return NodeState.STANDBY_ACTIVE if running else NodeState.STANDBY
        return NodeState.MAINTENANCE if kept else NodeState.ONLINE
    if member and peer:
        return NodeState.PENDING
    if standby:
        return NodeState.OFFLINE_STANDBY
    if is_true(attributes.get("maintenance")):
        return NodeState.OFFLINE_MAINTENANCE
    return NodeState.OFFLINE


def _failed_actions(cib: Element) -> tuple[FailedAction, ...]:
    found = [
        failure
        for state in tree.section(cib, "status").each("node_state")
        for history in lrm_resources(state)
        for failure in failures(state.get("uname"), history)
    ]
    # One failure may be recorded twice: as the last one, and as the recurring operation itself.
    unique = {(each.key, each.node, each.call_id): each for each in found}
    return tuple(sorted(unique.values(), key=lambda each: (-each.last_change, each.key, each.node)))


def lrm_resources(state: Element) -> list[Element]:
    """Return the resource histories of a node."""
    lrm = state.child("lrm")
    holder = lrm.child("lrm_resources") if lrm else None
    return list(holder.each("lrm_resource")) if holder else []


def _fail_counts(cib: Element) -> tuple[tuple[str, str, str], ...]:
    found: list[tuple[str, str, str]] = []
    for state in tree.section(cib, "status").each("node_state"):
        transient = state.child("transient_attributes") or Element("none")
        for each in transient.each("instance_attributes"):
            for pair in each.each("nvpair"):
                name = pair.get("name")
                if name.startswith("fail-count-") and pair.get("value") not in ("", "0"):
                    resource = name.removeprefix("fail-count-").partition("#")[0]
                    found.append((state.get("uname"), resource, pair.get("value")))
    return tuple(sorted(found))
