"""The digest of an operation's parameters, as Pacemaker writes it into the history (features 7.27).

Apart from `digests`: the controller, which records it, need not load the scheduler.
"""

from __future__ import annotations

import hashlib

_ESCAPES = str.maketrans(
    {
        "<": "&lt;",
        ">": "&gt;",
        "&": "&amp;",
        '"': "&quot;",
        "\n": "&#10;",
        "\r": "&#13;",
        "\t": "&#9;",
    }
)


def digest_of(parameters: dict[str, str]) -> str:
    """Return the digest of parameters, as recorded in the operation history."""
    text = "".join(
        f' {name}="{parameters[name].translate(_ESCAPES)}"' for name in sorted(parameters)
    )
    return hashlib.md5(f" <parameters{text}/>\n".encode(), usedforsecurity=False).hexdigest()
