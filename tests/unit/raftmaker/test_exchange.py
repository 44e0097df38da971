"""The cluster's authority is exchanged under running connections, by whoever holds its key alone.

Protocols, Identity; access: certificates come from the cluster's authority.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from raftmaker.runtime import keyring
from raftmaker.runtime.certificates import (
    KeyPair,
    certify,
    create_authority,
    issue,
    read_credentials,
    store_credentials,
)
from raftmaker.runtime.endpoint import Credentials
from raftmaker.runtime.exchange import (
    key_of,
    new_request,
    refusal_of_trust,
    signature_of,
    take_authorities,
    take_certificate,
)
from raftmaker.runtime.keyring import Keyring
from raftmaker.runtime.private_file import write_private
from raftmaker.runtime.rpc import Service, dial, serve
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.wire import store_pb2, store_pb2_grpc, types_pb2
from tests.unit.raftmaker.test_rpc import MINE, Echo, free_endpoint

CLUSTER, A = ClusterId("c1"), NodeName("a")
NOW = datetime.now(UTC)
OLD = create_authority(CLUSTER, NOW - timedelta(days=300))
NEW = create_authority(CLUSTER, NOW)
OWN = issue(OLD, A, NOW)
BOTH = OLD.certificate + NEW.certificate


def refusal(now: bytes, wanted: bytes, key: bytes, own: KeyPair = OWN) -> str:
    signature = signature_of(wanted, CLUSTER, key)
    return refusal_of_trust(
        now=now, wanted=wanted, signature=signature, cluster=CLUSTER, own=own.certificate
    )


def test_every_step_of_an_exchange_is_taken() -> None:
    renewed = issue(NEW, A, NOW)
    turned = NEW.certificate + OLD.certificate
    assert refusal(OLD.certificate, BOTH, OLD.key) == ""
    assert refusal(BOTH, turned, OLD.key) == ""
    assert refusal(turned, NEW.certificate, NEW.key, renewed) == ""


def test_nobody_without_an_authority_s_key_changes_whom_a_node_trusts() -> None:
    stranger = create_authority(CLUSTER, NOW)
    wanted = OLD.certificate + stranger.certificate
    assert "not signed" in refusal(OLD.certificate, wanted, stranger.key)
    # Signed for this cluster, and not for another.
    signature = signature_of(BOTH, ClusterId("c2"), OLD.key)
    assert "not signed" in refusal_of_trust(
        now=OLD.certificate, wanted=BOTH, signature=signature, cluster=CLUSTER, own=OWN.certificate
    )


def test_an_old_message_brings_no_old_authority_back() -> None:
    """It was signed with the new key once, and whoever stole the old one kept it."""
    renewed = issue(NEW, A, NOW)
    turned = NEW.certificate + OLD.certificate
    assert "older" in refusal(NEW.certificate, turned, NEW.key, renewed)


def test_a_node_does_not_shut_itself_out() -> None:
    assert "own certificate" in refusal(BOTH, NEW.certificate, NEW.key)


@pytest.mark.parametrize("wanted", [b"", b"nothing", BOTH + BOTH + BOTH])
def test_what_is_no_list_of_authorities_is_refused(wanted: bytes) -> None:
    assert refusal(OLD.certificate, wanted, OLD.key)


def settled(directory: Path) -> Path:
    store_credentials(directory, OLD.certificate, OWN)
    write_private(directory / "authority.key", OLD.key)
    return directory


def test_a_node_goes_over_with_a_key_of_its_own(tmp_path: Path) -> None:
    home = settled(tmp_path)
    take_authorities(home, BOTH, NEW.key)
    assert key_of(home, "authority", OLD.certificate) == OLD.key
    assert key_of(home, "authority", NEW.certificate) == NEW.key
    take_authorities(home, NEW.certificate + OLD.certificate, NEW.key)
    request = new_request(home, A)
    given = certify(NEW, request, A, NOW)
    assert take_certificate(home, A, given) == ""
    take_authorities(home, NEW.certificate, b"")
    found = read_credentials(home, A, NOW)
    assert (found.authority, found.certificate) == (NEW.certificate, given)
    assert found.key != OWN.key
    assert not [each.name for each in home.iterdir() if "next" in each.name or "new" in each.name]


def test_a_certificate_for_another_key_node_or_authority_is_not_taken(tmp_path: Path) -> None:
    home = settled(tmp_path)
    take_authorities(home, NEW.certificate + OLD.certificate, b"")
    assert "key" in take_certificate(home, A, issue(NEW, A, NOW).certificate)
    request = new_request(home, A)
    other = certify(NEW, request, NodeName("b"), NOW)
    assert "not for a" in take_certificate(home, A, other)
    assert "issued" in take_certificate(home, A, certify(OLD, request, A, NOW))
    assert read_credentials(home, A, NOW).certificate == OWN.certificate


def test_a_crash_between_certificate_and_key_is_read_as_done(tmp_path: Path) -> None:
    home = settled(tmp_path)
    take_authorities(home, NEW.certificate + OLD.certificate, NEW.key)
    given = certify(NEW, new_request(home, A), A, NOW)
    (home / "node.pem").write_bytes(given)
    found = read_credentials(home, A, NOW)
    assert found.certificate == given
    assert found.key == (home / "node.key.next").read_bytes()


def test_a_foreign_authority_key_is_not_kept(tmp_path: Path) -> None:
    home = settled(tmp_path)
    with pytest.raises(ValueError, match="none of the authorities"):
        take_authorities(home, BOTH, create_authority(CLUSTER, NOW).key)
    assert (home / "authority.pem").read_bytes() == OLD.certificate


def test_files_that_do_not_fit_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "LOOK_S", 0.0)
    home = settled(tmp_path)
    ring = Keyring(home, A)
    before = ring.now()
    (home / "node.pem").write_bytes(issue(OLD, A, NOW).certificate)
    assert ring.now() is before
    renewed = issue(OLD, A, NOW)
    store_credentials(home, OLD.certificate, renewed)
    assert ring.now().key == renewed.key


def test_connections_go_on_and_new_ones_show_the_new_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stream that began under the old authority outlives it; a channel made then goes over."""
    monkeypatch.setattr(keyring, "LOOK_S", 0.0)
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(_exchanged_under_way(Path(directory)))


