"""The commands of a guide, as its readers would type them: the lines of its console blocks.

A line that begins with ``#`` is for root, one with ``$`` for anybody; what follows two spaces and
another ``#`` is a comment. The lines below it, up to the next command, are what it prints: ``…``
stands for any text there, and a line that begins with it may be missing (progress, seen or not).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
_HEADING = re.compile(r"^##+ (.*)$", re.M)
_COMMENT = re.compile(r"\s{2,}#\s.*$")


@dataclass(frozen=True, slots=True)
class Typed:
    """One command, and what the guide says that it prints."""

    command: str
    by_root: bool
    prints: tuple[str, ...] = ()

    def by(self, user: Mapping[str, str]) -> Typed:
        """Return it with the user's own names in the place of the guide's: each as a whole."""
        return Typed(
            command=_substituted(self.command, user),
            by_root=self.by_root,
            prints=tuple(_substituted(line, user) for line in self.prints),
        )

    def not_printed(self, output: str) -> tuple[str, ...]:
        """Return the lines that the guide shows and the output does not have, in this order."""
        missing = []
        left = output.splitlines()
        for line in self.prints:
            shown = re.compile(".*".join(map(re.escape, line.split("…"))))
            at = next((n for n, each in enumerate(left) if shown.fullmatch(each)), None)
            if at is not None:
                left = left[at + 1 :]
            elif line.strip() and not line.lstrip().startswith("…"):
                missing.append(line)
        return tuple(missing)


def read(text: str) -> Mapping[str, Sequence[Typed]]:
    """Return the commands below each heading of a guide in Markdown, which has some."""
    headings = list(_HEADING.finditer(text))
    ends = [each.start() for each in headings[1:]] + [len(text)]
    return {
        heading[1]: [
            typed
            for block in _BLOCK.findall(text[heading.end() : end])
            for typed in _commands(block)
        ]
        for heading, end in zip(headings, ends, strict=True)
    }


def _commands(block: str) -> list[Typed]:
    found: list[Typed] = []
    for line in block.splitlines():
        prompt, _, command = line.partition(" ")
        if prompt in ("#", "$"):
            found.append(Typed(_COMMENT.sub("", command), prompt == "#"))
        else:
            last = found.pop()  # A block begins with a command.
            found.append(Typed(last.command, last.by_root, (*last.prints, line)))
    return found


def _substituted(text: str, user: Mapping[str, str]) -> str:
    if not user:
        return text
    longest_first = sorted(user, key=len, reverse=True)
    names = "|".join(map(re.escape, longest_first))
    # 10.0.0.1 is not in 10.0.0.10, and 0.1.0 is in made_0.1.0_amd64.deb.
    whole = rf"(?<![A-Za-z0-9.])({names})(?!\.?[A-Za-z0-9])"
    return re.sub(whole, lambda found: user[found[1]], text)
