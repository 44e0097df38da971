"""The tree of resources, from the configuration."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.options import NoQuorum
from cib_store.model.rules import RuleInput
from cib_store.model.scores import INFINITY
from cib_store.model.values import interval_ms, is_true, parse_boolean, parse_integer
from crmd.scheduler.configuration.bundles import build_bundle
from crmd.scheduler.configuration.options import section
from crmd.scheduler.configuration.remote import is_remote_connection, link_connection
from crmd.scheduler.configuration.templates import expanded
from crmd.scheduler.kinds import KINDS
from crmd.scheduler.limits import allowed_instances
from crmd.scheduler.parameters import parameters_on
from crmd.scheduler.state.constraint import ProbeMode
from crmd.scheduler.state.resource import CloneSettings, MultipleActive, Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role, parse_role

_VARIANTS = {
    "primitive": Variant.PRIMITIVE,
    "group": Variant.GROUP,
    "clone": Variant.CLONE,
    "bundle": Variant.BUNDLE,
}
_MULTIPLE_ACTIVE = {policy.value: policy for policy in MultipleActive}
_TELLS_INSTANCES_APART = frozenset(("ocf", "stonith"))


def read_resources(run: Run, elements: tuple[Element, ...]) -> None:
    """Build all resources, highest priority first (features section 3)."""
    run.template_elements = {each.id: each for each in elements if each.tag == "template"}
    for name in run.template_elements:
        run.templates.setdefault(name, [])
    for element in elements:
        if element.tag == "template":
            continue
        if not element.id:
            run.ignore("no-id", f"Ignoring a <{element.tag}> without id")
            continue
        rsc = build_resource(run, element)
        if rsc is None:
            run.ignore(
                "bad-resource",
                f"Ignoring <{element.tag}> resource {element.id}: its configuration is invalid",
            )
            continue
        run.resources.append(rsc)
    for rsc in run.resources:
        _link_launcher(run, rsc)
    run.trail.priorities = {rsc.id: rsc.priority for rsc in run.resources}
    run.resources.sort(key=lambda each: -each.priority)


def read_tags(run: Run) -> None:
    """Read the tags (features section 3)."""
    tags = section(run.cib, "tags")
    for tag in tags.each("tag") if tags is not None else ():
        if tag.id:
            references = run.tags.setdefault(tag.id, [])
            references.extend(each.id for each in tag.each("obj_ref") if each.id)


def build_resource(
    run: Run,
    original: Element,
    *,
    parent: Resource | None = None,
    instance: str | None = None,
) -> Resource | None:
    """Build one resource and all below it; None where its configuration is unusable."""
    element = expanded(original, run.template_elements)
    variant = _VARIANTS.get(original.tag)
    if element is None or variant is None or variant not in KINDS or not original.id:
        return None
    rsc = Resource(
        id=original.id if instance is None else f"{original.id}:{instance}",
        variant=variant,
        kind=KINDS[variant],
        element=element,
        operations=_operations(run, element),
        parent=parent,
    )
    if instance is not None:
        rsc.meta["clone"] = instance
    _read_meta(run, rsc)
    _read_settings(run, rsc)
    if not _build_children(run, rsc):
        return None
    run.add_resource(rsc)
    if run.symmetric:
        _allow_everywhere(run, rsc)
    elif rsc.remote_connection and "container" in rsc.meta:
        # Connections to guest nodes are not configured, so nobody can allow them anywhere.
        for node in run.nodes:
            rsc.scores.setdefault(node, node.score)
            rsc.probe_modes.setdefault(node, node.probe_mode)
    run.pairs(element, "utilization", into=rsc.utilization)
    if element is not original:
        run.templates.setdefault(original.get("template"), []).append(original.id)
    return rsc


def _operations(run: Run, element: Element) -> tuple[Element, ...]:
    holder = next(run.index.children(element, "operations"), None)
    return tuple(holder.each("op")) if holder is not None else ()


def _read_meta(run: Run, rsc: Resource) -> None:
    """Merge meta-attributes: own, of the resources around, defaults, inherited (features 3.x)."""
    meta, element = rsc.meta, rsc.element
    for name, value in element.attributes.items():
        _inherit(meta, name, value)
    given = RuleInput(
        now=run.now,
        standard=element.attributes.get("class"),
        provider=element.attributes.get("provider"),
        agent=element.attributes.get("type"),
    )
    run.pairs(element, "meta_attributes", given, into=meta)
    around: dict[str, str] = {}
    outer = rsc.parent
    while outer is not None:
        run.pairs(outer.element, "meta_attributes", given, into=around)
        outer = outer.parent
    for name, value in around.items():
        _inherit(meta, name, value)
    run.pairs(section(run.cib, "rsc_defaults"), "meta_attributes", given, into=meta)
    if rsc.parent is not None:
        for name, value in rsc.parent.meta.items():
            _inherit(meta, name, value)


def _inherit(meta: dict[str, str], name: str, value: str) -> None:
    if value.lower() != "#default":
        meta.setdefault(name, value)


def _read_settings(run: Run, rsc: Resource) -> None:
    meta = rsc.meta
    rsc.priority = run.score(meta.get("priority"))
    rsc.critical = "critical" not in meta or is_true(meta["critical"])
    rsc.notify = is_true(meta.get("notify"))
    rsc.remote_connection = is_remote_connection(rsc.element)
    is_remote_node = rsc.remote_connection and "container" not in meta
    allow_migrate = meta.get("allow-migrate")
    rsc.migratable = is_true(allow_migrate) or (allow_migrate is None and is_remote_node)
    _read_management(run, rsc)
    if rsc.top.variant is Variant.CLONE:
        rsc.unique = _is_unique(meta)
        rsc.promotable = is_true(meta.get("promotable"))
    else:
        rsc.unique = True
    rsc.multiple_active = _MULTIPLE_ACTIVE.get(
        meta.get("multiple-active", "").lower(), MultipleActive.STOP_START
    )
    rsc.stickiness = run.score(meta.get("resource-stickiness"))
    threshold = run.score(meta.get("migration-threshold"), INFINITY)
    rsc.migration_threshold = INFINITY if threshold < 0 else threshold
    if rsc.standard.lower() == "stonith":
        rsc.fence_device = True
        run.have_fencing = True
    _read_requires(run, rsc, meta.get("requires"))
    rsc.failure_timeout_ms = interval_ms(meta.get("failure-timeout"))
    if is_remote_node:
        reconnect = parameters_on(run, rsc, None).get("reconnect_interval")
        if reconnect:
            rsc.reconnect_interval_ms = rsc.failure_timeout_ms = interval_ms(reconnect)
    rsc.next_role = target_role(rsc) or Role.UNKNOWN


def _read_management(run: Run, rsc: Resource) -> None:
    rsc.managed = not run.maintenance_mode
    is_managed = rsc.meta.get("is-managed")
    if is_managed is not None and is_managed.lower() != "default":
        rsc.managed = is_true(is_managed)
    if is_true(rsc.meta.get("maintenance")) or run.maintenance_mode:
        rsc.managed = False
        rsc.maintenance = True


def _is_unique(meta: dict[str, str]) -> bool:
    unique = meta.get("globally-unique")
    if unique is not None:
        return is_true(unique)
    return (parse_integer(meta.get("clone-node-max")) or 0) > 1


def _read_requires(run: Run, rsc: Resource, value: str | None) -> None:
    """``requires``, with its default by agent and options (features section 3)."""
    match (value or "").lower():
        case "nothing":
            pass
        case "quorum":
            rsc.needs_quorum = True
        case "fencing":
            rsc.needs_fencing = True
        case "unfencing":
            if rsc.fence_device or not run.fencing_enabled:
                rsc.needs_quorum = True
            else:
                rsc.needs_fencing = rsc.needs_unfencing = True
        case _:
            _read_requires(run, rsc, _default_requires(run, rsc))


def _default_requires(run: Run, rsc: Resource) -> str:
    if rsc.fence_device or (rsc.variant is Variant.PRIMITIVE and rsc.remote_connection):
        return "quorum"
    if run.unfencing_enabled:
        return "unfencing"
    if run.fencing_enabled:
        return "fencing"
    return "nothing" if run.no_quorum is NoQuorum.IGNORE else "quorum"


def target_role(rsc: Resource) -> Role | None:
    """Return ``target-role`` where it restricts the resource, else None (features 3.x)."""
    text = rsc.meta.get("target-role")
    if text is None or text.lower() in ("started", "default"):
        return None
    role = parse_role(text)
    if role is Role.UNKNOWN:
        return None
    if role > Role.STARTED and (not rsc.top.promotable or role > Role.UNPROMOTED):
        return None
    return role


def _build_children(run: Run, rsc: Resource) -> bool:
    match rsc.variant:
        case Variant.PRIMITIVE:
            return _check_primitive(run, rsc)
        case Variant.GROUP:
            rsc.group_ordered = parse_boolean(rsc.meta.get("ordered")) is not False
            rsc.group_colocated = parse_boolean(rsc.meta.get("collocated")) is not False
            for element in rsc.element.each("primitive"):
                member = build_resource(run, element, parent=rsc, instance=rsc.meta.get("clone"))
                if member is not None:
                    rsc.children.append(member)
            return bool(rsc.children)
        case Variant.CLONE:
            return _build_clone(run, rsc)
        case Variant.BUNDLE:
            return build_bundle(
                run, rsc, lambda _, element, parent: build_resource(run, element, parent=parent)
            )


def _check_primitive(run: Run, rsc: Resource) -> bool:
    outer = rsc.top
    standard = rsc.standard.lower()
    if standard not in _TELLS_INSTANCES_APART and rsc.unique and outer.variant is Variant.CLONE:
        assert outer.clone is not None
        outer.clone.clone_node_max = 1
        outer.clone.clone_max = min(outer.clone.clone_max, len(run.nodes))
        _make_anonymous(outer)
        _make_anonymous(rsc)
    return standard == "ocf" or not outer.promotable


def _make_anonymous(rsc: Resource) -> None:
    rsc.unique = False
    rsc.meta["globally-unique"] = "false"
    for child in rsc.children:
        _make_anonymous(child)


def _number(rsc: Resource, names: tuple[str, ...], default: int) -> int:
    for name in names:
        if name in rsc.meta:
            number = parse_integer(rsc.meta[name])
            return default if number is None else max(0, number)
    return default


def _build_clone(run: Run, rsc: Resource) -> bool:
    """Build the instances of a clone (features section 4)."""
    child = next(rsc.element.each("primitive", "group"), None)
    if child is None:
        return False
    wanted = _number(rsc, ("clone-max",), max(1, len(run.nodes)))
    size = sum(1 for _ in child.each("primitive")) if child.tag == "group" else 1
    if rsc.parent is None:  # else the bundle around it has seen to that
        wanted = allowed_instances(run, rsc.id, "clone-max", wanted, size)
    settings = rsc.clone = CloneSettings(
        child=child,
        clone_max=wanted,
        clone_node_max=_number(rsc, ("clone-node-max",), 1),
        ordered=is_true(rsc.meta.get("ordered")),
    )
    if rsc.promotable:
        settings.promoted_max = _number(rsc, ("promoted-max", "master-max"), 1)
        settings.promoted_node_max = _number(rsc, ("promoted-node-max", "master-node-max"), 1)
    if not rsc.unique and settings.clone_node_max > 1:
        settings.clone_node_max = 1
    # Clones stick a little by default, so that instances do not wander.
    rsc.meta.setdefault("resource-stickiness", "1")
    rsc.meta["globally-unique"] = "true" if rsc.unique else "false"
    if settings.clone_max <= 0:
        return add_instance(run, rsc) is not None
    while settings.total < settings.clone_max:
        if add_instance(run, rsc) is None:
            return False
    return True


def add_instance(run: Run, clone: Resource) -> Resource | None:
    """Add the next instance; one beyond ``clone-max`` is marked as removed."""
    settings = clone.clone
    assert settings is not None
    removed = settings.total >= settings.clone_max
    instance = build_resource(run, settings.child, parent=clone, instance=str(settings.total))
    if instance is None:
        return None
    settings.total += 1
    clone.children.append(instance)
    if removed:
        mark_removed(instance)
    instance.meta["clone-max"] = str(settings.clone_max)
    return instance


def mark_removed(rsc: Resource) -> None:
    """Mark a resource and all below it as no longer configured."""
    rsc.removed = True
    for child in rsc.children:
        mark_removed(child)


def _allow_everywhere(run: Run, rsc: Resource) -> None:
    scores = rsc.scores
    for node in run.nodes:
        barred = rsc.exclusive_discovery or node.probe_mode is ProbeMode.NEVER
        if not barred and node not in scores:
            scores[node] = node.score
            rsc.probe_modes[node] = node.probe_mode


def _link_launcher(run: Run, rsc: Resource) -> None:
    """Tie a resource to what launches it, and a connection to its remote node."""
    for each in rsc.children or (rsc,):
        if each.children:
            _link_launcher(run, each)
            continue
        container = each.meta.get("container")
        if container is not None and container != each.id:
            launcher = run.find_resource(container)
            if launcher is not None:
                each.launcher = launcher
                launcher.launched.append(each)
    link_connection(run, rsc)
