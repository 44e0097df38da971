"""Carry out ``crm cluster rotate-certificates``: a new authority, new keys, and nothing stops.

Each step is done on every member and remote node before the next begins, and proven by a handshake
with every daemon. Where it was interrupted is read from the files, so it is simply given again.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from msgspec import Struct

from crm_shell.commands.options import OptionParser
from crm_shell.commands.session import Failed, Session
from crm_shell.host.remote_nodes import RemoteNode, remote_nodes
from crm_shell.host.setup import insist_on_root
from raftmaker.runtime.certificates import (
    KeyPair,
    certify,
    create_authority,
    expires_at,
    issue,
    was_issued_by,
)
from raftmaker.runtime.endpoint import Credentials, Endpoint, ShowsCredentials
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.exchange import key_of, signature_of
from raftmaker.runtime.exchange_client import CertificatesClient, is_served
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.keyring import Keyring
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.vocabulary.members import Member, MemberKind

_TAKEN_UP_S = 20.0
_LOOK_S = 0.3


class Exchange(Struct, frozen=True, kw_only=True):
    """Which authority takes the place of which; all as PEM."""

    present: tuple[bytes, ...]
    """Trusted on this node when it began: the one that issues first."""
    signer: bytes
    """The key of the first of them."""
    new: KeyPair
    goes_on: bool
    """Whether one that was interrupted is taken up again."""

    @property
    def both(self) -> bytes:
        """All of them, and the new one last, as far as it does not issue already."""
        return b"".join(dict.fromkeys((*self.present, self.new.certificate)))

    @property
    def new_first(self) -> bytes:
        """The same, and the new one issues."""
        return b"".join(dict.fromkeys((self.new.certificate, *self.present)))


def exchange_of(directory: Path, cluster: ClusterId, now: datetime) -> Exchange:
    """Read where an exchange stands on this node, or begin one. Raises `Failed`."""
    present = _pems((directory / "authority.pem").read_bytes())
    signer = key_of(directory, "authority", present[0])
    if signer is None:
        raise Failed(
            "this node does not hold the authority's key: give the command on a voter",
            code=ExitCode.UNSATISFIED,
        )
    youngest = max(present, key=_made_at)
    waiting = key_of(directory, "authority", youngest)
    if len(present) > 1 and waiting is not None:
        new = KeyPair(certificate=youngest, key=waiting)
        return Exchange(present=present, signer=signer, new=new, goes_on=True)
    # Nodes take an authority up only when it is younger, whatever this clock says.
    made = max(now, _made_at(youngest) + timedelta(hours=1, seconds=1))
    return Exchange(
        present=present, signer=signer, new=create_authority(cluster, made), goes_on=False
    )


def _pems(content: bytes) -> tuple[bytes, ...]:
    return tuple(
        each.public_bytes(serialization.Encoding.PEM)
        for each in x509.load_pem_x509_certificates(content)
    )


def _made_at(authority: bytes) -> datetime:
    return x509.load_pem_x509_certificate(authority).not_valid_before_utc


class Party(Struct, frozen=True, kw_only=True):
    """Who gets a new certificate: a member, or a remote node."""

    name: NodeName
    places: tuple[str, ...]
    """Where its daemons listen; the first of them exchanges the node's certificates."""
    issues: bool = False
    """It may let others join, and so gets the authority's key."""
    is_remote: bool = False


