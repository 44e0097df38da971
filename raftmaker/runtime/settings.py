"""What `raftmaker.toml` says about one node: names, addresses, directories and timings.

The file is checked as a whole before anything starts; every fault is reported at once, with the
key, what is wrong and what is allowed. Timings are milliseconds and must keep their relations.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from raftmaker.runtime.endpoint import Endpoint, ShowsCredentials, is_address, is_loopback
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.vocabulary.members import MemberKind

DEFAULT_FILE = Path("/etc/raftmaker/raftmaker.toml")
SYSTEM_RUN_DIR = Path("/run/raftmaker")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Peer(Struct, frozen=True, kw_only=True):
    """One member of the cluster and where its daemons listen for the others.

    A witness has no controller and no fencer: their addresses are empty.
    """

    name: NodeName
    store: Endpoint
    controller: Endpoint
    fencer: Endpoint
    kind: MemberKind = MemberKind.VOTER

    @property
    def voter(self) -> bool:
        """Whether it votes, or will once it has caught up."""
        return self.kind is not MemberKind.FOLLOWER

    @property
    def is_node(self) -> bool:
        """Whether it is a node that may run resources."""
        return self.kind is not MemberKind.WITNESS

    def secured(self, credentials: ShowsCredentials) -> Peer:
        """Return it with endpoints that show these credentials."""
        return replace(
            self,
            store=replace(self.store, credentials=credentials),
            controller=replace(self.controller, credentials=credentials),
            fencer=replace(self.fencer, credentials=credentials),
        )


COMPACT_BYTES = 16 * 1024 * 1024
COMPACT_BYTES_MIN = 64 * 1024
_TABLES = ("cluster", "node", "directories", "timings", "store", "remote", "peers")
REMOTE_PORT = 3121
"""Where a remote node listens for the members (features 26.11)."""


class Timings(Struct, frozen=True, kw_only=True):
    """Milliseconds. heartbeat < dead time <= election maximum < isolation grace (protocols)."""

    heartbeat_ms: int = 100
    dead_ms: int = 600
    """Silence after which a voter reports a session, and freshness of a DC ends."""
    stall_ms: int = 100
    """A leader that was stalled for longer re-arms all its deadlines."""
    election_min_ms: int = 300
    election_max_ms: int = 600
    no_quorum_stop_grace_ms: int = 5000
    """With fencing off: what a majority waits beyond the dead time before it takes over."""
    controller_fence_delay_ms: int = 10_000
    """How long a node whose controller alone is lost is not fenced."""

    @property
    def dead_max_ms(self) -> int:
        """The bound of the dead time where beats arrive with varying delay (protocols)."""
        return self.dead_ms * 4 // 3


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that a daemon or tool needs to know about its node."""

    cluster: ClusterId
    cluster_name: str
    node: NodeName
    peers: tuple[Peer, ...]
    state_dir: Path = Path("/var/lib/raftmaker")
    run_dir: Path = SYSTEM_RUN_DIR
    tls_dir: Path | None = None
    """Where this node's certificate is; None: nothing but loopback may be used."""
    ocf_roots: tuple[Path, ...] = ()
    """Searched before /usr/lib/ocf; each holds ``resource.d``."""
    fence_dirs: tuple[Path, ...] = ()
    """Searched before /usr/sbin for fence agents."""
    timings: Timings = Timings()
    compact_bytes: int = COMPACT_BYTES
    """How long the store's journal becomes before a snapshot takes its place."""
    remote: Endpoint | None = None
    """Where this machine, which is no member but a remote node, listens (features 22.1)."""

    @property
    def me(self) -> Peer:
        """This node's own entry among the peers. Raises `Rejected` on a remote node."""
        if self.remote is not None:
            mend = "give the command on a member of the cluster"
            what = f"{self.node} is a remote node: it has no store and no controller of its own"
            raise Rejected(ExitCode.CONFIG, (Report(code="remote-node", what=what, mend=mend),))
        return self.peer(self.node)

    @property
    def runs_resources(self) -> bool:
        """Whether this is a node, remote or not; a witness only votes."""
        return self.remote is not None or self.me.is_node

    def peer(self, name: NodeName) -> Peer:
        """Return the entry of `name`. Raises KeyError where there is none."""
        for peer in self.peers:
            if peer.name == name:
                return peer
        raise KeyError(name)

    @property
    def shares_machine(self) -> bool:
        """Whether it may be one of several nodes on this machine: its run directory is its own."""
        return self.run_dir != SYSTEM_RUN_DIR

    @property
    def voters(self) -> tuple[Peer, ...]:
        """The peers that vote, in the file's order."""
        return tuple(peer for peer in self.peers if peer.voter)

    def socket(self, daemon: str) -> Path:
        """Return the unix socket by which this process reaches cib, crmd, lrmd or stonithd.

        Store and controller have two: one for root and the daemons' own user, one for others. On a
        remote node one socket stands for all three that are elsewhere (features 22.5).
        """
        if self.remote is not None and daemon != "lrmd":
            return self.public_socket("relay")
        private = daemon in ("cib", "crmd") and self._is_own()
        return self.private_socket(daemon) if private else self.public_socket(daemon)

    def private_socket(self, daemon: str) -> Path:
        """Return the socket of cib or crmd that only root and the daemons' own user can reach."""
        return self.run_dir / "private" / f"{daemon}.sock"

    def public_socket(self, daemon: str) -> Path:
        """Return a daemon's socket for all who may use the cluster."""
        return self.run_dir / f"{daemon}.sock"

    def _is_own(self) -> bool:
        user = os.geteuid()
        try:
            return user == 0 or self.run_dir.stat().st_uid == user
        except OSError:  # it is made by the daemon that asks
            return True


