"""Where fuzzing begins: good examples of everything, made anew each time."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.document.codec import parse, render
from cib_store.document.patchset import difference
from cib_store.messages.commands import encode
from cib_store.raft import messages, records
from cib_store.raft import snapshot as snapshots
from cib_store.raft.configuration import Configuration, Seat
from cib_store.raft.configuration import encode as seats
from cib_store.raft.engine import packed
from cib_store.raft.snapshot import Snapshot
from raftmaker.vocabulary.commands import (
    AcquireDc,
    Body,
    CibChange,
    CibOperation,
    Command,
    CreateCluster,
    LeaderStarted,
    NodeLost,
    OpenSession,
    OperationKind,
)
from raftmaker.vocabulary.ids import BootId, NodeName, Session, Term
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire.enrolment_pb2 import EnrolRequest
from raftmaker.wire.types_pb2 import Identity
from tests.fuzz.targets import CLUSTER

A, BOOT = NodeName("a"), BootId("boot-a")
OLD = (
    '<cib epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/><nodes/>'
    '<resources><primitive id="p" class="ocf" provider="heartbeat" type="Dummy"/></resources>'
    "<constraints/></configuration><status/></cib>"
)
NEW = OLD.replace("<nodes/>", '<nodes><node id="a" uname="a"/></nodes>').replace('"p"', '"q"')
BOMB = '<!DOCTYPE c [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><cib>&b;</cib>'
OUTSIDE = '<!DOCTYPE c [<!ENTITY a SYSTEM "file:///etc/passwd">]><cib>&a;</cib>'
AGENT = (
    '<resource-agent name="x"><version>1.1</version><parameters><parameter name="port"'
    ' required="1"><shortdesc lang="en">s</shortdesc><content type="string" default="d"/>'
    '</parameter></parameters><actions><action name="on" automatic="1" timeout="20s"/>'
    '<action name="monitor" interval="10s" depth="0"/></actions></resource-agent>'
)


def _commands() -> list[bytes]:
    change = CibOperation(kind=OperationKind.MODIFY, scope="status", xml=OLD)
    bodies: tuple[Body, ...] = (
        CreateCluster(OLD),
        LeaderStarted(Term(2), A),
        OpenSession(node=A, boot_id=BOOT, controller_start=1),
        AcquireDc(node=A, boot_id=BOOT, session=Session(1)),
        NodeLost(node=A, boot_id=BOOT, session=Session(1), term=Term(2)),
        CibChange(operations=(change,), status=True),
        *(
            CibChange(operations=(CibOperation(kind=kind, path="/cib/status", xml=OLD),))
            for kind in OperationKind
        ),
    )
    return [encode(Command(body=body, cluster_id=CLUSTER, generation=0)) for body in bodies]


def _frames() -> list[bytes]:
    configuration = Configuration(number=1, seats=(Seat(name=A, address="a:1"),))
    entries = [(b"\0" + packed([b"entry"]), 5, 2), (b"\2" + seats(configuration), 6, 2)]
    examples: tuple[messages.Message, ...] = (
        {
            "type": "append_entries",
            "term": 2,
            "commit_index": 4,
            "prevLogIdx": 4,
            "prevLogTerm": 2,
            "entries": entries,
        },
        {"type": "request_vote", "term": 3, "last_log_index": 4, "last_log_term": 2},
        {"type": "response_vote", "term": 3},
        {"type": "next_node_idx", "next_node_idx": 5, "reset": False, "success": True},
        {"type": "pre_vote_answer", "round": 1, "granted": True},
    )
    return [messages.encode({**each, "sent_term": 2}).SerializeToString() for each in examples]


def _snapshot() -> bytes:
    before, last = (b"\0one", 1, 1), (b"\0two", 2, 1)
    content = snapshots.encode(Snapshot(before=before, last=last, state=b"state"))
    return content[len(snapshots.MAGIC) + 4 :]


def corpus() -> Mapping[str, list[bytes]]:
    """Return examples by target."""
    identity = Identity(cluster_id=CLUSTER, node="a", boot_id="b", program="p")
    beat = pb.Beat(identity=identity, daemon=pb.DAEMON_KIND_STORE, session=7, sent_at_us=10**12)
    request = EnrolRequest(identity=identity)
    request.peer.name = "b"
    request.peer.store.append("192.0.2.1:5405")
    documents = [text.encode() for text in (OLD, NEW, BOMB, OUTSIDE)]
    patch = render(difference(parse(OLD), parse(NEW))).encode()
    return {
        "frame": _frames(),
        "command": _commands(),
        "journal": [b"".join(records.encode((b"\0entry", index, 1), 0) for index in (1, 2, 3))],
        "snapshot": [_snapshot()],
        "document": documents,
        "patchset": [patch, *documents],
        "heartbeat": [pb.Datagram(beat=beat).SerializeToString()],
        "enrolment": [request.SerializeToString()],
        "metadata": [AGENT.encode(), BOMB.encode(), OUTSIDE.encode()],
    }
