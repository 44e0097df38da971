"""Settings: a whole file is checked at once; relations that safety rests on are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from raftmaker.runtime.errors import Rejected
from raftmaker.runtime.settings import decode, is_loopback, read
from raftmaker.vocabulary.codes import ExitCode

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
    assert settings.me.store == "127.0.0.1:1"
    assert [peer.name for peer in settings.voters] == ["a", "b"]
    assert settings.socket("cib").name == "cib.sock"


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
