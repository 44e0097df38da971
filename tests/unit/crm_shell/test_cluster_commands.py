"""``crm cluster health``, and ``start`` and ``stop`` on other nodes (features 30.7)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from cib_store.membership.view import Membership, MemberStatus
from crm_shell.commands.health import member_advice
from crm_shell.commands.session import Misused
from crm_shell.commands.status import certificate_advice
from crm_shell.host.everywhere import give, wanted
from raftmaker.runtime.certificates import create_authority, issue, store_credentials
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.settings import Peer
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.vocabulary.members import Member, MemberKind, Members


def peer(name: str, address: str = "192.0.2.1:5405") -> Peer:
    endpoint = Endpoint(node=NodeName(name), address=address)
    return Peer(name=NodeName(name), store=endpoint, controller=endpoint, fencer=endpoint)


def membership(*members: Member, silent: str = "", waits: str = "") -> Membership:
    return Membership(
        members=Members(members=members),
        status=tuple(
            MemberStatus(
                name=each.name, heard=each.name != silent, behind=0,
                waits_for="a third" if each.name == waits else "",
            )
            for each in members
        ),
        leader=NodeName("n1"),
        generation=0,
    )  # fmt: skip


def member(name: str, kind: MemberKind = MemberKind.VOTER) -> Member:
    return Member(name=NodeName(name), kind=kind, store="192.0.2.1:5405")


THREE = (member("n1"), member("n2"), member("w", MemberKind.WITNESS))


def test_three_voters_that_are_heard_are_healthy() -> None:
    assert not [*member_advice(membership(*THREE))]


def test_silence_and_missing_votes_are_named() -> None:
    ((what, how),) = member_advice(membership(*THREE, silent="w"))
    assert "w is silent" in what
    assert how.startswith("on w: crm cluster start")
    learner = replace(member("n2"), learner=True)
    waiting, votes = member_advice(membership(member("n1"), learner, waits="n2"))
    assert "n2 does not vote yet: a third" in waiting[0]
    assert "votes: 1 of 2" in votes[0]
    assert "crm cluster token --witness" in votes[1]


def test_a_certificate_that_ends_soon_has_advice(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = create_authority(ClusterId("c"), now)
    store_credentials(
        tmp_path, authority.certificate, issue(authority, NodeName("n1"), now, days=40)
    )
    assert not certificate_advice(tmp_path, now)
    ((what, how),) = certificate_advice(tmp_path, now + timedelta(days=20))
    assert "is good until" in what
    assert how == "crm cluster rotate-certificates"
    assert not certificate_advice(tmp_path / "none", now)


def test_nodes_are_named_or_all_are_meant() -> None:
    peers = (peer("n1"), peer("n2"))
    assert wanted(peers, ["--all"], "") == peers
    assert wanted(peers, ["n2", "n2"], "") == peers[1:]
    with pytest.raises(Misused, match="n3 is no member; there are: n1, n2"):
        wanted(peers, ["n1", "n3"], "")
    with pytest.raises(Misused, match="'--al'"):
        wanted(peers, ["--al"], "")


def test_another_node_is_asked_by_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n'
        'case "$*" in *::1*) echo "ssh: no route" >&2; exit 255;; esac\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert asyncio.run(give(peer("n2"), "stop", here=False)) == ""
    assert (tmp_path / "asked").read_text().endswith("root@192.0.2.1 crm cluster stop\n")
    fault = asyncio.run(give(peer("n3", "[::1]:5405"), "stop", here=False))
    assert fault == (
        "ssh: no route; it needs this user's key there, or give 'crm cluster stop' there"
    )
