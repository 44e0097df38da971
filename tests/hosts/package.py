"""The Debian package on test hosts: built once, installed as an operator would."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.hosts.fleet import CHECKOUT, Host
from tests.hosts.guide import Typed

PLACE = "/srv"
"""Where the package's file is on a host, and where its user types."""


def build(directory: Path, build: Typed) -> Path:
    """Build the package as the guide says, or copy what RAFTMAKER_PACKAGE names; return its file.

    It has to have the name that the guide shows.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if given := os.environ.get("RAFTMAKER_PACKAGE"):
        return Path(shutil.copy(given, directory))
    done = subprocess.run(
        [*shlex.split(build.command), "--output", str(directory)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    mine = build.by({"dist": str(directory), "amd64": architecture()})
    assert not mine.not_printed(done.stdout), done.stdout
    return Path(done.stdout.splitlines()[-1])


@cache
def architecture() -> str:
    """Return what Debian calls this machine's architecture."""
    asked = ("dpkg", "--print-architecture")
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


_UNKNOWN = r'b"\xc2\x3e\x05newer"'
"""Field 1000 of a message, which no version has."""
NEWER = {
    "raftmaker/runtime/identity.py": (
        ("PROTOCOL = 1\n", "PROTOCOL = 2\n"),
        ("FEATURE_LEVEL = 1\n", "FEATURE_LEVEL = 2\n"),
    ),
    # A field in every entry of the log, and one in each node's facts, on the wire and in snapshots.
    "cib_store/messages/commands.py": (
        ('does into it."""\n', f'does into it."""\n    message.MergeFromString({_UNKNOWN})\n'),
    ),
    "cib_store/messages/facts.py": (
        ("        nodes=[_node_message(node) for node in facts.nodes],",
         "        nodes=[_newer(_node_message(node)) for node in facts.nodes],"),
        ("def _node_message(",
         f"def _newer(message: pb.NodeFacts) -> pb.NodeFacts:\n"
         f"    message.MergeFromString({_UNKNOWN})\n    return message\n\n\ndef _node_message("),
    ),
    # What older versions do not have is in no digest (`snapshots.digest`).
    "cib_store/messages/snapshots.py": (
        ('        node.ClearField("fence_action")\n',
         '        node.ClearField("fence_action")\n        node.DiscardUnknownFields()\n'),
    ),
}  # fmt: skip
"""What a next version might change by the promise of proto/README.md: old text, new text."""


def newer(package: Path, version: str) -> Path:
    """Return a later version that speaks a newer protocol and sends what this one does not know."""
    directory = package.parent / f"as-{version}"
    made = package.with_name(package.name.replace(package.name.split("_")[1], version))
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(directory)], check=True)
    control = directory / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {version}", control.read_text()))
    (home,) = directory.glob("usr/lib/raftmaker/lib/python3*/site-packages")
    for name, replaced in NEWER.items():
        _change(home / name, replaced)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(directory), str(made)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    shutil.rmtree(directory)
    return made


def _change(module: Path, replaced: Sequence[tuple[str, str]]) -> None:
    text = module.read_text()
    for old, new in replaced:
        assert text.count(old) == 1, f"{module.name} has changed: {old!r} is not there once"
        text = text.replace(old, new)
    module.write_text(text)
    # Compiled as the package's build does: what is there is used without a look at the source.
    options = ("-q", "--invalidation-mode", "unchecked-hash", "-f")
    subprocess.run(["/usr/bin/python3", "-m", "compileall", *options, module], check=True)


def put(host: Host, package: Path) -> None:
    """Put the package's file on a host's disk, before the boot: the host reaches no repository."""
    place = host.directory / "upper" / PLACE.strip("/")
    place.mkdir(parents=True, exist_ok=True)
    try:
        os.link(package, place / package.name)
    except OSError:  # another file system
        shutil.copy(package, place)


def give_editor(host: Host, change: str) -> None:
    """Give a host's user an editor that makes this change (of sed) to the file that he opens."""
    place = host.directory / "upper" / "usr" / "local" / "bin" / "editor"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f'#!/bin/sh\nexec sed -i {change} "$1"\n')
    place.chmod(0o755)
