"""Joining over real TLS on loopback: who gets in, who is told why not, and what strangers get."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from msgspec.structs import replace

from crm_shell.enrolment import channel, records, server
from crm_shell.enrolment.admission import Admission, Keys, Roster
from crm_shell.enrolment.channel import client_context, part, read_part
from crm_shell.enrolment.joining import NotThem, enrol
from crm_shell.enrolment.records import Record
from crm_shell.enrolment.token import PROOF_BYTES, Role, Token, digest_of, new_secret
from crm_shell.host.files import Places
from crm_shell.host.joining import key_of, request_of, settle_in
from raftmaker.runtime.certificates import (
    KeyPair,
    create_authority,
    fingerprint,
    issue,
    store_credentials,
)
from raftmaker.runtime.errors import HaError, Rejected, TimedOut, Unreachable
from raftmaker.runtime.identity import tool_identity
from raftmaker.runtime.logs import Log
from raftmaker.runtime.settings import read
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.wire.enrolment_pb2 import ENROLMENT_ROLE_VOTER, EnrolReply, SeedPeer

CLUSTER = ClusterId("c1")
NOW = datetime.now(UTC)
AUTHORITY = create_authority(CLUSTER, NOW)
FIRST = SeedPeer(
    name="h1", store=["10.0.0.1:5405"], controller=["10.0.0.1:5407"], fencer=["10.0.0.1:5408"],
    role=ENROLMENT_ROLE_VOTER,
)  # fmt: skip


@dataclass
class Members:
    """The members as a store would have them."""

    there: list[SeedPeer] = field(default_factory=lambda: [FIRST])
    refuses: HaError | None = None

    async def list(self) -> tuple[SeedPeer, ...]:
        return tuple(self.there)

    async def add(self, peer: SeedPeer) -> None:
        if self.refuses is not None:
            raise self.refuses
        if peer not in self.there:
            self.there.append(peer)


@dataclass
class Site:
    """A node that takes tokens, and one token that it has made."""

    directory: Path
    members: Members
    token: Token
    places: Places

    async def join(self, name: str = "h2", token: Token | None = None) -> EnrolReply:
        used = token or self.token
        host = f"10.0.0.{name[1:]}"
        request = request_of(
            used, NodeName(name), (host,), key_of(self.places, NodeName(name)).request
        )
        return await enrol(used, request)


def remember(
    directory: Path, *, role: Role = Role.VOTER, lasting_s: int = 60
) -> tuple[bytes, bytes]:
    identity, secret = new_secret()
    now_s = int(time.time())
    with records.changing(directory) as known:
        known.append(
            Record(
                id=identity.hex(),
                digest=digest_of(secret).hex(),
                role=role,
                made_s=now_s,
                expires_s=now_s + lasting_s,
            )
        )
    return identity, secret


@asynccontextmanager
async def site(tmp_path: Path, server_certificate: KeyPair | None = None) -> AsyncIterator[Site]:
    tls = tmp_path / "tls"
    store_credentials(
        tls, AUTHORITY.certificate, server_certificate or issue(AUTHORITY, NodeName("h1"), NOW)
    )
    directory, members = tmp_path / "enrolment", Members()
    admission = Admission(
        identity=tool_identity(CLUSTER, "test"),
        cluster_name="web",
        keys=Keys(authority=AUTHORITY, trusted=AUTHORITY.certificate, cluster=b"c" * 64),
        roster=Roster(members=members.list, add=members.add),
        directory=directory,
    )

    def judged(identity: bytes, secret: bytes) -> tuple[records.Verdict, Record | None]:
        known = records.read(directory)
        verdict = records.judge(known, identity, secret, int(time.time()))
        return verdict, records.find(known, identity)

    enrolment = server.Enrolment(
        authority=AUTHORITY.certificate, judge=judged, enrol=admission.enrol, log=Log("test")
    )
    context = channel.server_context(tls / "node.pem", tls / "node.key")
    listener = server.listen(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    identity, secret = remember(directory)
    token = Token(
        cluster=CLUSTER,
        cluster_name="web",
        node=NodeName("h1"),
        addresses=(f"127.0.0.1:{port}",),
        authority=fingerprint(AUTHORITY.certificate),
        id=identity,
        secret=secret,
    )
    serving = asyncio.create_task(server.serve(listener, context, enrolment))
    places = Places(config=tmp_path / "new" / "raftmaker.toml", state=tmp_path / "new" / "state")
    try:
        yield Site(directory, members, token, places)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def test_a_host_gets_all_that_it_needs_and_is_a_member(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            reply = await here.join("h2")
            assert [each.name for each in here.members.there] == ["h1", "h2"]
            settle_in(here.token, NodeName("h2"), reply, here.places)
            settings = read(here.places.config)  # Checks certificate and key, too.
            assert settings.node == "h2"
            assert settings.cluster == CLUSTER
            assert [str(each.name) for each in settings.peers] == ["h1", "h2"]
            assert settings.peer(NodeName("h1")).store.address == "10.0.0.1:5405"
            for name in ("node.key", "cluster.key", "authority.key"):
                assert (here.places.tls / name).stat().st_mode & 0o777 == 0o600

    asyncio.run(story())


def test_a_witness_does_not_get_the_authoritys_key(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            identity, secret = remember(here.directory, role=Role.WITNESS)
            token = replace(here.token, id=identity, secret=secret, role=Role.WITNESS)
            reply = await here.join("h3", token)
            assert reply.certificate
            assert not reply.authority_key
            # The record's role counts, whatever a token says of itself.
            again = replace(token, role=Role.VOTER)
            assert not (await here.join("h3", again)).authority_key

    asyncio.run(story())


def test_a_token_lets_one_host_in_once_and_answers_it_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            first = await here.join("h2")
            again = await here.join("h2")  # Its answer was lost: the same key asks again.
            assert fingerprint(first.certificate) != fingerprint(again.certificate)
            assert [each.name for each in here.members.there] == ["h1", "h2"]
            with pytest.raises(Rejected, match="used by h2 already") as caught:
                await here.join("h3")
            assert caught.value.exit_code is ExitCode.EXISTS

    asyncio.run(story())


def test_wrong_and_expired_tokens_are_told_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            with pytest.raises(Rejected, match="not made here"):
                await here.join("h2", replace(here.token, secret=new_secret()[1]))
            identity, secret = remember(here.directory, lasting_s=0)
            with pytest.raises(Rejected, match="has expired") as caught:
                await here.join("h2", replace(here.token, id=identity, secret=secret))
            assert caught.value.exit_code is ExitCode.NOPERM
            assert here.members.there == [FIRST]

    asyncio.run(story())


def test_a_name_or_an_address_that_is_taken_is_refused_and_the_token_stays_good(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            request = request_of(
                here.token,
                NodeName("h1"),
                ("10.0.0.9",),
                key_of(here.places, NodeName("h1")).request,
            )
            with pytest.raises(Rejected, match="there is a member h1"):
                await enrol(here.token, request)
            request.peer.name = "h9"
            request.peer.store[:] = ["10.0.0.1:5405"]
            with pytest.raises(Rejected, match="belongs to member h1"):
                await enrol(here.token, request)
            request.peer.store[:] = ["127.0.0.1:5405"]
            with pytest.raises(Rejected, match="no address that others reach"):
                await enrol(here.token, request)
            assert (await here.join("h2")).certificate

    asyncio.run(story())


def test_a_token_is_not_used_up_when_the_store_refuses(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            here.members.refuses = TimedOut("no quorum")
            with pytest.raises(Rejected, match="no quorum"):
                await here.join("h2")
            here.members.refuses = None
            assert (await here.join("h3")).certificate, "another host may use it"

    asyncio.run(story())


def test_the_certificate_is_for_the_admitted_name_and_the_hosts_own_key(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            # The request asks for h1's name; the certificate is for who was admitted.
            key = key_of(here.places, NodeName("h1"))
            request = request_of(here.token, NodeName("h2"), ("10.0.0.2",), key.request)
            reply = await enrol(here.token, request)
            certificate = x509.load_pem_x509_certificate(reply.certificate)
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            assert names.value.get_values_for_type(x509.DNSName) == ["h2"]
            asked = x509.load_pem_x509_csr(key.request)
            assert certificate.public_key() == asked.public_key()

    asyncio.run(story())


@pytest.mark.parametrize("impostor", ["stranger", "other node", "expired"])
def test_nothing_is_told_to_who_is_not_the_tokens_node(tmp_path: Path, impostor: str) -> None:
    shown = {
        "stranger": issue(create_authority(CLUSTER, NOW), NodeName("h1"), NOW),
        "other node": issue(AUTHORITY, NodeName("h7"), NOW),
        "expired": issue(AUTHORITY, NodeName("h1"), NOW - timedelta(days=30), days=1),
    }[impostor]

    async def story() -> None:
        async with site(tmp_path, server_certificate=shown) as here:
            with pytest.raises(NotThem):
                await here.join("h2")
            assert here.members.there == [FIRST]

    asyncio.run(story())


def test_an_authority_other_than_the_tokens_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            with pytest.raises(NotThem, match="another cluster's authority"):
                await here.join("h2", replace(here.token, authority=b"x" * 32))

    asyncio.run(story())


def test_when_nobody_listens_it_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{taken.getsockname()[1]}"

    async def story() -> None:
        async with site(tmp_path) as here:
            with pytest.raises(Unreachable, match="crm cluster token"):
                await here.join("h2", replace(here.token, addresses=(closed,)))
            # Of several addresses the first that answers is used.
            both = (closed, *here.token.addresses)
            assert (await here.join("h2", replace(here.token, addresses=both))).certificate

    asyncio.run(story())


def test_a_stranger_is_read_so_many_bytes_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []

    class Watched:
        @staticmethod
        def FromString(content: bytes) -> object:  # protobuf's name
            parsed.append(content)
            raise AssertionError

    monkeypatch.setattr(server, "EnrolRequest", Watched)
    monkeypatch.setattr(server, "_WRONG_PROOF_DELAY_S", 0)

    async def story() -> None:
        async with site(tmp_path) as here:
            host, _, port = here.token.addresses[0].rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port), ssl=client_context())
            await read_part(reader, 16 * 1024)
            writer.write(bytes(PROOF_BYTES) + part(b"a request without a proof"))
            assert (await reader.readexactly(1)) == b"\0"
            assert b"not made here" in await read_part(reader, 1024)
            assert await reader.read() == b"", "and that is the end"
            writer.close()

    asyncio.run(story())
    assert parsed == []


def test_a_request_that_is_too_long_ends_the_connection(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            host, _, port = here.token.addresses[0].rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port), ssl=client_context())
            await read_part(reader, 16 * 1024)
            writer.write(here.token.proof + (channel.REQUEST_BYTES_MAX + 1).to_bytes(4, "big"))
            assert (await reader.readexactly(1)) == b"\1"
            assert await reader.read() == b""
            writer.close()

    asyncio.run(story())


def test_those_who_say_nothing_are_let_go_and_hold_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_S", 0.2)
    monkeypatch.setattr(server, "PROOF_S", 0.2)
    monkeypatch.setattr(server, "PER_SECOND", 1000.0)

    async def story() -> None:
        async with site(tmp_path) as here:
            host, _, port = here.token.addresses[0].rpartition(":")
            silent = [
                await asyncio.open_connection(host, int(port))
                for _ in range(server.CONNECTIONS_MAX + 4)
            ]
            assert (await here.join("h2")).certificate
            for reader, writer in silent:
                assert await reader.read() == b""
                writer.close()

    asyncio.run(story())


def test_only_tls_1_3_is_spoken(tmp_path: Path) -> None:
    async def story() -> None:
        async with site(tmp_path) as here:
            host, _, port = here.token.addresses[0].rpartition(":")
            old = client_context()
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection(host, int(port), ssl=old)

    asyncio.run(story())
