"""How ``pcmk_*`` parameters write lists, maps and delays (features 17.4-17.8)."""

from __future__ import annotations

import re

from cib_store.model.values import parse_duration_ms
from raftmaker.vocabulary.ids import NodeName

_LIST_SEPARATORS = re.compile(r"[\s,;]+")
_ENTRY = re.compile(r"((?:\\.|[^\s;\\])+)")
_ASSIGNED = re.compile(r"([^:=]+)[:=](.*)", re.DOTALL)


def parse_host_list(text: str) -> tuple[NodeName, ...]:
    """Read ``node1,node2``; commas, semicolons and white space part the names (17.5)."""
    return tuple(NodeName(name) for name in _LIST_SEPARATORS.split(text) if name)


def parse_host_map(text: str) -> dict[NodeName, str]:
    """Read ``node1:1;node2:2,3``; a backslash takes the next character as it is (17.4).

    Entries that assign nothing are left out.
    """
    found: dict[NodeName, str] = {}
    for entry in _ENTRY.findall(text):
        match = _ASSIGNED.fullmatch(entry)
        if match is not None and match[2]:
            found[NodeName(match[1])] = re.sub(r"\\(.)", r"\1", match[2])
    return found


def parse_delay_base(text: str) -> tuple[int, dict[NodeName, int]]:
    """Read ``5s`` or ``node1:0s;node2:5s`` as ms for all and ms for each node (17.8)."""
    if ":" not in text and "=" not in text:
        return max(0, parse_duration_ms(text) or 0), {}
    delays = {node: parse_duration_ms(each) for node, each in parse_host_map(text).items()}
    return 0, {node: max(0, delay) for node, delay in delays.items() if delay is not None}


def parse_targets(output: str) -> tuple[NodeName, ...]:
    """Read what an agent's ``list`` prints: a target a line, its port and its alias (17.6)."""
    fields = (field.strip() for line in output.splitlines() for field in line.split(","))
    names = dict.fromkeys(field for field in fields if re.fullmatch(r"[\w.-]+", field))
    return tuple(NodeName(name) for name in names)
