"""Carry out one line of words: find the command, run it, turn failures into messages and codes."""

from __future__ import annotations

from crm_shell.actions.absence import NotThere
from crm_shell.commands import drafts
from crm_shell.commands.help import help_for
from crm_shell.commands.levels import EVERYTHING, find, names_of, reached_from
from crm_shell.commands.session import Command, Failed, Level, Misused, Rehearsed, Session
from raftmaker.runtime.errors import HaError, Rejected
from raftmaker.vocabulary.codes import ExitCode

_LEAVING = ("quit", "bye", "exit", "q")
_UP = ("up", "back", "cd", "end", "..")


_REHEARSED = ("status", "history", "restore")
"""Commands about the cluster itself that read only, or whose change has a plan."""


class Leave(Exception):
    """The user wants to leave the shell."""


class Interpreter:
    """Runs lines one after another; remembers the level that they are in."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.level: Level | None = None
        self._above: list[Level] = []
        """The levels from which the present one was entered."""

    async def run(self, words: list[str]) -> int:
        """Carry out one line and return its exit code; what went wrong has been told."""
        try:
            return await self._run(words)
        except Rejected as error:
            for report in error.reports:
                tell = self.session.console.error if report.is_error else self.session.console.warn
                tell(str(report))
            if not error.reports:
                self.session.console.error(str(error))
            return int(error.exit_code)
        except HaError as error:
            self.session.console.error(str(error))
            return int(error.exit_code)
        except Rehearsed:
            return 0
        except Failed as error:
            self.session.console.error(str(error))
            return int(error.code)
        except NotThere as error:
            self.session.console.error(str(error))
            return int(ExitCode.NOSUCH)

    async def _run(self, words: list[str]) -> int:
        if not words:
            return 0
        first = words[0].lower()
        if first in _LEAVING:
            while self.level is not None:
                await self.leave_level()
            raise Leave
        if first in _UP:
            await self.leave_level()
            return 0
        if first in ("help", "?", "-h", "--help"):
            self.session.console.say(help_for(words[1:], self.level))
            return 0
        if first == "ls":
            things = self.level.commands if self.level else EVERYTHING
            self.session.console.say("  ".join(each.name for each in things))
            return 0
        if self.level is not None:
            return await self._in_level(self.level, words)
        found = find(words[0], names_of(EVERYTHING), "here")
        if isinstance(found, Level):
            self._insist_on_skill(found)
            if len(words) > 1:
                return await self._in_level(found, words[1:])
            self.level = found
            return 0
        return await self._command(found, None, words[1:])

    def _insist_on_skill(self, level: Level) -> None:
        if level.is_for_administrators and self.session.preferences["skill-level"] == "operator":
            raise Failed(
                f"{level.name} is not for an operator, which you have chosen to be: 'crm options"
                " skill-level administrator' changes that",
                code=ExitCode.INSUFFICIENT_PRIV,
            )

    async def _in_level(self, level: Level, words: list[str]) -> int:
        if words[0].lower() in ("help", "?", "-h", "--help"):
            self.session.console.say(help_for(words[1:], level))
            return 0
        found = find(words[0], reached_from(level), f"in {level.name}")
        if isinstance(found, Command):
            return await self._command(found, level, words[1:])
        if len(words) > 1:
            return await self._in_level(found, words[1:])
        if self.level is not None:
            self._above.append(self.level)
        self.level = found
        return 0

    async def _command(self, command: Command, level: Level | None, args: list[str]) -> int:
        if args and args[0] in ("-h", "--help"):
            self.session.console.say(help_for([command.name], level))
            return 0
        outside = level is not None and level.name == "cluster" and command.name not in _REHEARSED
        if self.session.dry_run and outside:
            raise Misused(f"{command.name} cannot be rehearsed; leave --dry-run away")
        return await command.run(self.session, args)

    async def leave_level(self) -> None:
        """Go up; changes that were not committed are committed, at the prompt after a question."""
        session = self.session
        if self._above:
            self.level = self._above.pop()
            return
        if self.level is not None and drafts.has_changes(session):
            if session.confirm("There are changes that are not committed. Commit them?"):
                await drafts.commit(session)
            else:
                session.draft = None
        self.level = None
