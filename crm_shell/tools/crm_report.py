"""``crm_report``: what support needs to see, in one archive (features 27.33)."""

from __future__ import annotations

import argparse
import time
from datetime import datetime
from pathlib import Path

from cib_store.model.values import parse_duration_ms
from crm_shell.report.archive import write_archive, write_folder
from crm_shell.report.gathering import Wanted, parts
from crm_shell.tools.frame import ToolFailed, ToolParser, run_tool, write
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode

_DEFAULT = "12h"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that the tool and ``crm report`` share."""
    add = parser.add_argument
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
        "-S",
        "--single-node",
        dest="single",
        action="store_true",
        help="accepted: logs are this node's, the rest is the cluster's",
    )
    add(
        "-l",
        "--logfile",
        dest="logs",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a log file to take along",
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
        "-d",
        "--as-directory",
        dest="folder",
        action="store_true",
        help="leave a folder in place of an archive",
    )
    add("--dest", dest="dest", default="", metavar="NAME", help="the archive without .tar.bz2")
    add("name", nargs="?", default="", metavar="DEST", help="the same")


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("crm_report", "gather what support needs to see, in one archive")
    add_options(parser)
    options = parser.parse_args()

    async def body(cluster: Cluster) -> int:
        write(str(await report(cluster, options)))
        return 0

    return run_tool("crm_report", options.config, body)


async def report(cluster: Cluster, options: argparse.Namespace) -> Path:
    """Write the report and return where it is. Raises `ToolFailed`."""
    now = int(time.time())
    wanted = Wanted(
        start=_time(options.start, now),
        end=_time(options.end, now) if options.end else now,
        logs=tuple(options.logs),
        with_journal=not options.no_extra,
        patterns=tuple(options.patterns),
    )
    if wanted.start >= wanted.end:
        raise ToolFailed("--from is not before --to", ExitCode.USAGE)
    default = time.strftime("crm_report-%Y%m%d-%H%M%S", time.localtime(now))
    place = Path(options.dest or options.name or default)
    place = place.with_name(place.name.removesuffix(".tar.bz2"))
    found = [each async for each in parts(cluster, wanted)]
    target = place if options.folder else place.with_name(f"{place.name}.tar.bz2")
    try:
        if options.folder:
            write_folder(target, found)
        else:
            write_archive(target, place.name, found, at=now)
    except FileExistsError:
        raise ToolFailed(f"{target} is there already: name another with --dest",
                         ExitCode.EXISTS) from None  # fmt: skip
    except OSError as error:
        raise ToolFailed(f"{target}: {error.strerror}", ExitCode.CANTCREAT) from None
    return target


def _time(text: str, now: int) -> int:
    ago = parse_duration_ms(text) if text and not text.isdigit() else None
    if ago is not None and ago > 0:
        return now - ago // 1000
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise ToolFailed(
            f"{text!r} is no time: write a date (2026-01-31 10:00) or how long ago (12h, 3d)",
            ExitCode.USAGE,
        ) from None
