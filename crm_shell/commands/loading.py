"""``configure load``: whole files of statements or XML, also from a web server (30.42)."""

from __future__ import annotations

import sys
from pathlib import Path

from crm_shell.commands.drafts import draft_of, keep, refusal
from crm_shell.commands.session import Failed, Misused, Session
from crm_shell.edit import Mode, apply
from crm_shell.syntax import parse
from raftmaker.vocabulary.codes import ExitCode

_SCHEMES = ("http", "https", "ftp", "file")
_FETCH_S = 30
_BYTES_MAX = 48 << 20
"""The store takes no larger XML."""
_MODES = {"update": Mode.UPDATE, "replace": Mode.REPLACE, "push": Mode.PUSH}


async def load(session: Session, args: list[str]) -> int:
    """Read a file into the configuration; every mistake in it is told, and nothing changes."""
    as_xml = args[:1] == ["xml"]
    rest = args[1:] if as_xml else args
    if len(rest) != 2 or rest[0] not in _MODES:
        raise Misused("usage: load [xml] {update|replace|push} FILE|URL (- is standard input)")
    mode, name = _MODES[rest[0]], rest[1]
    text = _read(name)
    draft = await draft_of(session)
    if as_xml or text.lstrip().startswith("<"):
        # Here, as it loads what reads XML, which is needed for this alone.
        from crm_shell.commands.load_xml import load_xml

        return await load_xml(session, draft, mode, text, name)
    edited = apply(draft.configuration, parse(text), mode)
    if edited.faults:
        raise await refusal(session, draft, edited, name)
    return await keep(session, draft, edited.configuration)


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    scheme, found, _ = name.partition("://")
    if found and scheme in _SCHEMES:
        return _fetched(name)
    if found:
        raise Misused(f"{name}: {scheme} is not known; allowed: a file, -, {', '.join(_SCHEMES)}")
    try:
        return Path(name).read_text("utf-8")
    except FileNotFoundError:
        raise Failed(f"{name}: no such file", code=ExitCode.NOINPUT) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{name}: {error}", code=ExitCode.NOINPUT) from None


def _fetched(url: str) -> str:
    # Here, as it takes its time to load.
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=_FETCH_S) as answer:
            text: bytes = answer.read(_BYTES_MAX + 1)
        if len(text) > _BYTES_MAX:
            raise Failed(f"{url}: larger than {_BYTES_MAX >> 20} MiB", code=ExitCode.DATAERR)
        return text.decode("utf-8")
    except (OSError, HTTPException, ValueError) as error:
        raise Failed(f"{url}: {error}", code=ExitCode.NOINPUT) from None
