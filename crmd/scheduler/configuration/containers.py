"""A bundle as configured, and the elements of the resources that it implies (features 11).

None of them is in the CIB, but their parameters enter the digests in the operation history: the
texts made here have to stay as they are.
"""

from __future__ import annotations

import re

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.values import parse_boolean, parse_integer, whole
from crmd.scheduler.configuration.implied import pairs_element

_AGENTS = ("docker", "podman")
_REMOTE_DAEMON = "/usr/sbin/pacemaker-remoted"
_KEY_FILE = "/etc/pacemaker/authkey"
_LOG_ROOT = "/var/log/pacemaker/bundles"
_PORT = "3121"
_UNFIT_FOR_ID = re.compile(r"[^\w:.\-]")


class _Mount(Struct, frozen=True, kw_only=True):
    """One directory of the host seen inside the container."""

    source: str
    target: str
    options: str | None = None
    per_replica: bool = False
    """Each replica has a directory of its own below `source`."""


class _Port(Struct, frozen=True, kw_only=True):
    """One port of the host (or range of ports) that leads into the container."""

    outside: str
    inside: str


class Description(Struct, frozen=True, kw_only=True):
    """A bundle as configured."""

    prefix: str
    agent: str
    technology: Element
    """The ``docker`` or ``podman`` element."""
    network: Element
    """The ``network`` element; an empty one where there is none."""
    promoted_max: int
    replicas: int
    replicas_per_host: int
    unique: bool
    """Whether its replicas are told apart."""
    mounts: tuple[_Mount, ...]
    ports: tuple[_Port, ...]
    content: Element | None
    """The primitive inside."""

    @property
    def first_address(self) -> str | None:
        """``ip-range-start``."""
        return self.network.attributes.get("ip-range-start")

    @property
    def port(self) -> str:
        """The port that the connections to the containers use."""
        return self.network.attributes.get("control-port", _PORT)


def _at_least(minimum: int, text: str | None) -> int:
    number = parse_integer(text)
    return minimum if number is None else max(minimum, number)


def describe(bundle: Element, reports: list[str]) -> Description | None:
    """Read a bundle; None, and a report, where it cannot be used."""
    technology = next((found for tag in _AGENTS for found in bundle.each(tag)), None)
    if technology is None:
        reports.append(f"Bundle {bundle.id} needs one of {', '.join(_AGENTS)}")
        return None
    network = bundle.child("network") or Element("network")
    content = bundle.child("primitive")
    addressed = "ip-range-start" in network.attributes
    if content is not None and not addressed and "control-port" not in network.attributes:
        reports.append(
            f"Cannot control {content.id} inside {bundle.id} without either "
            "ip-range-start or control-port"
        )
        return None
    promoted_max = _at_least(0, technology.attributes.get("promoted-max"))
    replicas = technology.attributes.get("replicas")
    per_host = wanted = _at_least(1, technology.attributes.get("replicas-per-host"))
    if content is not None and not addressed and wanted > 1:
        # Their ports would clash (features 11.4).
        reports.append(f"The control-port of {bundle.id} requires replicas-per-host=1")
        per_host = 1
    return Description(
        prefix=bundle.id,
        agent=technology.tag,
        technology=technology,
        network=network,
        promoted_max=promoted_max,
        replicas=promoted_max if replicas is None and promoted_max else _at_least(1, replicas),
        replicas_per_host=per_host,
        unique=wanted > 1,
        mounts=_mounts(bundle, reports),
        ports=_ports(network, reports, inside=content is not None),
        content=content,
    )


def _mounts(bundle: Element, reports: list[str]) -> tuple[_Mount, ...]:
    found: list[_Mount] = []
    storage = bundle.child("storage")
    for each in storage.each("storage-mapping") if storage is not None else ():
        source, target = each.attributes.get("source-dir"), each.attributes.get("target-dir")
        per_replica = source is None
        if source is None:
            source = each.attributes.get("source-dir-root")
        if source is None or target is None:
            reports.append(
                f"Ignoring storage-mapping {each.id}: it needs target-dir and "
                "either source-dir or source-dir-root"
            )
            continue
        options = each.attributes.get("options")
        mount = _Mount(source=source, target=target, options=options, per_replica=per_replica)
        found.append(mount)
    if bundle.child("primitive") is not None:
        found.append(_Mount(source=_KEY_FILE, target=_KEY_FILE))
        if not any(mount.target == "/var/log" for mount in found):
            found.append(_Mount(source=_LOG_ROOT, target="/var/log", per_replica=True))
    return tuple(found)


def _ports(network: Element, reports: list[str], *, inside: bool) -> tuple[_Port, ...]:
    found: list[_Port] = []
    for each in network.each("port-mapping"):
        outside, within = each.attributes.get("port"), each.attributes.get("internal-port")
        if outside is None:
            outside, within = each.attributes.get("range"), None
        if not outside:
            reports.append(f"Ignoring port-mapping {each.id}: it needs port or range")
            continue
        found.append(_Port(outside=outside, inside=outside if within is None else within))
    if inside:
        control = network.attributes.get("control-port", _PORT)
        found.append(_Port(outside=control, inside=control))
    return tuple(found)


