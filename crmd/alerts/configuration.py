"""The alerts of a configuration, one for each recipient (features 19.1-19.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.nvsets import merged_pairs
from cib_store.model.references import Index
from cib_store.model.rules import RuleInput, Verdicts
from cib_store.model.values import is_true, parse_duration_ms
from crmd.alerts.values import AlertEvent, AlertKind, AttributeEvent, kind_of

TIMEOUT_MS = 30_000
TIMESTAMP_FORMAT = "%H:%M:%S.%6N"
_DEFAULT_KINDS = frozenset({AlertKind.NODE, AlertKind.FENCING, AlertKind.RESOURCE})
_SELECTORS = {
    "select_nodes": AlertKind.NODE,
    "select_fencing": AlertKind.FENCING,
    "select_resources": AlertKind.RESOURCE,
    "select_attributes": AlertKind.ATTRIBUTE,
}


class Alert(Struct, frozen=True, kw_only=True):
    """Which agent is run for one recipient, when, for how long, and with which own variables."""

    id: str
    path: str
    recipient: str = ""
    kinds: frozenset[AlertKind] = _DEFAULT_KINDS
    attributes: frozenset[str] = frozenset()
    """Names of the attributes that count; none: all do."""
    timeout_ms: int = TIMEOUT_MS
    timestamp_format: str = TIMESTAMP_FORMAT
    variables: tuple[tuple[str, str], ...] = ()

    def selects(self, event: AlertEvent) -> bool:
        """Tell whether the agent is to be told of an event (features 19.3)."""
        if kind_of(event) not in self.kinds:
            return False
        if isinstance(event, AttributeEvent) and self.attributes:
            return event.name in self.attributes
        return True


def alerts_section(cib: Element | None) -> Element | None:
    """Return the section of the alerts, where it holds one."""
    configuration = cib.child("configuration") if cib is not None else None
    section = configuration.child("alerts") if configuration is not None else None
    return section if section is not None and section.child("alert") is not None else None


def alerts_of(section: Element, index: Index, now: Moment) -> tuple[Alert, ...]:
    """Return what is enabled `now`, in the order of the configuration.

    A recipient's settings go before those of its alert; an alert that is not enabled has none.
    """
    given = RuleInput(now=now)
    return tuple(each for one in section.each("alert") for each in _of_alert(one, index, given))


def _of_alert(element: Element, index: Index, given: RuleInput) -> Iterator[Alert]:
    meta = _pairs(element, "meta_attributes", index, given)
    if not _is_enabled(meta):
        return
    kinds, attributes = _selected(element)
    for recipient in tuple(element.each("recipient")) or (None,):
        own = {**meta, **_pairs(recipient, "meta_attributes", index, given)}
        if not _is_enabled(own):
            continue
        variables = {
            **_pairs(element, "instance_attributes", index, given),
            **_pairs(recipient, "instance_attributes", index, given),
        }
        yield Alert(
            id=element.id,
            path=element.get("path"),
            recipient=recipient.get("value") if recipient is not None else "",
            kinds=kinds,
            attributes=attributes,
            timeout_ms=_timeout_ms(own),
            timestamp_format=own.get("timestamp-format") or TIMESTAMP_FORMAT,
            variables=tuple(variables.items()),
        )


def _pairs(owner: Element | None, tag: str, index: Index, given: RuleInput) -> dict[str, str]:
    return merged_pairs(owner, tag, given, index, verdicts=Verdicts())


def _is_enabled(meta: Mapping[str, str]) -> bool:
    return is_true(meta.get("enabled", "true"))


def _timeout_ms(meta: Mapping[str, str]) -> int:
    """Return the timeout; 0, and what is none, stand for the default."""
    value = parse_duration_ms(meta.get("timeout"))
    return value if value is not None and value > 0 else TIMEOUT_MS


def _selected(element: Element) -> tuple[frozenset[AlertKind], frozenset[str]]:
    """Return which kinds count, and which attributes. A selection of nothing selects nothing else
    than no selection does."""
    chosen = [child for select in element.each("select") for child in select.each(*_SELECTORS)]
    kinds = frozenset(_SELECTORS[child.tag] for child in chosen)
    names = frozenset(
        attribute.get("name")
        for child in chosen
        if child.tag == "select_attributes"
        for attribute in child.each("attribute")
    )
    return kinds or _DEFAULT_KINDS, names
