"""A process that computes for a daemon, so that a long computation never delays a heartbeat.

The worker is a fresh interpreter (never a fork of the daemon, which has threads), speaks pickles of
our own values over its standard input and output, ends when the daemon does, and is started again
when it dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import subprocess
import sys

from raftmaker.runtime.answering import LENGTH
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.priority import idle, ordinary

IDLE_S = 5.0
"""How long a worker that nobody has asked yet leaves the processors to everybody else."""


class WorkerDied(HaError):
    """The worker's process ended before it answered; the next call starts another."""


class Worker:
    """One worker process; calls are answered one after the other."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Name the module that is run; it calls `serve_calls`. `arguments` are its `sys.argv`."""
        self._module, self._arguments = module, arguments
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._idling: asyncio.TimerHandle | None = None

    async def call(self, question: object) -> object:
        """Send one value and return the answer. Raises `WorkerDied`."""
        self.hurry()
        async with self._turn:
            process = await self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            data = pickle.dumps(question, protocol=pickle.HIGHEST_PROTOCOL)
            try:
                process.stdin.write(LENGTH.pack(len(data)) + data)
                await process.stdin.drain()
                (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                answer: object = pickle.loads(await process.stdout.readexactly(length))
            except (OSError, asyncio.IncompleteReadError):
                await self.close()
                raise WorkerDied(f"the worker {self._module} died") from None
            except BaseException:
                # The answer to an abandoned call must not be taken for the next one's.
                await self.close()
                raise
            return answer

    async def warm_up(self) -> None:
        """Start the process now, so that the first call does not wait for it.

        It loads when the machine has nothing else to do: while nodes start there is much, and one
        of them alone needs its worker soon (`hurry`).
        """
        async with self._turn:
            process = await self._running()
            if self._idling is None and idle(process.pid):
                self._idling = asyncio.get_running_loop().call_later(IDLE_S, self.hurry)

    def hurry(self) -> None:
        """Have the process load with others' priority: it will be asked soon."""
        if self._idling is not None:
            self._idling.cancel()
            self._idling = None
            if self._process is not None and self._process.returncode is None:
                ordinary(self._process.pid)

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                *self._arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            ordinary(self._process.pid)  # from now on: loading its modules takes long enough
        return self._process

    async def close(self) -> None:
        """End the process, if it runs."""
        self.hurry()
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
