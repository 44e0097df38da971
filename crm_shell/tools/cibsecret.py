"""``cibsecret``: keep secret parameters on the nodes and out of the CIB (features 27.31, 4.29)."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from crm_shell.actions import tree
from crm_shell.actions.pairs import Home, find_pairs, of_resource, remove_pair, set_pair
from crm_shell.host.remote_nodes import remote_nodes
from crm_shell.tools.frame import ToolFailed, ToolParser, run_tool, write
from raftmaker.client import Cluster
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.secrets import MARK, NoSecret, Secrets
from raftmaker.vocabulary.codes import ExitCode

_ACTIONS = {
    "set": "keep VALUE (- or nothing: it is read) on every node, and lrm:// in the CIB",
    "get": "print it",
    "check": "fail unless it is whole here, and the CIB says lrm://",
    "stash": "take the value that the CIB has now out of it",
    "unstash": "put it back into the CIB and remove it from the nodes",
    "delete": "remove it from the CIB and the nodes",
    "sync": "give every node all secrets that this one has",
}


class Keeper(Protocol):
    """What keeps another node's secrets: a member's controller, a remote node's executor."""

    async def keep_secret(self, resource: str, parameter: str, value: str | None) -> None:
        """Keep it; None: remove it. Raises `HaError`."""

    async def close(self) -> None:
        """End the connection."""


class Keeping:
    """The secrets of one parameter of one resource, here and on the others, remote nodes too."""

    def __init__(self, cluster: Cluster, resource: str, parameter: str, *, with_cib: bool) -> None:
        """`with_cib`: the CIB is read and changed too."""
        self._cluster = cluster
        self.secrets = Secrets(cluster.settings.state_dir / "secrets")
        self.resource, self.parameter = resource, parameter
        self._with_cib = with_cib

    async def home(self) -> tuple[Home, str | None]:
        """Return where the parameter stands, and what the CIB has of it. Raises `NotThere`."""
        cib = (await self._cluster.cib()).document
        element = tree.resource(cib, self.resource)
        home = of_resource(element, "instance_attributes")
        found = find_pairs(home, element, self.parameter)
        return home, found[0][1].get("value") if found else None

    async def put(self, value: str) -> None:
        """Keep the value on every node, then have the CIB name it."""
        if self._with_cib:
            await self.home()  # a resource that is not there is told before anything is kept
        self.secrets.write(self.resource, self.parameter, value)
        missed = await self.spread([(self.resource, self.parameter, value)])
        await self.say_in_cib(MARK)
        _insist_on_all(missed)

    async def say_in_cib(self, value: str | None) -> None:
        """Set the parameter's value in the CIB; None: remove it."""
        if not self._with_cib:
            return
        cib = (await self._cluster.cib()).document
        element = tree.resource(cib, self.resource)
        home = of_resource(element, "instance_attributes")
        operations = (
            remove_pair(home, element, self.parameter)
            if value is None
            else (set_pair(home, element, self.parameter, value),)
        )
        if operations:
            what = f"cibsecret: {self.parameter} of {self.resource}"
            await self._cluster.change(operations, message=what)

    async def remove(self) -> None:
        """Keep it on no node any more."""
        missed = await self.spread([(self.resource, self.parameter, None)])
        self.secrets.remove(self.resource, self.parameter)
        _insist_on_all(missed)

    async def spread(self, kept: Iterable[tuple[str, str, str | None]]) -> list[str]:
        """Tell the other nodes; return those that could not be told, with the reason."""
        known, missed = list(kept), []
        remotes = remote_nodes((await self._cluster.cib()).document)
        others: list[tuple[str, Keeper]] = [*await self._cluster.other_controllers()]
        others += [
            (each.name, self._cluster.remote_executor(each.name, each.address)) for each in remotes
        ]
        for node, keeper in others:
            try:
                for resource, parameter, value in known:
                    await keeper.keep_secret(resource, parameter, value)
            except HaError as error:
                missed.append(f"{node}: {error}")
            finally:
                await keeper.close()
        return missed


