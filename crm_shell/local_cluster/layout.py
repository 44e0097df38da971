"""Where a local cluster keeps its files, which ports it uses, and its nodes' settings files."""

from __future__ import annotations

import json
import random
import socket
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field, to_builtins

from raftmaker.runtime.errors import Rejected, Report
from raftmaker.runtime.founding import mark_founder
from raftmaker.vocabulary.codes import ExitCode

HOST = "127.0.0.1"
PORT_RANGE = (10_000, 32_000)
"""Below the range that Linux takes ports of outgoing connections from: a connection attempt to a
node that is down must not take its port, or even meet itself."""
SOCKET_PATH_MAX = 107
_LONGEST_SOCKET = "private/cib.sock"
DESCRIPTION = "cluster.json"
"""In the cluster's folder; what `read_layout` reads."""
_LISTENERS = ("store", "controller", "fencer")


class NodeLayout(Struct, frozen=True, kw_only=True):
    """One node's folders; ``log``, ``state``, ``pids`` and ``raftmaker.toml`` are in `directory`.

    `run` may lie elsewhere, so that the sockets' paths stay short enough.
    """

    name: str
    directory: Path
    run: Path
    ports: Mapping[str, int]

    @property
    def config(self) -> Path:
        """Its settings file."""
        return self.directory / "raftmaker.toml"


class Layout(Struct, frozen=True, kw_only=True):
    """The whole cluster's."""

    directory: Path
    cluster_id: str
    nodes: tuple[NodeLayout, ...]
    remotes: tuple[NodeLayout, ...] = ()
    """Remote nodes: no members, each a machine of its own with raftmaker-remoted alone."""
    timings: Mapping[str, int] = field(default_factory=dict)
    ocf_roots: tuple[Path, ...] = ()
    fence_dirs: tuple[Path, ...] = ()
    run_root: Path | None = None
    """A folder made for the sockets, to be removed with the cluster."""


def _fault(where: Path, what: str, mend: str) -> Rejected:
    report = Report(code="bad-local-cluster", where=str(where), what=what, mend=mend)
    return Rejected(ExitCode.CANTCREAT, (report,))


def create_layout(
    directory: Path,
    names: Sequence[str],
    *,
    timings: Mapping[str, int],
    ocf_roots: Sequence[Path],
    fence_dirs: Sequence[Path],
    remotes: Sequence[str] = (),
) -> Layout:
    """Make the folders and settings files. Raises `Rejected` where there is a cluster already."""
    directory = directory.resolve()
    if (directory / DESCRIPTION).exists():
        raise _fault(directory, "holds a local cluster already", "destroy it, or name another")
    every = (*names, *remotes)
    if len(set(every)) != len(every) or not names:
        raise _fault(directory, f"bad node names {list(names)}", "give at least one, each once")
    directory.mkdir(parents=True, exist_ok=True)
    run_root = _short_folder(directory, every)
    ports = free_ports(len(_LISTENERS) * len(names) + len(remotes))

    def node(name: str, listeners: tuple[str, ...]) -> NodeLayout:
        return NodeLayout(
            name=name,
            directory=directory / name,
            run=(run_root or directory) / name / "run",
            ports={listener: next(ports) for listener in listeners},
        )

    layout = Layout(
        directory=directory,
        cluster_id=str(uuid.uuid4()),
        nodes=tuple(node(name, _LISTENERS) for name in names),
        remotes=tuple(node(name, ("remote",)) for name in remotes),
        timings=timings,
        ocf_roots=tuple(ocf_roots),
        fence_dirs=tuple(fence_dirs),
        run_root=run_root,
    )
    for each in (*layout.nodes, *layout.remotes):
        for folder in (each.directory / "log", each.directory / "state", each.run):
            folder.mkdir(parents=True, exist_ok=True)
        each.config.write_text(settings_of(layout, each), "utf-8")
    for each in layout.nodes:
        mark_founder(each.directory / "state")
    text = json.dumps(to_builtins(layout, enc_hook=str), indent=1)
    (directory / DESCRIPTION).write_text(text, "utf-8")
    return layout


def read_layout(directory: Path) -> Layout:
    """Read what `create_layout` wrote. Raises `Rejected` where there is no local cluster."""
    directory = directory.resolve()
    try:
        data = json.loads((directory / DESCRIPTION).read_text("utf-8"))
    except FileNotFoundError:
        raise _fault(directory, "holds no local cluster", "create one there first") from None
    return Layout(
        directory=directory,
        cluster_id=data["cluster_id"],
        nodes=tuple(map(_read_node, data["nodes"])),
        remotes=tuple(map(_read_node, data.get("remotes", ()))),
        timings=data["timings"],
        ocf_roots=tuple(Path(path) for path in data["ocf_roots"]),
        fence_dirs=tuple(Path(path) for path in data["fence_dirs"]),
        run_root=Path(data["run_root"]) if data["run_root"] else None,
    )


def _read_node(node: Mapping[str, Any]) -> NodeLayout:
    return NodeLayout(
        name=node["name"],
        directory=Path(node["directory"]),
        run=Path(node["run"]),
        ports=node["ports"],
    )


def _short_folder(directory: Path, names: Sequence[str]) -> Path | None:
    longest = max(len(str(directory / name / "run" / _LONGEST_SOCKET)) for name in names)
    if longest <= SOCKET_PATH_MAX:
        return None
    return Path(tempfile.mkdtemp(prefix="raftmaker-"))


def free_ports(count: int) -> Iterator[int]:
    """Yield that many distinct loopback ports that nobody uses now."""
    held: list[socket.socket] = []
    try:
        for port in random.sample(range(*PORT_RANGE), k=PORT_RANGE[1] - PORT_RANGE[0]):
            if len(held) == count:
                break
            probe = socket.socket()
            try:
                probe.bind((HOST, port))
            except OSError:
                probe.close()
                continue
            held.append(probe)
        found = [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()
    return iter(found)


def settings_of(layout: Layout, node: NodeLayout) -> str:
    """Return the text of a node's ``raftmaker.toml``."""
    # A JSON string is a TOML basic string.
    lines = [
        "[cluster]",
        f"id = {json.dumps(layout.cluster_id)}",
        'name = "local"',
        "[node]",
        f"name = {json.dumps(node.name)}",
        "[directories]",
        f"state = {json.dumps(str(node.directory / 'state'))}",
        f"run = {json.dumps(str(node.run))}",
        f"ocf_roots = {json.dumps([str(path) for path in layout.ocf_roots])}",
        f"fence_dirs = {json.dumps([str(path) for path in layout.fence_dirs])}",
    ]
    if layout.timings:
        lines.append("[timings]")
        lines.extend(f"{name} = {value}" for name, value in layout.timings.items())
    if node in layout.remotes:
        lines.extend(("[remote]", f'listen = "{HOST}:{node.ports["remote"]}"'))
        return "\n".join(lines) + "\n"
    for peer in layout.nodes:
        lines.extend(("[[peers]]", f"name = {json.dumps(peer.name)}"))
        lines.extend(f'{name} = "{HOST}:{peer.ports[name]}"' for name in _LISTENERS)
    return "\n".join(lines) + "\n"
