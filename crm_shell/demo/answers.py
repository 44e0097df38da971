"""Asks the service over and over, as its users would, and notes when it answered and from where."""

from __future__ import annotations

import http.client
import re
import threading
import time

from msgspec import Struct, field

from raftmaker.runtime.clock import boot_ms

_BETWEEN_S = 0.005
_PATIENCE_S = 0.25
"""A service on a node that hangs accepts a connection and never answers."""


class Answer(Struct, frozen=True, kw_only=True):
    """One answer: when it was complete, and its text."""

    at_ms: int
    text: str

    def is_from(self, node: str) -> bool:
        """Whether the page names the node."""
        return re.search(rf"\b{re.escape(node)}\b", self.text) is not None


class Asker(Struct):
    """A thread that fetches the page all the time; as a context manager it ends by itself."""

    host: str
    port: int
    last: Answer | None = None
    _waited_for: tuple[int, str] | None = None
    _found: Answer | None = None
    _event: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Asker:
        """Begin to ask."""
        self._thread = threading.Thread(target=self._run, name="asker", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop asking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def fetch(self) -> Answer | None:
        """Ask once; None when nothing answers in time."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_PATIENCE_S)
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            return Answer(at_ms=boot_ms(), text=text) if response.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            answer = self.fetch()
            if answer is not None:
                self.last = answer
                self._compare(answer)
            time.sleep(_BETWEEN_S)

    def _compare(self, answer: Answer) -> None:
        waited_for = self._waited_for
        if waited_for is None or self._found is not None:
            return
        after_ms, not_from = waited_for
        if answer.at_ms > after_ms and not answer.is_from(not_from):
            self._found = answer
            self._event.set()

    def expect(self, after_ms: int, not_from: str) -> None:
        """Look from now on for the first answer after that time that another node gives."""
        self._found = None
        self._event.clear()
        self._waited_for = (after_ms, not_from)

    def wait(self, timeout_s: float) -> Answer | None:
        """Wait for the answer that `expect` asked for; None when it does not come in time."""
        return self._found if self._event.wait(timeout_s) else None
