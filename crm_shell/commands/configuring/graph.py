"""``configure graph``: the order of resources, drawn by graphviz (30.45)."""

from __future__ import annotations

from pathlib import Path

from crm_shell.commands.drafts import draft_of
from crm_shell.commands.session import Failed, Misused, Session
from crm_shell.edit.drawing import drawing
from raftmaker.vocabulary.codes import ExitCode

GRAPH = "graph [dot [FILE [FORMAT]]]"


async def graph(session: Session, args: list[str]) -> int:
    """Print or save the drawing; with FORMAT (svg, png, ...) as the picture itself."""
    if len(args) > 3 or args[:1] not in ([], ["dot"]):
        raise Misused(f"usage: {GRAPH}")
    text = drawing((await draft_of(session)).configuration)
    match args[1:]:
        case [file, form]:
            await _drawn(text, file, form)
        case [file]:
            _write(file, text)
        case _:
            session.console.raw(text)
    return 0


async def _drawn(text: str, file: str, form: str) -> None:
    from raftmaker.runtime.process import run

    if not form.isalnum():
        raise Misused(f"{form!r} is no format of pictures, such as svg or png")
    try:
        ended = await run(["dot", f"-T{form}", "-o", file], stdin=text)
    except OSError as error:
        raise Failed(
            f"dot cannot be run: {error.strerror}; it is in the package graphviz",
            code=ExitCode.NOT_INSTALLED,
        ) from None
    if ended.code != 0:
        raise Failed(f"dot: {ended.stderr.strip() or f'exit code {ended.code}'}")


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text + "\n", "utf-8")
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}", code=ExitCode.CANTCREAT) from None
