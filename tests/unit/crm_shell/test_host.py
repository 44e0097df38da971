"""This host as a node: which address is taken, what is never overwritten, what is written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from crm_shell.host.addresses import Found, chosen, read_addresses
from crm_shell.host.expiry import expiries
from crm_shell.host.files import (
    AlreadyNode,
    Places,
    finished,
    note,
    put_aside,
    settings_there,
    unfinished,
)
from crm_shell.host.founding import Plan, found
from crm_shell.host.remote_nodes import remote_nodes
from raftmaker.runtime.certificates import KeyPair, issue, store_credentials
from raftmaker.runtime.cluster_key import read_cluster_keys
from raftmaker.runtime.errors import Rejected
from raftmaker.runtime.settings import read
from raftmaker.vocabulary.ids import NodeName

LAN, BACK = Found("eth0", "10.0.0.1"), Found("eth1", "192.168.7.1")
V6 = Found("eth0", "fd00::1")


def choose(
    here: tuple[Found, ...], *wanted: str, interfaces: tuple[str, ...] = (), way_out: str = ""
) -> tuple[str, ...]:
    return chosen(here, wanted=wanted, interfaces=interfaces, way_out=way_out)


def refusal(
    here: tuple[Found, ...], *wanted: str, interfaces: tuple[str, ...] = (), way_out: str = ""
) -> str:
    with pytest.raises(Rejected) as caught:
        choose(here, *wanted, interfaces=interfaces, way_out=way_out)
    return str(caught.value)


def test_the_address_of_the_default_route_is_taken() -> None:
    assert choose((LAN, BACK), way_out="192.168.7.1") == ("192.168.7.1",)


def test_the_only_interface_needs_no_route() -> None:
    assert choose((LAN, V6)) == ("10.0.0.1",)


def test_of_several_one_must_be_chosen() -> None:
    assert "several addresses" in refusal((LAN, BACK))
    assert "10.0.0.1 (eth0), 192.168.7.1 (eth1)" in refusal((LAN, BACK))
    assert "no address" in refusal(())


def test_what_was_asked_for_is_taken_in_its_order() -> None:
    here = (LAN, BACK, V6)
    assert choose(here, "192.168.7.1", "10.0.0.1") == ("192.168.7.1", "10.0.0.1")
    assert choose(here, interfaces=("eth1",)) == ("192.168.7.1",)
    assert choose(here, "fd00:0::1", way_out="10.0.0.1") == ("fd00:0::1",)


def test_all_that_is_not_here_is_named_at_once() -> None:
    said = refusal((LAN,), "10.0.0.9", "nonsense", interfaces=("eth7",))
    assert "10.0.0.9: is no address of this host" in said
    assert "nonsense: is no IP address" in said
    assert "eth7: is no interface" in said


def test_addresses_that_do_not_last_are_left_out() -> None:
    links = [
        {
            "ifname": "eth0",
            "addr_info": [
                {"family": "inet6", "local": "fd00::5", "temporary": True},
                {"family": "inet6", "local": "fd00::1"},
                {"family": "inet", "local": "10.0.0.1"},
                {"family": "inet6", "local": "fd00::6", "deprecated": True},
            ],
        },
        {"ifname": "lo"},
    ]
    assert read_addresses(json.dumps(links)) == (LAN, V6)
    assert read_addresses("") == ()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(config=tmp_path / "etc" / "raftmaker.toml", state=tmp_path / "state")


PLAN = Plan(cluster_name="web", node=NodeName("h1"), addresses=("10.0.0.1",))


def test_a_new_cluster_has_settings_that_are_read_back_and_private_keys(places: Places) -> None:
    made = found(PLAN, places)
    settings = read(places.config)
    assert (settings.cluster, settings.cluster_name) == (made.cluster, "web")
    assert settings.me.store.address == "10.0.0.1:5405"
    assert settings.me.store.is_safe
    assert read_cluster_keys(places.tls) is not None
    for name in ("authority.key", "node.key", "cluster.key"):
        assert (places.tls / name).stat().st_mode & 0o777 == 0o600
    assert places.tls.stat().st_mode & 0o777 == 0o700
    # Its authority can certify others.
    authority = KeyPair(
        certificate=(places.tls / "authority.pem").read_bytes(),
        key=(places.tls / "authority.key").read_bytes(),
    )
    other = places.config.parent / "other"
    store_credentials(
        other, authority.certificate, issue(authority, NodeName("h2"), datetime.now(UTC))
    )


def test_ipv6_addresses_are_written_in_brackets(places: Places) -> None:
    found(Plan(cluster_name="web", node=NodeName("h1"), addresses=("fd00::1",)), places)
    assert read(places.config).me.controller.address == "[fd00::1]:5407"


def test_a_node_is_never_overwritten_by_accident(places: Places) -> None:
    assert unfinished(places, "init") is None
    found(PLAN, places)
    with pytest.raises(AlreadyNode, match="node h1 of cluster web"):
        unfinished(places, "init")
    with pytest.raises(AlreadyNode):
        unfinished(places, "join")


def test_what_was_interrupted_goes_on_and_nothing_else_begins(places: Places) -> None:
    note(places, kind="join", token="abc")
    assert unfinished(places, "join") == {"kind": "join", "token": "abc"}
    with pytest.raises(AlreadyNode, match="'crm cluster join' was begun"):
        unfinished(places, "init")
    found(PLAN, places)
    assert unfinished(places, "join") is not None
    finished(places)
    with pytest.raises(AlreadyNode):
        unfinished(places, "join")


def test_given_up_files_are_kept(places: Places) -> None:
    found(PLAN, places)
    places.state.mkdir(exist_ok=True)
    moved = put_aside(places, 0)
    assert settings_there(places) is None
    assert unfinished(places, "init") is None
    assert {path.name.split(".replaced-")[0] for path in moved} == {
        "raftmaker.toml", "tls", "state"
    }  # fmt: skip
    assert all(path.exists() for path in moved)


def test_the_end_of_a_certificate_is_told_before_it_comes(places: Places) -> None:
    now = datetime.now(UTC).replace(microsecond=0)  # Certificates know whole seconds.
    found(PLAN, places, now)
    node, authority = expiries(places.tls, now)
    assert (node.days_left, node.is_near) == (365, False)
    assert authority.days_left == 3650
    soon, _ = expiries(places.tls, now + timedelta(days=340))
    assert soon.is_near
    assert "25 days" in str(soon)
    late, _ = expiries(places.tls, now + timedelta(days=366))
    assert "has expired" in str(late)
    assert expiries(places.tls / "nowhere", now) == ()
    assert expiries(None, now) == ()


def test_remote_nodes_are_found_with_their_addresses() -> None:
    """Features 22.2, 22.3, 22.4: by whom certificates are exchanged, whatever runs now."""
    pair = '<nvpair id="{id}" name="{name}" value="{value}"/>'

    def pairs(kind: str, owner: str, **values: str) -> str:
        inner = "".join(
            pair.format(id=f"{owner}-{name}", name=name.replace("_", "-"), value=value)
            for name, value in values.items()
        )
        return f'<{kind} id="{owner}-{kind}">{inner}</{kind}>'

    remote = '<primitive id="{}" class="ocf" provider="pacemaker" type="remote">{}</primitive>'
    resources = (
        remote.format("plain", ""),
        remote.format("six", pairs("instance_attributes", "six", server="fd00::9", port="99")),
        '<primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain">'
        + pairs("meta_attributes", "vm", remote_node="guest", remote_addr="10.0.0.7")
        + "</primitive>",
    )
    text = f"<cib><configuration><resources>{''.join(resources)}</resources></configuration></cib>"
    assert [(one.name, one.address) for one in remote_nodes(parse(text))] == [
        ("guest", "10.0.0.7:3121"),
        ("plain", "plain:3121"),
        ("six", "[fd00::9]:99"),
    ]