async def _exchanged_under_way(directory: Path) -> None:
    home = settled(directory / "tls")
    endpoint = replace(free_endpoint(), credentials=Keyring(home, A))
    service = Service(
        name="raftmaker.v1.Store",
        servicer=Echo(),
        register=store_pb2_grpc.add_StoreServicer_to_server,
    )
    run_dir = directory / "run"
    server = await serve(
        [service], identity=MINE, socket=run_dir / "cib.sock", endpoints=[endpoint]
    )
    async with dial(endpoint, identity=MINE) as channel:
        stub = store_pb2_grpc.StoreStub(channel)
        stream = stub.Heartbeat()
        await stream.write(store_pb2.Beat(sent_at_us=1))
        assert (await stream.read()).sent_at_us == 1
        take_authorities(home, BOTH, NEW.key)
        take_authorities(home, NEW.certificate + OLD.certificate, NEW.key)
        assert take_certificate(home, A, certify(NEW, new_request(home, A), A, NOW)) == ""
        take_authorities(home, NEW.certificate, b"")
        await stub.Hello(types_pb2.HelloRequest(), timeout=30)
        await stream.write(store_pb2.Beat(sent_at_us=2))
        assert (await stream.read()).sent_at_us == 2
        stream.cancel()
        # The old certificate opens nothing any more, and is shown to nobody.
        shown = Credentials(authority=BOTH, certificate=OWN.certificate, key=OWN.key)
        old = replace(endpoint, credentials=shown)
        async with dial(old, identity=MINE) as shut_out:
            with pytest.raises(Exception, match=r"UNAVAILABLE|DEADLINE"):
                await store_pb2_grpc.StoreStub(shut_out).Hello(types_pb2.HelloRequest(), timeout=2)
    await server.stop(None)
