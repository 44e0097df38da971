"""``cibadmin``: query and change the CIB as XML (features 27.30, section 4)."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from difflib import get_close_matches

from cib_store.document.element import Element
from cib_store.document.path import path_of
from cib_store.document.sections import SCOPES, section_path
from cib_store.document.xpath import BadXPath, XPathTree
from crm_shell.tools.cib_input import Given, add_input, given_xml, stored_digest, versioned_digest
from crm_shell.tools.frame import ToolFailed, ToolParser, complain, exclusive, run_tool, write
from crm_shell.xml_text import xml_lines
from raftmaker.client import Cluster
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind

_COMMANDS = ("query", "create", "modify", "replace", "delete", "delete_all", "patch", "erase",
             "bump", "empty", "upgrade", "md5_sum", "md5_sum_versioned", "show_access")  # fmt: skip
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
    ExitCode.INSUFFICIENT_PRIV: "Permission denied",
}
SCHEMA = "pacemaker-4.0"
_FORMS = ("auto", "text", "color", "namespace", "ns-full", "ns-simple")


def _parser() -> ToolParser:
    parser = ToolParser("cibadmin", "query and edit the cluster configuration (CIB)")
    for short, name, text in (
        ("-Q", "query", "print the CIB, a section or what an XPath matches"),
        ("-C", "create", "add; fails when it exists"),
        ("-M", "modify", "merge; -c also creates"),
        ("-R", "replace", "put in the place of what is there"),
        ("-D", "delete", "remove the first match"),
        ("-P", "patch", "apply a patchset, such as crm_diff makes"),
        ("-E", "erase", "empty the configuration (needs --force)"),
        ("-B", "bump", "raise the epoch"),
        ("-u", "upgrade", "to the newest schema (needs --force)"),
        ("-5", "md5-sum", "print the digest of the CIB's on-disk form"),
        ("-6", "md5-sum-versioned", "print the digest of all that versions differ in"),
    ):
        parser.flag(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    parser.flag("-d", "--delete-all", dest="delete_all", text="remove all that --xpath matches")
    parser.add_argument("-a", "--empty", nargs="?", const=SCHEMA, metavar="SCHEMA",
                        help="print an empty CIB")  # fmt: skip
    parser.add_argument("-S", "--show-access", nargs="?", const="auto", metavar="FORM",
                        choices=_FORMS, help="the CIB with what --user may do")  # fmt: skip
    parser.value("-o", "--scope", "--obj_type", dest="scope", text="section of the CIB")
    parser.value("-A", "--xpath", dest="xpath", text="XPath of what is meant")
    add_input(parser)
    parser.flag("-n", "--no-children", dest="no_children", text="leave out children")
    parser.flag("-c", "--allow-create", dest="allow_create", text="with -M: create the absent")
    parser.flag("-f", "--force", dest="force")
    parser.flag("-l", "--local", dest="local", text="this node's replica, perhaps stale")
    parser.value("-N", "--node", "--host", dest="node", text="accepted; all nodes answer the same")
    parser.flag("-s", "--sync-call", dest="sync_call", text="accepted; every call is")
    parser.flag("--score", dest="score", text="values X++ and X+=N are sums")
    parser.value("-t", "--timeout", dest="timeout", text="seconds to wait", default="30")
    parser.value("-U", "--user", dest="user", text="act with this user's rights (root only)")
    parser.value("-m", "--message", dest="message", text="why, for the history")
    parser.flag("-e", "--node-path", dest="node_path", text="print the paths of what matches")
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
    if section_path(_scope(options)) is None:
        guess = get_close_matches(options.scope, SCOPES, 1)
        hint = f"did you mean {guess[0]}?" if guess else f"there are: {', '.join(SCOPES)}"
        parser.error(f"--scope: there is no {options.scope!r}; {hint}")
    if command == "delete_all" and not options.xpath:
        parser.error("--delete-all needs --xpath")
    if command == "empty":
        write("\n".join(xml_lines(_empty(options.empty))))
        return 0
    if command in ("erase", "upgrade") and not options.force:
        complain("cibadmin", f"--{command} is dangerous: repeat it with --force")
        return int(ExitCode.UNSAFE)
    try:
        given = given_xml(options)
    except ToolFailed as error:
        complain("cibadmin", str(error))
        return int(error.code)
    if given is not None and command in ("md5_sum", "md5_sum_versioned"):
        return _digest(given.element, command)

    async def body(cluster: Cluster) -> int:
        return await _run(cluster, command, options, given)

    return run_tool("cibadmin", options.config, body)


def _empty(schema: str) -> Element:
    sections = ("crm_config", "nodes", "resources", "constraints")
    attributes = {
        "crm_feature_set": "3.20.5", "validate-with": schema, "epoch": "0",
        "num_updates": "0", "admin_epoch": "0",
    }  # fmt: skip
    configuration = Element("configuration", {}, tuple(Element(name) for name in sections))
    return Element("cib", attributes, (configuration, Element("status")))


async def _run(
    cluster: Cluster, command: str, options: argparse.Namespace, given: Given | None
) -> int:
    match command:
        case "query" if options.node_path:
            return await _paths(cluster, options)
        case "query":
            return await _query(cluster, options)
        case "md5_sum" | "md5_sum_versioned":
            return _digest((await cluster.query(local=options.local)).elements[0], command)
        case "show_access":
            return await _access(cluster, options)
        case "upgrade":
            return await _upgrade(cluster, options)
        case _:
            return await _change(cluster, command, options, given)


async def _query(cluster: Cluster, options: argparse.Namespace) -> int:
    reading = await cluster.query(
        scope=_scope(options),
        xpath=options.xpath or "",
        no_children=options.no_children,
        local=options.local,
        user=options.user or "",
        timeout_ms=_timeout_ms(options),
    )
    found = reading.elements
    if not found:
        raise _nothing()
    if len(found) > 1:
        write("\n".join(xml_lines(Element("xpath-query", {}, found))))
    else:
        write("\n".join(xml_lines(found[0])))
    return 0


async def _paths(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print where the matches of an XPath are (features 4.13)."""
    if not options.xpath:
        raise ToolFailed("--node-path needs --xpath", ExitCode.USAGE)
    whole = (await cluster.query(local=options.local, user=options.user or "")).elements[0]
    try:
        trails = XPathTree(whole).find(options.xpath)
    except BadXPath as error:
        raise ToolFailed(str(error), ExitCode.USAGE) from None
    if not trails:
        raise _nothing()
    for trail in trails:
        write(path_of(whole, trail))
    return 0


