"""Settings: a whole file is checked at once; relations that safety rests on are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from raftmaker.runtime.certificates import create_authority, issue, store_credentials
from raftmaker.runtime.endpoint import is_loopback
from raftmaker.runtime.errors import Rejected
from raftmaker.runtime.settings import decode, read
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ClusterId, NodeName

FILE = Path("raftmaker.toml")


def tables() -> dict[str, Any]:
    peers = [
        {"name": name, "store": f"{host}:1", "controller": f"{host}:3",
         "fencer": f"{host}:4"}
        for name, host in (("a", "127.0.0.1"), ("b", "[::1]"))
    ]  # fmt: skip
    return {"cluster": {"id": "c1"}, "node": {"name": "a"}, "peers": peers}


def faults(data: dict[str, Any]) -> list[str]:
    with pytest.raises(Rejected) as caught:
        decode(data, FILE)
    assert caught.value.exit_code is ExitCode.CONFIG
    return [report.where.removeprefix("raftmaker.toml: ") for report in caught.value.reports]


def test_a_good_file_is_read() -> None:
    settings = decode(tables(), FILE)
    assert settings.me.store.address == "127.0.0.1:1"
    assert [peer.name for peer in settings.voters] == ["a", "b"]
    assert settings.socket("cib").name == "cib.sock"


@pytest.mark.parametrize(
    ("run", "shares"), [(None, False), ("/run/raftmaker", False), ("/x", True)]
)
def test_a_node_with_a_run_directory_of_its_own_may_share_its_machine(
    run: str | None, shares: bool
) -> None:
    data = tables()
    if run is not None:
        data["directories"] = {"run": run}
    assert decode(data, FILE).shares_machine is shares


def test_a_daemon_may_have_several_addresses() -> None:
    data = tables()
    data["peers"][0]["store"] = ["127.0.0.1:1", "[::1]:1", "localhost:1"]
    store = decode(data, FILE).me.store
    assert store.addresses == ("127.0.0.1:1", "[::1]:1", "localhost:1")
    assert store.is_safe


@pytest.mark.parametrize("value", [[], [1], ["127.0.0.1:1", "nowhere"], ["[::1]:1", "[::1]:1"]])
def test_a_list_of_addresses_holds_addresses_and_each_once(value: list[object]) -> None:
    data = tables()
    data["peers"][0]["store"] = value
    assert set(faults(data)) == {"peers[0].store"}


def test_every_fault_is_reported_at_once() -> None:
    data = tables()
    data["node"]["name"] = "z"
    data["peers"][1]["store"] = "nowhere"
    data["peers"][0]["colour"] = "red"
    data["timings"] = {"dead_ms": 200, "heartbeat_ms": "fast"}
    data["extra"] = {}
    found = faults(data)
    assert found == [
        "extra",
        "peers[0].colour",
        "peers[1].store",
        "node.name",
        "timings.heartbeat_ms",
        "timings.dead_ms",
    ]


@pytest.mark.parametrize(
    ("timings", "key"),
    [
        ({"dead_ms": 250}, "dead_ms"),
        ({"stall_ms": 600}, "stall_ms"),
        ({"election_max_ms": 300}, "election_max_ms"),
        ({"no_quorum_stop_grace_ms": 100}, "no_quorum_stop_grace_ms"),
        ({"controller_fence_delay_ms": 500}, "controller_fence_delay_ms"),
    ],
)
def test_relations_of_timings_are_kept(timings: dict[str, int], key: str) -> None:
    assert faults({**tables(), "timings": timings}) == [f"timings.{key}"]


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no such file"):
        read(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[cluster\n")
    with pytest.raises(Rejected, match=r"is not TOML.*line 1"):
        read(broken)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:80", True),
        ("127.8.8.8:80", True),
        ("[::1]:80", True),
        ("localhost:80", True),
        ("0.0.0.0:80", False),
        ("10.0.0.1:80", False),
        ("example.org:80", False),
        ("nothing", False),
    ],
)
def test_loopback_is_recognised(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


def test_addresses_beyond_loopback_need_certificates() -> None:
    data = tables()
    data["peers"][1]["fencer"] = "192.0.2.1:4"
    assert faults(data) == ["peers[1].fencer"]
    data["directories"] = {"tls": "/etc/raftmaker/tls"}
    assert decode(data, FILE).tls_dir == Path("/etc/raftmaker/tls")


def test_credentials_reach_every_endpoint(tmp_path: Path) -> None:
    authority = create_authority(ClusterId("c1"), datetime.now(UTC))
    node = issue(authority, NodeName("a"), datetime.now(UTC))
    store_credentials(tmp_path / "tls", authority.certificate, node)
    peers = "".join(
        f'[[peers]]\nname="{name}"\nstore="192.0.2.{number}:1"\ncontroller="192.0.2.{number}:2"\n'
        f'fencer="192.0.2.{number}:3"\n'
        for number, name in enumerate(("a", "b"), 1)
    )
    file = tmp_path / "raftmaker.toml"
    file.write_text(
        f'[cluster]\nid="c1"\n[node]\nname="a"\n[directories]\ntls="{tmp_path}/tls"\n{peers}'
    )
    for peer in read(file).peers:
        for endpoint in (peer.store, peer.controller, peer.fencer):
            assert endpoint.is_safe
            assert endpoint.credentials is not None
            assert endpoint.credentials.now().key == node.key
            assert "PRIVATE" not in repr(endpoint)


def test_the_journal_s_size_has_a_default_and_a_least() -> None:
    data = tables()
    assert decode(data, FILE).compact_bytes == 16 * 1024 * 1024
    data["store"] = {"compact_bytes": 200_000}
    assert decode(data, FILE).compact_bytes == 200_000
    for wrong in (1, True, "much"):
        data["store"] = {"compact_bytes": wrong}
        assert faults(data) == ["store.compact_bytes"]


def remote_tables() -> dict[str, Any]:
    """A remote node has a place to listen and no peers."""
    return {
        "cluster": {"id": "c1"},
        "node": {"name": "far"},
        "directories": {"tls": "/etc/raftmaker/tls"},
        "remote": {},
    }


@pytest.mark.parametrize(
    ("environment", "listen", "address"),
    [
        ({}, None, "[::]:3121"),
        ({"PCMK_remote_address": "10.0.0.9", "PCMK_remote_port": "4000"}, None, "10.0.0.9:4000"),
        ({"PCMK_remote_port": "4000"}, "10.0.0.9:5000", "10.0.0.9:5000"),
    ],
)
def test_a_remote_node_listens_where_it_is_told_or_everywhere(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    listen: str | None,
    address: str,
) -> None:
    """Features 26.11."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    data = remote_tables()
    if listen is not None:
        data["remote"] = {"listen": listen}
    settings = decode(data, Path("raftmaker.toml"))
    assert settings.remote is not None
    assert settings.remote.address == address
    with pytest.raises(Rejected, match="far is a remote node"):
        _ = settings.me


def test_a_remote_node_is_no_member_and_proves_who_it_is() -> None:
    data = remote_tables() | {"peers": [], "directories": {}}
    assert faults(data) == ["peers", "remote.listen"]
