"""The agents of this node: their names, and what each says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from crm_shell.syntax.faults import nearest
from lrmd.client import AgentMetadata
from lrmd.operations.values import Agent, Standard
from raftmaker.client import Cluster
from raftmaker.runtime.errors import HaError

_PREFERRED = ("heartbeat", "pacemaker", "raftmaker")


def agent_named(text: str) -> Agent:
    """Read ``class:[provider:]type``. Raises `ValueError` that says what a name is."""
    first, *rest = text.split(":")
    standards = [each.value for each in Standard]
    if first not in standards:
        raise ValueError(f"{first!r} is no class of agents; allowed: {', '.join(standards)}")
    wanted = 2 if first == Standard.OCF.value else 1
    if len(rest) != wanted or not all(rest):
        form = "ocf:PROVIDER:TYPE" if wanted == 2 else f"{first}:TYPE"
        raise ValueError(f"{text!r} is no agent's name; allowed: {form}")
    return Agent(Standard(first), rest[0] if wanted == 2 else "", rest[-1])


class Catalogue:
    """What one run of the shell learns of the agents; each is asked once."""

    def __init__(self, cluster: Cluster) -> None:
        """`cluster`: whose executor is asked, this node's."""
        self._cluster = cluster
        self._names: tuple[str, ...] | None = None
        self._known: dict[str, AgentMetadata] = {}

    async def names(self) -> tuple[str, ...]:
        """Return all agents that are installed here, as ``class:[provider:]type``."""
        if self._names is None:
            self._names = await self._cluster.agents()
        return self._names

    async def metadata(self, name: str) -> AgentMetadata:
        """Return what an agent says of itself. Raises `HaError`, `ValueError` for no name."""
        if name not in self._known:
            agent = agent_named(name)
            self._known[name] = await self._cluster.agent_metadata(agent)
        return self._known[name]

    async def all_metadata(self, names: Iterable[str]) -> dict[str, AgentMetadata | str]:
        """Return what each agent says of itself, or why that is not known, in words."""
        wanted = sorted(set(names))
        answers = await asyncio.gather(*(self._answer(name) for name in wanted))
        return dict(zip(wanted, answers, strict=True))

    async def _answer(self, name: str) -> AgentMetadata | str:
        try:
            return await self.metadata(name)
        except (HaError, ValueError) as error:
            return str(error)

    async def like(self, name: str) -> str:
        """Return the installed agent of the same class whose name is most like it, if any."""
        kind = name.partition(":")[0] + ":"
        return nearest(name, (each for each in await self.names() if each.startswith(kind)))

    async def full_name(self, text: str) -> str:
        """Return an agent's whole name for what people write: ``IPaddr2``, ``lsb:x``, ``ocf:a:b``.

        A type alone may be any class's; ocf comes first, and there heartbeat. Raises `LookupError`.
        """
        names = await self.names()
        if ":" in text:
            if text in names:
                return text
        else:
            found = [each for each in names if each.rpartition(":")[2] == text]
            if found:
                return min(found, key=_preference)
        like = nearest(text, {*names, *(each.rpartition(":")[2] for each in names)})
        hint = f"; did you mean {like!r}?" if like else "; `crm ra list` shows what is"
        raise LookupError(f"{text} is not installed on this node{hint}")


def _preference(name: str) -> tuple[int, int, str]:
    standard, _, rest = name.partition(":")
    provider = rest.partition(":")[0]
    place = _PREFERRED.index(provider) if provider in _PREFERRED else len(_PREFERRED)
    return list(Standard).index(Standard(standard)), place, name