def _nothing() -> ToolFailed:
    return ToolFailed(f"CIB API call failed: {_REASONS[ExitCode.NOSUCH]}", ExitCode.NOSUCH)


def _scope(options: argparse.Namespace) -> str:
    return "" if options.scope in ("all", None) else str(options.scope)


def _timeout_ms(options: argparse.Namespace) -> int:
    try:
        return max(int(float(str(options.timeout).rstrip("s")) * 1000), 1)
    except ValueError:
        raise ToolFailed(f"{options.timeout!r} is no time in seconds", ExitCode.USAGE) from None


def _digest(xml: Element, command: str) -> int:
    write(stored_digest(xml) if command == "md5_sum" else versioned_digest(xml))
    return 0


async def _access(cluster: Cluster, options: argparse.Namespace) -> int:
    from crm_shell.tools.access_view import shown_access

    user = options.user or pwd.getpwuid(os.geteuid()).pw_name
    form = options.show_access
    if form == "auto":
        form = "color" if sys.stdout.isatty() else "text"
    whole = (await cluster.query(local=options.local)).elements[0]
    write("\n".join(shown_access(whole, user, form)))
    return 0


async def _change(
    cluster: Cluster, command: str, options: argparse.Namespace, given: Given | None
) -> int:
    needs_xml = command in ("create", "modify", "replace", "patch") or (
        command == "delete" and not options.xpath
    )
    if needs_xml and given is None:
        raise ToolFailed(
            f"--{command} needs XML: --xml-text, --xml-file or --xml-pipe", ExitCode.USAGE
        )
    operation = CibOperation(
        kind=_KINDS[command],
        scope=_scope(options),
        path=options.xpath or "",
        xml="" if given is None else "\n".join(xml_lines(given.element)),
        all=options.allow_create or command == "delete_all",
        score=options.score,
    )
    return await _carried_out(cluster, operation, options, given)


async def _carried_out(
    cluster: Cluster,
    operation: CibOperation,
    options: argparse.Namespace,
    given: Given | None = None,
) -> int:
    try:
        outcome = await cluster.change(
            [operation], message=options.message or "", user=options.user or ""
        )
    except Rejected as error:
        reason = _REASONS.get(error.exit_code, error.exit_code.name)
        reports = error.reports
        told = [str(each) for each in reports] if given is None else given.told(reports)
        details = "\n".join(told)
        raise ToolFailed(f"CIB API call failed: {reason}\n{details}", error.exit_code) from None
    for report in outcome.reports:
        print(f"cibadmin: warning: {report}", file=sys.stderr)  # noqa: T201
    return 0


async def _upgrade(cluster: Cluster, options: argparse.Namespace) -> int:
    """Bring the CIB to the newest schema; nothing is done where it has that (features 4.8)."""
    from cib_store.model.upgrade import upgraded

    reading = await cluster.query(user=options.user or "")
    new = upgraded(reading.elements[0])
    for report in new.reports:
        complain("cibadmin", f"warning: {report}")
    if new.cib is reading.elements[0]:
        return 0
    options.message = options.message or f"upgrade to {new.cib.get('validate-with')}"
    whole = CibOperation(kind=OperationKind.REPLACE, xml="\n".join(xml_lines(new.cib)))
    return await _carried_out(cluster, whole, options)
