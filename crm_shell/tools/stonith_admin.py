"""``stonith_admin``: fence devices, past fencings, fencing by hand (features 27.16-27.18)."""

from __future__ import annotations

import argparse
import time

from crm_shell.actions import tree
from crm_shell.tools.frame import ToolFailed, ToolParser, exclusive, run_tool, write
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode
from stonithd.client import DeviceInfo, FencingInfo

_FENCINGS = {"fence": "off", "reboot": "reboot"}
_COMMANDS = ("list_registered", "list", "history", "last", *_FENCINGS, "confirm")
_STATES = {"confirmed": "successful", "failed": "failed", "running": "pending"}


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("stonith_admin", "look at fence devices, fence nodes, confirm fencing")
    parser.flag("-L", "--list-registered", dest="list_registered", text="all fence devices")
    for short, name, text in (
        ("-l", "list", "devices that can fence this node"),
        ("-H", "history", "fencings of this node; '*' for all nodes"),
        ("-h", "last", "when this node was fenced last"),
        ("-F", "fence", "turn this node off"),
        ("-B", "reboot", "reboot this node"),
        ("-C", "confirm", "vouch that this node is down; wrong, it corrupts data"),
    ):
        parser.value(short, f"--{name}", dest=name, text=text)
    parser.value("-t", "--timeout", dest="timeout", text="seconds for all devices together")
    parser.flag("-Q", "--quiet", dest="quiet", text="only what was asked for")
    options = parser.parse_args()
    command = exclusive(parser, options, _COMMANDS)
    if not command:
        parser.error("say what to do: --list-registered, --list NODE, --history NODE, "
                     "--fence NODE, --reboot NODE, --confirm NODE")  # fmt: skip
    options.timeout_ms = _milliseconds(parser, options.timeout)

    async def body(cluster: Cluster) -> int:
        return await _act(cluster, command, options)

    return run_tool("stonith_admin", options.config, body)


def _milliseconds(parser: ToolParser, text: str | None) -> int:
    """Return the timeout; 0, the devices' own, where none is given."""
    if text is None:
        return 0
    seconds = text.removesuffix("s")
    if not seconds.isascii() or not seconds.isdigit() or not int(seconds):
        parser.error(f"--timeout: {text!r} is no number of seconds above 0")
    return int(seconds) * 1000


async def _act(cluster: Cluster, command: str, options: argparse.Namespace) -> int:
    target: str = getattr(options, command)
    match command:
        case "list_registered":
            _write_all(device_lines(await cluster.fence_devices(), quiet=options.quiet))
        case "list":
            name = await _node(cluster, target)
            usable = tuple(each for each in await cluster.fence_devices(name) if each.usable)
            if not usable:
                raise ToolFailed(f"no device can fence {name} from here", ExitCode.NOSUCH)
            _write_all(device_lines(usable, quiet=options.quiet))
        case "history" | "last":
            name = "" if target in ("*", "all") else target
            fencings = await cluster.fencing_history(name)
            _write_all(last_lines(target, fencings) if command == "last" else
                       history_lines(fencings, quiet=options.quiet))  # fmt: skip
        case "confirm":
            name = await _node(cluster, target)
            ended = await cluster.confirm_down(name, message="stonith_admin --confirm")
            if not ended.confirmed:
                raise ToolFailed(f"{name} was not confirmed: {ended.reason or 'no reason given'}")
        case _:
            await _fence(cluster, target, _FENCINGS[command], options.timeout_ms)
    return 0


async def _fence(cluster: Cluster, target: str, action: str, timeout_ms: int) -> None:
    name = await _node(cluster, target)
    ended = await cluster.fence(name, action=action, timeout_ms=timeout_ms, message="stonith_admin")
    if not ended.confirmed:
        raise ToolFailed(f"{name} was not fenced ({action}): {ended.reason or 'no reason given'}")


async def _node(cluster: Cluster, name: str) -> str:
    """Return a configured node's name as it is spelt there. Raises `NotThere`."""
    return tree.node((await cluster.cib(local=True)).document, name).get("uname")


def _write_all(lines: list[str]) -> None:
    for line in lines:
        write(line)


def device_lines(devices: tuple[DeviceInfo, ...], *, quiet: bool) -> list[str]:
    """Return the devices, and how many there are."""
    lines = [f" {each.id}" for each in devices]
    if not quiet:
        count = len(devices)
        lines.append(f"{count} fence device{'' if count == 1 else 's'} found")
    return lines


def history_lines(fencings: tuple[FencingInfo, ...], *, quiet: bool) -> list[str]:
    """Return a line a fencing, newest first, and how many there are."""
    lines = [fencing_text(each) for each in fencings]
    if not quiet:
        count = len(fencings)
        lines.append(f"{count} event{'' if count == 1 else 's'} found")
    return lines


def last_lines(target: str, fencings: tuple[FencingInfo, ...]) -> list[str]:
    """Return when a node was fenced last."""
    for each in fencings:
        if each.state == "confirmed":
            return [f"Node {each.target} last fenced at: {_clock(each.at_us)}"]
    return [f"Node {target} was never fenced, as far as is remembered"]


def fencing_text(each: FencingInfo) -> str:
    """Return one fencing as a line."""
    state = _STATES.get(each.state, each.state)
    words = [f"{each.action} of {each.target} {state}:"]
    if each.delegate:
        words.append(f"delegate={each.delegate},")
    words.append(f"client={each.client},")
    if each.state == "running":
        return " ".join([*words, f"started='{_clock(each.at_us)}'"])
    word = "completed" if each.state == "confirmed" else "last-failed"
    reason = f" ({each.reason})" if each.reason and each.state == "failed" else ""
    return " ".join([*words, f"{word}='{_clock(each.at_us)}'{reason}"])


def _clock(at_us: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at_us // 1_000_000))
