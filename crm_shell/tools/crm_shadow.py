"""``crm_shadow``: make, compare and commit private copies of the CIB (features 27.23, 4.31)."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path

from cib_store.document.element import Element
from cib_store.document.sections import empty_cib
from crm_shell.shadow import IN_USE, Shadows, changes, committed, current
from crm_shell.tools.frame import ToolFailed, ToolParser, complain, exclusive, run_tool, write
from crm_shell.xml_text import xml_lines
from raftmaker.client import Cluster
from raftmaker.runtime.errors import Rejected
from raftmaker.runtime.foreground import run_foreground
from raftmaker.vocabulary.codes import ExitCode

_COMMANDS = ("which", "display", "file", "diff", "edit", "create", "create_empty", "switch",
             "commit", "reset", "delete")  # fmt: skip
_NAMED = (
    ("-c", "create", "make one of the cluster's CIB"),
    ("-e", "create-empty", "make one with an empty CIB"),
    ("-s", "switch", "open a shell that works on it"),
    ("-C", "commit", "make the cluster's configuration what it has (needs --force)"),
    ("-r", "reset", "make it what the cluster has now (needs --force)"),
    ("-D", "delete", "remove it (needs --force)"),
)


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("crm_shadow", "work on a private copy of the cluster's configuration")
    parser.flag("-w", "--which", dest="which", text="print the name of the one in use")
    parser.flag("-p", "--display", dest="display", text="print the one in use")
    parser.flag("-F", "--file", dest="file", text="print where the one in use is kept")
    parser.flag("-d", "--diff", dest="diff", text="print how it differs from the cluster")
    parser.flag("-E", "--edit", dest="edit", text="open the one in use in an editor")
    for short, name, text in _NAMED:
        parser.value(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    parser.flag("-f", "--force", dest="force")
    parser.flag("-b", "--batch", dest="batch", text="open no shell")
    parser.flag("-a", "--all", dest="all", text="accepted; the status is the cluster's own")
    parser.value("-v", "--validate-with", dest="schema", text="schema of a new one")
    options = parser.parse_args()
    command = exclusive(parser, options, _COMMANDS)
    if not command:
        parser.error("say what to do: --create NAME, --diff, --commit NAME …")
    shadows = Shadows.of(os.environ, options.config)
    if command in ("create", "diff", "commit", "reset"):
        # These speak with the cluster, whatever shadow is in use.
        used = os.environ.pop(IN_USE, "")

        async def body(cluster: Cluster) -> int:
            return await _with_cluster(cluster, shadows, command, options, used)

        return run_tool("crm_shadow", options.config, body)
    return _told(lambda: _alone(shadows, command, options))


def _told(work: Callable[[], Awaitable[int]]) -> int:
    async def run() -> int:
        return await work()

    try:
        return asyncio.run(run())
    except (Rejected, ToolFailed) as error:
        complain("crm_shadow", str(error))
        return int(error.exit_code if isinstance(error, Rejected) else error.code)


async def _with_cluster(
    cluster: Cluster, shadows: Shadows, command: str, options: argparse.Namespace, used: str
) -> int:
    if command == "create":
        shadows.create(options.create, _stamped(await _live(cluster), options), force=options.force)
        return await _enter(options.create, options)
    if command == "diff":
        found = changes(await _live(cluster), shadows.existing(_in_use(used)).read())
        if found is None:
            return 0
        write("\n".join(xml_lines(found)))
        return int(ExitCode.ERROR)
    name = options.commit or options.reset
    _insist(command, options)
    if command == "reset":
        shadows.existing(name)
        shadows.create(name, await _live(cluster), force=True)
        return 0
    operation = committed(shadows.existing(name).read())
    outcome = await cluster.change([operation], message=f"commit shadow {name}")
    for report in outcome.reports:
        complain("crm_shadow", f"warning: {report}")
    return 0


async def _live(cluster: Cluster) -> Element:
    return (await cluster.query()).elements[0]


def _stamped(cib: Element, options: argparse.Namespace) -> Element:
    return cib.with_attributes({"validate-with": options.schema}) if options.schema else cib


def _insist(command: str, options: argparse.Namespace) -> None:
    if not options.force:
        raise ToolFailed(f"--{command} is dangerous: repeat it with --force", ExitCode.UNSAFE)


def _in_use(name: str) -> str:
    if not name:
        raise ToolFailed("no shadow CIB is in use: set CIB_shadow to its name", ExitCode.NOSUCH)
    return name


async def _alone(shadows: Shadows, command: str, options: argparse.Namespace) -> int:
    match command:
        case "create_empty":
            schema = options.schema or "pacemaker-4.0"
            cib = empty_cib({"crm_feature_set": "3.20.5", "validate-with": schema}, {})
            shadows.create(options.create_empty, cib, force=options.force)
            return await _enter(options.create_empty, options)
        case "switch":
            shadows.existing(options.switch)
            return await _enter(options.switch, options)
        case "delete":
            _insist(command, options)
            shadows.delete(options.delete)
            return 0
        case "which":
            write(_in_use(current()))
        case "file":
            write(str(shadows.file(_in_use(current())).path))
        case "display":
            write("\n".join(xml_lines(shadows.existing(_in_use(current())).read())))
        case _:
            return await _edit(shadows.existing(_in_use(current())).path)
    return 0


async def _edit(path: Path) -> int:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        return await run_foreground([*shlex.split(editor), str(path)])
    except OSError as error:
        raise ToolFailed(f"{editor}: {error.strerror}; set EDITOR", ExitCode.OSERR) from None


async def _enter(name: str, options: argparse.Namespace) -> int:
    """Open a shell that works on the shadow, or tell how to."""
    if options.batch:
        write(f"To work on it, enter into your shell:\n  export CIB_shadow={name}")
        return 0
    write(f"This shell works on the shadow CIB {name}; leave it with ^D")
    os.environ[IN_USE] = name
    return await run_foreground([os.environ.get("SHELL") or "/bin/sh"])
