"""The statements of the configuration language, for help and completion (30.19-30.38)."""

from __future__ import annotations

_ATTRIBUTES = "ATTRIBUTES are [$id=ID] [SCORE:] [rule …] NAME=VALUE…"
_RULE = (
    "rule [$id=ID] [role=ROLE] [SCORE:] EXPRESSION [{and|or} EXPRESSION]…, with EXPRESSION one of"
    " NAME [TYPE:]{lt|gt|lte|gte|eq|ne} VALUE, {defined|not_defined} NAME, date {lt|gt} DATE,"
    " date in start=DATE end=DATE, date spec hours=… weekdays=…"
)
_SETS = "sets: A B in order, ( A B ) in any order, [ A B ] any one of them"

STATEMENTS: tuple[tuple[str, str, str, str], ...] = (
    (
        "node",
        "node NAME[:remote] [attributes ATTRIBUTES] [utilization ATTRIBUTES]",
        "Describe a node",
        _ATTRIBUTES,
    ),
    (
        "primitive",
        "primitive ID {[CLASS:[PROVIDER:]]TYPE|@TEMPLATE} [params …] [meta …] [utilization …]"
        " [op NAME interval=… timeout=…]…",
        "Define a resource",
        "Class ocf and provider heartbeat are meant when left out. " + _ATTRIBUTES
        + ". Example: primitive ip IPaddr2 params ip=192.0.2.10 op monitor interval=10s",
    ),
    (
        "rsc_template",
        "rsc_template ID [CLASS:[PROVIDER:]]TYPE [params …] [meta …] [op …]…",
        "Define what several resources have in common",
        "A primitive uses it as @ID.",
    ),
    (
        "group",
        "group ID RESOURCE… [params …] [meta …]",
        "Put resources on one node, started in this order",
        "",
    ),
    (
        "clone",
        "clone ID RESOURCE [params …] [meta …]",
        "Run a resource or group on several nodes",
        "meta promotable=true gives its instances the roles Promoted and Unpromoted.",
    ),
    ("ms", "ms ID RESOURCE [meta …]", "The older word for a promotable clone", ""),
    ("master", "master ID RESOURCE [meta …]", "The older word for a promotable clone", ""),
    (
        "bundle",
        "bundle ID {docker|podman} image=… [network …] [storage …] [primitive RESOURCE] [meta …]",
        "Run a resource in containers",
        "",
    ),
    (
        "monitor",
        "monitor RESOURCE[:ROLE] INTERVAL[:TIMEOUT]",
        "Add a monitor operation to a resource",
        "",
    ),
    (
        "location",
        "location ID {RESOURCE|/PATTERN/|{ SETS }} [role=ROLE] {SCORE: NODE|rule …}",
        "Prefer or avoid nodes",
        _RULE,
    ),
    (
        "colocation",
        "colocation ID SCORE: DEPENDENT[:ROLE] PRIMARY[:ROLE] [node-attribute=NAME]",
        "Keep resources together (inf:) or apart (-inf:)",
        "With more than two resources: " + _SETS,
    ),
    (
        "order",
        "order ID [Mandatory:|Optional:|Serialize:] FIRST[:ACTION] THEN[:ACTION]"
        " [symmetrical=BOOLEAN]",
        "Start resources one after another",
        "With more than two resources: " + _SETS,
    ),
    (
        "rsc_ticket",
        "rsc_ticket ID TICKET: RESOURCE[:ROLE]… [loss-policy={stop|demote|fence|freeze}]",
        "Bind resources to a ticket",
        "",
    ),
    ("tag", "tag NAME: ID…", "Give several objects a name in common", ""),
    ("property", "property [ID:] NAME=VALUE…", "Set cluster options", ""),
    (
        "rsc_defaults",
        "rsc_defaults [ID:] [rule …] NAME=VALUE…",
        "Set what resources' meta-attributes are by default",
        "",
    ),
    (
        "op_defaults",
        "op_defaults [ID:] [rule …] NAME=VALUE…",
        "Set what operations' attributes are by default",
        "",
    ),
    (
        "fencing_topology",
        "fencing_topology {[NODE:|pattern:REGEX|attr:NAME=VALUE] DEVICE[,DEVICE]…}…",
        "Which fence devices to try, level by level",
        "Devices joined by a comma must all succeed. Levels before any NODE: are for every node.",
    ),
    ("role", "role ID {read|write|deny} SPEC…", "Define rights", ""),
    ("acl_target", "acl_target USER ROLE…", "Give a user roles", ""),
    ("acl_group", "acl_group GROUP ROLE…", "Give a system group's members roles", ""),
    ("user", "user USER role:ROLE…", "The older word for acl_target", ""),
    (
        "alert",
        "alert ID PATH [attributes …] [meta …] [select …] [to RECIPIENT]…",
        "Run a program on events",
        "",
    ),
    ("xml", "xml <ELEMENT…>", "Define any object as XML", ""),
)  # fmt: skip
"""(keyword, usage, summary, details)."""
