"""``crm wait``: return when the cluster has done what it was told (features 30.53)."""

from __future__ import annotations

from crm_shell.commands.session import Command, Session, arguments


async def wait(session: Session, args: list[str]) -> int:
    """Wait until everything configured is carried out."""
    arguments(args, 0, 0, "wait")
    if session.cluster.is_file:
        session.console.info("a file stands for the cluster: nothing is carried out")
        return 0
    await session.settle((await session.cluster.cib()).index)
    return 0


COMMAND = Command(
    name="wait", usage="wait", run=wait,
    summary="Wait until everything configured is carried out",
    details="'crm -w COMMAND' does it after a command, 'crm options wait yes' after each.",
)  # fmt: skip
