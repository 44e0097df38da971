"""``crm_report``: what support needs to see, in one archive (features 27.33)."""

from __future__ import annotations

import argparse
import contextlib
import re
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from cib_store.model.values import parse_duration_ms
from crm_shell.report.analysing import analysis
from crm_shell.report.archive import send, write_archive, write_folder
from crm_shell.report.elsewhere import SSH, Place, RemoteShell, collect
from crm_shell.report.gathering import (
    Found,
    Part,
    Wanted,
    gather_cluster,
    gather_node,
    learn_secrets,
)
from crm_shell.tools.frame import ToolFailed, ToolParser, complain, run_tool, write
from raftmaker.client import Cluster
from raftmaker.runtime.roster import Roster
from raftmaker.vocabulary.codes import ExitCode

_DEFAULT = "12h"
_ERRORS = r"\b(?:[Ee]rror|ERROR|CRIT|critical)\b"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that the tool and ``crm report`` share."""
    add = parser.add_argument
    _add_what(add)
    add("-S", "--single-node", dest="single", action="store_true", help="this node alone")
    add(
        "-n",
        "--nodes",
        dest="nodes",
        action="append",
        default=[],
        metavar="NODES",
        help="only these nodes, in one word or several options; else all members",
    )
    add("-u", "--user", dest="user", default="", metavar="USER", help="who logs in there")
    add(
        "-e",
        "--rsh",
        dest="rsh",
        default="",
        metavar="COMMAND",
        help="what runs a command on a node, which it is given by name; else ssh, by address",
    )
    add(
        "-d",
        "--as-directory",
        dest="folder",
        action="store_true",
        help="leave a folder in place of an archive",
    )
    add("--sos-mode", dest="sos", action="store_true", help="as sosreport calls it: -S -d")
    add("--dest", dest="dest", default="", metavar="NAME", help="the archive without .tar.bz2")
    add("-D", "--max-depth", dest="depth", metavar="N", help="accepted: logs are not searched for")
    add("-c", "--cluster", dest="kind", metavar="TYPE", help="accepted: there is one kind")
    add(
        "-C",
        "--corosync",
        dest="kind",
        action="store_const",
        const="corosync",
        help="accepted: there is none",
    )
    add("--collect", dest="collect", action="store_true", help=argparse.SUPPRESS)
    add("name", nargs="?", default="", metavar="DEST", help="the same as --dest")


def _add_what(add: Callable[..., object]) -> None:
    """Add the options that a collector on another node is given too."""
    add(
        "-f",
        "--from",
        dest="start",
        default=_DEFAULT,
        metavar="TIME",
        help=f"begin of the time looked at: a date, or how long ago (else {_DEFAULT})",
    )
    add("-t", "--to", dest="end", default="", metavar="TIME", help="its end; else now")
    add(
        "-l",
        "--logfile",
        dest="logs",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a log file to take along, of each node",
    )
    add(
        "-M",
        "--no-extra",
        dest="no_extra",
        action="store_true",
        help="only the log files named, not the journal",
    )
    add(
        "-p",
        "--pattern",
        dest="patterns",
        action="append",
        default=[],
        metavar="GLOB",
        help="hide the values of parameters with such names too",
    )
    add(
        "-L",
        "--log-pattern",
        dest="looked_for",
        action="append",
        default=[],
        metavar="REGEX",
        help="lines of logs to show in analysis.txt, beside errors",
    )


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("crm_report", "gather what support needs to see, in one archive")
    add_options(parser)
    options = parser.parse_args()

    async def body(cluster: Cluster) -> int:
        if options.collect:
            await _send(cluster, _wanted(options, int(time.time())))
            return 0
        written = await report(cluster, options)
        complain("crm_report", "\n".join(written.unreached))
        write(str(written.path))
        return 0

    return run_tool("crm_report", options.config, body)


class Written(Struct, frozen=True):
    """Where a report is, and which nodes are not in it, with why."""

    path: Path
    unreached: tuple[str, ...]


async def report(cluster: Cluster, options: argparse.Namespace) -> Written:
    """Write the report. Raises `ToolFailed`."""
    now = int(time.time())
    wanted = _wanted(options, now)
    patterns = _patterns(options.looked_for)
    here, others = _places(cluster, options)
    found = Found()
    await gather_cluster(cluster, wanted, found)
    if here:
        await gather_node(cluster, wanted, found)
    shell = RemoteShell(command=tuple(shlex.split(options.rsh)) or SSH, user=options.user)
    unreached = await collect(others, shell, _collector(wanted), found)
    found.parts += analysis(found.parts, patterns)
    if found.problems:
        found.parts.append(("problems.txt", "\n".join(found.problems)))
    return Written(_write(options, found.parts, now), unreached)


def _wanted(options: argparse.Namespace, now: int) -> Wanted:
    wanted = Wanted(
        start=_time(options.start, now),
        end=_time(options.end, now) if options.end else now,
        logs=tuple(options.logs),
        with_journal=not options.no_extra,
        patterns=tuple(options.patterns),
    )
    if wanted.start >= wanted.end:
        raise ToolFailed("--from is not before --to", ExitCode.USAGE)
    return wanted


def _patterns(texts: Sequence[str]) -> re.Pattern[str]:
    try:
        return re.compile("|".join((_ERRORS, *texts)))
    except re.error as error:
        raise ToolFailed(f"--log-pattern is no regular expression: {error}",
                         ExitCode.USAGE) from None  # fmt: skip


def _places(cluster: Cluster, options: argparse.Namespace) -> tuple[bool, tuple[Place, ...]]:
    """Return whether this node is meant, and which others."""
    me = str(cluster.settings.node)
    named = list(dict.fromkeys(word for text in options.nodes for word in text.split()))
    if options.single or options.sos or cluster.is_file:
        return True, ()
    members = {
        str(peer.name): peer.store.address.rpartition(":")[0].strip("[]")
        for peer in Roster(cluster.settings).peers
    }
    places = places_of(members, named, by_name=bool(options.rsh))
    # A remote node is no member, and has files of its own all the same.
    return not named or me in named, tuple(each for each in places if each.node != me)


def places_of(
    members: Mapping[str, str], named: Sequence[str], *, by_name: bool
) -> tuple[Place, ...]:
    """Return the nodes that are meant: those named, else all members, by their hosts. Pure.

    `by_name`: a shell of one's own knows nodes by name, as Pacemaker's tool calls them.
    """
    hosts = {} if by_name else members
    return tuple(Place(each, hosts.get(each, each)) for each in named or members)


def _collector(wanted: Wanted) -> tuple[str, ...]:
    """Return the command that another node is given, in times that mean the same there."""
    times = (datetime.fromtimestamp(each, UTC).isoformat() for each in (wanted.start, wanted.end))
    words = ["crm_report", "--collect"]
    for option, each in zip(("-f", "-t"), times, strict=True):
        words += [option, each]
    for path in wanted.logs:
        words += ["-l", str(path)]
    for pattern in wanted.patterns:
        words += ["-p", pattern]
    return (*words, *(() if wanted.with_journal else ("-M",)))


async def _send(cluster: Cluster, wanted: Wanted) -> None:
    """Write what this node has for another one's report to standard output."""
    found = Found()
    await learn_secrets(cluster, wanted, found)
    await gather_node(cluster, wanted, found)
    if found.problems:
        told = "\n".join(found.problems)
        found.parts.append((f"{cluster.settings.node}/problems.txt", told))
    send(sys.stdout.buffer, found.parts, at=wanted.end)


