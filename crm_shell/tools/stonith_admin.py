"""``stonith_admin``: fence devices, past fencings, fencing by hand (features 27.16-27.18)."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time

from cib_store.model.values import parse_duration_ms
from crm_shell.actions import tree
from crm_shell.status.xml import framed
from crm_shell.tools import fencing_answers as answers
from crm_shell.tools.code_text import text_of
from crm_shell.tools.fencing_answers import Answer
from crm_shell.tools.frame import ToolFailed, ToolParser, exclusive, run_tool, write
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import ResourceId

_FENCINGS = {"fence": "off", "reboot": "reboot", "unfence": "on"}
_CONFIGURED = {
    "register": "crm configure primitive DEVICE stonith:AGENT params NAME=VALUE …",
    "deregister": "crm configure delete DEVICE",
    "register_level": "crm configure fencing_topology …",
    "deregister_level": "crm configure edit, or cibadmin --delete",
}
_FLAGS = (
    ("-L", "list-registered", "all fence devices"),
    ("-I", "list-installed", "all installed fence agents"),
    ("-M", "metadata", "what the agent of --agent says of itself"),
    ("-K", "validate", "have the agent of --agent check --option, --env-option"),
)
_WITH_VALUE = (
    ("-l", "list", "devices that can fence this node"),
    ("-s", "list-targets", "nodes that this device can fence"),
    ("-Q", "query", "whether this device works"),
    ("-H", "history", "the last fencing of this node that succeeded; '*' for any node"),
    ("-h", "last", "when this node was fenced last"),
    ("-F", "fence", "turn this node off"),
    ("-U", "unfence", "turn this node on"),
    ("-B", "reboot", "reboot this node"),
    ("-C", "confirm", "vouch that this node is down; wrong, it corrupts data"),
    ("-R", "register", "devices are what the configuration says: see crm configure"),
    ("-D", "deregister", "the same"),
    ("-r", "register-level", "the same"),
    ("-d", "deregister-level", "the same"),
)
_COMMANDS = tuple(name.replace("-", "_") for _, name, _ in (*_FLAGS, *_WITH_VALUE))
_AGENTS = ("metadata", "validate")
_FORMATS = ("text", "xml", "none")


def _parser() -> ToolParser:
    parser = ToolParser("stonith_admin", "look at fence devices, fence nodes, confirm fencing")
    for short, name, text in _FLAGS:
        parser.flag(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    for short, name, text in _WITH_VALUE:
        parser.value(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    parser.flag("-c", "--cleanup", dest="cleanup", text="with --history: forget it")
    parser.flag("-b", "--broadcast", dest="broadcast",
                text="with --history: ask all nodes, which is always done")  # fmt: skip
    parser.value("-a", "--agent", dest="agent", text="with --metadata, --validate: fence_…")
    for short, name, text in (
        ("-o", "option", "with --validate: a parameter, NAME=VALUE; may be repeated"),
        ("-e", "env-option", "with --validate: the parameter NAME from OCF_RESKEY_NAME"),
        ("-v", "device", "with --validate: the device whose secrets are used"),
    ):
        parser.add_argument(
            short, f"--{name}", dest=name.replace("-", "_"), action="append", default=[],
            metavar="VALUE", help=text,
        )  # fmt: skip
    parser.value("-T", "--tag", dest="tag", text="names this request in logs and history")
    parser.value("-i", "--index", dest="index", text="with --register-level")
    parser.value("-t", "--timeout", dest="timeout", text="seconds for it all", default="120")
    parser.value("-y", "--delay", dest="delay", default="0",
                 text="seconds before it is fenced; -1: not even the devices' delays")  # fmt: skip
    parser.value("--tolerance", dest="tolerance", default="0",
                 text="do nothing where the same succeeded less than so long ago")  # fmt: skip
    parser.flag("-n", "--as-node-id", dest="as_node_id", text="ids are names: changes nothing")
    parser.flag("-q", "--quiet", dest="quiet", text="only what was asked for")
    parser.value("--output-as", dest="output_as", text=", ".join(_FORMATS), default="text")
    return parser


def main() -> int:
    """Run the tool and return its exit code."""
    parser = _parser()
    options = parser.parse_args()
    command = exclusive(parser, options, _COMMANDS)
    if not command:
        parser.error("say what to do: --list-registered, --list NODE, --history NODE, "
                     "--fence NODE, --reboot NODE, --confirm NODE")  # fmt: skip
    _check(parser, command, options)

    async def body(cluster: Cluster) -> int:
        answer = await _act(cluster, command, options)
        if options.output_as == "xml":
            request = shlex.join(["stonith_admin", *sys.argv[1:]])
            told = text_of(ExitCode(answer.code))
            write(framed(request, answer.elements, code=answer.code, message=told))
        elif options.output_as == "text":
            for line in answer.lines:
                write(line)
        return answer.code

    return run_tool("stonith_admin", options.config, body)


def _check(parser: ToolParser, command: str, options: argparse.Namespace) -> None:
    """Read the values into what they mean; a wrong one ends the program."""
    if command in _CONFIGURED:
        parser.error(f"--{command.replace('_', '-')}: fence devices and levels are what the"
                     f" configuration says, on every node: {_CONFIGURED[command]}")  # fmt: skip
    if options.output_as not in _FORMATS:
        parser.error(f"--output-as: {options.output_as!r} is none of {', '.join(_FORMATS)}")
    if command in _AGENTS and not options.agent:
        parser.error(f"--{command} needs an agent: --agent AGENT")
    if options.cleanup and command != "history":
        parser.error("--cleanup is for --history")
    options.timeout_ms = _milliseconds(parser, "--timeout", options.timeout)
    if not options.timeout_ms:
        parser.error(f"--timeout: {options.timeout!r} is no number of seconds above 0")
    immediate = options.delay.strip() == "-1"
    options.delay_ms = -1 if immediate else _milliseconds(parser, "--delay", options.delay)
    options.tolerance_ms = _milliseconds(parser, "--tolerance", options.tolerance)
    options.parameters = _parameters(parser, options)


def _milliseconds(parser: ToolParser, name: str, text: str) -> int:
    found = parse_duration_ms(text)
    if found is None or found < 0:
        parser.error(f"{name}: {text!r} is no number of seconds")
    return found


def _parameters(parser: ToolParser, options: argparse.Namespace) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in options.option:
        name, equals, value = text.partition("=")
        if not name or not equals:
            parser.error(f"--option: {text!r} is not NAME=VALUE")
        given[name] = value
    for name in options.env_option:
        variable = f"OCF_RESKEY_{name}"
        if variable not in os.environ:
            parser.error(f"--env-option: {variable} is not set")
        given[name] = os.environ[variable]
    return given


async def _act(cluster: Cluster, command: str, options: argparse.Namespace) -> Answer:
    target: str = getattr(options, command)
    match command:
        case "list_registered":
            return answers.devices(await cluster.fence_devices(), quiet=options.quiet)
        case "list_installed":
            return answers.agents(await cluster.fencer.agents(), quiet=options.quiet)
        case "list":
            return await _able(cluster, target, options)
        case "list_targets":
            return await _targets(cluster, target, options)
        case "query":
            return await _query(cluster, target, options)
        case "metadata":
            return answers.metadata(await cluster.fencer.metadata(options.agent))
        case "validate":
            return await _validate(cluster, options)
        case "history":
            return await _history(cluster, target, options)
        case "last":
            name = await _node(cluster, target)
            return answers.last(name, await cluster.fencing_history(name))
        case "confirm":
            return await _confirm(cluster, target)
        case _:
            return await _fence(cluster, target, _FENCINGS[command], options)


async def _able(cluster: Cluster, target: str, options: argparse.Namespace) -> Answer:
    name = await _node(cluster, target)
    usable = tuple(each for each in await cluster.fence_devices(name) if each.usable)
    if not usable:
        raise ToolFailed(f"no device can fence {name} from here", ExitCode.NOSUCH)
    return answers.devices(usable, quiet=options.quiet)


async def _targets(cluster: Cluster, name: str, options: argparse.Namespace) -> Answer:
    devices = await cluster.fence_devices()
    device = next((each for each in devices if each.id == name), None)
    if device is None:
        raise answers.no_device(name, devices)
    if device.host_check in ("none", "status"):
        why = f"pcmk_host_check is {device.host_check}: the device has no list of its targets"
        raise ToolFailed(f"{name}: {why}", ExitCode.UNIMPLEMENT_FEATURE)
    return answers.targets(device.targets, quiet=options.quiet)


async def _query(cluster: Cluster, name: str, options: argparse.Namespace) -> Answer:
    devices = await cluster.fence_devices()
    if name.partition(":")[0] not in [each.id for each in devices]:
        raise answers.no_device(name, devices)
    found = await cluster.fencer.probe(ResourceId(name), timeout_ms=options.timeout_ms)
    return answers.query(name, found)


async def _validate(cluster: Cluster, options: argparse.Namespace) -> Answer:
    device = options.device[0] if options.device else ""
    found = await cluster.fencer.validate(
        options.agent,
        options.parameters,
        device=ResourceId(device),
        timeout_ms=options.timeout_ms,
    )
    return answers.validation(options.agent, device, found, quiet=options.quiet)


async def _history(cluster: Cluster, target: str, options: argparse.Namespace) -> Answer:
    name = "" if target in ("*", "all") else await _node(cluster, target)
    if options.cleanup:
        missed = await cluster.clear_fencing_history(name)
        if missed:
            raise ToolFailed(f"these nodes did not answer, and remember: {', '.join(missed)}")
        about = f" for node {name}" if name else ""
        return answers.note("" if options.quiet else f"cleaning up fencing-history{about}")
    fencings = await cluster.fencing_history(name)
    return answers.history(fencings, quiet=options.quiet, verbose=bool(options.verbose))


async def _confirm(cluster: Cluster, target: str) -> Answer:
    name = await _node(cluster, target)
    ended = await cluster.confirm_down(name, message="stonith_admin --confirm")
    if not ended.confirmed:
        raise ToolFailed(f"{name} was not confirmed: {ended.reason or 'no reason given'}")
    return answers.note("")


async def _fence(cluster: Cluster, target: str, action: str, options: argparse.Namespace) -> Answer:
    name = await _node(cluster, target)
    if options.tolerance_ms:
        since_us = int(time.time() * 1_000_000) - options.tolerance_ms * 1000
        history = await cluster.fencing_history(name)
        if answers.has_succeeded(history, action, since_us):
            return answers.note("")
    ended = await cluster.fence(
        name,
        action=action,
        timeout_ms=options.timeout_ms,
        delay_ms=options.delay_ms,
        message="stonith_admin",
        tag=options.tag or "",
    )
    if not ended.confirmed:
        what = "unfence" if action == "on" else "fence"
        raise ToolFailed(f"Couldn't {what} {name}: {ended.reason or 'no reason given'}")
    return answers.note("")


async def _node(cluster: Cluster, name: str) -> str:
    """Return a configured node's name as it is spelt there. Raises `NotThere`."""
    return tree.node((await cluster.cib(local=True)).document, name).get("uname")
