"""Sets of name-value pairs, with scores and rules, merged into one mapping (features 10)."""

from __future__ import annotations

from cib_store.document.element import Element
from cib_store.model.references import Index
from cib_store.model.rules import RuleInput, Verdicts, rule_holds
from cib_store.model.scores import parse_score


def merged_pairs(
    owner: Element | None,
    tag: str,
    given: RuleInput,
    index: Index,
    *,
    verdicts: Verdicts,
    into: dict[str, str] | None = None,
    first_id: str | None = None,
) -> dict[str, str]:
    """Merge the sets called `tag` below `owner`; what is already there is never replaced.

    The set with id `first_id` comes first, then higher scores, then later ones. A set whose
    rule does not hold is left out. The value ``#default`` unsets.
    """
    values: dict[str, str] = {} if into is None else into
    if owner is None:
        return values
    sets = list(index.children(owner, tag))
    if len(sets) > 1:
        # Among equal scores the last set wins: thus a resource overrides its template.
        sets.reverse()
        sets.sort(key=lambda one: (one.id != first_id, -parse_score(one.attributes.get("score"))))
    for each in sets:
        rule = each.child("rule")
        if rule is None or rule_holds(rule, given, index, verdicts):
            _merge(each, values, index)
    return values


def _merge(each: Element, values: dict[str, str], index: Index) -> None:
    # CIBs of old wrapped the pairs in one more element.
    wrapped = each.children[0] if each.children and each.children[0].tag == "attributes" else each
    for child in wrapped.children:
        if child.tag != "nvpair":
            continue
        pair = index.resolve(child)
        if pair is None:
            continue
        name, value = pair.attributes.get("name"), pair.attributes.get("value")
        if "name" in child.attributes:  # a reference may rename what it refers to
            name = child.attributes["name"]
        if name is None or value is None:
            continue
        if value.lower() == "#default":
            values.pop(name, None)
        else:
            values.setdefault(name, value)
