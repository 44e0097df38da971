"""What the state part of a case says of resources, as the operation history of a node.

A line is ``RESOURCE started|promoted|failed|unknown on NODE ...``, where ``failed`` is a start and
then a monitor that failed, and ``unknown`` leaves out the result of the probe, which any other
resource has on every node that is online. Or it says operation by operation what happened, the
oldest first::

    RESOURCE did STEP ... on NODE ... [with NAME=VALUE ...] [needing-restart NAME ...]
        [locked SECONDS]

A step is ``OPERATION[/INTERVAL][:NODE][=CODE|=STATUS][@SECONDS]``: the node is the other one of a
migration, the code is 0 (7 for a ``probe``) unless it is said, a status is what is not done
(``pending``, ``timeout``, ``fatal`` ...), and the seconds tell how long ago it was (1000). ``with``
says which parameters the operations had; ``needing-restart`` which of them cannot be changed by a
reload. ``locked`` tells how long the resource has waited for the return of the node.
"""

from __future__ import annotations

import re

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.values import interval_ms
from crmd.scheduler.actions.operations import TIMEOUT_DEFAULT_MS
from crmd.scheduler.parameter_digest import digest_of

NOW = 1_700_000_000
_RESULTS = {"started": ("start",), "promoted": ("start", "promote"), "failed": ("start", "failed")}
_STEP = re.compile(
    r"(?P<task>[\w-]+)(?:/(?P<every>\w+))?(?::(?P<other>\w+))?(?:=(?P<result>[\w-]+))?(?:@(?P<ago>\d+))?"
)
_STATUS = {
    "unknown": ("-2", "193"),
    "pending": ("-1", "193"),
    "cancelled": ("1", "193"),
    "timeout": ("2", "1"),
    "unsupported": ("3", "3"),
    "error": ("4", "1"),
    "hard": ("5", "1"),
    "fatal": ("6", "1"),
    "not-installed": ("7", "5"),
    "not-connected": ("8", "193"),
    "invalid": ("9", "1"),
    "no-fence-device": ("10", "1"),
    "no-secrets": ("11", "6"),
}
"""Execution status and exit code of what is not done (features 5.41)."""


class Said(Struct, frozen=True, kw_only=True):
    """What one line says of a resource on a node."""

    steps: tuple[str, ...]
    """The operations, as in the text; empty for ``unknown``."""
    given: dict[str, str] | None = None
    """The parameters that they had, where the line says so."""
    needing_restart: tuple[str, ...] | None = None
    locked: int | None = None
    """Seconds."""


def read_line(words: list[str]) -> tuple[tuple[str, ...], Said]:
    """Read what follows the name of a resource: the nodes, and what is said of it there."""
    at = words.index("on")
    steps = words[:at]
    found: dict[str, list[str]] = {}
    part = found.setdefault("on", [])
    for word in words[at + 1 :]:
        if word in ("with", "needing-restart", "locked"):
            part = found.setdefault(word, [])
        else:
            part.append(word)
    nodes = tuple(found["on"])
    if steps[0] != "did":
        return nodes, Said(steps=() if steps == ["unknown"] else _RESULTS[steps[0]])
    given = found.get("with")
    needing = found.get("needing-restart")
    locked = found.get("locked")
    return nodes, Said(
        steps=tuple(steps[1:]),
        given=dict(pair.split("=", 1) for pair in given) if given is not None else None,
        needing_restart=tuple(needing) if needing is not None else None,
        locked=int(locked[0]) if locked is not None else None,
    )


def history(name: str, primitive: Element, said: Said | None, node: str) -> Element:
    """Write the history of a resource on a node; without a word it was probed and does not run."""
    said = said if said is not None else Said(steps=("probe",))
    entries = tuple(
        _entry(name, primitive, call, said, node) for call in range(1, len(said.steps) + 1)
    )
    agent = {key: primitive.get(key) for key in ("class", "provider", "type") if primitive.get(key)}
    lock = {"shutdown-lock": str(NOW - said.locked)} if said.locked is not None else {}
    return Element("lrm_resource", {"id": name} | agent | lock, entries)


def _entry(name: str, primitive: Element, call: int, said: Said, node: str) -> Element:
    step = said.steps[call - 1]
    match = _STEP.fullmatch(step if step != "failed" else "monitor/10s=1")
    assert match, f"no operation: {step}"
    task, result = match["task"], match["result"]
    expected = "7" if task == "probe" else "0"
    task = "monitor" if task == "probe" else task
    interval = interval_ms(match["every"])
    status, code = _STATUS.get(result or "", ("0" if result in (None, expected) else "4", result))
    status = "0" if code in ("7", "8") and status == "4" else status
    failed = status != "0" and call == len(said.steps)
    key = f"{call}:1:{expected}:01234567-89ab-cdef-0123-456789abcdef"
    return Element(
        "lrm_rsc_op",
        {
            "id": f"{name}_last_failure_0" if failed else f"{name}_{task}_{interval}_{call}",
            "operation_key": f"{name}_{task}_{interval}",
            "operation": task,
            "interval": str(interval),
            "call-id": str(call) if status != "-1" else "-1",
            "rc-code": code or expected,
            "op-status": status,
            "transition-key": key,
            "transition-magic": f"{status}:{code or expected};{key}",
            "last-rc-change": str(NOW - int(match["ago"] or 1000)),
        }
        | _other_node(task, match["other"], node)
        | _digests(primitive, interval, said),
    )


def _other_node(task: str, other: str | None, node: str) -> dict[str, str]:
    """Name both ends of a migration."""
    if other is None:
        return {}
    source, target = (node, other) if task == "migrate_to" else (other, node)
    return {"migrate_source": source, "migrate_target": target}


def _digests(primitive: Element, interval: int, said: Said) -> dict[str, str]:
    given = said.given
    if given is None:
        given = {
            pair.get("name"): pair.get("value")
            for each in primitive.each("instance_attributes")
            for pair in each.each("nvpair")
        }
    timeout = {"CRM_meta_timeout": str(TIMEOUT_DEFAULT_MS)} if interval else {}
    found = {"op-digest": digest_of(given | timeout)}
    if said.needing_restart is not None:
        kept = {name: given[name] for name in said.needing_restart if name in given}
        found["op-force-restart"] = f" {' '.join(said.needing_restart)} "
        found["op-restart-digest"] = digest_of(kept)
    return found
