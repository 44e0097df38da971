"""Carry out ``crm cluster init``, ``token`` and ``join`` (features 30.4, 30.5)."""

from __future__ import annotations

import argparse
import os
import socket
import time

from crm_shell.commands.options import OptionParser
from crm_shell.commands.session import Failed, Misused, Session
from crm_shell.enrolment import records
from crm_shell.enrolment.joining import enrol
from crm_shell.enrolment.places import (
    ENROLMENT_PORT,
    UNIT,
    enrolment_directory,
    host_of,
    hosts_of,
    with_port,
)
from crm_shell.enrolment.records import Record
from crm_shell.enrolment.token import Role, Token, decode, digest_of, encode, new_secret
from crm_shell.host import units
from crm_shell.host.addresses import addresses_here, chosen, way_to
from crm_shell.host.files import (
    AlreadyNode,
    Places,
    finished,
    note,
    places_of,
    put_aside,
    settings_there,
    unfinished,
)
from crm_shell.host.founding import Plan, found
from crm_shell.host.joining import key_of, request_of, settle_in
from crm_shell.host.waiting import wait_until_up
from raftmaker.runtime.certificates import fingerprint
from raftmaker.runtime.settings import Settings, is_node_name
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName

_UP_S = 120.0
_FAR = "192.0.2.1"
"""Belongs to nobody (RFC 5737): the way there is the default route."""
_ELSEWHERE = {
    "-N": "other hosts join by themselves: 'crm cluster token' here, 'crm cluster join' there",
    "--nodes": "other hosts join by themselves: 'crm cluster token' here, 'crm cluster join' there",
    "-c": "there is no ssh to another node: take a token from 'crm cluster token' there",
    "--cluster-node": "there is no ssh to another node: take one from 'crm cluster token' there",
    "-w": "watchdogs are not supported yet",
    "-s": "SBD is not supported yet",
    "-S": "SBD is not supported yet",
    "--qnetd-hostname": "a third vote is a witness: 'crm cluster token --witness'",
}


def _host_options(usage: str) -> OptionParser:
    options = OptionParser(usage)
    options.add_argument("--node", default="")
    options.add_argument("-i", "--interface", action="append", default=[])
    options.add_argument("--address", action="append", default=[])
    options.add_argument("--no-start", action="store_true")
    options.add_argument("-y", "--yes", action="store_true")
    options.add_argument("-F", "--force", action="store_true")
    return options


def _read(options: OptionParser, args: list[str]) -> argparse.Namespace:
    for word in args:
        if word.split("=")[0] in _ELSEWHERE:
            raise Misused(f"{word}: {_ELSEWHERE[word.split('=')[0]]}")
    given = options.parse_args(args)
    given.node = given.node or socket.gethostname().split(".")[0]
    if not is_node_name(given.node):
        raise Misused(f"{given.node!r} is no node name: letters, digits, . _ -; give --node NAME")
    return given


async def init(session: Session, args: list[str], usage: str) -> int:
    """Carry out ``crm cluster init``."""
    options = _host_options(usage)
    options.add_argument("-n", "--name", default="hacluster")
    given = _read(options, args)
    insist_on_root("make a cluster")
    places = places_of(session.config)
    await _make_room(session, places, given, "init")
    settings = settings_there(places)
    if settings is None:
        addresses = await _addresses(given, _FAR)
        plan = Plan(cluster_name=given.name, node=NodeName(given.node), addresses=addresses)
        _say(session, f"This host becomes {plan.node} at {', '.join(addresses)}")
        note(places, kind="init")
        settings = found(plan, places)
        _say(session, f"Cluster {settings.cluster_name} ({settings.cluster}): authority, keys and"
                      f" {places.config} are made")  # fmt: skip
    else:
        _say(session, f"Going on with cluster {settings.cluster_name} ({settings.cluster})")
    await _bring_up(session, places, given, witness=False)
    session.console.say(
        f"\nCluster {settings.cluster_name} is there, with one node. Next:\n"
        "  crm cluster token        here, for each host that is to join\n"
        "  crm cluster join TOKEN   on that host\n"
        "  crm status               what the cluster does\n"
        "  crm configure            resources; fencing first: 'crm help configure primitive'"
    )
    session.console.answer("", _data(settings))
    return 0


