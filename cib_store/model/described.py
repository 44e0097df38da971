"""The options of clusters, resources and fence devices, as people are told of them (27.6, 27.11).

From this table come the lists and metadata of the tools and the defaults that the shell tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct


class Described(Struct, frozen=True):
    """An option: the kind of its value (a select has its values after a colon), default, meaning.

    `advanced`: nobody should have to set it. `managed`: the cluster itself sets it.
    """

    name: str
    kind: str
    default: str
    text: str
    advanced: bool = False
    managed: bool = False


_D = Described
CLUSTER: tuple[Described, ...] = (
    _D("dc-version", "version", "", "what the DC runs", managed=True),
    _D("cluster-infrastructure", "string", "", "what carries messages", managed=True),
    _D("cluster-name", "string", "", "the cluster's name for people, rules and agents"),
    _D("dc-deadtime", "duration", "20s", "how long a node that starts looks for others"),
    _D("cluster-recheck-interval", "duration", "15min", "longest time between two decisions"),
    _D("election-timeout", "duration", "2min", "time for electing a DC", advanced=True),
    _D("shutdown-escalation", "duration", "20min", "time for a clean stop", advanced=True),
    _D("join-integration-timeout", "duration", "3min", "time for joining nodes", advanced=True),
    _D("join-finalization-timeout", "duration", "30min", "time to end a join", advanced=True),
    _D("transition-delay", "duration", "0s", "wait for late events before acting", advanced=True),
    _D(
        "no-quorum-policy",
        "select:stop,freeze,ignore,demote,fence,suicide",
        "stop",
        "what nodes do that have no quorum",
    ),
    _D("shutdown-lock", "boolean", "false", "resources wait for a node that was stopped cleanly"),
    _D("shutdown-lock-limit", "duration", "0", "how long they wait; 0 for ever"),
    _D("enable-acl", "boolean", "false", "whether access control lists are obeyed"),
    _D("symmetric-cluster", "boolean", "true", "resources may run on every node not forbidden"),
    _D("maintenance-mode", "boolean", "false", "leave every resource alone"),
    _D("start-failure-is-fatal", "boolean", "true", "one failed start bans a resource from a node"),
    _D(
        "enable-startup-probes",
        "boolean",
        "true",
        "look for resources on nodes that join",
        advanced=True,
    ),
    _D(
        "fence-remote-without-quorum",
        "boolean",
        "false",
        "a partition without quorum may fence its remote nodes",
        advanced=True,
    ),
    _D("fencing-enabled", "boolean", "true", "fence nodes that are lost; once stonith-enabled"),
    _D("fencing-action", "select:reboot,off", "reboot", "how; once stonith-action"),
    _D("fencing-reaction", "select:stop,panic", "stop", "what a node does that was fenced"),
    _D("fencing-timeout", "duration", "60s", "time for fencing; once stonith-timeout"),
    _D("have-watchdog", "boolean", "false", "whether nodes have a watchdog", managed=True),
    _D(
        "fencing-watchdog-timeout",
        "timeout",
        "0",
        "when a lost node has ended itself",
        advanced=True,
    ),
    _D("fencing-max-attempts", "integer", "10", "failed fencings before it waits for a change"),
    _D("concurrent-fencing", "boolean", "true", "fence several nodes at once", advanced=True),
    _D(
        "startup-fencing",
        "boolean",
        "true",
        "fence nodes never seen since the start",
        advanced=True,
    ),
    _D("priority-fencing-delay", "duration", "0", "delay for the node with what matters most"),
    _D("node-pending-timeout", "duration", "0", "fence a member that does not join; 0 never"),
    _D("cluster-delay", "duration", "60s", "time for messages, beside an action's own"),
    _D("load-threshold", "percentage", "80%", "load from which fewer actions run at once"),
    _D("node-action-limit", "integer", "0", "actions at once on a node; 0: twice its processors"),
    _D("batch-limit", "integer", "0", "actions at once in the cluster; 0: by load, -1: no limit"),
    _D("migration-limit", "integer", "-1", "live migrations at once of a node; -1: no limit"),
    _D("stop-all-resources", "boolean", "false", "stop everything"),
    _D(
        "stop-removed-resources",
        "boolean",
        "true",
        "stop what is configured no longer",
        advanced=True,
    ),
    _D(
        "cancel-removed-actions",
        "boolean",
        "true",
        "end monitors configured no longer",
        advanced=True,
    ),
    _D("pe-error-series-max", "integer", "-1", "decisions with errors that are kept; -1: all"),
    _D("pe-warn-series-max", "integer", "5000", "decisions with warnings that are kept"),
    _D("pe-input-series-max", "integer", "4000", "other decisions that are kept"),
    _D(
        "node-health-strategy",
        "select:none,migrate-on-red,only-green,progressive,custom",
        "none",
        "what attributes of nodes' health do",
    ),
    _D("node-health-base", "score", "0", "score of every node, with progressive"),
    _D("node-health-green", "score", "0", "what green counts"),
    _D("node-health-yellow", "score", "0", "what yellow counts"),
    _D("node-health-red", "score", "-INFINITY", "what red counts"),
    _D(
        "placement-strategy",
        "select:default,utilization,minimal,balanced",
        "default",
        "whether utilization decides where resources run",
    ),
)
PRIMITIVE: tuple[Described, ...] = (
    _D("priority", "score", "0", "what is stopped last where not everything can run"),
    _D("critical", "boolean", "true", "whether it takes with it what it is placed by"),
    _D(
        "target-role",
        "select:Stopped,Started,Unpromoted,Promoted",
        "Started",
        "what the cluster makes of it",
    ),
    _D("is-managed", "boolean", "true", "whether the cluster starts and stops it"),
    _D("maintenance", "boolean", "false", "leave it alone, monitors included"),
    _D("resource-stickiness", "score", "0", "how much it stays where it is"),
    _D("requires", "select:nothing,quorum,fencing,unfencing", "", "what must be before it starts"),
    _D("migration-threshold", "score", "INFINITY", "failures that ban it from a node"),
    _D("failure-timeout", "duration", "0", "when failures are forgotten; 0 never"),
    _D(
        "multiple-active",
        "select:block,stop_only,stop_start,stop_unexpected",
        "stop_start",
        "what is done when it runs where it must not",
    ),
    _D("allow-migrate", "boolean", "", "whether it is migrated live"),
    _D("allow-unhealthy-nodes", "boolean", "false", "whether nodes' health does not matter"),
    _D("container-attribute-target", "string", "", "host: a bundle's attributes are its host's"),
    _D("remote-node", "string", "", "name of the guest node that it is", advanced=True),
    _D("remote-addr", "string", "", "address of the guest node; else its name", advanced=True),
    _D("remote-port", "port", "3121", "port of the guest node", advanced=True),
    _D("remote-connect-timeout", "timeout", "60s", "time to connect to it", advanced=True),
    _D("remote-allow-migrate", "boolean", "true", "whether its connection moves", advanced=True),
)


def _of_action(action: str) -> Iterator[Described]:
    name = f"pcmk_{action}"
    yield _D(f"{name}_action", "string", action, f"what to do in place of {action}", advanced=True)
    yield _D(f"{name}_timeout", "timeout", "60s", f"time for {action}", advanced=True)
    yield _D(f"{name}_retries", "integer", "2", f"tries of {action} in its time", advanced=True)


FENCING: tuple[Described, ...] = (
    _D("pcmk_host_argument", "string", "", "parameter that names the target", advanced=True),
    _D("pcmk_host_map", "string", "", "what the device calls nodes: node1:1;node2:2,3"),
    _D("pcmk_host_list", "string", "", "nodes that it fences: node1,node2"),
    _D("pcmk_host_check", "select:dynamic-list,static-list,status,none", "",
       "how it is known which nodes it fences"),
    _D("pcmk_delay_max", "duration", "0s", "longest delay, random above pcmk_delay_base"),
    _D("pcmk_delay_base", "string", "0s", "delay; or one for each node: node1:0s;node2:5s"),
    _D("pcmk_action_limit", "integer", "1", "actions at once; -1: no limit"),
    *(each for action in ("reboot", "off", "on", "list", "monitor", "status")
      for each in _of_action(action)),
    _D("provides", "string", "", "a meta-attribute; unfencing: it turns on who joins",
       advanced=True),
)  # fmt: skip
DEFAULTS: Mapping[str, str] = {each.name: each.default for each in CLUSTER}
"""The defaults of cluster options; empty where there is none."""
