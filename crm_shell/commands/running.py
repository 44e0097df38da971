"""``crm cluster start``, ``stop``, ``restart``, ``enable``, ``disable`` (features 30.7)."""

from __future__ import annotations

from crm_shell.commands.session import Command, Misused, Session

_NODES = "[--all | NODE...]"
_ALONE = "only this node: give the command on each of them"


def _alone(args: list[str], usage: str) -> None:
    if args:
        why = f": {_ALONE}" if args[0] == "--all" or not args[0].startswith("-") else ""
        raise Misused(f"unexpected argument {args[0]!r}{why}; usage: {usage}")


async def _on(session: Session, args: list[str], verb: str) -> int:
    """Act on this node, or on those that are named."""
    from crm_shell.host import everywhere, running

    if args:
        return await everywhere.act(session, verb, args, f"{verb} {_NODES}")
    here = {"start": running.start, "stop": running.stop, "restart": running.restart}
    return await here[verb](session)


async def _start(session: Session, args: list[str]) -> int:
    return await _on(session, args, "start")


async def _stop(session: Session, args: list[str]) -> int:
    return await _on(session, args, "stop")


async def _restart(session: Session, args: list[str]) -> int:
    _alone(args, "restart")
    return await _on(session, args, "restart")


async def _enable(session: Session, args: list[str]) -> int:
    _alone(args, "enable")
    from crm_shell.host.running import enable

    return await enable(session, wanted=True)


async def _disable(session: Session, args: list[str]) -> int:
    _alone(args, "disable")
    from crm_shell.host.running import enable

    return await enable(session, wanted=False)


RUNNING = (
    Command(name="start", usage=f"start {_NODES}", run=_start,
            summary="Start this node, and wait until it takes part in the cluster; others by ssh"),
    Command(name="stop", usage=f"stop {_NODES}", run=_stop,
            summary="Move this node's resources away and stop it; returns when it is down;"
                    " others by ssh"),
    Command(name="restart", usage="restart", run=_restart,
            summary="Stop this node and start it again"),
    Command(name="enable", usage="enable", run=_enable,
            summary="Have this node start with the machine"),
    Command(name="disable", usage="disable", run=_disable,
            summary="Have this node not start with the machine"),
)  # fmt: skip
