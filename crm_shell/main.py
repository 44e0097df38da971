"""``crm``: one command, a file of commands, or the prompt (features section 30)."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from crm_shell.asking import asked
from crm_shell.commands.help import overview
from crm_shell.commands.session import Session
from crm_shell.console import Console
from crm_shell.interpreter import Interpreter, Leave
from crm_shell.preferences import Preferences, Unfit, file_of
from crm_shell.syntax.lexer import read_lines
from raftmaker.runtime.identity import SOFTWARE_VERSION
from raftmaker.vocabulary.codes import ExitCode


def main() -> int:
    """Run the shell and return its exit code."""
    options = _options(sys.argv[1:])
    if options.help:
        print(overview())  # noqa: T201
        return 0
    if options.version:
        print(f"crm (raftmaker) {SOFTWARE_VERSION}")  # noqa: T201
        return 0
    try:
        return asyncio.run(_run(options))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    except BrokenPipeError:
        # The reader has seen enough; nothing more can be written, not even at exit.
        sys.stderr.close()
        return int(ExitCode.IOERR)


_ANYWHERE = {
    "--json": "json",
    "--wait": "wait",
    "-w": "wait",
    "--dry-run": "dry_run",
    "--force": "force",
    "--yes": "force",
}
"""Options that may also stand after the command."""


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="crm", add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("-f", "--file")
    parser.add_argument("-w", "--wait", action="store_true")
    parser.add_argument("-F", "--force", "-y", "--yes", action="store_true")
    parser.add_argument("-n", "--dry-run", action="store_true")
    parser.add_argument("-D", "--display", choices=("plain", "color", "uppercase"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--message", default="")
    parser.add_argument("--config", type=Path)
    parser.add_argument("-d", "--debug", action="store_true")
    parser.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args(argv)
    for flag, name in _ANYWHERE.items():
        if flag in options.words and options.words[:1] != ["help"]:
            options.words.remove(flag)
            setattr(options, name, True)
    if "--message" in options.words[:-1] and options.words[:1] != ["help"]:
        place = options.words.index("--message")
        _, options.message = options.words[place : place + 2]
        del options.words[place : place + 2]
    return options


async def _run(options: argparse.Namespace) -> int:
    # Asked to end, a command still undoes what it set only for a while (a restart's stop).
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    colour = None if options.display is None else options.display == "color"
    try:
        preferences = Preferences(file_of(os.environ))
    except Unfit as error:
        print(f"ERROR: {error}; mend or remove the file", file=sys.stderr)  # noqa: T201
        return int(ExitCode.CONFIG)
    session = Session(
        preferences=preferences,
        console=Console(
            as_json=options.json, colour=colour, capitals=options.display == "uppercase"
        ),
        config=options.config,
        message=options.message,
        wait=options.wait,
        force=options.force,
        dry_run=options.dry_run,
    )
    session.apply_preferences()
    interpreter = Interpreter(session)
    try:
        if options.words:
            return await _one(interpreter, options.words)
        if options.file or not sys.stdin.isatty():
            return await _file(interpreter, options.file or "-")
        from crm_shell.prompt import run_prompt

        return await run_prompt(interpreter)
    finally:
        await session.close()


async def _one(interpreter: Interpreter, words: list[str]) -> int:
    if sys.stdin.isatty() and sys.stderr.isatty():
        interpreter.session.ask = asked
    try:
        code = await interpreter.run(words)
    except Leave:
        return 0
    if interpreter.level is not None and sys.stdin.isatty():
        from crm_shell.prompt import run_prompt

        return await run_prompt(interpreter)
    if interpreter.level is not None:
        return await _file(interpreter, "-")
    return code


async def _file(interpreter: Interpreter, name: str) -> int:
    session = interpreter.session
    session.keeps_draft = True
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except OSError as error:
        session.console.error(f"{name}: {error.strerror}")
        return int(ExitCode.NOINPUT)
    lines, faults = read_lines(text)
    for fault in faults:
        session.console.error(f"{name}: {fault}")
    if faults:
        return int(ExitCode.DATAERR)
    code = 0
    for line in lines:
        try:
            code = await interpreter.run([token.text for token in line.tokens]) or code
        except Leave:
            return code
    return await interpreter.run(["up"]) or code


if __name__ == "__main__":
    raise SystemExit(main())
