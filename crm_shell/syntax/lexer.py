"""Text into lines of tokens: quotes, backslash continuation, comments (features 30.19).

Quoting is the shell's: ``'…'`` is literal, in ``"…"`` a backslash escapes a quote or a backslash,
elsewhere it escapes any character. A line that begins with ``#`` is a comment, between continued
lines too. After the word ``xml`` the rest of the statement is kept as it is.
"""

from __future__ import annotations

from msgspec import Struct, field

from crm_shell.syntax.faults import Fault


class Token(Struct, frozen=True):
    """One word. `quoted`: some of it stood in quotes, so it is no keyword and no bracket."""

    text: str
    line: int
    column: int
    quoted: bool = False


class Line(Struct, frozen=True, kw_only=True):
    """The tokens of one statement and the comments above it."""

    tokens: tuple[Token, ...]
    comments: tuple[str, ...] = ()


class _Reader(Struct):
    text: str
    at: int = 0
    line: int = 1
    start_of_line: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def here(self) -> str:
        return self.text[self.at : self.at + 1]

    def step(self) -> str:
        character = self.text[self.at]
        self.at += 1
        if character == "\n":
            self.line += 1
            self.start_of_line = self.at
        return character

    @property
    def column(self) -> int:
        return self.at - self.start_of_line + 1

    def rest_of_line(self) -> str:
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        rest = self.text[self.at : end]
        self.at = end
        return rest


def read_lines(text: str) -> tuple[tuple[Line, ...], tuple[Fault, ...]]:
    """Split `text` into statements; also return what is wrong with its quotes."""
    reader = _Reader(text.replace("\r\n", "\n"))
    lines: list[Line] = []
    comments: list[str] = []
    while reader.here:
        if reader.here.isspace():
            reader.step()
        elif reader.here == "#":
            comments.append(reader.rest_of_line().rstrip())
        else:
            known = len(reader.faults)
            tokens = _statement(reader)
            if len(reader.faults) == known:
                lines.append(Line(tokens=tokens, comments=tuple(comments)))
            comments.clear()
    return tuple(lines), tuple(reader.faults)


def _statement(reader: _Reader) -> tuple[Token, ...]:
    tokens: list[Token] = []
    while reader.here and reader.here != "\n":
        if _continuation(reader):
            _skip_comments(reader)
        elif reader.here.isspace():
            reader.step()
        else:
            tokens.append(_raw(reader) if _is_xml(tokens) else _word(reader))
    return tuple(tokens)


def _is_xml(tokens: list[Token]) -> bool:
    return len(tokens) == 1 and tokens[0].text.lower() == "xml" and not tokens[0].quoted


def _continuation(reader: _Reader) -> bool:
    """Step over a backslash at the end of a line (blanks after it forgiven)."""
    if reader.here != "\\":
        return False
    end = reader.at + 1
    while reader.text[end : end + 1] in (" ", "\t"):
        end += 1
    if reader.text[end : end + 1] not in ("\n", ""):
        return False
    while reader.at < end or reader.here == "\n":
        if reader.step() == "\n":
            break
    return True


def _skip_comments(reader: _Reader) -> None:
    while True:
        at = reader.at
        while reader.text[at : at + 1] in (" ", "\t"):
            at += 1
        if reader.text[at : at + 1] != "#" or not _whole_comment(reader.text, at):
            return
        reader.at = at
        reader.rest_of_line()
        if reader.here:
            reader.step()


def _whole_comment(text: str, at: int) -> bool:
    # "#uname eq a" may begin a continued line: a comment has a blank after its "#".
    return text[at + 1 : at + 2] in (" ", "\t", "#", "\n", "")


def _word(reader: _Reader) -> Token:
    line, column = reader.line, reader.column
    parts: list[str] = []
    quoted = False
    while reader.here and not reader.here.isspace() and not _continuation_ahead(reader):
        if reader.here in "'\"":
            quoted = True
            parts.append(_quoted(reader))
        elif reader.here == "\\":
            reader.step()
            parts.append(reader.step() if reader.here else "")
        else:
            parts.append(reader.step())
    return Token("".join(parts), line, column, quoted)


def _continuation_ahead(reader: _Reader) -> bool:
    return reader.here == "\\" and reader.text[reader.at + 1 : reader.at + 2] in ("\n", "")


def _quoted(reader: _Reader) -> str:
    line, column = reader.line, reader.column
    quote = reader.step()
    parts: list[str] = []
    while reader.here != quote:
        if reader.here in ("", "\n"):
            # A value of several lines is written as XML: so a forgotten quote costs one line only.
            reader.faults.append(
                Fault(
                    line=line,
                    column=column,
                    what=f"this {quote} is not closed on its line",
                    allowed=f"{quote} at the value's end; backslash at the line's end to go on",
                )
            )
            return "".join(parts)
        follows = reader.text[reader.at + 1 : reader.at + 2]
        if quote == '"' and reader.here == "\\" and follows in ('"', "\\", "\n"):
            reader.step()
            character = reader.step()
            parts.append("" if character == "\n" else character)
        else:
            parts.append(reader.step())
    reader.step()
    return "".join(parts)


def _raw(reader: _Reader) -> Token:
    line, column = reader.line, reader.column
    parts: list[str] = []
    while reader.here and reader.here != "\n":
        if _continuation(reader):
            parts.append("\n")
        else:
            parts.append(reader.step())
    return Token("".join(parts), line, column, quoted=True)
