"""A place in one statement: look at the next token, take it, or say what should stand there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NoReturn

from crm_shell.syntax.faults import Fault, Mistake, nearest
from crm_shell.syntax.lexer import Token

_ID = re.compile(r"[A-Za-z_][\w.-]*")


class Cursor:
    """Reads the tokens of a statement in order."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._at = 0
        self.previous: Token | None = None
        """The token that was taken last: where a fault in its meaning is."""

    @property
    def token(self) -> Token | None:
        """The next token, not taken; None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    @property
    def text(self) -> str:
        """The text of the next token; empty at the end."""
        token = self.token
        return token.text if token else ""

    @property
    def word(self) -> str:
        """The next token in lower case when it could be a keyword; empty otherwise."""
        token = self.token
        return token.text.lower() if token and not token.quoted else ""

    @property
    def remaining(self) -> int:
        """How many tokens are left."""
        return len(self._tokens) - self._at

    def _step(self, token: Token | None) -> None:
        self.previous = token
        self._at += 1

    def take(self, expected: str) -> Token:
        """Take the next token. Raises `Mistake` at the end, saying what was `expected`."""
        token = self.token
        if token is None:
            self.fail(f"the statement ends where {expected} should follow")
        self._step(token)
        return token

    def accept(self, *words: str) -> str:
        """Take the next token when it is one of these keywords; return it in lower case."""
        if self.word and self.word in words:
            word = self.word
            self._step(self.token)
            return word
        return ""

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take the next token when the whole of it matches."""
        token = self.token
        found = pattern.fullmatch(token.text) if token else None
        if found:
            self._step(token)
        return found

    def take_last(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take the last token when it matches; the rest is read as if it were absent."""
        if not self.remaining:
            return None
        found = pattern.fullmatch(self._tokens[-1].text)
        if found:
            self.previous = self._tokens[-1]
            self._tokens = self._tokens[:-1]
        return found

    def identifier(self, of_what: str) -> str:
        """Take an XML id. Raises `Mistake` when it cannot be one."""
        token = self.take(f"the id of the {of_what}")
        named = token.text.removeprefix("id=")
        if not _ID.fullmatch(named):
            self.fail(
                f"{token.text!r} cannot be the id of a {of_what}",
                allowed="a letter or _, then letters, digits, '.', '_' and '-'",
                token=token,
            )
        return named

    def choice(self, token: Token, text: str, known: Iterable[str], what: str) -> str:
        """Return the member of `known` that equals `text`, whatever its case, or fail."""
        names = tuple(known)
        for name in names:
            if name.lower() == text.lower():
                return name
        return self.fail(
            f"{text!r} is no {what}",
            allowed=", ".join(names),
            suggestion=nearest(text, names),
            token=token,
        )

    def fail(
        self, what: str, *, allowed: str = "", suggestion: str = "", token: Token | None = None
    ) -> NoReturn:
        """Raise `Mistake` at `token`, else at the next one, else after the last one."""
        place = token or self.token
        if place is None:
            last = self._tokens[-1]
            place = Token("", last.line, last.column + len(last.text))
        raise Mistake(
            Fault(
                line=place.line,
                column=place.column,
                what=what,
                allowed=allowed,
                suggestion=suggestion,
            )
        )