async def token(session: Session, args: list[str], usage: str) -> int:
    """Carry out ``crm cluster token``."""
    options = OptionParser(usage)
    options.add_argument("--expires", default="1h")
    role = options.add_mutually_exclusive_group()
    role.add_argument("--witness", dest="role", action="store_const", const=Role.WITNESS)
    role.add_argument("--follower", dest="role", action="store_const", const=Role.FOLLOWER)
    role.add_argument("--remote", dest="role", action="store_const", const=Role.REMOTE)
    given = options.parse_args(args)
    insist_on_root("let others join")
    lasting_s = duration_s(given.expires)
    settings = session.cluster.settings
    if settings.tls_dir is None:
        raise Failed("this cluster has no certificates: it stays on this machine",
                     code=ExitCode.UNSATISFIED)  # fmt: skip
    if not (settings.tls_dir / "authority.key").exists():
        raise Failed(
            f"{settings.node} does not hold the authority's key: make the token on a voter",
            code=ExitCode.UNSATISFIED,
        )
    token = _new_token(settings, given.role or Role.VOTER)
    now_s = int(time.time())
    exchanged_s = int((settings.tls_dir / "authority.pem").stat().st_mtime)
    with records.changing(enrolment_directory(settings)) as known:
        # Tokens name the authority of then: older ones let nobody in.
        known[:] = [
            each for each in records.kept(tuple(known), now_s) if each.made_s >= exchanged_s
        ]
        known.append(
            Record(
                id=token.id.hex(),
                digest=digest_of(token.secret).hex(),
                role=token.role,
                made_s=now_s,
                expires_s=now_s + lasting_s,
            )
        )
    # One that began before an exchange of the authority would not take this token.
    outdated = await units.started_s(UNIT) <= exchanged_s
    await units.must("restart" if outdated else "start", UNIT)
    text = encode(token)
    until = time.strftime("%F %T", time.localtime(now_s + lasting_s))
    session.console.answer(text, {"token": text, "role": token.role.value,
                                  "expires": now_s + lasting_s})  # fmt: skip
    session.console.info(
        f"for one {token.role.value}, until {until}; on the host that is to join:"
        f" crm cluster join TOKEN (it must reach {', '.join(token.addresses)})"
    )
    return 0


def _new_token(settings: Settings, role: Role) -> Token:
    assert settings.tls_dir is not None
    identity, secret = new_secret()
    return Token(
        cluster=settings.cluster,
        cluster_name=settings.cluster_name,
        node=settings.node,
        addresses=tuple(with_port(host, ENROLMENT_PORT) for host in hosts_of(settings)),
        authority=fingerprint((settings.tls_dir / "authority.pem").read_bytes()),
        id=identity,
        secret=secret,
        role=role,
    )


async def join(session: Session, args: list[str], usage: str) -> int:
    """Carry out ``crm cluster join``."""
    options = _host_options(usage)
    options.add_argument("token")
    given = _read(options, args)
    insist_on_root("join a cluster")
    token = decode(given.token)
    witness, remote = token.role is Role.WITNESS, token.role is Role.REMOTE
    places = places_of(session.config)
    await _make_room(session, places, given, "join")
    settings = settings_there(places)
    if settings is None:
        node = NodeName(given.node)
        addresses = await _addresses(given, host_of(token.addresses[0]))
        _say(session, f"This host becomes {node} at {', '.join(addresses)}, a {token.role.value}")
        note(places, kind="join", token=token.id.hex())
        request = request_of(token, node, addresses, key_of(places, node).request)
        _say(session, f"Asking {token.node} to be let into {token.cluster_name}")
        reply = await enrol(token, request)
        settings = settle_in(token, node, reply, places)
        _say(session, f"Let in: certificate, keys and {places.config} are there")
    else:
        _say(session, f"Going on with joining {settings.cluster_name} ({settings.cluster})")
    if remote:
        await _bring_up_remote(session, places, given, settings)
    else:
        await _bring_up(session, places, given, witness=witness)
        session.console.say(
            f"\n{settings.node} is a {token.role.value} of {settings.cluster_name}."
            " 'crm status' shows what it does."
        )
    session.console.answer("", _data(settings))
    return 0


