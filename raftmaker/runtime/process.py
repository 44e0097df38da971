"""Child processes: run one to its end, or start one that outlives this daemon and find it again.

Every child leads its own session, so its process group can be ended as a whole. The end of a child
is the end of its first process: one that leaves a service behind, which keeps its output open,
does not hang us.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct

from raftmaker.runtime.privileges import ServiceUser

OUTPUT_BYTES_MAX = 1024 * 1024
"""Of each stream the last so many bytes are kept."""
_POLL_S = 0.05


class Ended(Struct, frozen=True, kw_only=True):
    """How a child ended. `code` is its exit code, or minus the number of the signal that ended it.

    `code` is None where nobody can know any more.
    """

    code: int | None
    stdout: str = ""
    stderr: str = ""
    timed_out: bool = False


async def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout_ms: int = 0,
    user: ServiceUser | None = None,
    into: IO[bytes] | None = None,
) -> Ended:
    """Run a command to its end; after `timeout_ms` (0: no limit) its process group is killed.

    `env` None: our own environment. `user` None: as ourselves. `into`: a file that gets all of the
    output, of which `stdout` has the end only. Raises OSError when the command cannot be started.
    """
    with tempfile.TemporaryFile() as own, tempfile.TemporaryFile() as err:
        out = own if into is None else into
        process = await _open(argv, env=env, stdin=stdin, out=out, err=err, user=user)
        timed_out = False
        try:
            async with asyncio.timeout(timeout_ms / 1000 if timeout_ms else None):
                await _gone(process.pid)
        except TimeoutError:
            timed_out = True
        finally:
            # On a cancelled call too: nobody would look after the child any more.
            if process.poll() is None:
                kill_group(process.pid)
        if timed_out:
            await _gone(process.pid)
        return Ended(
            code=process.wait(),
            stdout=_tail(out),
            stderr=_tail(err),
            timed_out=timed_out,
        )


async def _open(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None,
    stdin: str,
    out: IO[bytes],
    err: IO[bytes],
    user: ServiceUser | None,
) -> subprocess.Popen[bytes]:
    with tempfile.TemporaryFile() as given:
        given.write(stdin.encode())
        given.seek(0)
        return subprocess.Popen(
            list(argv),
            env=None if env is None else dict(env),
            stdin=given,
            stdout=out,
            stderr=err,
            start_new_session=True,
            user=None if user is None else user.user,
            group=None if user is None else user.group,
            extra_groups=None if user is None else (),
        )


def kill_group(pid: int) -> bool:
    """Kill the process group that `pid` leads; tell whether there was one."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


async def _gone(pid: int) -> None:
    """Wait until a process, a child or not, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except OSError:
        # Kernels before 5.3 have none.
        while _is_running(pid):
            await asyncio.sleep(_POLL_S)
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def _tail(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - OUTPUT_BYTES_MAX))
    return stream.read().decode(errors="replace")


# The shell is the session's leader: it writes down who it is, and then how the command ended. What
# protects this daemon (out-of-memory score, umask) is not for what it starts.
_KEEPER = """\
d=$RAFTMAKER_CHILD
unset RAFTMAKER_CHILD
umask 022
echo 0 2>/dev/null >/proc/self/oom_score_adj
echo "$$" >"$d/pid" || exit 125
"$@"
echo "$?" >"$d/code"
"""


class Kept:
    """A child that outlives this daemon; all that is known of it is in its own directory.

    The directory is made right before the fork and holds ``pid``, ``out``, ``err`` and, in the
    end, ``code``.
    """

    def __init__(self, directory: Path) -> None:
        """Name the directory; nothing is started."""
        self.directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def was_begun(self) -> bool:
        """Whether a start was tried, by us or by an earlier process."""
        return self.directory.exists()

    def start(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path = Path("/")) -> None:
        """Start the command. Raises OSError when the shell cannot be started."""
        self.directory.mkdir(parents=True)
        out, err = self.directory / "out", self.directory / "err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "raftmaker-child", *argv],
                env={**env, "RAFTMAKER_CHILD": str(self.directory)},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                # The daemon may have a group for its sockets; root's services are root's.
                group=0 if os.geteuid() == 0 and os.getegid() != 0 else None,
            )

    async def ended(self) -> Ended:
        """Wait for the end. Its code is None when the child was killed before it was known."""
        pid = await self._pid()
        if pid is not None:
            await _gone(pid)
        if self._process is not None:
            self._process.wait()
        text = self._read("code").strip()
        code = int(text) if text.isdigit() else None
        # As a shell tells it (POSIX 2.8.2): 128 and the signal's number.
        if code is not None and 128 < code <= 128 + signal.SIGRTMAX:
            code = 128 - code
        return Ended(code=code, stdout=self._read("out"), stderr=self._read("err"))

    def kill(self) -> None:
        """Kill the child's process group, if it is still there."""
        pid = self._known_pid()
        if pid is not None and (self._process is not None or self._is_ours(pid)):
            kill_group(pid)

    def forget(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.directory, ignore_errors=True)

    async def _pid(self) -> int | None:
        if self._process is not None:
            return self._process.pid
        # Begun a moment before the daemon died: the shell is about to write its number.
        for _ in range(20):
            pid = self._known_pid()
            if pid is not None:
                return pid if self._is_ours(pid) else None
            await asyncio.sleep(_POLL_S)
        return None

    def _known_pid(self) -> int | None:
        if self._process is not None:
            return self._process.pid
        text = self._read("pid").strip()
        return int(text) if text.isdigit() else None

    def _is_ours(self, pid: int) -> bool:
        """Whether that number is still this child and not a later process that got it."""
        with contextlib.suppress(OSError):
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            return f"RAFTMAKER_CHILD={self.directory}".encode() in environment
        return False

    def _read(self, name: str) -> str:
        try:
            with (self.directory / name).open("rb") as stream:
                return _tail(stream)
        except OSError:
            return ""
