"""``crm assist``: what takes several objects to configure, in one command (features 30.49)."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.commands.drafts import draft_of, keep, primitive_of, refusal
from crm_shell.commands.session import Command, Draft, Failed, Level, Misused, Session
from crm_shell.edit import Mode, apply
from crm_shell.edit.pool import Pool
from crm_shell.syntax import parse
from raftmaker.vocabulary.codes import ExitCode

_TEMPLATE = "template PRIMITIVE…"
_WEAK_BOND = "weak-bond RESOURCE RESOURCE…"
_AGENT = ("class", "provider", "type")


async def _template(session: Session, args: list[str]) -> int:
    """Have primitives of one agent share a template."""
    if not args:
        raise Misused(f"usage: {_TEMPLATE}")
    draft = await draft_of(session)
    pool = Pool.of(draft.configuration)
    resources = pool.sections["resources"]
    found = [primitive_of(pool, name) for name in dict.fromkeys(args)]
    templated = [each.id for each in found if "template" in each.attributes]
    if templated:
        raise Failed(f"{', '.join(templated)}: there is a template already", code=ExitCode.EXISTS)
    agents = {tuple(each.get(name) for name in _AGENT) for each in found}
    if len(agents) > 1:
        names = ", ".join(sorted(":".join(filter(None, agent)) for agent in agents))
        raise Failed(f"a template is for one agent; these are of: {names}", code=ExitCode.CONFIG)
    agent = {name: value for name in _AGENT if (value := found[0].get(name))}
    template = _unused(draft, f"template-{agent['type'].lower()}-")
    resources[template] = Element("template", {"id": template, **agent})
    pool.top_order.insert(0, template)
    for each in found:
        changes = {**dict.fromkeys(_AGENT), "template": template}
        resources[each.id] = each.with_attributes(changes)
    session.console.info(f"{template} is the template of {', '.join(each.id for each in found)}")
    return await keep(session, draft, pool.configuration(draft.configuration))


async def _weak_bond(session: Session, args: list[str]) -> int:
    """Place resources together so that none stops with another."""
    names = [*dict.fromkeys(args)]
    if len(names) < 2:
        raise Misused(f"usage: {_WEAK_BOND}")
    draft = await draft_of(session)
    pool = Pool.of(draft.configuration)
    for name in names:
        primitive_of(pool, name)
    dummy = _unused(draft, "place-dummy-")
    bond = _unused(draft, "place-constraint-")
    if not session.confirm(
        f"Create the resource {dummy}, which does nothing, and the colocation {bond} with it?"
    ):
        return 0
    text = f"primitive {dummy} Dummy\ncolocation {bond} inf: ( {' '.join(names)} ) {dummy}"
    edited = apply(draft.configuration, parse(text), Mode.CREATE)
    if edited.faults:
        raise await refusal(session, draft, edited)
    return await keep(session, draft, edited.configuration)


def _unused(draft: Draft, prefix: str) -> str:
    used = {each.id for each in draft.configuration.walk()}
    number = 1
    while f"{prefix}{number}" in used:
        number += 1
    return f"{prefix}{number}"


LEVEL = Level(
    name="assist",
    summary="Create what takes several objects",
    is_for_administrators=True,
    commands=(
        Command(name="template", usage=_TEMPLATE, run=_template, completes=("resource",),
                summary="Make a template for primitives of one agent"),
        Command(name="weak-bond", usage=_WEAK_BOND, run=_weak_bond, completes=("resource",),
                summary="Place resources together; none depends on another",
                aliases=("weak_bond",)),
    ),
)  # fmt: skip
