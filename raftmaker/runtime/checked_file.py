"""Small records on disk that safety rests on: replaced as a whole, and known to be as written.

A file that holds something else than what was written is refused: a bit that flips in a number
would make it another number. The body is a JSON table, beside its format and its checksum.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from raftmaker.runtime.private_file import write_lasting

FORMAT = 1
_MODE = 0o600


def read_checked(path: Path, *, or_unchecked: bool = False) -> dict[str, object]:
    """Return the body of a file. `or_unchecked`: one of before checksums is its own body.

    Raises FileNotFoundError, and ValueError with what is wrong with the file.
    """
    try:
        whole = json.loads(path.read_text("utf-8"))
        if whole["format"] != FORMAT:
            raise ValueError(f"format {whole['format']} is not known")
        is_unchecked = or_unchecked and "sha256" not in whole and "body" not in whole
        body = whole if is_unchecked else whole["body"]
        if not is_unchecked and whole["sha256"] != _digest(body):
            raise ValueError("the checksum is wrong")
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is not such a file: {error}") from None
    if not isinstance(body, dict):
        raise ValueError("the body is no table")  # the file's, not the caller's
    return body


def write_checked(path: Path, body: Mapping[str, object], *, lasting: bool) -> None:
    """Put the body in the place of what is there; `lasting`: it is on the disk on return.

    Raises OSError.
    """
    text = json.dumps({"format": FORMAT, "sha256": _digest(body), "body": body})
    if lasting:
        write_lasting(path, text.encode(), _MODE)
        return
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)


def number_of(value: object) -> int:
    """Return a value of a body that has to be a number. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no number")
    return value


def _digest(body: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
