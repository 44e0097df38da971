"""What `crm configure show` prints: all objects or chosen ones, in the shell's order (30.40)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence

from cib_store.document.element import COMMENT, Element
from crm_shell.edit.pool import Pool
from crm_shell.syntax.loose import referenced_ids
from crm_shell.syntax.printer import render
from crm_shell.syntax.words import MEMBER

_ORDER = (
    ("node",), ("template",), ("primitive",), ("bundle",), ("group",), ("master", "clone"),
    ("tag",), ("rsc_location", "rsc_colocation", "rsc_order"),
    ("rsc_ticket", "fencing-topology"), ("cluster_property_set",), ("rsc_defaults",),
    ("op_defaults",), ("acl_role",), ("acl_target", "acl_group"), ("alert",),
)  # fmt: skip
_CHANGED = "changed"
_RANK = {tag: rank for rank, tags in enumerate(_ORDER) for tag in tags}
_KEYWORDS = {
    "node": "node", "primitive": "primitive", "template": "rsc_template", "group": "group",
    "clone": "clone", "master": "ms", "bundle": "bundle", "tag": "tag",
    "rsc_location": "location", "rsc_colocation": "colocation", "rsc_order": "order",
    "rsc_ticket": "rsc_ticket", "fencing-topology": "fencing_topology",
    "cluster_property_set": "property", "rsc_defaults": "rsc_defaults",
    "op_defaults": "op_defaults", "acl_role": "role", "acl_target": "acl_target",
    "acl_group": "acl_group", "alert": "alert",
}  # fmt: skip


def shown_objects(configuration: Element, *, by_name: bool = True) -> Iterator[Element]:
    """Yield the objects in the order in which they are shown, members flat.

    `by_name`: those of a kind by their names, else as they stand in the configuration.
    Each set of defaults is an object, wrapped in its section; fencing levels are one object.
    """
    pool = Pool.of(configuration)
    found: list[Element] = []
    for name, table in pool.sections.items():
        children = [each for each in table.values() if each.tag != COMMENT]
        if name in ("rsc_defaults", "op_defaults"):
            found.extend(Element(name, {}, (each,)) for each in children)
        elif name == "fencing-topology" and children:
            found.append(Element(name, {}, tuple(children)))
        else:
            found.extend(children)

    def place(each: Element) -> tuple[int, str]:
        return _RANK.get(each.tag, 99), identity_of(each) if by_name else ""

    return iter(sorted(found, key=place))


def identity_of(each: Element) -> str:
    """Return the name by which people choose an object."""
    if each.tag == "node":
        return each.get("uname")
    if each.tag in ("rsc_defaults", "op_defaults") and each.children:
        return each.children[0].id
    return each.id or _KEYWORDS.get(each.tag, each.tag)


def show(configuration: Element, chosen: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """Return the text, and those of `chosen` that match nothing (see `chosen_objects`)."""
    wanted, missing = chosen_objects(configuration, chosen)
    referenced = referenced_ids((configuration,))
    return "\n".join(render(one, referenced) for one in wanted), missing


def chosen_objects(
    configuration: Element, chosen: Sequence[str] = (), *, before: Element | None = None,
    by_name: bool = True,
) -> tuple[tuple[Element, ...], tuple[str, ...]]:  # fmt: skip
    """Return the objects, and those of `chosen` that match nothing.

    `chosen`: ids, globs, ``type:TYPE``, ``tag:TAG``, ``related:ID``, and ``changed`` for what is
    not the same in the configuration `before`; none: everything.
    """
    objects = list(shown_objects(configuration, by_name=by_name))
    choices = [each for each in chosen if each != _CHANGED]
    missing = tuple(each for each in choices if not any(_is(one, each, objects) for one in objects))
    old = {(each.tag, identity_of(each)): each for each in shown_objects(before or configuration)}

    def is_wanted(one: Element) -> bool:
        changed = _CHANGED in chosen and old.get((one.tag, identity_of(one))) != one
        return changed or any(_is(one, each, objects) for each in choices)

    return tuple(one for one in objects if not chosen or is_wanted(one)), missing


def keyword_of(each: Element) -> str:
    """Return the statement's word for an object."""
    return _KEYWORDS.get(each.tag, "xml")


def _is(one: Element, choice: str, objects: Sequence[Element]) -> bool:
    kind, colon, rest = choice.partition(":")
    if colon and kind == "type":
        return keyword_of(one) == rest
    if colon and kind == "related":
        return identity_of(one) == rest or rest in _references(one)
    if colon and kind == "tag":
        tags = [each for each in objects if each.tag == "tag" and each.id == rest]
        return any(identity_of(one) == ref.id for tag in tags for ref in tag.children)
    name = identity_of(one)
    return name == choice or (any(c in choice for c in "*?[") and fnmatch.fnmatchcase(name, choice))


def _references(one: Element) -> set[str]:
    ends = {one.get(name) for name in ("rsc", "with-rsc", "first", "then", "template")}
    below = {
        each.id for each in one.walk() if each.tag in (MEMBER, "resource_ref", "obj_ref", "role")
    }
    return (ends | below) - {""}