class _Checker:
    """Collects every fault while the file is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reports: list[Report] = []

    def fault(self, where: str, what: str, mend: str) -> None:
        self.reports.append(
            Report(code="bad-setting", where=f"{self.path}: {where}", what=what, mend=mend)
        )

    def table(self, data: Mapping[str, object], key: str, known: set[str]) -> dict[str, object]:
        value = data.get(key, {})
        if not isinstance(value, dict):
            self.fault(key, "is no table", f"write [{key}]")
            return {}
        for name in sorted(value.keys() - known):
            self.fault(f"{key}.{name}", "is not known", f"known: {', '.join(sorted(known))}")
        return value

    def text(self, table: Mapping[str, object], where: str, key: str, default: str = "") -> str:
        value = table.get(key, default)
        if not isinstance(value, str) or (not value and not default and key in table):
            self.fault(f"{where}.{key}", "must be a text", f'{key} = "…"')
            return default
        return value

    def paths(self, table: Mapping[str, object], where: str, key: str) -> tuple[Path, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fault(f"{where}.{key}", "must be a list of paths", f'{key} = ["/opt/…"]')
            return ()
        return tuple(Path(item) for item in value)

    def addresses(self, table: Mapping[str, object], where: str, key: str) -> tuple[str, ...]:
        """Read one address or a list of them; what is none is a fault and left out."""
        value = table.get(key, "")
        listed = value if isinstance(value, list) and value else [value]
        for item in listed:
            if not isinstance(item, str) or not is_address(item):
                mend = '"host:port" or "[IPv6]:port", or a list of them'
                self.fault(f"{where}.{key}", f"{item!r} is no address", mend)
            elif listed.count(item) > 1:
                self.fault(f"{where}.{key}", f"{item} is there twice", "every address once")
        return tuple(item for item in listed if isinstance(item, str) and is_address(item))


def is_node_name(text: str) -> bool:
    """Tell whether a node may be called so."""
    return _NAME.fullmatch(text) is not None


def read(path: Path) -> Settings:
    """Read and check the file and the credentials it names. Raises `Rejected` with every fault."""
    return secured(decode_file(path))


def secured(settings: Settings) -> Settings:
    """Return them with the node's credentials, for connections to peers. Raises `Rejected`."""
    if settings.tls_dir is None:
        return settings
    # Here and not above: every tool reads the settings, and few need credentials.
    from raftmaker.runtime.keyring import Keyring

    credentials = Keyring(settings.tls_dir, settings.node)
    remote = settings.remote
    return replace(
        settings,
        peers=tuple(peer.secured(credentials) for peer in settings.peers),
        remote=replace(remote, credentials=credentials) if remote is not None else None,
    )


