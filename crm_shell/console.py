"""Where a command's answer goes: text in colour or plain, or JSON; mistakes to standard error."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

_SCHEME = {"keyword": "cyan", "id": "green", "name": "magenta"}
"""The colours of configuration text."""
_CODES = {
    "bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35",
    "cyan": "36",
}  # fmt: skip


def wants_colour(stream: TextIO) -> bool:
    """Whether a stream shows colours: a terminal, and nobody has asked for none (NO_COLOR)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _is_longer(text: str) -> bool:
    """Whether a text has more lines than the terminal; LINES may be that of another one."""
    return text.count("\n") + 1 >= os.get_terminal_size(sys.stdout.fileno()).lines


class Console:
    """Writes answers and mistakes."""

    def __init__(
        self, *, as_json: bool = False, colour: bool | None = None, capitals: bool = False
    ) -> None:
        """`colour` None: by the terminal. `capitals`: what would be in colour is in capitals."""
        self.as_json = as_json
        self._is_settled = colour is not None or capitals
        self.colour = wants_colour(sys.stdout) if colour is None else colour
        self.capitals = capitals
        self._scheme = _SCHEME
        self.pager = ""

    def choose(self, output: str, scheme: str) -> None:
        """Take a person's choice of output, unless the command line said something."""
        names = dict(zip(_SCHEME, scheme.split(","), strict=False))
        self._scheme = _SCHEME | {kind: name for kind, name in names.items() if name in _CODES}
        if not self._is_settled and output != "auto":
            self.colour, self.capitals = output == "color", output == "uppercase"

    def say(self, text: str) -> None:
        """Write lines of text; nothing when JSON is wanted."""
        if not self.as_json and text:
            self._show(text)

    def raw(self, text: str) -> None:
        """Write an answer that has a form of its own, whatever form is wanted."""
        print(text)  # noqa: T201

    def answer(self, text: str, data: Json) -> None:
        """Write the command's answer: `text`, or `data` when JSON is wanted."""
        if self.as_json:
            print(json.dumps(data, indent=2, ensure_ascii=False))  # noqa: T201
        elif text:
            self._show(text)

    def _show(self, text: str) -> None:
        """Write text, by the pager where a person would see its end alone."""
        is_seen = sys.stdin.isatty() and sys.stdout.isatty()
        if is_seen and _is_longer(text) and (pager := self._pager()):
            from raftmaker.runtime.foreground import show_by  # for long answers to people alone

            sys.stdout.flush()
            show_by(pager, text + "\n")
        else:
            print(text)  # noqa: T201

    def _pager(self) -> list[str]:
        """Return the command that shows long answers; empty where there is none."""
        command = os.environ.get("PAGER", self.pager) if self.pager != "none" else ""
        words = shlex.split(command)
        return words if words and shutil.which(words[0]) else []

    def error(self, text: str) -> None:
        """Write what went wrong."""
        self._tell("ERROR", "red", text)

    def warn(self, text: str) -> None:
        """Write what somebody should look at."""
        self._tell("WARNING", "yellow", text)

    def info(self, text: str) -> None:
        """Write what happened."""
        self._tell("INFO", "green", text)

    def _tell(self, word: str, colour: str, text: str) -> None:
        head = self._painted(word, colour, wants_colour(sys.stderr))
        for line in text.splitlines():
            print(f"{head}: {line}", file=sys.stderr)  # noqa: T201

    def paint(self, text: str, colour: str) -> str:
        """Return `text` in a colour, where colours are shown."""
        return text.upper() if self.capitals else self._painted(text, colour, self.colour)

    @staticmethod
    def _painted(text: str, colour: str, wanted: bool) -> str:
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if wanted else text

    def paint_configuration(self, text: str) -> str:
        """Return configuration text with its keywords, ids and names in colour."""
        if not (self.colour or self.capitals):
            return text
        return "\n".join(self._configuration_line(line) for line in text.splitlines())

    def _configuration_line(self, line: str) -> str:
        if line.startswith("#"):
            return self.paint(line, "blue")
        if found := re.match(r"(\w+)( )(\S+)(.*)", line):
            rest = self._names(found[4])
            return (
                self.paint(found[1], self._scheme["keyword"])
                + " "
                + self.paint(found[3], self._scheme["id"])
                + rest
            )
        if found := re.match(r"(\s+)(\w+)(?=[ ]|$)(.*)", line):
            return found[1] + self.paint(found[2], self._scheme["keyword"]) + self._names(found[3])
        return self._names(line)

    def _names(self, text: str) -> str:
        return re.sub(
            r"([\w$-]+)(?==)", lambda found: self.paint(found[1], self._scheme["name"]), text
        )

    def paint_status(self, text: str) -> str:
        """Return status text with what is bad in red and what is good in green."""
        if not self.colour:
            return text
        for pattern, colour in (
            (r"\b(FAILED|OFFLINE|UNCLEAN|WITHOUT|NONE|DISABLED|BLOCKED|Failed)\b", "red"),
            (r"\b(Started|Promoted|Online|online)\b", "green"),
            (r"\b(Stopped|standby|maintenance|unmanaged|pending|Unpromoted)\b", "yellow"),
            (r"^(\w[\w ]+:)$", "bold"),
        ):
            painted = self.paint(r"\1", colour)
            text = re.sub(pattern, painted, text, flags=re.MULTILINE)
        return text
