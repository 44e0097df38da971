"""XML from outside: what could hurt is refused, with the reason (features 4.20)."""

from __future__ import annotations

import pytest

from cib_store.document import codec
from cib_store.document.codec import BYTES_MAX, DEPTH_MAX, BadXml, parse

BOMB = """<!DOCTYPE cib [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY z "&b;&b;">]><cib>&z;</cib>"""


@pytest.mark.parametrize(
    "text",
    [BOMB, '<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]><cib>&x;</cib>',
     '<!DOCTYPE cib SYSTEM "http://127.0.0.1:9/x.dtd"><cib/>', "<!DOCTYPE cib><cib/>",
     '<cib a="&x;"/>'],
)  # fmt: skip
def test_entities_and_document_types_are_refused(text: str) -> None:
    with pytest.raises(BadXml) as caught:
        parse(text)
    assert "root:" not in str(caught.value)


def test_nesting_has_a_limit() -> None:
    deep = DEPTH_MAX + 2
    with pytest.raises(BadXml, match=f"deeper than {DEPTH_MAX}"):
        parse("<a>" * deep + "</a>" * deep)
    assert parse("<a>" * DEPTH_MAX + "</a>" * DEPTH_MAX).tag == "a"
    with pytest.raises(BadXml):
        parse("<a>" * 100_000)


def test_length_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert BYTES_MAX < 64 * 1024 * 1024
    monkeypatch.setattr(codec, "BYTES_MAX", 100)
    with pytest.raises(BadXml, match="at most 100"):
        parse(f'<a b="{"x" * 100}"/>')
    assert parse(f'<a b="{"x" * 100}"/>', bytes_max=1000).tag == "a"
