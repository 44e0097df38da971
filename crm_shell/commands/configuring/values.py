"""``configure set``, ``default-timeouts``, ``validate-all``: single values, as agents take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cib_store.document.element import Element
from crm_shell.commands.drafts import draft_of, keep, primitive_of
from crm_shell.commands.session import Failed, Misused, Session, arguments
from crm_shell.edit.pool import Pool
from crm_shell.edit.setting import NoSuchValue, with_value
from crm_shell.syntax.ids import assign
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode

if TYPE_CHECKING:
    from crm_shell.agents.catalogue import Catalogue
    from crm_shell.console import Json

SET = "set ID.[OPERATION.[INTERVAL.]]NAME VALUE"
DEFAULT_TIMEOUTS = "default-timeouts ID…"
VALIDATE_ALL = "validate-all ID"


async def set_value(session: Session, args: list[str]) -> int:
    """Change one value that is configured."""
    path, value = arguments(args, 2, 2, SET)
    if "." not in path.strip("."):
        raise Misused(f"{path!r} names no value; usage: {SET}")
    draft = await draft_of(session)
    try:
        edited = with_value(draft.configuration, path, value)
    except NoSuchValue as error:
        raise Failed(str(error), code=ExitCode.NOSUCH) from None
    return await keep(session, draft, edited)


async def default_timeouts(session: Session, args: list[str]) -> int:
    """Give operations the timeouts that agents advise."""
    from crm_shell.agents.catalogue import Catalogue

    if not args:
        raise Misused(f"usage: {DEFAULT_TIMEOUTS}")
    draft = await draft_of(session)
    pool = Pool.of(draft.configuration)
    catalogue = Catalogue(session.cluster)
    taken = [each.id for each in draft.configuration.walk() if each.id]
    for name in args:
        primitive = primitive_of(pool, name)
        pool.sections["resources"][primitive.id] = assign(
            await _with_advised(pool, primitive, catalogue), taken, primitive
        )
    return await keep(session, draft, pool.configuration(draft.configuration))


async def validate_all(session: Session, args: list[str]) -> int:
    """Have a resource's agent check its parameters, on this node."""
    from crm_shell.agents.validation import validated

    (name,) = arguments(args, 1, 1, VALIDATE_ALL)
    pool = Pool.of((await draft_of(session)).configuration)
    primitive = primitive_of(pool, name)
    parameters = {
        pair.get("name"): pair.get("value")
        for held in _whole(pool, primitive).each("instance_attributes")
        if held.child("rule") is None
        for pair in held.each("nvpair")
    }
    session.announce(f"run validate-all of {_agent(pool, primitive)} on this node")
    verdict = await validated(
        session.cluster, _agent(pool, primitive), parameters, resource=primitive.id
    )
    data: Json = {"agent": verdict.agent, "code": verdict.code, "output": verdict.output}
    session.console.answer("\n".join(verdict.lines()), data)
    return verdict.code


async def _with_advised(pool: Pool, primitive: Element, catalogue: Catalogue) -> Element:
    from crm_shell.agents.timeouts import with_advised_timeouts

    agent = _agent(pool, primitive)
    try:
        metadata = await catalogue.metadata(agent)
    except (HaError, ValueError) as error:
        raise Failed(f"{primitive.id}: {error}", code=ExitCode.NOSUCH) from None
    return with_advised_timeouts(primitive, metadata)


def _whole(pool: Pool, primitive: Element) -> Element:
    """Return the primitive with its template filled in."""
    from crmd.scheduler.configuration.templates import expanded

    templates = {
        key: each for key, each in pool.sections["resources"].items() if each.tag == "template"
    }
    found = expanded(primitive, templates)
    if found is None:
        wanted = primitive.get("template")
        raise Failed(f"{primitive.id}: there is no template {wanted!r}", code=ExitCode.NOSUCH)
    return found


def _agent(pool: Pool, primitive: Element) -> str:
    whole = _whole(pool, primitive)
    return ":".join(part for name in ("class", "provider", "type") if (part := whole.get(name)))
