"""What every command is given: console, options, the cluster, and the draft being edited."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct, field

from cib_store.document.element import Element
from cib_store.document.version import version_of
from crm_shell.console import Console
from crm_shell.preferences import Preferences, file_of
from crm_shell.syntax.faults import Fault
from raftmaker.client import Cib, Cluster, connect
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation
from raftmaker.vocabulary.membership import Facts
from raftmaker.vocabulary.outcomes import CibVersion


class Failed(Exception):
    """A command cannot be carried out: the messages for people, and the exit code."""

    def __init__(self, *messages: str, code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__("\n".join(messages))
        self.code = code


class Rehearsed(Exception):
    """The plan was shown, and that was all that was wanted: nothing is changed."""


class Misused(Failed):
    """A command was given arguments that it cannot take."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages, code=ExitCode.USAGE)


def faulty(faults: Sequence[Fault], source: str = "") -> Failed:
    """Return the failure that tells all faults of a text."""
    head = f"{source}: " if source else ""
    return Failed(*(f"{head}{fault}" for fault in faults), code=ExitCode.CONFIG)


class Draft(Struct):
    """A configuration that is being edited and not yet committed."""

    base: Cib
    configuration: Element


class MadeStatus(Struct, kw_only=True):
    """A status that somebody makes up, with the configuration that it came with."""

    origin: str
    """What was loaded: ``live``, a file, or ``shadow:NAME``."""
    cib: Element
    changes: list[str] = field(default_factory=list)


class Session(Struct, kw_only=True):
    """One run of the shell."""

    console: Console
    config: Path | None = None
    wait: bool = False
    force: bool = False
    """Answer yes to every question, overrule what may be overruled."""
    dry_run: bool = False
    """Plans are shown and nothing is changed."""
    offline: Element | None = None
    """A CIB from a file, which commands read instead of the cluster's; it implies `dry_run`."""
    interactive: bool = False
    keeps_draft: bool = False
    """Changes gather until `commit`, as at the prompt and in a file of commands."""
    program: str = "crm"
    message: str = ""
    """Why, for the history of changes."""
    ask: Callable[[str], bool] | None = None
    draft: Draft | None = None
    made_status: MadeStatus | None = None
    """What `crm configure simulate` decides by in place of the cluster's status."""
    template: str = ""
    """The configuration from templates that commands are about when none is named."""
    preferences: Preferences = field(default_factory=lambda: Preferences(file_of(os.environ)))
    _cluster: Cluster | None = None

    def apply_preferences(self) -> None:
        """Take over what the person has chosen, where the command line says nothing else."""
        self.wait = self.wait or self.preferences.is_on("wait")
        self.console.choose(self.preferences["output"], self.preferences["colorscheme"])
        self.console.pager = self.preferences["pager"]

    @property
    def cluster(self) -> Cluster:
        """The cluster of this node. Raises `Rejected` for bad settings."""
        if self._cluster is None:
            self._cluster = connect(self.config, program=self.program)
        return self._cluster

    async def cib(self) -> Cib:
        """Return the CIB: the cluster's, or the one from a file."""
        if self.offline is None:
            return await self.cluster.cib()
        return Cib(document=self.offline, version=version_of(self.offline), index=0, facts=Facts())

    async def close(self) -> None:
        """Close what was opened."""
        if self._cluster is not None:
            await self._cluster.__aexit__(None, None, None)
            self._cluster = None

    def confirm(self, question: str) -> bool:
        """Ask a person; where there is none, or `--force` is given, the answer is yes."""
        if self.force or self.dry_run or self.ask is None:
            return True
        return self.ask(question)

    async def change(
        self,
        operations: Sequence[CibOperation],
        *,
        message: str = "",
        base: CibVersion | None = None,
        asked: Sequence[str] = (),
    ) -> int:
        """Show the plan, change the CIB, tell warnings, wait when asked to.

        `asked`: the resources and nodes that the command is about; what else is disturbed is asked
        about. Returns the log position. Raises `Rehearsed` in a dry run, `Failed` after a no.
        """
        await self.review(operations, base=base, asked=asked)
        outcome = await self.cluster.change(operations, message=self.message or message, base=base)
        for warning in outcome.reports:
            self.console.warn(str(warning))
        if self.wait:
            await self.settle(outcome.index)
        return outcome.index

    async def review(
        self,
        operations: Sequence[CibOperation],
        *,
        base: CibVersion | None = None,
        asked: Sequence[str] = (),
        then: str = "",
    ) -> None:
        """Show what operations would do; ask, or end a dry run. `then`: what follows it, in words.

        Raises `Rehearsed` in a dry run, `Failed` when somebody says no.
        """
        from crm_shell.proposal.review import review

        await review(self, operations, base=base, asked=asked, then=then)

    def announce(self, what: str) -> None:
        """Say what will be done that no plan can show. Raises `Rehearsed` in a dry run."""
        if self.dry_run:
            self.console.answer(f"This will: {what}", {"action": what})
            raise Rehearsed

    async def settle(self, index: int) -> None:
        """Wait until the cluster has carried out log position `index`, showing progress."""
        from crm_shell.progress import settle

        await settle(self.cluster, index)


Run = Callable[[Session, list[str]], Awaitable[int]]


class Command(Struct, frozen=True, kw_only=True):
    """One command: how it is written, what it does, and what its arguments may be."""

    name: str
    usage: str
    summary: str
    run: Run
    details: str = ""
    aliases: tuple[str, ...] = ()
    completes: tuple[str, ...] = ()
    """What each argument may be: resource, node, object, on|off …; the last one repeats."""


class Level(Struct, frozen=True, kw_only=True):
    """A group of commands, such as ``resource``."""

    name: str
    summary: str
    commands: tuple[Command, ...]
    aliases: tuple[str, ...] = ()
    is_for_administrators: bool = False
    """Not for who has chosen to be an operator (`crm options skill-level`)."""
    also: tuple[str, ...] = ()
    """Other levels that may be entered from this one, by name; what is edited here stays."""


def named_values(words: Iterable[str], usage: str) -> dict[str, str]:
    """Read words of the form NAME=VALUE. Raises `Misused` with the first that is none."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise Misused(f"{word!r} is not NAME=VALUE; usage: {usage}")
        found[name] = value
    return found


def arguments(args: list[str], least: int, most: int, usage: str) -> list[str]:
    """Return `args` when their number fits. Raises `Misused` with the usage."""
    if len(args) < least:
        raise Misused(f"too few arguments; usage: {usage}")
    if len(args) > most:
        raise Misused(f"unexpected argument {args[most]!r}; usage: {usage}")
    return args