def decode_file(path: Path) -> Settings:
    """Read and check the file, and no credentials. Raises `Rejected` with every fault in it."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        mend = "make this host a node ('crm cluster init', or 'join'), or name another file"
        raise _rejected(path, "no such file", f"{mend} with --config or RAFTMAKER_CONFIG") from None
    except OSError as error:
        raise _rejected(
            path, f"cannot be read: {error.strerror}", "check its owner and mode"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _rejected(path, f"is not TOML: {error}", "mend the line named") from None
    return decode(data, path)


def _rejected(path: Path, what: str, mend: str) -> Rejected:
    report = Report(code="bad-settings-file", where=str(path), what=what, mend=mend)
    return Rejected(ExitCode.CONFIG, (report,))


def decode(data: Mapping[str, object], path: Path) -> Settings:
    """Turn the file's tables into settings. Raises `Rejected` with every fault in them."""
    check = _Checker(path)
    for key in sorted(data.keys() - set(_TABLES)):
        check.fault(key, "is not known", f"known: {', '.join(_TABLES)}")
    cluster = check.table(data, "cluster", {"id", "name"})
    node = check.table(data, "node", {"name"})
    directories = check.table(
        data, "directories", {"state", "run", "tls", "ocf_roots", "fence_dirs"}
    )
    name = NodeName(check.text(node, "node", "name"))
    identity = check.text(cluster, "cluster", "id")
    if not identity:
        check.fault("cluster.id", "is missing", "the same text in every node's file")
    tls = check.text(directories, "directories", "tls")
    remote = _remote(data, name, check, secure=bool(tls)) if "remote" in data else None
    peers = () if remote else _peers(data.get("peers"), check, secure=bool(tls))
    if remote is None and name not in {peer.name for peer in peers}:
        check.fault("node.name", f"{name!r} is none of the peers", "add a [[peers]] entry for it")
    settings = Settings(
        cluster=ClusterId(identity),
        cluster_name=check.text(cluster, "cluster", "name", "raftmaker"),
        node=name,
        peers=peers,
        state_dir=Path(check.text(directories, "directories", "state", "/var/lib/raftmaker")),
        run_dir=Path(check.text(directories, "directories", "run", str(SYSTEM_RUN_DIR))),
        tls_dir=Path(tls) if tls else None,
        ocf_roots=check.paths(directories, "directories", "ocf_roots"),
        fence_dirs=check.paths(directories, "directories", "fence_dirs"),
        timings=_timings(data, check),
        compact_bytes=_compact_bytes(data, check),
        remote=remote,
    )
    if check.reports:
        raise Rejected(ExitCode.CONFIG, tuple(check.reports))
    return settings


def _compact_bytes(data: Mapping[str, object], check: _Checker) -> int:
    table = check.table(data, "store", {"compact_bytes"})
    value = table.get("compact_bytes", COMPACT_BYTES)
    if not isinstance(value, int) or isinstance(value, bool) or value < COMPACT_BYTES_MIN:
        mend = f"a whole number, {COMPACT_BYTES_MIN} or more"
        check.fault("store.compact_bytes", f"{value!r} is too small or no number", mend)
        return COMPACT_BYTES_MIN
    return value


def _remote(
    data: Mapping[str, object], name: NodeName, check: _Checker, *, secure: bool
) -> Endpoint:
    """Read where a remote node listens; it has no peers, since it is no member."""
    table = dict(check.table(data, "remote", {"listen"}))
    if "peers" in data:
        check.fault("peers", "a remote node has none", "leave out [[peers]], or [remote]")
    if not is_node_name(name):
        check.fault("node.name", f"{name!r} is no node name", "letters, digits, . _ -")
    table.setdefault("listen", default_listener(os.environ))
    return _endpoint(name, table, "remote", "listen", check, secure)


