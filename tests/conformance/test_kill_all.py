"""kill -9 of every voter at once, again and again, while snapshots are made.

Nothing acknowledged is lost, and all of it stays in the order of its acknowledgements (hazard 2).
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.conformance.test_replicated_log import PATIENCE_S, free_addresses

VOTER = Path(__file__).with_name("voter.py")
ROUNDS = 6


class Voter:
    def __init__(self, name: str, directory: Path, addresses: dict[str, str]) -> None:
        peers = [f"{node}={address}" for node, address in addresses.items()]
        self.process = subprocess.Popen(
            [sys.executable, str(VOTER), name, str(directory / name), *peers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def insist(self, line: str) -> str:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            answer = self.ask(line)
            if not answer.startswith("error"):
                return answer
            time.sleep(0.1)
        raise AssertionError(f"{line!r} was never answered")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    names = ["n0", "n1", "n2"]
    addresses = dict(zip(names, free_addresses(3), strict=True))
    acknowledged: list[str] = []
    for turn in range(ROUNDS):
        voters = [Voter(name, tmp_path, addresses) for name in names]
        try:
            held = voters[turn % 3].insist("?").removeprefix("dump").strip().split(",")
            # `insist` may have proposed an entry twice; none may be missing or out of order.
            assert [entry for entry in dict.fromkeys(held) if entry in acknowledged] == acknowledged
            for number in range(30):
                text = f"{turn}-{number}"
                if number in (10, 20):
                    voters[number % 3].ask("compact")
                assert voters[number % 3].insist(text) == f"ack {text}"
                acknowledged.append(text)
        finally:
            for voter in voters:
                voter.kill()
    assert len(acknowledged) == ROUNDS * 30
