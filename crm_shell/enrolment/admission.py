"""Carry out a proven request: check it, use up the token, certify the key, add the member."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from crm_shell.enrolment import records
from crm_shell.enrolment.records import Record
from crm_shell.enrolment.token import ROLES, Role
from raftmaker.runtime.certificates import KeyPair, certify, requested_key_digest
from raftmaker.runtime.endpoint import is_address, is_loopback
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.identity import refusal
from raftmaker.runtime.settings import is_node_name
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.enrolment_pb2 import EnrolReply, EnrolRequest, SeedPeer
from raftmaker.wire.types_pb2 import Identity


class Keys(Struct, frozen=True, kw_only=True):
    """What a new member is given, or is certified with."""

    authority: KeyPair
    trusted: bytes
    """The content of ``authority.pem``: more than the authority while it is exchanged."""
    cluster: bytes
    """The content of ``cluster.key``."""


class Roster(Struct, frozen=True, kw_only=True):
    """The members, asked of the store and added to there."""

    members: Callable[[], Awaitable[tuple[SeedPeer, ...]]]
    add: Callable[[SeedPeer], Awaitable[None]]
    """Returns when it is committed; the same member again changes nothing. Raises `HaError`."""


class Admission(Struct, frozen=True, kw_only=True):
    """Everything that a decision needs."""

    identity: Identity
    cluster_name: str
    keys: Keys
    roster: Roster
    directory: Path
    """Where the tokens' records are."""

    async def enrol(self, record: Record, request: EnrolRequest) -> EnrolReply:
        """Carry out one request; what is wrong with it is in the reply."""
        peer = SeedPeer()
        peer.CopyFrom(request.peer)
        peer.role = ROLES[record.role]
        try:
            members = await self.roster.members()
            problem = self._fault(request) or fault_of(peer, members)
            if problem is not None:
                return problem
            now = datetime.now(UTC)
            asked = request.certificate_request
            try:
                key = requested_key_digest(asked)
                certificate = certify(
                    self.keys.authority,
                    asked,
                    NodeName(peer.name),
                    now,
                    is_remote=record.role is Role.REMOTE,
                )
            except ValueError as error:
                return refused(ExitCode.DATAERR, str(error))
            problem = self._use_up(record, peer.name, key, int(now.timestamp()))
            if problem is not None:
                return problem
            if record.role is Role.REMOTE:
                # It is no member: the resource of its name makes it known, when somebody adds that.
                return self._reply_to_remote(certificate)
            try:
                await self.roster.add(peer)
            except HaError:
                self._give_back(record, key)
                raise
            return self._reply(record.role, certificate, await self.roster.members())
        except HaError as error:
            return refused(error.exit_code, str(error))

    def _fault(self, request: EnrolRequest) -> EnrolReply | None:
        reason = refusal(self.identity, request.identity)
        return refused(ExitCode.PROTOCOL, reason) if reason else None

    def _use_up(self, record: Record, node: str, key: str, now_s: int) -> EnrolReply | None:
        with records.changing(self.directory) as all_records:
            for place, each in enumerate(all_records):
                if each.id == record.id and records.may_use(each, node, key):
                    all_records[place] = records.used(each, node, key, now_s)
                    return None
                if each.id == record.id:
                    who = f"this token was used by {each.used_by} already"
                    return refused(ExitCode.EXISTS, f"{who}: make another for {node}")
        return refused(ExitCode.NOSUCH, "this token was taken back")

    def _give_back(self, record: Record, key: str) -> None:
        with records.changing(self.directory) as all_records:
            for place, each in enumerate(all_records):
                if each.id == record.id and each.used_key == key:
                    all_records[place] = record

    def _reply(self, role: Role, certificate: bytes, members: tuple[SeedPeer, ...]) -> EnrolReply:
        return EnrolReply(
            certificate=certificate,
            authority=self.keys.trusted,
            # A voter that runs resources is trusted with everything anyway: it may let others in.
            authority_key=self.keys.authority.key if role is Role.VOTER else b"",
            cluster_key=self.keys.cluster,
            cluster_name=self.cluster_name,
            peers=members,
        )

    def _reply_to_remote(self, certificate: bytes) -> EnrolReply:
        """It is called and calls nobody: no key of the cluster's, and no addresses."""
        return EnrolReply(
            certificate=certificate,
            authority=self.keys.trusted,
            cluster_name=self.cluster_name,
        )


def refused(code: ExitCode, reason: str) -> EnrolReply:
    """Return the reply that refuses."""
    return EnrolReply(code=int(code), reason=reason)


def fault_of(peer: SeedPeer, members: tuple[SeedPeer, ...]) -> EnrolReply | None:
    """Return the refusal of a peer that does not fit the members; None where it fits. Pure."""
    if not is_node_name(peer.name):
        return refused(ExitCode.DATAERR, f"{peer.name!r} is no node name: letters, digits, . _ -")
    if peer.role == ROLES[Role.REMOTE]:
        return _fault_of_remote(peer, members)
    daemons = addresses_of(peer)
    for name, addresses in daemons.items():
        bad = [each for each in addresses if not is_address(each) or is_loopback(each)]
        if bad or not addresses:
            what = f"{name}: {', '.join(bad) or 'nothing'} is no address that others reach"
            return refused(ExitCode.DATAERR, f"{what}: give one with --address")
    for other in members:
        if other.name == peer.name:
            if addresses_of(other) == daemons and other.role == peer.role:
                return None  # It asks again.
            return refused(
                ExitCode.EXISTS,
                f"there is a member {peer.name} at {', '.join(other.store)}: choose another name"
                " with --node NAME, or remove that one first with"
                f" 'crm cluster remove {peer.name}'",
            )
        shared = _all_of(other) & _all_of(peer)
        if shared:
            return refused(
                ExitCode.EXISTS, f"{', '.join(sorted(shared))} belongs to member {other.name}"
            )
    return None


def _fault_of_remote(peer: SeedPeer, members: tuple[SeedPeer, ...]) -> EnrolReply | None:
    """A remote node must not be taken for a member: what it shows is a certificate for its name."""
    if any(other.name == peer.name for other in members):
        return refused(
            ExitCode.EXISTS, f"there is a member {peer.name}: choose another name with --node NAME"
        )
    return None


def addresses_of(peer: SeedPeer) -> dict[str, tuple[str, ...]]:
    """Return where a peer's daemons listen, by daemon; a witness has its store alone."""
    store = {"store": tuple(peer.store)}
    if peer.role == ROLES[Role.WITNESS]:
        return store
    return {**store, "controller": tuple(peer.controller), "fencer": tuple(peer.fencer)}


def _all_of(peer: SeedPeer) -> set[str]:
    return {address for addresses in addresses_of(peer).values() for address in addresses}
