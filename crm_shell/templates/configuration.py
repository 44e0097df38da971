"""A configuration that is being made from templates, as text that people fill in (30.47)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crm_shell.syntax.faults import nearest
from crm_shell.templates.template import BadTemplate, Part, Template


def begun(
    name: str, wanted: Iterable[str], templates: Mapping[str, Template], values: Mapping[str, str]
) -> tuple[Part, ...]:
    """Return the parts of a new configuration: the templates, and what they depend on.

    A value is taken by each template that has such a parameter; ``id`` is `name` unless it is said.
    Raises `BadTemplate` for what is not known.
    """
    names: dict[str, None] = {}
    for each in wanted:
        _gather(each, templates, names)
    known = {parameter.name for each in names for parameter in templates[each].parameters}
    unknown = [each for each in values if each not in known]
    if unknown:
        like = nearest(unknown[0], known)
        hint = f"; did you mean {like!r}?" if like else f"; there are: {', '.join(sorted(known))}"
        raise BadTemplate(f"no parameter {unknown[0]!r}{hint}")
    given = {"id": name, **values}
    return tuple(
        Part(
            template=each,
            name=_made(name, each, alone=len(names) == 1),
            values={
                one.name: given.get(one.name, one.default) for one in templates[each].parameters
            },
        )
        for each in names
    )


def _gather(name: str, templates: Mapping[str, Template], names: dict[str, None]) -> None:
    if name not in templates:
        like = nearest(name, templates)
        hint = f"; did you mean {like!r}?" if like else f"; there are: {', '.join(templates)}"
        raise BadTemplate(f"no template {name!r}{hint}")
    if name in names:
        return
    names[name] = None
    for each in templates[name].depends_on:
        _gather(each, templates, names)


def _made(name: str, template: str, *, alone: bool) -> str:
    """Return what the thing is called that a template makes; groups have the name itself."""
    return name if alone else f"{name}-{template}"


def text_of(name: str, parts: Iterable[Part], templates: Mapping[str, Template]) -> str:
    """Return the text to be filled in."""
    lines = [f"# Fill in what is empty, then: crm template show {name}, crm template apply {name}"]
    for part in parts:
        lines.extend(("", f"%template {part.template} {part.name}"))
        for each in templates[part.template].parameters:
            need = "required" if each.is_required else "optional"
            lines.extend(("", f"# {each.text} ({need})" if each.text else f"# ({need})"))
            lines.append(f"%% {each.name} {part.values.get(each.name, '')}".rstrip())
    return "\n".join((*lines, ""))


def read_parts(text: str, templates: Mapping[str, Template]) -> tuple[Part, ...]:
    """Read what was filled in. Raises `BadTemplate`."""
    parts: list[tuple[str, str, dict[str, str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.strip().partition(" ")
        match word:
            case "%template":
                template, _, name = rest.partition(" ")
                if template not in templates or not name.strip():
                    raise BadTemplate(f"line {number}: %template TEMPLATE NAME was expected")
                parts.append((template, name.strip(), {}))
            case "%%" if parts:
                name, _, value = rest.strip().partition(" ")
                known = [each.name for each in templates[parts[-1][0]].parameters]
                if name not in known:
                    allowed = ", ".join(known)
                    raise BadTemplate(f"line {number}: no parameter {name!r}; allowed: {allowed}")
                parts[-1][2][name] = value.strip()
            case _ if word and not word.startswith("#"):
                raise BadTemplate(f"line {number}: {line.strip()!r} belongs to nothing")
    return tuple(Part(template=one, name=name, values=given) for one, name, given in parts)
