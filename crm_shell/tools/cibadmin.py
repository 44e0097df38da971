"""``cibadmin``: query and change the CIB as XML (features 27.30, section 4)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cib_store.document.codec import BadXml, parse
from cib_store.document.element import Element
from crm_shell.syntax.printer import xml_lines
from crm_shell.tools.frame import ToolFailed, ToolParser, exclusive, run_tool, write
from raftmaker.client import Cluster
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind

_COMMANDS = ("query", "create", "modify", "replace", "delete", "delete_all", "patch", "erase",
             "bump", "empty", "upgrade", "md5_sum")  # fmt: skip
_KINDS = {
    "create": OperationKind.CREATE,
    "modify": OperationKind.MODIFY,
    "replace": OperationKind.REPLACE,
    "delete": OperationKind.DELETE,
    "delete_all": OperationKind.DELETE,
    "patch": OperationKind.PATCH,
    "erase": OperationKind.ERASE,
    "bump": OperationKind.BUMP,
}
_REASONS = {
    ExitCode.NOSUCH: "No such device or address",
    ExitCode.EXISTS: "File exists",
    ExitCode.OLD: "Update was older than existing configuration",
    ExitCode.CONFIG: "Update does not conform to the configured schema",
}
SCHEMA = "pacemaker-4.0"


def _parser() -> ToolParser:
    parser = ToolParser("cibadmin", "query and edit the cluster configuration (CIB)")
    for short, name, text in (
        ("-Q", "query", "print the CIB, a section or what an XPath matches"),
        ("-C", "create", "add; fails when it exists"),
        ("-M", "modify", "merge; -c also creates"),
        ("-R", "replace", "put in the place of what is there"),
        ("-D", "delete", "remove the first match"),
        ("-P", "patch", "apply a patchset"),
        ("-E", "erase", "empty the configuration (needs --force)"),
        ("-B", "bump", "raise the epoch"),
        ("-u", "upgrade", "to the newest schema (needs --force)"),
        ("-5", "md5-sum", "print the digest of the CIB's on-disk form"),
    ):
        parser.flag(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    parser.flag("-d", "--delete-all", dest="delete_all", text="remove all that --xpath matches")
    parser.add_argument("-a", "--empty", nargs="?", const=SCHEMA, metavar="SCHEMA",
                        help="print an empty CIB")  # fmt: skip
    parser.value("-o", "--scope", "--obj_type", dest="scope", text="section of the CIB")
    parser.value("-A", "--xpath", dest="xpath", text="XPath of what is meant")
    parser.value("-x", "--xml-file", dest="xml_file", text="read XML from this file")
    parser.value("-X", "--xml-text", dest="xml_text", text="the XML itself")
    parser.flag("-p", "--xml-pipe", dest="xml_pipe", text="read XML from standard input")
    parser.flag("-n", "--no-children", dest="no_children", text="leave out children")
    parser.flag("-c", "--allow-create", dest="allow_create", text="with -M: create the absent")
    parser.flag("-f", "--force", dest="force")
    parser.flag("-l", "--local", dest="local", text="this node's replica, perhaps stale")
    parser.flag("-s", "--sync-call", dest="sync_call", text="accepted; every call is")
    parser.flag("--score", "--score", dest="score", text="values X++ and X+=N are sums")
    parser.value("-t", "--timeout", dest="timeout", text="seconds to wait", default="30")
    parser.value("-U", "--user", dest="user", text="accepted for access control")
    parser.flag("-e", "--node-path", dest="node_path", text="print the XPaths of matches")
    return parser


def main() -> int:
    """Run the tool and return its exit code."""
    parser = _parser()
    options = parser.parse_args()
    command = exclusive(parser, options, _COMMANDS)
    if not command:
        parser.error("say what to do: --query, --create, --modify, --replace, --delete …")
    if options.scope and options.xpath:
        parser.error("--scope and --xpath cannot be combined")
    if command == "empty":
        write("\n".join(xml_lines(_empty(options.empty))))
        return 0
    if command in ("erase", "upgrade") and not options.force:
        print(f"cibadmin: --{command} is dangerous: repeat it with --force", file=sys.stderr)  # noqa: T201
        return int(ExitCode.UNSAFE)

    async def body(cluster: Cluster) -> int:
        return await _run(cluster, command, options)

    return run_tool("cibadmin", options.config, body)


def _empty(schema: str) -> Element:
    sections = ("crm_config", "nodes", "resources", "constraints")
    attributes = {
        "crm_feature_set": "3.20.5", "validate-with": schema, "epoch": "0",
        "num_updates": "0", "admin_epoch": "0",
    }  # fmt: skip
    configuration = Element("configuration", {}, tuple(Element(name) for name in sections))
    return Element("cib", attributes, (configuration, Element("status")))


async def _run(cluster: Cluster, command: str, options: argparse.Namespace) -> int:
    match command:
        case "query":
            return await _query(cluster, options)
        case "md5_sum":
            return await _digest(cluster)
        case "upgrade":  # the store keeps the newest schema
            return 0
        case _:
            return await _change(cluster, command, options)


async def _query(cluster: Cluster, options: argparse.Namespace) -> int:
    reading = await cluster.query(
        scope="" if options.scope in ("all", None) else options.scope,
        xpath=options.xpath or "",
        no_children=options.no_children,
        local=options.local,
        timeout_ms=_timeout_ms(options),
    )
    found = reading.elements
    if not found:
        raise ToolFailed(f"CIB API call failed: {_REASONS[ExitCode.NOSUCH]}", ExitCode.NOSUCH)
    if len(found) > 1:
        write("\n".join(xml_lines(Element("xpath-query", {}, found))))
    else:
        write("\n".join(xml_lines(found[0])))
    return 0


def _timeout_ms(options: argparse.Namespace) -> int:
    try:
        return max(int(float(str(options.timeout).rstrip("s")) * 1000), 1)
    except ValueError:
        raise ToolFailed(f"{options.timeout!r} is no time in seconds", ExitCode.USAGE) from None


async def _digest(cluster: Cluster) -> int:
    from hashlib import md5

    reading = await cluster.query(local=True)
    text = "".join(line.strip() for line in xml_lines(reading.elements[0]))
    write(md5(text.encode(), usedforsecurity=False).hexdigest())
    return 0


async def _change(cluster: Cluster, command: str, options: argparse.Namespace) -> int:
    needs_xml = command in ("create", "modify", "replace", "patch") or (
        command == "delete" and not options.xpath
    )
    given = _given_xml(options)
    if needs_xml and given is None:
        raise ToolFailed(
            f"--{command} needs XML: --xml-text, --xml-file or --xml-pipe", ExitCode.USAGE
        )
    operation = CibOperation(
        kind=_KINDS[command],
        scope="" if options.scope in ("all", None) else options.scope,
        path=options.xpath or "",
        xml="" if given is None else "\n".join(xml_lines(given)),
        all=options.allow_create or command == "delete_all",
        score=options.score,
    )
    try:
        outcome = await cluster.change([operation])
    except Rejected as error:
        reason = _REASONS.get(error.exit_code, error.exit_code.name)
        details = "\n".join(str(report) for report in error.reports)
        raise ToolFailed(f"CIB API call failed: {reason}\n{details}", error.exit_code) from None
    for report in outcome.reports:
        print(f"cibadmin: warning: {report}", file=sys.stderr)  # noqa: T201
    return 0


def _given_xml(options: argparse.Namespace) -> Element | None:
    if sum(bool(each) for each in (options.xml_text, options.xml_file, options.xml_pipe)) > 1:
        raise ToolFailed(
            "give XML once: --xml-text, --xml-file or --xml-pipe", ExitCode.USAGE
        )  # fmt: skip
    try:
        if options.xml_text:
            return parse(options.xml_text)
        if options.xml_file:
            return parse(Path(options.xml_file).read_bytes())
        if options.xml_pipe:
            return parse(sys.stdin.buffer.read())
    except BadXml as error:
        raise ToolFailed(f"Couldn't parse input: {error}", ExitCode.DATAERR) from None
    except OSError as error:
        raise ToolFailed(f"{options.xml_file}: {error.strerror}", ExitCode.NOINPUT) from None
    return None
