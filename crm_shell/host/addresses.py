"""Which of this host's addresses the cluster shall use."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Sequence

from msgspec import Struct

from raftmaker.runtime.errors import Rejected, Report
from raftmaker.runtime.process import run
from raftmaker.vocabulary.codes import ExitCode


class Found(Struct, frozen=True):
    """One address that others may reach, and the interface that has it."""

    interface: str
    address: str


async def addresses_here() -> tuple[Found, ...]:
    """Return this host's addresses of global scope, IPv4 first. Raises OSError without iproute2."""
    ended = await run(
        ("ip", "-json", "address", "show", "up", "scope", "global"), timeout_ms=10_000
    )
    return read_addresses(ended.stdout)


def read_addresses(text: str) -> tuple[Found, ...]:
    """Read what ``ip -json address`` printed. Pure."""
    found = [
        (entry["family"] != "inet", Found(link["ifname"], entry["local"]))
        for link in json.loads(text or "[]")
        for entry in link.get("addr_info", ())
        # A temporary address changes every day, a deprecated one is about to go.
        if "local" in entry and not entry.get("temporary") and not entry.get("deprecated")
    ]
    return tuple(each for _, each in sorted(found, key=lambda pair: pair[0]))


def way_to(host: str) -> str:
    """Return the address that this host speaks to `host` from; empty where there is no way."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))  # Nothing is sent.
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def chosen(
    here: Sequence[Found], *, wanted: Sequence[str], interfaces: Sequence[str], way_out: str
) -> tuple[str, ...]:
    """Choose: what was asked for, else the way out, else the only one. Pure.

    Raises `Rejected` with every fault: an address or interface that is not here, or several and
    nothing that tells which.
    """
    reports = [*_unknown_addresses(here, wanted), *_unknown_interfaces(here, interfaces)]
    if reports:
        raise Rejected(ExitCode.NOSUCH, tuple(reports))
    if wanted or interfaces:
        by_interface = [
            next(each.address for each in here if each.interface == name) for name in interfaces
        ]
        return tuple(dict.fromkeys((*wanted, *by_interface)))
    if way_out in {each.address for each in here}:
        return (way_out,)
    if len({each.interface for each in here}) == 1:
        return (here[0].address,)
    what = "has no address that others could reach"
    if here:
        what = "has several addresses and no default route that tells which the cluster shall use"
    raise Rejected(ExitCode.CONFIG, (_report("this host", what, here),))


def _unknown_addresses(here: Sequence[Found], wanted: Sequence[str]) -> list[Report]:
    known = {ipaddress.ip_address(each.address) for each in here}
    reports = []
    for text in wanted:
        try:
            if ipaddress.ip_address(text) not in known:
                reports.append(_report(text, "is no address of this host", here))
        except ValueError:
            reports.append(_report(text, "is no IP address", here))
    return reports


def _unknown_interfaces(here: Sequence[Found], interfaces: Sequence[str]) -> list[Report]:
    known = {each.interface for each in here}
    return [
        _report(name, "is no interface that is up and has an address", here)
        for name in interfaces
        if name not in known
    ]


def _report(where: str, what: str, here: Sequence[Found]) -> Report:
    there = ", ".join(f"{each.address} ({each.interface})" for each in here) or "none"
    mend = f"--address ADDRESS or -i INTERFACE; there are: {there}"
    return Report(code="bad-address", where=where, what=what, mend=mend)
