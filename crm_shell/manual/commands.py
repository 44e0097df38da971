"""Every installed command with its parser: what pages and completion are made from."""

from __future__ import annotations

import argparse
import importlib
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

SHELL = "crm"


class Program(Struct, frozen=True):
    """An installed command: its name, ``module:function``, and its parser (the shell has none)."""

    name: str
    entry: str
    parser: argparse.ArgumentParser | None


class _Seen(Exception):
    """A command came to reading its options."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def programs(pyproject: Path) -> tuple[Program, ...]:
    """Return the commands that a ``pyproject.toml`` installs, sorted by name."""
    scripts = tomllib.loads(pyproject.read_text("utf-8"))["project"]["scripts"]
    return tuple(
        Program(name, entry, None if name == SHELL else _parser_of(name, entry))
        for name, entry in sorted(scripts.items())
    )


def _parser_of(name: str, entry: str) -> argparse.ArgumentParser:
    module, _, function = entry.partition(":")
    main = getattr(importlib.import_module(module), function)
    with _stopped_at_options(name):
        try:
            main()
        except _Seen as seen:
            return seen.parser
    raise AssertionError(f"{name} does not read its options with argparse")


@contextmanager
def _stopped_at_options(name: str) -> Iterator[None]:
    """Have whatever reads options now raise `_Seen` with its parser."""

    def stop(parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise _Seen(parser)

    kept, argv = argparse.ArgumentParser.parse_args, sys.argv
    argparse.ArgumentParser.parse_args = stop  # type: ignore[method-assign,assignment]  # put back
    sys.argv = [name]
    try:
        yield
    finally:
        argparse.ArgumentParser.parse_args = kept  # type: ignore[method-assign]  # as it was
        sys.argv = argv
