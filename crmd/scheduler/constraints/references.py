"""What the names in constraints stand for: resources, templates and tags."""

from __future__ import annotations

from cib_store.document.element import Element
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.roles import Role, parse_role


def find_resource(run: Run, id_: str | None) -> Resource | None:
    """Return the resource that a constraint names; a name shared by instances is their clone's."""
    rsc = run.find_resource(id_) if id_ is not None else None
    return rsc.top if rsc is not None and rsc.id != id_ else rsc


def group_members(run: Run, id_: str) -> list[str] | None:
    """Return what a template or tag stands for; None where there is none of that name."""
    for table in (run.templates, run.tags):
        if id_ in table:
            return table[id_] or None
    return None


def role_of(text: str | None) -> Role | None:
    """Read a constraint's role: UNKNOWN for any, None where it is no role."""
    role = parse_role(text)
    if role is Role.UNKNOWN and text is not None:
        return None
    return Role.UNKNOWN if role is Role.STARTED else role


def with_tags_in_sets(run: Run, constraint: Element) -> Element | None:
    """Replace templates and tags in resource sets by what they stand for.

    Returns None where nothing was replaced, or where a name means nothing.
    """
    replaced = False
    children: list[Element] = []
    for child in constraint.children:
        if child.tag != "resource_set":
            children.append(child)
            continue
        references: list[Element] = []
        for reference in child.children:
            if reference.tag != "resource_ref" or find_resource(run, reference.id) is not None:
                references.append(reference)
                continue
            members = _members_below(run, reference.id, frozenset())
            if members is None:
                return None
            references.extend(Element("resource_ref", {"id": member}) for member in members)
            replaced = True
        children.append(child.with_children(tuple(references)))
    return constraint.with_children(tuple(children)) if replaced else None


def _members_below(run: Run, id_: str, above: frozenset[str]) -> list[str] | None:
    """Return the resources behind a template or tag, and behind the tags in it."""
    members = None if id_ in above else group_members(run, id_)
    if members is None:
        return None
    found: list[str] = []
    for member in members:
        if find_resource(run, member) is not None:
            found.append(member)
            continue
        inner = _members_below(run, member, above | {id_})
        if inner is None:
            return None
        found += inner
    return found


def as_set(run: Run, constraint: Element, attribute: str, *, always: bool) -> Element | None:
    """Turn the name in an attribute into a resource set.

    A template or tag becomes an unordered set of its members; a resource, if `always`, a set of
    one. None where there is no set to make. The name must mean something.
    """
    id_ = constraint.attributes.get(attribute)
    if id_ is None:
        return None
    if find_resource(run, id_) is not None:
        if not always:
            return None
        return Element("resource_set", {"id": id_}, (Element("resource_ref", {"id": id_}),))
    members = tuple(Element("resource_ref", {"id": each}) for each in group_members(run, id_) or ())
    return Element("resource_set", {"id": id_, "sequential": "false"}, members)


def is_known(run: Run, id_: str) -> bool:
    """Whether a name means a resource, template or tag."""
    return find_resource(run, id_) is not None or group_members(run, id_) is not None
