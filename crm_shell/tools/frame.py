"""What all tools share: options of old and new form, the connection, failures as exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from crm_shell.actions.absence import NotThere
from raftmaker import __version__
from raftmaker.runtime.errors import HaError, Rejected
from raftmaker.vocabulary.codes import ExitCode

if TYPE_CHECKING:
    from raftmaker.client import Cluster


OWN_VERSION = f"Raftmaker {__version__}"


class ToolFailed(Exception):
    """A tool cannot do what was asked: the message and the exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(message)
        self.code = code


class ToolParser(argparse.ArgumentParser):
    """Options as Pacemaker's tools take them; a wrong one ends with exit code USAGE."""

    def __init__(self, program: str, summary: str, *, version: str = OWN_VERSION) -> None:
        """`version`: what --version prints."""
        super().__init__(
            prog=program,
            description=summary,
            add_help=False,
            allow_abbrev=True,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument("-?", "--help", action="help", help="show this help and exit")
        self.add_argument("-$", "--version", action="version", version=version)
        self.add_argument("-V", "--verbose", action="count", default=0)
        self.add_argument("--config", type=Path, metavar="FILE", help="the node's raftmaker.toml")

    def flag(self, *names: str, dest: str, text: str = "") -> None:
        """Add an option without a value."""
        self.add_argument(*names, dest=dest, action="store_true", help=text)

    def value(self, *names: str, dest: str, text: str = "", default: str | None = None) -> None:
        """Add an option with a value."""
        self.add_argument(*names, dest=dest, default=default, metavar="VALUE", help=text)

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong with the command line, and end."""
        print(f"{self.prog}: {message}", file=sys.stderr)  # noqa: T201
        print(f"Try '{self.prog} --help'", file=sys.stderr)  # noqa: T201
        raise SystemExit(int(ExitCode.USAGE))


def write(text: str) -> None:
    """Write a line of the answer."""
    print(text)  # noqa: T201


def complain(program: str, text: str) -> None:
    """Write what went wrong."""
    for line in text.splitlines():
        print(f"{program}: {line}", file=sys.stderr)  # noqa: T201


def run_tool(
    program: str,
    config: Path | None,
    body: Callable[[Cluster], Awaitable[int]],
) -> int:
    """Connect, run `body`, and return its exit code; failures are told on standard error."""
    # A tool that only reads a file does not pay for loading asyncio and gRPC.
    import asyncio

    try:
        return asyncio.run(_run(program, config, body))
    except Rejected as error:
        complain(program, str(error))
        return int(error.exit_code)
    except HaError as error:
        complain(program, str(error))
        return int(error.exit_code)
    except ToolFailed as error:
        complain(program, str(error))
        return int(error.code)
    except NotThere as error:
        complain(program, str(error))
        return int(ExitCode.NOSUCH)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return int(ExitCode.IOERR)


async def _run(program: str, config: Path | None, body: Callable[[Cluster], Awaitable[int]]) -> int:
    from raftmaker.client import connect

    async with connect(config, program=program) as cluster:
        return await body(cluster)


def local_node(cluster: Cluster) -> str:
    """Return the node that is meant when none is named: the agent's target, or this one."""
    named = os.environ.get("OCF_RESKEY_CRM_meta_on_node")  # noqa: SIM112  # the OCF's spelling
    return named or cluster.settings.node


def exclusive(parser: ToolParser, options: argparse.Namespace, names: Sequence[str]) -> str:
    """Return the one command among `names` that was given; several are a usage error."""
    given = [name for name in names if getattr(options, name) not in (None, False)]
    if len(given) > 1:
        parser.error(f"only one of these may be given: {', '.join(given)}")
    return given[0] if given else ""
