"""From a connection to the user behind it: the kernel's word on this node, a certificate beyond it.

A process's own word counts only where it is root's or a daemon's (features 20.2).
"""

from __future__ import annotations

import asyncio

from cib_store.access.caller import EXEMPT, NOBODY, Caller, remote_node
from cib_store.access.system_users import named, with_number
from raftmaker.runtime.connection_owner import owner_of_connection
from raftmaker.runtime.errors import NotPermitted
from raftmaker.runtime.front import Front
from raftmaker.runtime.relaying import behalf
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.rpc import CallContext, certified_names
from raftmaker.runtime.settings import Settings
from raftmaker.vocabulary.ids import NodeName

_PRIVATE = "unix:"
"""What gRPC says of a caller on the private socket, whose end has no name."""


class Callers:
    """Says who calls; asks the system's user database once a connection."""

    def __init__(self, settings: Settings, front: Front, roster: Roster) -> None:
        """`front` knows who came through it; `roster` whose certificates are members'."""
        self._front, self._roster = front, roster
        self._port = int(settings.me.store.address.rpartition(":")[2])
        self._known: dict[str, Caller] = {}

    async def of(self, context: CallContext) -> Caller:
        """Return who calls, or the remote node for which a member's daemon does."""
        caller = await self._proven(context)
        node = behalf(context) if caller.is_exempt else ""
        return remote_node(node) if node else caller

    async def _proven(self, context: CallContext) -> Caller:
        peer = context.peer()
        if peer == _PRIVATE:
            return EXEMPT
        if peer.startswith(_PRIVATE[:-1]):
            return await self._through_front(peer)
        names = certified_names(context)
        if names is not None:
            return self._certified(names)
        user = await asyncio.to_thread(owner_of_connection, peer, self._port)
        return NOBODY if user is None else await asyncio.to_thread(with_number, user)

    async def _through_front(self, peer: str) -> Caller:
        credentials = self._front.credentials(peer)
        if credentials is None:
            return NOBODY
        known = self._known.get(peer)
        if known is None:
            known = await asyncio.to_thread(with_number, credentials.uid, credentials.gid)
            live = {name: one for name, one in self._known.items() if self._front.credentials(name)}
            self._known = live | {peer: known}
        return known

    async def acting_for(self, caller: Caller, user: str) -> Caller:
        """Return the caller, or the user with whose rights it wants to act, if it may."""
        if not user or user == caller.user:
            return caller
        if not caller.is_exempt:
            raise NotPermitted(f"{caller.user or 'a caller that is not known'} is not {user}")
        return await asyncio.to_thread(named, user)

    def _certified(self, names: tuple[str, ...]) -> Caller:
        """A node's certificate stands for its daemons; another's name is a user's."""
        for name in names:
            # Those of now: a node that was added is trusted at once, one that was removed no more.
            if self._roster.members.of(NodeName(name)) is not None:
                return Caller(user="root", is_exempt=True, node=name)
        return Caller(user=names[0]) if names else NOBODY
