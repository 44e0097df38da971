"""One template: its parameters, what it needs beside it, and the statements that it makes (30.47).

The text is crmsh's: ``%name``, ``%depends_on``, ``%suggests``, then ``%required`` and ``%optional``
with a ``%% NAME [VALUE]`` for each parameter below the comment that describes it, and
``%generate`` with statements in which ``%_`` is the name of what is made, ``%_:PARAMETER`` a value,
and ``%TEMPLATE`` the name of what another template makes. A line ``opt NAME=%_:PARAMETER`` is left
out where the parameter has no value; what stands between ``%if %TEMPLATE`` and ``%fi`` where that
template takes no part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

_REFERENCE = re.compile(r"%(_|[A-Za-z][\w-]*)(?::([\w-]+))?")
_LISTS = ("%depends_on", "%suggests")


class BadTemplate(ValueError):
    """The text is no template; the message says in which line, and why."""


class Parameter(Struct, frozen=True, kw_only=True):
    """What is to be filled in."""

    name: str
    text: str
    """What it is for."""
    is_required: bool
    default: str = ""


class Template(Struct, frozen=True, kw_only=True):
    """A template as it was read."""

    name: str
    text: str = ""
    """What it is for."""
    depends_on: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: tuple[str, ...] = ()


class Part(Struct, frozen=True, kw_only=True):
    """A template in a configuration: what it makes is called `name`."""

    template: str
    name: str
    values: Mapping[str, str] = field(default_factory=dict)


def read_template(text: str) -> Template:
    """Read a template. Raises `BadTemplate`."""
    reader = _Reader()
    for number, line in enumerate(text.splitlines(), 1):
        reader.take(line.rstrip(), number)
    if not reader.name:
        raise BadTemplate("line 1: a template begins with %name NAME")
    return Template(
        name=reader.name,
        text=" ".join(reader.about),
        depends_on=tuple(reader.lists["%depends_on"]),
        suggests=tuple(reader.lists["%suggests"]),
        parameters=tuple(reader.parameters),
        body=tuple(reader.body),
    )


class _Reader:
    def __init__(self) -> None:
        self.name = ""
        self.about: list[str] = []
        self.lists: dict[str, list[str]] = {name: [] for name in _LISTS}
        self.parameters: list[Parameter] = []
        self.body: list[str] = []
        self._place = ""
        self._comment: list[str] = []

    def take(self, line: str, number: int) -> None:
        if self._place == "%generate":
            self.body.append(line)
            return
        word, _, rest = line.partition(" ")
        if line.startswith("#"):
            self._comment.append(line.lstrip("# "))
        elif word in ("%required", "%optional", "%generate"):
            self.about = self.about or self._comment
            self._place, self._comment = word, []
        elif word == "%name":
            self.name = rest.strip()
        elif word in _LISTS:
            self.lists[word].extend(rest.split())
        elif word == "%%" and self._place:
            name, _, value = rest.strip().partition(" ")
            required = self._place == "%required"
            text = " ".join(part for part in self._comment if part)
            self.parameters.append(
                Parameter(name=name, text=text, is_required=required, default=value.strip())
            )
            self._comment = []
        elif line:
            raise BadTemplate(f"line {number}: {line!r} belongs to nothing")


def missing(parts: Iterable[Part], templates: Mapping[str, Template]) -> list[str]:
    """Return what has to be filled in first, in words."""
    return [
        f"{part.name} ({part.template}): {each.name} has no value"
        + (f"; {each.text}" if each.text else "")
        for part in parts
        for each in templates[part.template].parameters
        if each.is_required and not part.values.get(each.name)
    ]


def statements(parts: Iterable[Part], templates: Mapping[str, Template]) -> str:
    """Return the statements that the parts make, those that others depend on first."""
    present = {part.template: part for part in parts}
    lines: list[str] = []
    for part in _in_order(present, templates):
        lines.extend(_generated(templates[part.template], part, present))
    return "\n".join(_joined(lines))


def _in_order(present: Mapping[str, Part], templates: Mapping[str, Template]) -> list[Part]:
    found: dict[str, Part] = {}

    def put(name: str, above: tuple[str, ...]) -> None:
        if name in present and name not in found and name not in above:
            needed = templates[name].depends_on + templates[name].suggests
            for each in needed:
                put(each, (*above, name))
            found[name] = present[name]

    for name in present:
        put(name, ())
    return list(found.values())


def _generated(template: Template, part: Part, present: Mapping[str, Part]) -> Iterator[str]:
    shown = [True]
    for line in template.body:
        words = line.split()
        if words[:1] == ["%if"]:
            shown.append(shown[-1] and _is_there(words[1], part, present))
        elif words[:1] == ["%else"]:
            shown[-1] = shown[-2] and not shown[-1]
        elif words[:1] == ["%fi"]:
            shown.pop()
        elif shown[-1] and words:
            text = _filled(line, part, present)
            if text is not None:
                yield text


def _is_there(reference: str, part: Part, present: Mapping[str, Part]) -> bool:
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return False
    other = part if match[1] == "_" else present.get(match[1])
    return other is not None and (match[2] is None or bool(other.values.get(match[2])))


def _filled(line: str, part: Part, present: Mapping[str, Part]) -> str | None:
    """Return the line with names and values; None for an option without a value."""
    margin, stripped = line[: len(line) - len(line.lstrip())], line.strip()
    is_optional = stripped.startswith("opt ")
    if is_optional:
        stripped = stripped[4:].strip()
    empty = False

    def value(match: re.Match[str]) -> str:
        nonlocal empty
        own = match[1] in ("_", part.template)
        other = part if own else present.get(match[1])
        if other is None:
            return match[0]
        text = other.values.get(match[2], "") if match[2] else other.name
        empty = empty or not text
        return _quoted(text)

    filled = _REFERENCE.sub(value, stripped)
    return None if is_optional and empty else margin + filled


def _quoted(text: str) -> str:
    return f'"{text}"' if re.search(r"\s", text) else text


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """What is indented goes on with the statement before it."""
    statement: list[str] = []
    for line in lines:
        if line[:1].isspace() and statement:
            statement.append(line.strip())
        else:
            if statement:
                yield " \\\n    ".join(statement)
            statement = [line.strip()]
    if statement:
        yield " \\\n    ".join(statement)