class Rotation:
    """The steps of one exchange, on all members and remote nodes."""

    def __init__(
        self, session: Session, directory: Path, exchange: Exchange, without: frozenset[str]
    ) -> None:
        """`directory`: this node's certificates. `without`: remote nodes that are left out."""
        self._without = without
        settings = session.cluster.settings
        self._session, self._settings = session, settings
        self._exchange = exchange
        self._own = Keyring(directory, settings.node)
        self._identity = tool_identity(settings.cluster, "crm")
        # What only a daemon that trusts the new authority accepts.
        proof = issue(exchange.new, settings.node, datetime.now(UTC), days=1)
        self._trusts_both = Credentials(
            authority=exchange.both, certificate=proof.certificate, key=proof.key
        )
        self._trusts_new = Credentials(
            authority=exchange.new.certificate, certificate=proof.certificate, key=proof.key
        )

    async def run(self) -> tuple[Party, ...]:
        """Carry it out; return who have new certificates. Raises an `HaError`."""
        members = await self._parties()
        await self._insist_on_all(members)
        self._say(f"{_counted(members)} are there")
        await self._trust(members, self._exchange.both, unless_known=True)
        await self._until_all(members, self._trusts_both, "trust the new authority")
        self._say("every daemon trusts the old authority and the new one")
        await self._certify(members)
        self._say("every daemon shows a certificate of the new authority")
        # Whoever joined meanwhile has one of the old authority.
        while (joined := await self._parties()) != members:
            members = joined
            await self._trust(members, self._exchange.both, unless_known=True)
            await self._certify(members)
        # This node last: as long as both are written here, the command goes on from here.
        others_first = sorted(members, key=lambda each: each.name == self._settings.node)
        await self._trust(others_first, self._exchange.new.certificate, key=self._exchange.new.key)
        await self._until_all(members, self._trusts_new, "go on with the new authority alone")
        return members

    async def _parties(self) -> tuple[Party, ...]:
        """Return who takes part: this node first, the remote nodes last."""
        members = (await self._session.cluster.members()).members.members
        mine = self._settings.node
        own_first = sorted(members, key=lambda each: (each.name != mine, each.name))
        configured = remote_nodes((await self._session.cluster.cib()).document)
        unknown = sorted(self._without - {node.name for node in configured})
        if unknown:
            raise Failed(f"no remote node {unknown[0]!r} is configured", code=ExitCode.NOSUCH)
        remotes = (_remote(node) for node in configured if node.name not in self._without)
        return (*map(_member, own_first), *remotes)

    async def _insist_on_all(self, parties: tuple[Party, ...]) -> None:
        """Refuse to begin while one does not answer: it would be shut out. Raises `Failed`."""
        absent: list[str] = []
        for party in parties:
            try:
                async with self._client(party) as client:
                    await client.show()
            except HaError as error:
                if not party.is_remote:
                    raise
                absent.append(f"remote node {party.name} does not take part ({error})")
        if absent:
            raise Failed(
                "\n".join(absent)
                + "\nNothing has changed: start raftmaker-remote.service there, or"
                " leave it out by --without NODE and join it again afterwards",
                code=ExitCode.UNSATISFIED,
            )

    async def _trust(
        self,
        members: list[Party] | tuple[Party, ...],
        authorities: bytes,
        *,
        unless_known: bool = False,
        key: bytes = b"",
    ) -> None:
        signature = signature_of(authorities, self._settings.cluster, key or self._exchange.signer)
        for member in members:
            async with self._client(member) as client:
                known = _pems((await client.show()).authorities)
                if unless_known and self._exchange.new.certificate in known:
                    continue
                key_too = self._exchange.new.key if member.issues else b""
                await client.trust(authorities, signature, key_too)

    async def _certify(self, members: tuple[Party, ...]) -> None:
        await self._trust(members, self._exchange.new_first)
        issuer = x509.load_pem_x509_certificate(self._exchange.new.certificate)
        for member in members:
            async with self._client(member) as client:
                shown = x509.load_pem_x509_certificate((await client.show()).certificate)
                if was_issued_by(shown, issuer):
                    continue
                request = await client.request()
                now = datetime.now(UTC)
                await client.install(
                    certify(
                        self._exchange.new, request, member.name, now, is_remote=member.is_remote
                    )
                )
        await self._until_all(members, self._trusts_new, "show a new certificate")

    def _client(self, member: Party) -> CertificatesClient:
        return CertificatesClient(_endpoint(member, member.places[0], self._own), self._identity)

    async def _until_all(
        self, members: tuple[Party, ...], credentials: Credentials, what: str
    ) -> None:
        """Wait until every daemon of every member accepts these credentials. Raises `Failed`."""
        waiting = [
            _endpoint(member, place, credentials) for member in members for place in member.places
        ]
        limit = time.monotonic() + _TAKEN_UP_S
        while True:
            served = await asyncio.gather(*(is_served(each, self._identity) for each in waiting))
            waiting = [each for each, good in zip(waiting, served, strict=True) if not good]
            if not waiting:
                return
            if time.monotonic() > limit:
                late = ", ".join(f"{each.node} at {each}" for each in waiting)
                raise Failed(
                    f"{late}: does not {what} within {_TAKEN_UP_S:.0f} s. Nothing is broken, both"
                    " authorities are trusted: look there, and give the command again",
                    code=ExitCode.TIMEOUT,
                )
            await asyncio.sleep(_LOOK_S)

    def _say(self, text: str) -> None:
        self._session.console.say(f"  {text}")


def _endpoint(member: Party, place: str, credentials: ShowsCredentials) -> Endpoint:
    first, *others = place.split(",")
    return Endpoint(node=member.name, address=first, others=tuple(others), credentials=credentials)


def _member(member: Member) -> Party:
    match member.kind:
        case MemberKind.WITNESS:
            places: tuple[str, ...] = (member.store,)
        case MemberKind.FOLLOWER:  # it has no store of its own
            places = (member.controller, member.fencer)
        case MemberKind.VOTER:
            places = (member.store, member.controller, member.fencer)
    return Party(name=member.name, places=places, issues=member.kind is MemberKind.VOTER)


def _remote(node: RemoteNode) -> Party:
    return Party(name=node.name, places=(node.address,), is_remote=True)


def _counted(parties: tuple[Party, ...]) -> str:
    remote = sum(party.is_remote for party in parties)
    text = f"{len(parties) - remote} members"
    return f"{text} and {remote} remote node{'s' * (remote != 1)}" if remote else text


async def rotate(session: Session, args: list[str], usage: str) -> int:
    """Carry out ``crm cluster rotate-certificates``."""
    options = OptionParser(usage)
    options.add_argument("-y", "--yes", action="store_true")
    options.add_argument("--without", action="append", default=[], metavar="NODE")
    without = frozenset(options.parse_args(args).without)
    insist_on_root("exchange the cluster's authority")
    settings = session.cluster.settings
    if settings.tls_dir is None:
        raise Failed(
            "this cluster has no certificates: it stays on this machine", code=ExitCode.UNSATISFIED
        )
    try:
        exchange = exchange_of(settings.tls_dir, settings.cluster, datetime.now(UTC))
    except (OSError, ValueError) as error:
        raise Failed(f"{settings.tls_dir}: {error}", code=ExitCode.OSFILE) from None
    verb = "Going on with" if exchange.goes_on else "Making"
    session.console.say(f"{verb} a new authority for {settings.cluster_name}")
    renewed = await Rotation(session, settings.tls_dir, exchange, without).run()
    until = expires_at((settings.tls_dir / "node.pem").read_bytes())
    session.console.answer(
        f"{_counted(renewed)} have new certificates, good until {until:%F}; the old authority is"
        " trusted no more",
        {
            "members": [each.name for each in renewed if not each.is_remote],
            "remote_nodes": [each.name for each in renewed if each.is_remote],
            "until": int(until.timestamp()),
        },
    )
    return 0
