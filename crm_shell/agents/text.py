"""An agent's description for people: what it is, its parameters and its actions."""

from __future__ import annotations

import textwrap

from lrmd.client import ActionMetadata, AgentMetadata, ParameterMetadata

_WIDTH = 88


def description(name: str, metadata: AgentMetadata) -> str:
    """Return what ``crm ra info`` prints (features 30.11)."""
    lines = [f"{metadata.shortdesc or metadata.name} ({name})", ""]
    if metadata.deprecated:
        instead = " or ".join(metadata.replaced_with)
        lines += ["Deprecated." + (f" Use {instead}." if instead else ""), ""]
    if metadata.longdesc:
        lines += [*_wrapped(metadata.longdesc, ""), ""]
    shown = [each for each in metadata.parameters if not each.deprecated]
    if shown:
        lines += ["Parameters (*: required, []: default):", ""]
        for each in shown:
            lines += [*_parameter(each), ""]
    if metadata.actions:
        lines += ["Operations' defaults (advised minimum):", ""]
        lines += [f"    {_action(each)}" for each in metadata.actions]
    return "\n".join(lines).rstrip()


def _parameter(parameter: ParameterMetadata) -> list[str]:
    head = parameter.name + ("*" if parameter.required else "")
    head += f" ({parameter.type}, [{parameter.default}])" if parameter.default else (
        f" ({parameter.type})"
    )  # fmt: skip
    if parameter.shortdesc:
        head += f": {' '.join(parameter.shortdesc.split())}"
    notes = [
        note
        for note, is_so in (
            ("A change of it needs no restart.", parameter.reloadable),
            ("It must differ between all resources of this agent.", parameter.unique),
            ("It is secret: `crm resource secret` keeps it out of the CIB.", parameter.private),
        )
        if is_so
    ]
    about = parameter.longdesc if parameter.longdesc != parameter.shortdesc else ""
    return [head, *_wrapped(about, "    "), *(f"    {note}" for note in notes)]


def _action(action: ActionMetadata) -> str:
    parts = [action.name]
    parts += [
        f"{name}={value}"
        for name, value in (
            ("timeout", action.timeout),
            ("interval", action.interval),
            ("start-delay", action.start_delay),
            ("role", action.role.value if action.role else ""),
            ("depth", action.depth if action.depth != "0" else ""),
        )
        if value
    ]
    return " ".join(parts)


def _wrapped(text: str, indent: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        lines += textwrap.wrap(
            " ".join(paragraph.split()), _WIDTH, initial_indent=indent, subsequent_indent=indent
        )
        lines.append("")
    return lines[:-1] if lines and not lines[-1] else lines
