"""The interactive prompt: completion, history, the level in the prompt (features section 30)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from crm_shell.actions import tree
from crm_shell.asking import asked
from crm_shell.commands.levels import EVERYTHING, names_of, reached_from
from crm_shell.commands.session import Command, Level
from crm_shell.edit.show import identity_of, shown_objects
from crm_shell.interpreter import Interpreter, Leave
from crm_shell.syntax.lexer import read_lines
from raftmaker.runtime.errors import HaError

_WORDS = ("help", "up", "quit", "ls")


class ShellCompleter(Completer):
    """Completes levels, commands, resources, nodes and objects."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self.names: dict[str, tuple[str, ...]] = {}

    async def refresh(self) -> None:
        """Learn the present names from the cluster; without an answer the old ones stay."""
        try:
            async with asyncio.timeout(2):
                cib = await self._interpreter.session.cluster.cib(local=True)
        except (HaError, TimeoutError):
            return
        draft = self._interpreter.session.draft
        configuration = draft.configuration if draft else cib.configuration
        self.names = self.names | {
            "resource": tuple(
                each.id for each in tree.resources(cib.document) if each.tag != "template"
            ),
            "node": tuple(
                each.get("uname") for each in tree.section(cib.document, "nodes").each("node")
            ),
            "object": tuple(identity_of(each) for each in shown_objects(configuration)),
        }
        if "agent" not in self.names:
            await self._learn_agents()

    async def _learn_agents(self) -> None:
        """Learn the installed agents, once: they change rarely."""
        try:
            async with asyncio.timeout(2):
                self.names["agent"] = await self._interpreter.session.cluster.agents()
        except (HaError, TimeoutError):
            return

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Yield what may stand at the cursor."""
        words = document.text_before_cursor.split()
        begun = "" if document.text_before_cursor.endswith((" ", "\t")) or not words else words[-1]
        done = words[:-1] if begun else words
        for text, meaning in self._candidates(done):
            if text.startswith(begun):
                yield Completion(text, -len(begun), display_meta=meaning)

    def _candidates(self, done: list[str]) -> Iterator[tuple[str, str]]:
        level = self._interpreter.level
        inner = reached_from(level).get(done[0]) if level is not None and done else None
        if isinstance(inner, Level):
            level, done = inner, done[1:]
        if level is None and done:
            top = names_of(EVERYTHING).get(done[0])
            if isinstance(top, Command):
                yield from self._arguments(top, len(done) - 1)
                return
            level, done = top, done[1:]
            if level is None:
                return
        if not done:
            things: tuple[Command | Level, ...] = level.commands if level else EVERYTHING
            yield from ((each.name, each.summary) for each in things)
            yield from ((word, "") for word in (*(level.also if level else ()), *_WORDS))
            return
        found = names_of(level.commands).get(done[0]) if level else None
        if isinstance(found, Command):
            yield from self._arguments(found, len(done) - 1)

    def _arguments(self, command: Command, position: int) -> Iterator[tuple[str, str]]:
        if not command.completes:
            return
        kind = command.completes[min(position, len(command.completes) - 1)]
        if kind == "file":
            yield from ((name, "") for name in sorted(os.listdir(".")))
        elif "|" in kind:
            yield from ((word, "") for word in kind.split("|"))
        else:
            yield from ((name, kind) for name in self.names.get(kind, ()))


def _history() -> History:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    folder = Path(home) / "raftmaker"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(folder / "crm_history"))


async def run_prompt(interpreter: Interpreter) -> int:
    """Read and carry out lines until the user leaves; return the last command's exit code."""
    session = interpreter.session
    session.interactive = session.keeps_draft = True
    session.ask = asked
    completer = ShellCompleter(interpreter)
    prompt: PromptSession[str] = PromptSession(history=_history(), completer=completer)
    code = 0
    while True:
        await completer.refresh()
        level = interpreter.level.name if interpreter.level else ""
        try:
            text = await prompt.prompt_async(f"crm(live/{_node(interpreter)}){level}# ")
            while text.endswith("\\"):
                text += "\n" + await prompt.prompt_async("   > ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            text = "quit"
        lines, faults = read_lines(text)
        for fault in faults:
            session.console.error(str(fault))
        try:
            for line in lines:
                code = await interpreter.run([token.text for token in line.tokens])
        except Leave:
            return code


def _node(interpreter: Interpreter) -> str:
    try:
        return interpreter.session.cluster.settings.node
    except HaError:
        return "?"