def default_listener(environment: Mapping[str, str]) -> str:
    """Return where a remote node listens: everywhere, IPv6 and IPv4 (features 26.11)."""
    host = environment.get("PCMK_remote_address") or "::"
    port = environment.get("PCMK_remote_port") or str(REMOTE_PORT)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _peers(value: object, check: _Checker, *, secure: bool) -> tuple[Peer, ...]:
    if not isinstance(value, list) or not value:
        check.fault("peers", "is missing", "one [[peers]] table for every node of the cluster")
        return ()
    peers: list[Peer] = []
    for number, entry in enumerate(value):
        where = f"peers[{number}]"
        known = {*Peer.__struct_fields__, "voter"}
        table = check.table({where: entry}, where, known)
        name = check.text(table, where, "name")
        if not is_node_name(name):
            check.fault(f"{where}.name", f"{name!r} is no node name", "letters, digits, . _ -")
        if name in {peer.name for peer in peers}:
            check.fault(f"{where}.name", f"{name!r} is there twice", "every node once")
        kind = _kind(table, where, check)
        peers.append(
            Peer(
                name=NodeName(name),
                kind=kind,
                **{
                    key: _endpoint(NodeName(name), table, where, key, check, secure)
                    if key == "store" or key in table or kind is not MemberKind.WITNESS
                    else Endpoint(node=NodeName(name), address="")
                    for key in ("store", "controller", "fencer")
                },
            )
        )
    return tuple(peers)


def _kind(table: Mapping[str, object], where: str, check: _Checker) -> MemberKind:
    """Read ``kind``, or ``voter`` of before it."""
    voter, kind = table.get("voter", True), table.get("kind")
    if not isinstance(voter, bool):
        check.fault(f"{where}.voter", "must be true or false", 'better: kind = "follower"')
    if kind is None:
        return MemberKind.VOTER if voter is not False else MemberKind.FOLLOWER
    for each in MemberKind:
        if kind == each.value:
            return each
    known = ", ".join(f'"{each.value}"' for each in MemberKind)
    check.fault(f"{where}.kind", f"{kind!r} is no kind of member", f"one of {known}")
    return MemberKind.VOTER


def _endpoint(
    node: NodeName,
    table: Mapping[str, object],
    where: str,
    key: str,
    check: _Checker,
    secure: bool,
) -> Endpoint:
    addresses = check.addresses(table, where, key)
    for address in addresses:
        if not secure and not is_loopback(address):
            check.fault(
                f"{where}.{key}",
                f"{address} is reached over the network, where peers must prove who they are",
                'set directories.tls = "/etc/raftmaker/tls", or use 127.0.0.1 for a trial',
            )
    first, *others = addresses or ("",)
    return Endpoint(node=node, address=first, others=tuple(others))


def _timings(data: Mapping[str, object], check: _Checker) -> Timings:
    known = set(Timings.__struct_fields__)
    table = check.table(data, "timings", known)
    values: dict[str, int] = {}
    for key in sorted(table.keys() & known):
        value = table[key]
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 3_600_000:
            check.fault(f"timings.{key}", f"{value!r} is no time", "milliseconds, 1 to 3600000")
        else:
            values[key] = value
    timings = Timings(**values)
    relations = (
        (3 * timings.heartbeat_ms <= timings.dead_ms, "dead_ms", "at least 3 x heartbeat_ms"),
        (timings.stall_ms < timings.dead_ms, "stall_ms", "less than dead_ms"),
        (timings.heartbeat_ms < timings.election_min_ms, "election_min_ms", "above heartbeat_ms"),
        (timings.election_min_ms < timings.election_max_ms, "election_max_ms", "above its minimum"),
        (
            timings.election_max_ms <= timings.controller_fence_delay_ms,
            "controller_fence_delay_ms",
            "not below election_max_ms",
        ),
        (
            timings.no_quorum_stop_grace_ms >= timings.dead_ms,
            "no_quorum_stop_grace_ms",
            "at least dead_ms",
        ),
    )
    for holds, key, allowed in relations:
        if not holds:
            check.fault(f"timings.{key}", "breaks a relation that safety rests on", allowed)
    return timings
