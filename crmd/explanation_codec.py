"""Explanations as messages and back (``Controller.Explain``)."""

from __future__ import annotations

from collections.abc import Iterable

from crmd.scheduler.explaining.values import Explanation, NodeView, Obstacle
from crmd.scheduler.state.contribution import Contribution, Origin
from raftmaker.wire import controller_pb2 as pb


def explain_reply(found: Iterable[Explanation]) -> pb.ExplainReply:
    """Return the reply with these explanations."""
    return pb.ExplainReply(explanations=[_message(each) for each in found])


def _message(each: Explanation) -> pb.Explanation:
    return pb.Explanation(
        resource=each.resource,
        now_on=each.now_on,
        chosen=each.chosen or "",
        role=each.role,
        verdict=each.verdict,
        promotion=each.promotion,
        within=each.within,
        obstacles=_obstacle_messages(each.obstacles),
        nodes=[
            pb.NodeView(
                node=view.node,
                score=view.score,
                chosen=view.chosen,
                contributions=[_contribution_message(one) for one in view.contributions],
                obstacles=_obstacle_messages(view.obstacles),
                promotion=view.promotion,
            )
            for view in each.nodes
        ],
    )


def _obstacle_messages(obstacles: Iterable[Obstacle]) -> list[pb.Obstacle]:
    return [pb.Obstacle(what=each.what, command=each.command) for each in obstacles]


def _contribution_message(one: Contribution) -> pb.Contribution:
    return pb.Contribution(
        origin=one.origin.value,
        detail=one.detail,
        added=one.added,
        before=one.before or 0,
        was_candidate=one.before is not None,
        after=one.after,
    )


def explanations_of(reply: pb.ExplainReply) -> tuple[Explanation, ...]:
    """Return the explanations of a reply."""
    return tuple(_explanation(each) for each in reply.explanations)


def _explanation(message: pb.Explanation) -> Explanation:
    return Explanation(
        resource=message.resource,
        now_on=tuple(message.now_on),
        chosen=message.chosen or None,
        role=message.role,
        verdict=message.verdict,
        promotion=message.promotion,
        within=message.within,
        obstacles=_obstacles(message.obstacles),
        nodes=tuple(
            NodeView(
                node=view.node,
                score=view.score,
                chosen=view.chosen,
                contributions=tuple(
                    _contribution(one, message.resource, view.node) for one in view.contributions
                ),
                obstacles=_obstacles(view.obstacles),
                promotion=view.promotion,
            )
            for view in message.nodes
        ),
    )


def _obstacles(messages: Iterable[pb.Obstacle]) -> tuple[Obstacle, ...]:
    return tuple(Obstacle(each.what, each.command) for each in messages)


def _contribution(message: pb.Contribution, resource: str, node: str) -> Contribution:
    return Contribution(
        resource=resource,
        node=node,
        origin=Origin(message.origin),
        detail=message.detail,
        added=message.added,
        before=message.before if message.was_candidate else None,
        after=message.after,
    )
