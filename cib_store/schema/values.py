"""Which values attributes and options may have (features sections 1, 2, 7, 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from cib_store.model.values import parse_boolean, parse_duration_ms


class Kind(Struct, frozen=True):
    """A kind of value: what it is called, what is allowed, and the words it is one of, if any."""

    name: str
    allowed: str
    words: tuple[str, ...] = ()

    def accepts(self, text: str) -> bool:
        """Tell whether `text` is such a value."""
        if self.words:
            return text.lower() in tuple(word.lower() for word in self.words)
        if self is BOOLEAN:
            return parse_boolean(text) is not None
        if self is SCORE:
            return is_score(text)
        if self is COUNT:
            return text.isascii() and text.isdigit() and int(text) < 2**31
        if self is DURATION:
            value = parse_duration_ms(text)
            return value is not None and value >= 0
        if self is PORT:
            return text.isascii() and text.isdigit() and int(text) <= _PORT_MAX
        pattern = _PATTERNS.get(self)
        return pattern is None or re.fullmatch(pattern, text) is not None


def is_score(text: str) -> bool:
    """Tell whether `text` is a score (features 1.11)."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    return digits == "INFINITY" or (digits.isascii() and digits.isdigit())


def one_of(*words: str) -> Kind:
    """Return the kind of value that is one of these words, case ignored."""
    return Kind("value", ", ".join(words), words)


BOOLEAN = Kind("boolean", "true or false (also yes, no, on, off, 1, 0)")
SCORE = Kind("score", "a whole number, INFINITY or -INFINITY")
COUNT = Kind("number", "a whole number from 0 on")
DURATION = Kind("duration", "a number with ms, s, min or h, or an ISO 8601 duration such as PT5M")
PORT = Kind("port", "a whole number from 0 to 65535")
PERCENTAGE = Kind("percentage", "a number from 0 on, with or without %")
ID = Kind("id", "a letter or _, then letters, digits, -, _ and .")
PATH = Kind("path", "an absolute path, such as /usr/share/raftmaker/alerts/alert_file.sh")
PATH_PATTERN = r"/[\s\S]+"
ID_PATTERN = r"[A-Za-z_À-�][A-Za-z0-9_.À-�\-]*"
"""What `ID` allows (features 1.9), for Python and for RELAX NG: about what XML calls an NCName."""
_PORT_MAX = 65535
# Compiled when first asked for, and kept by `re`: the store starts sooner.
_PATTERNS = {ID: ID_PATTERN, PATH: PATH_PATTERN, PERCENTAGE: r"[0-9]+(\.[0-9]*)?%?"}
ROLE = one_of("Stopped", "Started", "Unpromoted", "Promoted", "Slave", "Master")

ATTRIBUTES: Mapping[tuple[str, str], Kind] = {
    ("op", "interval"): DURATION,
    ("op", "timeout"): DURATION,
    ("op", "start-delay"): DURATION,
    ("op", "enabled"): BOOLEAN,
    ("op", "record-pending"): BOOLEAN,
    ("op", "role"): ROLE,
    ("op", "on-fail"): one_of(
        "ignore", "block", "demote", "stop", "restart", "standby", "fence", "restart-container"
    ),
    ("rsc_location", "score"): SCORE,
    ("rsc_location", "role"): ROLE,
    ("rsc_location", "resource-discovery"): one_of("always", "never", "exclusive"),
    ("rsc_colocation", "score"): SCORE,
    ("rsc_colocation", "rsc-role"): ROLE,
    ("rsc_colocation", "with-rsc-role"): ROLE,
    ("rsc_colocation", "influence"): BOOLEAN,
    ("rsc_order", "score"): SCORE,
    ("rsc_order", "kind"): one_of("Optional", "Mandatory", "Serialize"),
    ("rsc_order", "symmetrical"): BOOLEAN,
    ("rsc_order", "require-all"): BOOLEAN,
    ("rsc_ticket", "rsc-role"): ROLE,
    ("rsc_ticket", "loss-policy"): one_of("fence", "stop", "freeze", "demote"),
    ("resource_set", "sequential"): BOOLEAN,
    ("resource_set", "require-all"): BOOLEAN,
    ("resource_set", "role"): ROLE,
    ("resource_set", "score"): SCORE,
    ("rule", "score"): SCORE,
    ("rule", "boolean-op"): one_of("and", "or"),
    ("rule", "role"): ROLE,
    ("meta_attributes", "score"): SCORE,
    ("instance_attributes", "score"): SCORE,
    ("cluster_property_set", "score"): SCORE,
    ("utilization", "score"): SCORE,
    ("fencing-level", "index"): COUNT,
    ("network", "control-port"): PORT,
    ("port-mapping", "port"): PORT,
    ("port-mapping", "internal-port"): PORT,
    ("alert", "path"): PATH,
    ("node", "type"): one_of("member", "remote", "normal", "ping"),
    **{
        (container, name): COUNT
        for container in ("docker", "podman", "rkt")
        for name in ("replicas", "replicas-per-host", "promoted-max", "masters")
    },
}

META: Mapping[str, Kind] = {
    "priority": SCORE,
    "critical": BOOLEAN,
    "target-role": ROLE,
    "is-managed": BOOLEAN,
    "maintenance": BOOLEAN,
    "resource-stickiness": SCORE,
    "requires": one_of("nothing", "quorum", "fencing", "unfencing"),
    "migration-threshold": SCORE,
    "failure-timeout": DURATION,
    "multiple-active": one_of("block", "stop_only", "stop_start", "stop_unexpected"),
    "allow-migrate": BOOLEAN,
    "allow-unhealthy-nodes": BOOLEAN,
    "container-attribute-target": Kind("text", "any text"),
    "clone-max": COUNT,
    "clone-node-max": COUNT,
    "clone-min": COUNT,
    "promoted-max": COUNT,
    "promoted-node-max": COUNT,
    "master-max": COUNT,
    "master-node-max": COUNT,
    "notify": BOOLEAN,
    "ordered": BOOLEAN,
    "interleave": BOOLEAN,
    "globally-unique": BOOLEAN,
    "promotable": BOOLEAN,
    "timeout": DURATION,
    "interval": DURATION,
    "start-delay": DURATION,
    "enabled": BOOLEAN,
    "record-pending": BOOLEAN,
    "remote-connect-timeout": DURATION,
    "remote-port": PORT,
}
"""Meta-attributes of resources and operations whose values are checked; others are free."""
