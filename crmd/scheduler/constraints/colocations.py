"""Colocation constraints (features 12.x)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cib_store.document.element import Element
from cib_store.model.scores import INFINITY
from cib_store.model.values import parse_boolean
from crmd.scheduler.constraints.ordering import order_resources
from crmd.scheduler.constraints.references import (
    as_set,
    find_resource,
    is_known,
    role_of,
    with_tags_in_sets,
)
from crmd.scheduler.state.action import IF_REQUIRED_ON_SAME_NODE
from crmd.scheduler.state.constraint import Colocation
from crmd.scheduler.state.resource import Resource, Variant
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role


def _rank(rsc: Resource) -> tuple[int, int, bool, str]:
    promotable = rsc.variant is Variant.CLONE and rsc.promotable
    return -rsc.priority, -rsc.variant, not promotable, rsc.id


def _by_primary(colocation: Colocation) -> tuple[int, int, bool, str]:
    return _rank(colocation.primary)


def _by_dependent(colocation: Colocation) -> tuple[int, int, bool, str]:
    return _rank(colocation.dependent)


def _insert(
    into: list[Colocation],
    colocation: Colocation,
    key: Callable[[Colocation], tuple[int, int, bool, str]],
) -> None:
    """Insert before the first that does not rank higher; but never before a lone higher one."""
    rank = key(colocation)
    at = 0
    while at < len(into) and key(into[at]) < rank:
        at += 1
    into.insert(at, colocation)


def insert_this_with(into: list[Colocation], colocation: Colocation) -> None:
    """Insert by the rank of the primary: priority, kind, promotable, id."""
    _insert(into, colocation, _by_primary)


def insert_with_this(into: list[Colocation], colocation: Colocation) -> None:
    """Insert by the rank of the dependent."""
    _insert(into, colocation, _by_dependent)


def extend_this_with(into: list[Colocation], more: list[Colocation]) -> None:
    """Add a resource's own list to those of its parts.

    To a list that is not empty the reference adds its first entry as often as it has entries;
    scores depend on it.
    """
    if not into:
        into.extend(more)
        return
    for _ in more:
        insert_this_with(into, more[0])


def extend_with_this(into: list[Colocation], more: list[Colocation]) -> None:
    """As `extend_this_with`, for colocations of others with the resource."""
    if not into:
        into.extend(more)
        return
    for _ in more:
        insert_with_this(into, more[0])


def this_with_colocations(rsc: Resource) -> list[Colocation]:
    """Return what the resource is colocated with, through its parents too."""
    found: list[Colocation] = []
    rsc.kind.this_with(rsc, rsc, found)
    return found


def with_this_colocations(rsc: Resource) -> list[Colocation]:
    """Return what is colocated with the resource, through its parents too."""
    found: list[Colocation] = []
    rsc.kind.with_this(rsc, rsc, found)
    return found


def has_influence(colocation: Colocation, primary: Resource | None = None) -> bool:
    """Whether the dependent's preferences count for where the primary goes (features 12.x)."""
    rsc = primary if primary is not None else colocation.primary
    if colocation.dependent.remote_nesting_allowed and not rsc.failed and len(rsc.active_on) == 1:
        return False
    return colocation.influence or not rsc.active_on


def new_colocation(
    run: Run,
    id_: str,
    score: int,
    dependent: Resource,
    primary: Resource,
    *,
    dependent_role: str | None = None,
    primary_role: str | None = None,
    node_attribute: str | None = None,
    explicit: bool = False,
    influence: bool = False,
) -> None:
    """Bind one colocation. A mandatory separation also orders stops before starts."""
    roles = role_of(dependent_role), role_of(primary_role)
    if roles[0] is None or roles[1] is None or score == 0:
        return
    colocation = Colocation(
        id=id_,
        score=score,
        dependent=dependent,
        primary=primary,
        dependent_role=roles[0],
        primary_role=roles[1],
        node_attribute=node_attribute or "#uname",
        explicit=explicit,
        influence=influence,
    )
    insert_this_with(dependent.this_with, colocation)
    insert_with_this(primary.with_this, colocation)
    run.colocations.append(colocation)
    if score <= -INFINITY:
        _order_apart(run, dependent, roles[0], primary, roles[1])
        _order_apart(run, primary, roles[1], dependent, roles[0])


def _order_apart(
    run: Run, first: Resource, first_role: Role, then: Resource, then_role: Role
) -> None:
    leaving = {Role.PROMOTED: ["demote"], Role.UNPROMOTED: ["stop", "promote"]}
    coming = {Role.PROMOTED: ["promote"], Role.UNPROMOTED: ["start", "demote"]}
    for first_task in leaving.get(first_role, ["stop"]):
        for then_task in coming.get(then_role, ["start"]):
            order_resources(run, first, first_task, then, then_task, IF_REQUIRED_ON_SAME_NODE)


def _influence(rsc: Resource, text: str | None) -> bool:
    value = parse_boolean(text)
    return rsc.critical if value is None else value


