"""Attribute lists and rules as text."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.document.element import Element
from crm_shell.syntax.printer.words import pair, quoted, score

_DATE_WORDS = {"in_range": "in", "date_spec": "spec"}


def attribute_list(each: Element, word: str) -> str:
    """Return a whole attribute list, beginning with its `word`."""
    return " ".join((word, *list_parts(each)))


def list_parts(each: Element) -> list[str]:
    """Return what follows the word of an attribute list."""
    parts: list[str] = []
    if "id" in each.attributes:
        parts.append(pair("$id", each.id))
    if "id-ref" in each.attributes:
        parts.append(pair("$id-ref", each.get("id-ref")))
    if "score" in each.attributes:
        parts.append(f"{score(each.get('score'))}:")
    parts.extend(rule_text(rule) for rule in each.each("rule"))
    parts.extend(name_value(each_pair) for each_pair in each.each("nvpair"))
    return parts


def name_value(nvpair: Element) -> str:
    """Return one name-value pair, with its id where it is kept."""
    name, value = nvpair.get("name"), nvpair.get("value")
    if "id-ref" in nvpair.attributes:
        return f"@{nvpair.get('id-ref')}" + (f":{name}" if name else "")
    text = pair(name, value)
    return f"${nvpair.id}:{text}" if "id" in nvpair.attributes else text


def rule_text(rule: Element) -> str:
    """Return a rule, beginning with its word."""
    parts = ["rule"]
    if "id" in rule.attributes:
        parts.append(pair("$id", rule.id))
    if "id-ref" in rule.attributes:
        return " ".join((*parts, pair("$id-ref", rule.get("id-ref"))))
    if "role" in rule.attributes:
        parts.append(pair("$role", rule.get("role")))
    points = rule.get("score") or rule.get("score-attribute")
    if points and points != "INFINITY":
        parts.append(f"{score(points)}:")
    joint = f" {rule.get('boolean-op', 'and')} "
    parts.append(joint.join(_expression(child) for child in rule.each()))
    return " ".join(parts)


def _expression(each: Element) -> str:
    if each.tag == "date_expression":
        return _date(each)
    attribute, operation = quoted_attribute(each.get("attribute")), each.get("operation")
    if "value" not in each.attributes:
        return f"{operation} {attribute}"
    if "type" in each.attributes:
        operation = f"{each.get('type')}:{operation}"
    value = quoted(each.get("value"))
    source = each.get("value-source", "literal")
    return f"{attribute} {operation} {value if source == 'literal' else f'{source}{{{value}}}'}"


def quoted_attribute(name: str) -> str:
    """Return a node attribute's name; ``#uname`` and the like need no quotes."""
    return f"#{quoted(name[1:])}" if name.startswith("#") else quoted(name)


def _date(each: Element) -> str:
    operation = each.get("operation", "in_range")
    parts = ["date", _DATE_WORDS.get(operation, operation)]
    if operation in ("lt", "gt"):
        return " ".join((*parts, quoted(each.get("end") or each.get("start"))))
    parts.extend(_pairs(each.attributes, ("start", "end")))
    for child in each.each("duration", "date_spec"):
        parts.extend(pair(name, value) for name, value in child.attributes.items() if name != "id")
    return " ".join(parts)


def _pairs(attributes: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    return [pair(name, attributes[name]) for name in names if name in attributes]