def _insist_on_all(missed: list[str]) -> None:
    if missed:
        told = "\n".join(missed)
        raise ToolFailed(
            f"{told}\nthese nodes do not have it: run 'cibsecret sync' here when they are back",
            ExitCode.TEMPFAIL,
        )


async def _set(keeping: Keeping, value: str | None) -> int:
    await keeping.put(_given(value))
    return 0


def _given(value: str | None) -> str:
    if value is not None and value != "-":
        return value
    if sys.stdin.isatty():
        return getpass.getpass("value: ")
    return sys.stdin.readline().rstrip("\r\n")


async def _get(keeping: Keeping, _: str | None) -> int:
    write(keeping.secrets.read(keeping.resource, keeping.parameter))
    return 0


async def _check(keeping: Keeping, _: str | None) -> int:
    keeping.secrets.read(keeping.resource, keeping.parameter)
    value = (await keeping.home())[1]
    if value != MARK:
        said = "nothing" if value is None else "a value of its own"
        raise ToolFailed(
            f"the CIB has {said} for {keeping.parameter} of {keeping.resource}, not {MARK}",
            ExitCode.CONFIG,
        )
    return 0


async def _stash(keeping: Keeping, _: str | None) -> int:
    value = (await keeping.home())[1]
    if value is None or value == MARK:
        said = "no value" if value is None else f"{MARK} already"
        raise ToolFailed(
            f"the CIB has {said} for {keeping.parameter} of {keeping.resource}", ExitCode.NOSUCH
        )
    await keeping.put(value)
    return 0


async def _unstash(keeping: Keeping, _: str | None) -> int:
    value = keeping.secrets.read(keeping.resource, keeping.parameter)
    await keeping.say_in_cib(value)
    await keeping.remove()
    return 0


async def _delete(keeping: Keeping, _: str | None) -> int:
    await keeping.say_in_cib(None)
    await keeping.remove()
    return 0


async def _sync(keeping: Keeping, _: str | None) -> int:
    secrets = keeping.secrets
    kept = [(rsc, name, secrets.read(rsc, name)) for rsc, name in secrets.kept()]
    _insist_on_all(await keeping.spread(kept))
    return 0


_RUNS: dict[str, Callable[[Keeping, str | None], Awaitable[int]]] = {
    "set": _set, "get": _get, "check": _check, "stash": _stash, "unstash": _unstash,
    "delete": _delete, "sync": _sync,
}  # fmt: skip


def main() -> int:
    """Run the tool and return its exit code."""
    text = "\n".join(f"  {name:8} {what}" for name, what in _ACTIONS.items())
    parser = ToolParser(
        "cibsecret", f"keep secret parameters on the nodes and out of the CIB\n\n{text}"
    )
    parser.flag("-C", "--no-cib", dest="no_cib", text="leave the CIB alone, whatever it says")
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument("resource", nargs="?", default="")
    parser.add_argument("parameter", nargs="?", default="")
    parser.add_argument("value", nargs="?")
    options = parser.parse_args()
    if options.action != "sync" and not options.parameter:
        parser.error(f"{options.action} needs RESOURCE and PARAMETER")
    if options.value is not None and options.action != "set":
        parser.error(f"{options.action} takes no value")

    async def body(cluster: Cluster) -> int:
        return await carry_out(cluster, options)

    return run_tool("cibsecret", options.config, body)


async def carry_out(cluster: Cluster, options: argparse.Namespace) -> int:
    """Do what is asked for with a secret (`action`, `resource`, `parameter`, `value`, `no_cib`).

    Raises `ToolFailed`, `NotThere`, `HaError`.
    """
    keeping = Keeping(cluster, options.resource, options.parameter, with_cib=not options.no_cib)
    try:
        return await _RUNS[options.action](keeping, options.value)
    except NoSecret as error:
        raise ToolFailed(str(error), ExitCode.NOSUCH) from None
    except OSError as error:
        denied = isinstance(error, PermissionError)
        code = ExitCode.INSUFFICIENT_PRIV if denied else ExitCode.OSFILE
        raise ToolFailed(f"{error.filename}: {error.strerror} (run it as root)", code) from None
