"""The settings of a controller that has no store: what two tests of it share."""

from __future__ import annotations

from pathlib import Path

_SETTINGS = """\
[cluster]
id = "lone-controller-test"
[node]
name = "n1"
[directories]
state = "{root}/state"
run = "{root}/run"
[[peers]]
name = "n1"
store = "127.0.0.1:1"
controller = "127.0.0.1:{port}"
fencer = "127.0.0.1:2"
"""


def lone_settings(root: Path, port: int) -> str:
    """Return the settings of node n1 with its directories under `root`; nobody is at its store."""
    return _SETTINGS.format(root=root, port=port)
