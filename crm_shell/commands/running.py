"""``crm cluster start``, ``stop``, ``restart``, ``enable``, ``disable`` (features 30.7)."""

from __future__ import annotations

from crm_shell.commands.session import Command, Misused, Session

_ALONE = (
    "only this node: there is no ssh between nodes; give the command on each of them"
    " (a node that is stopped cannot be asked)"
)


def _alone(args: list[str], usage: str) -> None:
    if args:
        why = f": {_ALONE}" if args[0] == "--all" or not args[0].startswith("-") else ""
        raise Misused(f"unexpected argument {args[0]!r}{why}; usage: {usage}")


async def _start(session: Session, args: list[str]) -> int:
    _alone(args, "start")
    from crm_shell.host.running import start

    return await start(session)


async def _stop(session: Session, args: list[str]) -> int:
    _alone(args, "stop")
    from crm_shell.host.running import stop

    return await stop(session)


async def _restart(session: Session, args: list[str]) -> int:
    _alone(args, "restart")
    from crm_shell.host.running import restart

    return await restart(session)


async def _enable(session: Session, args: list[str]) -> int:
    _alone(args, "enable")
    from crm_shell.host.running import enable

    return await enable(session, wanted=True)


async def _disable(session: Session, args: list[str]) -> int:
    _alone(args, "disable")
    from crm_shell.host.running import enable

    return await enable(session, wanted=False)


RUNNING = (
    Command(name="start", usage="start", run=_start,
            summary="Start this node, and wait until it takes part in the cluster"),
    Command(name="stop", usage="stop", run=_stop,
            summary="Move this node's resources away and stop it; returns when it is down"),
    Command(name="restart", usage="restart", run=_restart,
            summary="Stop this node and start it again"),
    Command(name="enable", usage="enable", run=_enable,
            summary="Have this node start with the machine"),
    Command(name="disable", usage="disable", run=_disable,
            summary="Have this node not start with the machine"),
)  # fmt: skip
