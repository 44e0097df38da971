"""A status as a page for browsers: the text's lines as nested lists (``--output-as=html``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import chain

_STYLE = """\
body { font-family: sans-serif } ul { margin-top: 0 }
.good { color: green } .bad { color: red; font-weight: bold } .idle { color: #b60 }"""
_CLASSES = (
    ("bad", r"\b(FAILED|OFFLINE|UNCLEAN|WITHOUT|NONE|DISABLED|BLOCKED)\b"),
    ("good", r"\b(Started|Promoted|Online|online)\b"),
    ("idle", r"\b(Stopped|standby|maintenance|unmanaged|pending|Unpromoted)\b"),
)


def page(
    text: str, *, title: str = "Cluster Status", stylesheet: str = "", refresh_s: float = 0
) -> str:
    """Return the page. `stylesheet`: an address in place of our style; `refresh_s`: 0 for never.

    `text` is what `crm_shell.status.text.render` made: titles, and items below them by depth.
    """
    if stylesheet:
        style = f'<link rel="stylesheet" href="{escape(stylesheet)}">'
    else:
        style = f"<style>{_STYLE}</style>"
    again = f'<meta http-equiv="refresh" content="{refresh_s:g}">' if refresh_s else ""
    head = ("<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">', again,
            f"<title>{escape(title)}</title>", style, "</head>", "<body>")  # fmt: skip
    return "\n".join(filter(None, chain(head, _body(text), ("</body>", "</html>"))))


def _body(text: str) -> Iterator[str]:
    depth = 0
    for line in text.splitlines():
        item = re.match(r"( +)\* (.*)", line)
        level = len(item[1]) // 2 if item else 0
        yield from ["<ul>"] * (level - depth) + ["</ul>"] * (depth - level)
        depth = level
        if item:
            yield f"<li>{_coloured(item[2])}</li>"
        elif line.strip():
            tag = "h2" if line.endswith(":") else "p"
            yield f"<{tag}>{_coloured(line.strip().removesuffix(':'))}</{tag}>"
    yield from ["</ul>"] * depth


def _coloured(text: str) -> str:
    html = escape(text)
    for name, pattern in _CLASSES:
        html = re.sub(pattern, rf'<span class="{name}">\1</span>', html)
    return html
