"""``crm_ticket``: grant, revoke and look at tickets of this site (features 23.2-23.6, 27.26)."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from cib_store.document.element import Element
from cib_store.model.values import is_true
from crm_shell.actions import tickets, tree
from crm_shell.tools.frame import ToolFailed, ToolParser, exclusive, run_tool, write
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation

_QUERIES = ("info", "details", "raw", "query_xml", "constraints", "get_attr")
_CHANGES = ("grant", "revoke", "standby", "activate", "set_attr", "delete_attr", "cleanup")


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("crm_ticket", "query and change tickets of this site")
    parser.value("-t", "--ticket", dest="ticket", text="the ticket")
    parser.flag("-l", "--info", dest="info", text="each ticket in a line")
    parser.flag("-L", "--details", dest="details", text="each ticket with all its attributes")
    parser.flag("-w", "--raw", dest="raw", text="the names alone")
    parser.flag("-q", "--query-xml", dest="query_xml", text="the state as XML")
    parser.flag("-c", "--constraints", dest="constraints", text="the constraints that depend on it")
    parser.flag("-g", "--grant", dest="grant", text="give the ticket to this site (with --force)")
    parser.flag("-r", "--revoke", dest="revoke", text="take it from this site (with --force)")
    parser.flag("-s", "--standby", dest="standby", text="let go of it without its loss-policy")
    parser.flag("-a", "--activate", dest="activate", text="end the standby")
    parser.value("-G", "--get-attr", dest="get_attr", text="print an attribute")
    parser.value("-S", "--set-attr", dest="set_attr", text="set an attribute to --attr-value")
    parser.value("-D", "--delete-attr", dest="delete_attr", text="remove an attribute")
    parser.flag("-C", "--cleanup", dest="cleanup", text="forget all about the ticket here")
    parser.value("-v", "--attr-value", dest="value", text="the value for --set-attr")
    parser.value("-d", "--default", dest="default", text="what --get-attr prints where none is set")
    parser.flag("-f", "--force", dest="force", text="do it though another site may have the ticket")
    parser.value("-n", "--set-name", dest="set_name", text="accepted and ignored")
    parser.value("-i", "--nvpair", dest="nvpair", text="accepted and ignored")
    parser.flag("-Q", "--quiet", dest="quiet", text="accepted: values stand alone anyway")
    options = parser.parse_args()
    command = exclusive(parser, options, (*_QUERIES, *_CHANGES))
    if not command:
        parser.error("say what to do: --info, --grant, --revoke, --standby, --activate, …")
    if command in ("get_attr", *_CHANGES) and not options.ticket:
        parser.error("name the ticket: --ticket TICKET")
    if command == "set_attr" and options.value is None:
        parser.error("say the value too: --attr-value VALUE")

    async def body(cluster: Cluster) -> int:
        return await _act(cluster, command, options)

    return run_tool("crm_ticket", options.config, body)


async def _act(cluster: Cluster, command: str, options: argparse.Namespace) -> int:
    if command in _QUERIES:
        cib = (await cluster.cib(local=True)).document
        for line in _answer(cib, command, options):
            write(line)
        return 0
    state = tickets.state_of((await cluster.cib()).document, options.ticket)
    _insist_on_force(command, options, state)
    operations = _operations(command, options, state)
    if operations:
        await cluster.change(operations, message=f"crm_ticket --{command.replace('_', '-')}")
    return 0


def _answer(cib: Element, command: str, options: argparse.Namespace) -> Sequence[str]:
    ticket = options.ticket or ""
    if command == "constraints":
        shown = [tree.text(one) for one in tickets.constraints(cib, ticket)]
        return ["Constraints XML:", "", *shown]
    found = [one for one in tickets.states(cib) if ticket in ("", one.id)]
    if command == "get_attr":
        value = found[0].attributes.get(options.get_attr) if found else None
        value = options.default if value is None else value
        if value is None:
            raise _nothing(f"ticket {ticket} has no attribute {options.get_attr} here")
        return [value]
    if ticket and not found:
        raise _nothing(f"nothing is known of ticket {ticket} here")
    match command:
        case "raw":
            return [one.id for one in found]
        case "query_xml":
            shown_state = found[0] if ticket else Element("tickets", {}, tuple(found))
            return ["State XML:", "", tree.text(shown_state)]
        case _:
            return [tickets.line(one, details=command == "details") for one in found]


def _nothing(what: str) -> ToolFailed:
    return ToolFailed(f"{what} (tickets: crm_ticket --info)", ExitCode.NOSUCH)


def _insist_on_force(command: str, options: argparse.Namespace, state: Element | None) -> None:
    """Ask for --force where data is at risk: INSUFFICIENT_PRIV as the reference (features 23.2)."""
    if options.force:
        return
    ticket, named = options.ticket, options.set_attr or options.delete_attr
    grants = command == "grant" or (named == tickets.GRANTED and is_true(options.value))
    loses = command in ("revoke", "cleanup") or (named == tickets.GRANTED and not grants)
    if grants and not tickets.is_granted(state):
        raise ToolFailed(
            f"nobody here can know whether another site has {ticket}: with it at two sites, what"
            " depends on it runs twice. When you are sure, repeat this with --force",
            ExitCode.INSUFFICIENT_PRIV,
        )
    if loses and tickets.is_granted(state):
        raise ToolFailed(
            f"losing {ticket} sets off the loss-policy of what depends on it"
            f" (crm_ticket --ticket {ticket} --constraints shows it). --standby lets go of it"
            " softly first. When you are sure, repeat this with --force",
            ExitCode.INSUFFICIENT_PRIV,
        )


def _operations(
    command: str, options: argparse.Namespace, state: Element | None
) -> list[CibOperation]:
    now_s, ticket = int(time.time()), options.ticket
    match command:
        case "cleanup":
            return [] if state is None else [tickets.forgetting(ticket)]
        case "delete_attr":
            known = state is not None and options.delete_attr in state.attributes
            return [tickets.without(state, options.delete_attr)] if state and known else []
        case "set_attr":
            changes = {options.set_attr: options.value}
        case "grant" | "revoke":
            changes = {tickets.GRANTED: "true" if command == "grant" else "false"}
        case _:
            changes = {tickets.STANDBY: "true" if command == "standby" else "false"}
    return [tickets.setting(ticket, changes, now_s=now_s)]