def read_colocation(run: Run, original: Element) -> None:
    """Bind one ``rsc_colocation``, with or without resource sets."""
    element = _with_sets(run, original)
    if element is None:
        return
    score = run.score(element.attributes.get("score"))
    influence = element.attributes.get("influence")
    last: Element | None = None
    for each in run.index.children(element, "resource_set"):
        if not each.id:
            continue
        _bind_set(run, each, score, original.id, influence)
        if last is not None:
            _bind_sets(run, original.id, last, each, score, influence)
        last = each
    if last is None:
        _bind_simple(run, original, score, influence)


def _with_sets(run: Run, original: Element) -> Element | None:
    """Return the constraint with tags replaced; None where a name means nothing."""
    expanded = with_tags_in_sets(run, original)
    if expanded is not None:
        return expanded
    names = original.attributes.get("rsc"), original.attributes.get("with-rsc")
    if names[0] is None or names[1] is None:
        return original
    if not (is_known(run, names[0]) and is_known(run, names[1])):
        run.ignore(
            "unknown-resource", f"Ignoring constraint {original.id}: unknown resource or tag"
        )
        return None
    found = [find_resource(run, name) is not None for name in names]
    if all(found):
        return original
    if not any(found):
        run.ignore("two-tags", f"Ignoring constraint {original.id}: two tags cannot be colocated")
        return None
    sets = []
    for name, role_name in (("rsc", "rsc-role"), ("with-rsc", "with-rsc-role")):
        made = as_set(run, original, name, always=True)
        assert made is not None
        role = original.attributes.get(role_name)
        sets.append(made.with_attributes({"role": role}) if role is not None else made)
    return original.with_children((*original.children, *sets))


def _bind_simple(run: Run, element: Element, score: int, influence: str | None) -> None:
    dependent = find_resource(run, element.attributes.get("rsc"))
    primary = find_resource(run, element.attributes.get("with-rsc"))
    if dependent is None or primary is None:
        run.ignore("unknown-resource", f"Ignoring constraint {element.id}: resource does not exist")
        return
    new_colocation(
        run,
        element.id,
        score,
        dependent,
        primary,
        dependent_role=element.attributes.get("rsc-role"),
        primary_role=element.attributes.get("with-rsc-role"),
        node_attribute=element.attributes.get("node-attribute"),
        explicit=True,
        influence=_influence(dependent, influence),
    )


def _members(run: Run, resources: Element) -> list[Resource]:
    """Return the resources of a set, up to the first that does not exist."""
    found = []
    for reference in resources.each("resource_ref"):
        rsc = find_resource(run, reference.id)
        if rsc is None:
            run.ignore(
                "unknown-resource", f"Ignoring {reference.id} and what follows in {resources.id}"
            )
            break
        found.append(rsc)
    return found


def _is_sequential(resources: Element) -> bool:
    return parse_boolean(resources.attributes.get("sequential")) is not False


def _before(rsc: Resource, resources: Element, members: list[Resource]) -> Iterator[Resource]:
    """Yield what stands before a resource in a set, by its own id.

    A set may name a clone by what it contains; that is no end, so all of the set counts then.
    """
    for reference, other in zip(resources.each("resource_ref"), members, strict=False):
        if reference.id == rsc.id:
            return
        yield other


def _bind_set(run: Run, resources: Element, score: int, id_: str, influence: str | None) -> None:
    """Colocate the members of one set with each other."""
    text = resources.attributes.get("score")
    if text is not None:
        score = run.score(text)
    if score == 0 or not _is_sequential(resources):
        return
    with_previous = resources.get("ordering", "group").lower() == "group"
    role = resources.attributes.get("role")
    members = _members(run, resources)
    pairs: list[tuple[Resource, Resource, Resource]] = []
    for at, rsc in enumerate(members):
        if score > 0:
            if at:
                pair = (rsc, members[at - 1]) if with_previous else (members[at - 1], rsc)
                pairs.append((*pair, rsc))
        else:
            pairs.extend((rsc, other, rsc) for other in _before(rsc, resources, members))
    for dependent, primary, judged in pairs:
        new_colocation(
            run,
            resources.id,
            score,
            dependent,
            primary,
            dependent_role=role,
            primary_role=role,
            explicit=True,
            influence=_influence(judged, influence),
        )


def _bind_sets(
    run: Run, id_: str, one: Element, other: Element, score: int, influence: str | None
) -> None:
    """Colocate a set with the one that follows it."""
    if score == 0:
        return
    dependents = [find_resource(run, each.id) for each in one.each("resource_ref")]
    primaries = [find_resource(run, each.id) for each in other.each("resource_ref")]
    if _is_sequential(one):
        dependents = dependents[:1]
        if dependents and dependents[0] is None:
            return
    if _is_sequential(other):
        primaries = primaries[-1:]
        if not primaries or primaries[0] is None:
            return
    for dependent in dependents:
        if dependent is None:
            continue
        for primary in primaries:
            if primary is None:
                continue
            new_colocation(
                run,
                id_,
                score,
                dependent,
                primary,
                dependent_role=one.attributes.get("role"),
                primary_role=other.attributes.get("role"),
                explicit=True,
                influence=_influence(dependent, influence),
            )