def inner_clone(described: Description) -> Element:
    """The clone of the resource inside: one instance a replica."""
    assert described.content is not None
    per_host = described.replicas_per_host
    meta = {
        "ordered": "true",
        "clone-max": str(described.replicas),
        "clone-node-max": str(per_host),
        "globally-unique": "true" if per_host > 1 else "false",
    }
    if described.promoted_max:
        meta["promotable"] = "true"
        meta["promoted-max"] = str(described.promoted_max)
    suffix = "master" if described.promoted_max else "clone"
    settings = pairs_element("meta_attributes", f"{described.prefix}-clone-meta", meta)
    return Element("clone", {"id": f"{described.prefix}-{suffix}"}, (settings, described.content))


def next_address(address: str) -> str | None:
    """Return the IPv4 address after another one; None where there is none."""
    match = re.match(r"\s*(\d+)\.\s*(\d+)\.\s*(\d+)\.\s*(\d+)", address)
    if match is None:
        return None
    first, second, third, fourth = (whole(part) for part in match.groups())
    if third > 253:
        return None
    if fourth > 253:
        third, fourth = third + 1, 0
    return f"{first}.{second}.{third}.{fourth + 1}"


def addresses_of(described: Description, count: int, reports: list[str]) -> tuple[str | None, ...]:
    """Return the address of each replica, as far as there are any."""
    addresses: list[str | None] = []
    address = described.first_address
    for _ in range(count):
        addresses.append(address)
        if address is not None:
            address = next_address(address)
    if described.first_address is not None and None in addresses:
        reports.append(
            f"Bundle {described.prefix} has {count} replicas, but there are only "
            f"{addresses.index(None)} addresses from {described.first_address}: "
            "choose an IPv4 address further from the end of its network"
        )
    return tuple(addresses)


def host_options(described: Description, addresses: tuple[str | None, ...]) -> str:
    """The options that make the replicas know each other by name (features 11.8: add-host)."""
    add_host = parse_boolean(described.network.attributes.get("add-host"))
    options = []
    for number, address in enumerate(addresses):
        if address is None:
            continue
        name = f"{described.prefix}-{number}"
        if add_host is not False:
            options.append(f" --add-host={name}:{address}")
        else:
            options.append(f" --hosts-entry={address}={name}")
    return "".join(options)


def _run_options(
    described: Description, number: int, address: str | None, hosts: str
) -> tuple[str, str]:
    """Return the command line options of a container, and the directories it needs."""
    technology = described.technology.attributes
    name = f"{described.prefix}-{number}"
    words: list[str] = []
    if described.agent == "docker":
        words.append("--restart=no")
    if described.first_address is not None:
        words.append(f"-h {name}")
    words.append("-e PCMK_stderr=1")
    network = technology.get("network")
    if network is not None:
        words.append(f"--net={network}")
    words.append(f"-e PCMK_remote_port={described.port}")
    directories: list[str] = []
    for mount in described.mounts:
        source = mount.source
        if mount.per_replica:
            source = f"{source}/{name}"
            directories.append(source)
        options = "" if mount.options is None else f":{mount.options}"
        words.append(f"-v {source}:{mount.target}{options}")
    for port in described.ports:
        if address is not None:
            words.append(f"-p {address}:{port.outside}:{port.inside}")
        elif network != "host":
            words.append(f"-p {port.outside}:{port.inside}")
    if "options" in technology:
        words.append(technology["options"])
    # A blank comes before each word, and one more before the hosts.
    return "".join(f" {word}" for word in (*words, hosts)), ",".join(directories)


def container_element(
    described: Description, number: int, address: str | None, hosts: str
) -> Element:
    """The container of one replica; `hosts` are the options that tell it of the others."""
    options, directories = _run_options(described, number, address, hosts)
    parameters = {
        "image": described.technology.get("image"),
        "allow_pull": "true",
        "force_kill": "false",
        "reuse": "false",
        "run_opts": options,
        "mount_points": directories,
    }
    command = described.technology.attributes.get("run-command")
    if command is not None or described.content is not None:
        parameters["run_cmd"] = _REMOTE_DAEMON if command is None else command
    parameters["monitor_cmd"] = "/bin/true"
    id_ = _as_id(f"{described.prefix}-{described.agent}-{number}")
    return _implied(id_, described.agent, f"{described.prefix}-attributes-{number}", parameters)


def _as_id(text: str) -> str:
    return _UNFIT_FOR_ID.sub(".", text)


def _implied(id_: str, type_: str, set_id: str, parameters: dict[str, str]) -> Element:
    """Return a resource of an ``ocf:heartbeat`` agent, monitored every minute."""
    monitor = {"id": f"{id_}-monitor-60s", "interval": "60s", "name": "monitor"}
    children = (
        pairs_element("instance_attributes", set_id, parameters),
        Element("operations", {}, (Element("op", monitor),)),
    )
    attributes = {"id": id_, "class": "ocf", "provider": "heartbeat", "type": type_}
    return Element("primitive", attributes, children)


def address_element(described: Description, number: int, address: str) -> Element:
    """The address of one replica."""
    parameters = {"ip": address}
    interface = described.network.attributes.get("host-interface")
    if interface is not None:
        parameters["nic"] = interface
    parameters["cidr_netmask"] = described.network.attributes.get("host-netmask", "32")
    id_ = _as_id(f"{described.prefix}-ip-{address}")
    return _implied(id_, "IPaddr2", f"{described.prefix}-attributes-{number}", parameters)
