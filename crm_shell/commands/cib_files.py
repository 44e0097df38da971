"""A CIB in a file, for commands that need no cluster then."""

from __future__ import annotations

import sys
from pathlib import Path

from cib_store.document.codec import BadXml, parse
from cib_store.document.element import Element
from crm_shell.commands.session import Failed, Misused
from raftmaker.runtime.saved_files import bytes_of
from raftmaker.vocabulary.codes import ExitCode

_OPTIONS = ("-x", "--file", "--xml-file")


def file_option(args: list[str]) -> tuple[str, list[str]]:
    """Part ``-x FILE`` or ``--file FILE`` from the other arguments; empty where it is not given."""
    for at, word in enumerate(args):
        name, separator, value = word.partition("=")
        if name in _OPTIONS and separator:
            return value, args[:at] + args[at + 1 :]
        if word in _OPTIONS:
            if at + 1 == len(args):
                raise Misused(f"{word} needs a file (- is standard input)")
            return args[at + 1], args[:at] + args[at + 2 :]
    return "", args


def read_cib(name: str) -> Element:
    """Read a whole CIB; ``-`` is standard input. Raises `Failed`."""
    try:
        text = sys.stdin.buffer.read() if name == "-" else bytes_of(Path(name))
    except FileNotFoundError:
        raise Failed(f"{name}: no such file", code=ExitCode.NOINPUT) from None
    except OSError as error:
        raise Failed(f"{name}: {error.strerror}", code=ExitCode.NOINPUT) from None
    try:
        root = parse(text)
    except BadXml as error:
        raise Failed(f"{name}: {error}", code=ExitCode.DATAERR) from None
    if root.tag != "cib":
        raise Failed(f"{name}: holds a <{root.tag}>, no <cib>", code=ExitCode.DATAERR)
    return root
