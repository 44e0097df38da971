"""Secrets of parameters, kept on the nodes and out of the CIB (features 4.29, 27.31).

The CIB then holds ``lrm://`` in the place of the value, and each node has the value in
``secrets/RESOURCE/PARAMETER`` of its state directory, with its MD5 in ``PARAMETER.sign``: a file
that was cut off or edited by hand is noticed before an agent is given half of a password.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from raftmaker.runtime.private_file import write_private

MARK = "lrm://"
"""The value that stands for the local secret."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


Parameter = tuple[str, str]
"""Name and value; or resource and name."""


class NoSecret(Exception):
    """A secret is not there, or is not what was stored; the text says which, and what mends it."""


class Secrets:
    """The secrets of one node."""

    def __init__(self, directory: Path) -> None:
        """`directory`: ``secrets`` in the node's state directory."""
        self.directory = directory

    def filled(self, resource: str, given: Iterable[Parameter]) -> tuple[Parameter, ...]:
        """Return parameters with each secret in the place of its mark. Raises `NoSecret`.

        Instances of a clone share the secrets of the resource that they are instances of.
        """
        owner = resource.partition(":")[0]
        return tuple(
            (name, self.read(owner, name) if value == MARK else value) for name, value in given
        )

    def read(self, resource: str, parameter: str) -> str:
        """Return a secret, without a line's end after it. Raises `NoSecret`."""
        path = self._path(resource, parameter)
        try:
            text = path.read_text("utf-8").rstrip("\r\n")
            signed = _sign(path).read_text("ascii").strip()
        except FileNotFoundError:
            raise NoSecret(
                f"this node has no secret {parameter} of {resource}: set it with"
                f" 'cibsecret set {resource} {parameter}'"
            ) from None
        except (OSError, ValueError) as error:
            raise NoSecret(f"{path} cannot be read: {error}") from None
        if signature(text) != signed:
            raise NoSecret(
                f"{path} is not what was stored (its MD5 is another): set it again with"
                f" 'cibsecret set {resource} {parameter}'"
            )
        return text

    def take(self, resource: str, parameter: str, value: str | None) -> None:
        """Keep a secret, or keep it no longer. Raises `NoSecret`, OSError."""
        if value is None:
            self.remove(resource, parameter)
        else:
            self.write(resource, parameter, value)

    def write(self, resource: str, parameter: str, value: str) -> None:
        """Keep a secret; it is on the disk when this returns. Raises `NoSecret`, OSError."""
        if "\n" in value or "\0" in value:
            raise NoSecret("a secret is one line")
        path = self._path(resource, parameter)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The secret first: one with an older signature is refused, and never half of one given.
        write_private(path, value.encode())
        write_private(_sign(path), f"{signature(value)}\n".encode())

    def remove(self, resource: str, parameter: str) -> None:
        """Keep a secret no longer; none is no error. Raises `NoSecret`, OSError."""
        path = self._path(resource, parameter)
        _sign(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()  # the last one

    def kept(self) -> tuple[Parameter, ...]:
        """Return resource and parameter of each secret that is kept here, sorted."""
        signed = sorted(self.directory.glob("*/*.sign"))
        return tuple((path.parent.name, path.name.removesuffix(".sign")) for path in signed)

    def _path(self, resource: str, parameter: str) -> Path:
        for name in (resource, parameter):
            if not _NAME.fullmatch(name):
                raise NoSecret(f"{name!r} cannot be the name of a secret")
        return self.directory / resource / parameter


def _sign(path: Path) -> Path:
    return path.with_name(f"{path.name}.sign")


def signature(value: str) -> str:
    """Return what is kept beside a secret: the MD5 of its value."""
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()