def _write(options: argparse.Namespace, parts: Sequence[Part], now: int) -> Path:
    default = time.strftime("crm_report-%Y%m%d-%H%M%S", time.localtime(now))
    place = Path(options.dest or options.name or default)
    place = place.with_name(place.name.removesuffix(".tar.bz2"))
    as_folder = options.folder or options.sos
    target = place if as_folder else place.with_name(f"{place.name}.tar.bz2")
    try:
        if as_folder:
            write_folder(target, parts)
        else:
            write_archive(target, place.name, parts, at=now)
    except FileExistsError:
        raise ToolFailed(f"{target} is there already: name another with --dest",
                         ExitCode.EXISTS) from None  # fmt: skip
    except OSError as error:
        raise ToolFailed(f"{target}: {error.strerror}", ExitCode.CANTCREAT) from None
    return target


def _time(text: str, now: int) -> int:
    # A date goes first: read as a duration it would be as many seconds ago as its year says.
    with contextlib.suppress(ValueError):
        return int(datetime.fromisoformat(text).timestamp())
    days = re.fullmatch(r"(\d+) ?d(?:ays?)?", text)
    ago_ms = int(days[1]) * 86_400_000 if days else parse_duration_ms(text)
    if ago_ms is None or ago_ms <= 0 or text.isdigit():
        raise ToolFailed(
            f"{text!r} is no time: write a date (2026-01-31 10:00) or how long ago (12h, 3d)",
            ExitCode.USAGE,
        )
    return now - ago_ms // 1000
