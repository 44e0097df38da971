"""``crm ra``: what agents there are, and what each takes (features 30.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import to_builtins

from crm_shell.commands.session import (
    Command,
    Failed,
    Level,
    Misused,
    Session,
    arguments,
    named_values,
)
from raftmaker.vocabulary.codes import ExitCode

if TYPE_CHECKING:
    from crm_shell.agents.catalogue import Catalogue
    from crm_shell.console import Json
    from lrmd.metadata import AgentMetadata

_INFO = "info [CLASS:[PROVIDER:]]TYPE"
_LIST = "list [CLASS [PROVIDER]]"
_PROVIDERS = "providers TYPE [CLASS]"
_VALIDATE = "validate [CLASS:[PROVIDER:]]TYPE [NAME=VALUE…]"


def _catalogue(session: Session) -> Catalogue:
    from crm_shell.agents.catalogue import Catalogue

    return Catalogue(session.cluster)


def _classes_of(names: tuple[str, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in names:
        parts = name.split(":")
        providers = found.setdefault(parts[0], set())
        if len(parts) == 3:
            providers.add(parts[1])
    return found


async def _classes(session: Session, args: list[str]) -> int:
    arguments(args, 0, 0, "classes")
    found = _classes_of(await _catalogue(session).names())
    lines = [
        f"{kind} / {' '.join(sorted(providers))}" if providers else kind
        for kind, providers in sorted(found.items())
    ]
    session.console.answer("\n".join(lines), {kind: sorted(p) for kind, p in found.items()})
    return 0


async def _list(session: Session, args: list[str]) -> int:
    arguments(args, 0, 2, _LIST)
    names = await _catalogue(session).names()
    wanted = ":".join(args)
    found = [each for each in names if not wanted or each.startswith(f"{wanted}:")]
    if not found:
        known = _classes_of(names)
        allowed = known.get(args[0], set()) if len(args) == 2 else set(known)
        raise Failed(
            f"no agents of {wanted}; there are: {', '.join(sorted(allowed)) or 'none'}",
            code=ExitCode.NOSUCH,
        )
    shown = [each.rpartition(":")[2] for each in found] if args else found
    session.console.answer("\n".join(dict.fromkeys(shown)), found)
    return 0


async def _info(session: Session, args: list[str]) -> int:
    from crm_shell.agents.text import description

    (text,) = arguments(args, 1, 1, _INFO)
    catalogue = _catalogue(session)
    name = await _full_name(catalogue, text)
    metadata = await catalogue.metadata(name)
    data: Json = {"agent": name} | _plain(metadata)
    session.console.answer(description(name, metadata), data)
    return 0


async def _full_name(catalogue: Catalogue, text: str) -> str:
    try:
        return await catalogue.full_name(text)
    except LookupError as error:
        raise Failed(str(error.args[0]), code=ExitCode.NOSUCH) from None


def _plain(metadata: AgentMetadata) -> dict[str, Json]:
    data: dict[str, Json] = to_builtins(metadata)
    actions = map(to_builtins, metadata.actions)
    return data | {"actions": [each | {"role": each["role"] or ""} for each in actions]}


async def _providers(session: Session, args: list[str]) -> int:
    kind, *standard = arguments(args, 1, 2, _PROVIDERS)
    standard = standard or ["ocf"]
    found = [
        each.split(":")[1]
        for each in await _catalogue(session).names()
        if each.startswith(f"{standard[0]}:") and each.endswith(f":{kind}") and each.count(":") == 2
    ]
    if not found:
        raise Failed(f"nobody provides {standard[0]}:…:{kind} here", code=ExitCode.NOSUCH)
    session.console.answer(" ".join(found), found)
    return 0


async def _validate(session: Session, args: list[str]) -> int:
    from crm_shell.agents.validation import validated

    if not args:
        raise Misused(f"usage: {_VALIDATE}")
    parameters = named_values(args[1:], _VALIDATE)
    name = await _full_name(_catalogue(session), args[0])
    session.announce(f"run validate-all of {name} on this node")
    verdict = await validated(session.cluster, name, parameters)
    data: Json = {"agent": name, "code": verdict.code, "output": verdict.output}
    session.console.answer("\n".join(verdict.lines()), data)
    return verdict.code


LEVEL = Level(
    name="ra",
    summary="Agents: which there are, and what they take",
    commands=(
        Command(
            name="classes",
            usage="classes",
            summary="the classes of agents, and who provides ocf agents",
            run=_classes,
        ),
        Command(
            name="list",
            usage=_LIST,
            summary="the agents that are installed on this node",
            run=_list,
            completes=("ocf|lsb|service|systemd|stonith",),
        ),
        Command(
            name="info",
            usage=_INFO,
            summary="what an agent is for, its parameters and its operations",
            run=_info,
            completes=("agent",),
            aliases=("meta",),
        ),
        Command(
            name="providers",
            usage=_PROVIDERS,
            summary="who provides an agent",
            run=_providers,
        ),
        Command(
            name="validate",
            usage=_VALIDATE,
            summary="have an agent check parameters, on this node",
            run=_validate,
            completes=("agent",),
        ),
    ),
)