async def _make_room(
    session: Session, places: Places, given: argparse.Namespace, kind: str
) -> None:
    """See to it that no other cluster's files are in the way. Raises `AlreadyNode`."""
    try:
        unfinished(places, kind)
    except AlreadyNode:
        if not (given.force or session.force):
            raise
    else:
        if not given.force:
            return
    states = await units.states(tuple(map(units.unit_of, units.DAEMONS)))
    running = [each.name for each in states if each.active not in ("inactive", "failed")]
    if running:
        raise AlreadyNode(f"{', '.join(running)} still runs: 'crm cluster stop' first")
    for kept in put_aside(places, time.time()):
        _say(session, f"What was there is kept as {kept}")


async def _addresses(given: argparse.Namespace, far: str) -> tuple[str, ...]:
    try:
        here = await addresses_here()
    except OSError as error:
        raise Failed(
            f"ip: {error.strerror}: install iproute2", code=ExitCode.NOT_INSTALLED
        ) from None
    return chosen(here, wanted=given.address, interfaces=given.interface, way_out=way_to(far))


async def _bring_up(
    session: Session, places: Places, given: argparse.Namespace, *, witness: bool
) -> None:
    if given.no_start:
        finished(places)
        _say(session, "Not started, as you asked: 'crm cluster enable' and 'crm cluster start'")
        return
    await units.must("enable", units.TARGET)
    await units.must("reset-failed", "raftmaker-*")
    await units.start()
    _say(session, f"{units.TARGET} is enabled and started")
    await wait_until_up(
        places.config, lambda text: _say(session, f"  … {text}"), witness=witness, timeout_s=_UP_S
    )
    finished(places)


async def _bring_up_remote(
    session: Session, places: Places, given: argparse.Namespace, settings: Settings
) -> None:
    """A remote node has one daemon; it is used once a resource of its name is configured."""
    if given.no_start:
        _say(session, f"Not started, as you asked: 'systemctl enable --now {units.REMOTE}'")
    else:
        await units.must("enable", units.REMOTE)
        await units.must("reset-failed", "raftmaker-*")
        await units.must("start", units.REMOTE, timeout_ms=90_000)
        _say(session, f"{units.REMOTE} is enabled and started")
    finished(places)
    session.console.say(
        f"\nOn a member, to use it: crm configure primitive {settings.node} ocf:pacemaker:remote"
        f" params server=ADDRESS op monitor interval=10s (its address, where not {settings.node})"
    )


def _say(session: Session, text: str) -> None:
    session.console.say(text)


def _data(settings: Settings) -> dict[str, str]:
    return {"cluster": settings.cluster, "name": settings.cluster_name, "node": settings.node}


def insist_on_root(what: str) -> None:
    """Refuse to go on for anybody but root. `what`: what he wants to do."""
    if os.geteuid() != 0:
        raise Failed(f"to {what} you must be root", code=ExitCode.INSUFFICIENT_PRIV)


def duration_s(text: str) -> int:
    """Read ``90``, ``15m``, ``1h``, ``2d`` as seconds. Raises `Misused`; a week is the longest."""
    number, unit = text.rstrip("smhd"), text[len(text.rstrip("smhd")) :]
    seconds = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}.get(unit)
    if seconds is None or not number.isdecimal() or not 0 < int(number) * seconds <= 7 * 86400:
        raise Misused(f"{text!r} is no time that a token may last: 30s to 7d, such as 15m or 1h")
    return int(number) * seconds
